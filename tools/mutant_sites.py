"""Small faults that could be made in a module: where, what stands there, what would stand there instead.

Comparisons, arithmetic, booleans, numbers, conditions, returned values and dropped calls. Never texts,
docstrings, annotations, decorators, or what a class says of itself (`frozen=True`): those decide nothing that
a test could ask.
"""

from __future__ import annotations

import ast
import copy
import hashlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

_COMPARISONS: dict[type[ast.cmpop], tuple[type[ast.cmpop], ...]] = {
    ast.Lt: (ast.LtE, ast.GtE),
    ast.LtE: (ast.Lt, ast.Gt),
    ast.Gt: (ast.GtE, ast.LtE),
    ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.In: (ast.NotIn,),
    ast.NotIn: (ast.In,),
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.Mult,
    ast.Pow: ast.Mult,
}
_BOUNDS = frozenset({"max", "min", "round", "int", "sorted", "abs"})
"""Calls that may be left out, so that one of their arguments stands alone."""
_SHOWN = 70
Swap = Callable[[ast.AST], ast.AST]
"""Makes the faulty node of a copy of the node."""


class Site(NamedTuple):
    """One fault that could be made."""

    module: str
    """Path below the package, such as `memory/kv/plan.py`."""
    line: int
    text: str
    """The source line, stripped."""
    old: str
    new: str
    number: int
    """Of the node, in the order of `ast.walk`."""
    choice: int
    """Which of the node's faults."""
    twin: int
    """0, or how many faults before it look the same in the same line of text."""

    @property
    def fingerprint(self) -> str:
        """Twelve digits that stay while module, line of text and fault stay, wherever the line moves to."""
        twin = f"\n{self.twin}" if self.twin else ""
        told = f"{self.module}\n{self.text}\n{self.old}\n{self.new}{twin}"
        return hashlib.sha256(told.encode()).hexdigest()[:12]


def sites_of(module: str, source: str) -> list[Site]:
    """All faults that could be made in `source`, in the order of its lines."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    kept = set(_open(tree))
    lines = source.splitlines()
    found: list[Site] = []
    for number, node in enumerate(ast.walk(tree)):
        if node not in kept:
            continue
        line = _line(node, parents)
        for choice, swap in enumerate(_swaps(node, parents)):
            old, new = _told(node, swap, parents)
            found.append(Site(module, line, lines[line - 1].strip(), old, new, number, choice, 0))
    return _numbered(sorted(found, key=lambda site: (site.line, site.number, site.choice)))


def _numbered(sites: list[Site]) -> list[Site]:
    seen: dict[tuple[str, str, str], int] = {}
    numbered = []
    for site in sites:
        key = site.text, site.old, site.new
        numbered.append(site._replace(twin=seen.get(key, 0)))
        seen[key] = seen.get(key, 0) + 1
    return numbered


def mutated(source: str, site: Site) -> str:
    """`source` with the fault of `site` in it; its comments and spaces are lost."""
    tree = ast.parse(source)
    parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}
    node = list(ast.walk(tree))[site.number]
    swap = list(_swaps(node, parents))[site.choice]
    _put(parents[node], node, swap(copy.deepcopy(node)))
    return ast.unparse(ast.fix_missing_locations(tree))


def _open(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes below `node` in which a fault may be made."""
    for name, value in ast.iter_fields(node):
        if name in ("annotation", "returns", "decorator_list", "bases", "keywords") and not isinstance(
            node, ast.Call
        ):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield child
                yield from _open(child)


