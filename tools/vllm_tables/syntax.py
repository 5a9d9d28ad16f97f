"""Definitions found by name wherever they lie, and what of them matters: no texts, comments, annotations or
logging."""

from __future__ import annotations

import ast
import difflib
import hashlib
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from vllm_judge.source import Source

_DEFINES = re.compile(r"^[ ]{0,4}(?:class|def) (\w+)|^([A-Z_]\w+)[ ]*[:=]", re.MULTILINE)
_LOGGERS = {"logger", "warnings", "logging", "log"}
_PLACE = frozenset(
    {"lineno", "col_offset", "end_lineno", "end_col_offset", "ctx", "kind", "type_comment", "type_params"}
)


def definitions(source: Source, name: str, below: tuple[str, ...]) -> list[ast.stmt]:
    """Every `Class`, `Class.method`, `function` or `CONSTANT` of this name in files below one of `below`."""
    *owner, last = name.split(".")
    found = []
    for path in _index(source).get(owner[0] if owner else last, ()):
        if path.startswith(below):
            found += list(_named(source.tree(path).body, owner, last))
    return found


@lru_cache(maxsize=2)
def _index(source: Source) -> dict[str, list[str]]:
    """The files that define each name, by their text: it spares almost all the trees."""
    found: dict[str, list[str]] = {}
    for path in source.paths:
        for name in {one or other for one, other in _DEFINES.findall(source.text(path))}:
            found.setdefault(name, []).append(path)
    return found


def _named(body: list[ast.stmt], owner: list[str], last: str) -> Iterator[ast.stmt]:
    for node in body:
        match node:
            case ast.ClassDef(name=name) if owner and name == owner[0]:
                yield from _named(node.body, owner[1:], last)
            case ast.ClassDef(name=name) | ast.FunctionDef(name=name) if not owner and name == last:
                yield node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)) if (
                not owner and name == last
            ):
                yield node
            case ast.If() | ast.Try():
                yield from _named(node.body, owner, last)


def fingerprint(nodes: list[ast.stmt]) -> str | None:
    """Twelve hex digits of all definitions together, the same on each version of Python; None for none."""
    if not nodes:
        return None
    told = "\n".join(sorted({_dump(_bare(node)) for node in nodes}))
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def difference(old: list[ast.stmt], new: list[ast.stmt], lines: int = 16) -> list[str]:
    """What changed, as a short diff of what matters."""
    before, after = (
        [line for node in nodes for line in ast.unparse(_bare(node)).splitlines()] for nodes in (old, new)
    )
    changed = [
        line[:110]
        for line in difflib.unified_diff(before, after, n=0, lineterm="")
        if line[:2] not in ("--", "++", "@@")
    ]
    more = [f"... {len(changed) - lines} more lines"] if len(changed) > lines else []
    return changed[:lines] + more


def _bare(node: ast.stmt) -> ast.stmt:
    copy = ast.parse(ast.unparse(node)).body[0]
    return ast.fix_missing_locations(_Bare().visit(copy))  # type: ignore[no-any-return]


class _Bare(ast.NodeTransformer):
    """Takes away what changes nothing."""

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self._block(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._block(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        self.generic_visit(node)
        node.annotation = ast.Constant(...)
        return node

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """Texts and logging are left out; an empty block becomes `pass`."""
        if isinstance(node.value, ast.Constant) or _logs(node.value):
            return ast.Pass()
        return self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call):
            node.exc.args, node.exc.keywords = [], []
        return node

    def visit_Assert(self, node: ast.Assert) -> ast.AST:
        node.msg = None
        return self.generic_visit(node)

    def _block(self, node: Any) -> ast.AST:
        self.generic_visit(node)
        node.body = [item for item in node.body if not isinstance(item, ast.Pass)] or [ast.Pass()]
        return node  # type: ignore[no-any-return]


def _logs(node: ast.expr) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id in _LOGGERS
    )


def _dump(node: Any) -> str:
    """Unlike `ast.dump` the same on every version of Python: what is empty is left out."""
    if isinstance(node, ast.AST):
        parts = [
            f"{field}={_dump(value)}"
            for field, value in ast.iter_fields(node)
            if field not in _PLACE and value not in (None, [])
        ]
        return f"{type(node).__name__}({', '.join(parts)})"
    if isinstance(node, list):
        return "[" + ", ".join(map(_dump, node)) + "]"
    return repr(node)