def _swaps(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> Iterator[Swap]:
    """The faults of one node; each makes a new node of a copy of it."""
    match node:
        case ast.Compare():
            for at, operator in enumerate(node.ops):
                for other in _COMPARISONS[type(operator)]:
                    yield _other_comparison(at, other)
        case ast.BinOp() if type(node.op) in _ARITHMETIC and not (_texts(node.left) or _texts(node.right)):
            yield _with(op=_ARITHMETIC[type(node.op)]())
        case ast.AugAssign() if type(node.op) in _ARITHMETIC and not _texts(node.value):
            yield _with(op=_ARITHMETIC[type(node.op)]())
        case ast.BoolOp():
            yield _with(op=ast.Or() if isinstance(node.op, ast.And) else ast.And())
        case ast.UnaryOp(op=ast.Not() | ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield lambda own: own.operand  # type: ignore[attr-defined]
        case ast.Constant(value=bool(value)):
            yield _with(value=not value)
        case ast.Constant(value=int() | float() as number):
            yield _with(value=number + 1)
            if number:
                yield _with(value=number - 1 if isinstance(number, int) else number / 2)
        case ast.Return(value=ast.expr() as value) if not _is_none(value):
            yield _with(value=ast.Constant(None))
        case ast.Expr(value=ast.Call()):
            yield lambda _: ast.Pass()
        case ast.Call(func=ast.Name(id=name), args=[_, *_] as args) if name in _BOUNDS:
            alone = [at for at, arg in enumerate(args) if not isinstance(arg, ast.GeneratorExp | ast.Starred)]
            yield from (_argument(at) for at in alone if name in ("max", "min") or at == 0)
        case ast.expr() if _is_condition(node, parents):
            yield lambda own: ast.UnaryOp(ast.Not(), own)  # type: ignore[arg-type]


def _with(**fields: object) -> Swap:
    def change(own: ast.AST) -> ast.AST:
        for name, value in fields.items():
            setattr(own, name, value)
        return own

    return change


def _other_comparison(at: int, other: type[ast.cmpop]) -> Swap:
    def change(own: ast.AST) -> ast.AST:
        own.ops[at] = other()  # type: ignore[attr-defined]
        return own

    return change


def _argument(at: int) -> Swap:
    return lambda own: own.args[at]  # type: ignore[attr-defined]


def _texts(node: ast.AST) -> bool:
    """Whether it is plainly a text or a list: no arithmetic."""
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str | bytes)
    return isinstance(node, ast.JoinedStr | ast.List | ast.ListComp | ast.Tuple | ast.Dict | ast.Set)


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _is_condition(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> bool:
    """A name, an attribute or a call that decides by its truth alone."""
    if not isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.NamedExpr):
        return False
    parent = parents[node]
    if isinstance(parent, ast.comprehension):
        return node in parent.ifs
    return isinstance(parent, ast.If | ast.IfExp | ast.While) and parent.test is node


def _line(node: ast.AST, parents: dict[ast.AST, ast.AST]) -> int:
    """Where it stands; inside an f-string, where that begins (Python 3.11 tells no more)."""
    own: ast.AST | None = node
    line = 0
    while own is not None:
        if isinstance(own, ast.JoinedStr) or not line:
            line = getattr(own, "lineno", 0)
        own = parents.get(own)
    return line


def _told(node: ast.AST, swap: Swap, parents: dict[ast.AST, ast.AST]) -> tuple[str, str]:
    """Old and new in words: with what stands around, where that is short."""
    own = copy.deepcopy(node)
    old, new = ast.unparse(node), ast.unparse(ast.fix_missing_locations(swap(own)))
    parent = parents[node]
    around = isinstance(
        parent, ast.expr | ast.keyword | ast.Assign | ast.AnnAssign | ast.AugAssign | ast.Return
    )
    if isinstance(node, ast.expr) and around and len(ast.unparse(parent)) <= _SHOWN:
        wider = copy.deepcopy(parent)
        twin = _same_place(parent, wider, node)
        _put(wider, twin, swap(copy.deepcopy(node)))
        return ast.unparse(parent), ast.unparse(ast.fix_missing_locations(wider))
    return " ".join(old.split()), " ".join(new.split())


def _same_place(parent: ast.AST, other: ast.AST, node: ast.AST) -> ast.AST:
    pairs = zip(ast.walk(parent), ast.walk(other), strict=True)
    return next(mirrored for one, mirrored in pairs if one is node)


def _put(parent: ast.AST, old: ast.AST, new: ast.AST) -> None:
    """`new` in the place that `old` has in `parent`."""
    for name, value in ast.iter_fields(parent):
        if value is old:
            setattr(parent, name, new)
        elif isinstance(value, list):
            value[:] = [new if item is old else item for item in value]
