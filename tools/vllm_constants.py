"""What constants of vLLM's modules stand for: lists of choices, members of an enum, rounds of a loop."""

from __future__ import annotations

import ast
import copy
from collections.abc import Iterator

from vllm_annotations import Names, _last

_SEQUENCES = ("list", "tuple", "set", "sorted")


class UnknownError(Exception):
    """The expression needs vLLM to run."""


class Constants:
    """Reads constants of one release."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def options(self, node: ast.expr, path: str) -> tuple[object, ...] | None:
        """The elements of a list, dict, literal type or enum, each once; None when it takes a run to know."""
        try:
            return tuple(dict.fromkeys(self._elements(node, path)))
        except UnknownError:
            return None

    def flat(self, body: list[ast.stmt], path: str) -> Iterator[ast.stmt]:
        """Statements in the order in which they run, those of branches too; of a loop those of each round."""
        for node in body:
            yield node
            match node:
                case ast.If():
                    yield from self.flat(node.body + node.orelse, path)
                case ast.With():
                    yield from self.flat(node.body, path)
                case ast.Try():
                    yield from self.flat(node.body + node.orelse + node.finalbody, path)
                case ast.For():
                    for values in self._rounds(node, path):
                        bound = [_Bound(values).visit(copy.deepcopy(inner)) for inner in node.body]
                        yield from self.flat(bound, path)

    def _rounds(self, loop: ast.For, path: str) -> Iterator[dict[str, ast.expr]]:
        source = loop.iter
        if isinstance(source, ast.Name):
            found = self._names.find(source.id, path)
            source = found[0] if found and isinstance(found[0], ast.expr) else source
        match source:
            case ast.Call(func=ast.Attribute(value=inner, attr="items")):
                source = inner
        match source:
            case ast.List(elts=rounds) | ast.Tuple(elts=rounds) | ast.Set(elts=rounds):
                pass
            case ast.Dict(keys=keys, values=values) if all(keys):
                pairs = zip(keys, values, strict=True)
                rounds = [ast.Tuple([key, value], ast.Load()) for key, value in pairs if key]
            case _:
                return
        for item in rounds:
            yield _bindings(loop.target, item)

    def _elements(self, node: ast.AST, path: str) -> Iterator[object]:
        match node:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                for item in items:
                    yield from self._element(item, path)
            case ast.Dict(keys=keys):
                for key in keys:
                    yield from self._element(key, path) if key else _unknown()
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                yield from self._elements(left, path)
                yield from self._elements(right, path)
            case ast.Call(func=ast.Attribute(value=value, attr="keys"), args=[]):
                yield from self._elements(value, path)
            case ast.Call(func=ast.Name(id=name), args=[inner]) if name in _SEQUENCES:
                yield from self._elements(inner, path)
            case ast.Call(func=function, args=[inner]) if _last(function) == "get_args":
                yield from self._literals(inner, path)
            case ast.ListComp(
                elt=ast.Attribute(value=ast.Name(id=item), attr="value"),
                generators=[ast.comprehension(target=ast.Name(id=same), iter=source, ifs=[])],
            ) if item == same:
                yield from self._members(source, path)
            case ast.Name(id=name):
                found = self._names.find(name, path)
                yield from self._elements(*found) if found else _unknown()
            case _:
                _unknown()

    def _element(self, node: ast.expr, path: str) -> Iterator[object]:
        match node:
            case ast.Constant(value=value):
                yield value
            case ast.Starred(value=value):
                yield from self._elements(value, path)
            case _:
                _unknown()

    def _literals(self, node: ast.expr, path: str) -> Iterator[object]:
        hints = self._names.hints(node, path)
        if not hints or any(hint.kind != "literal" for hint in hints):
            _unknown()
        for hint in hints:
            yield from hint.values

    def _members(self, node: ast.expr, path: str) -> Iterator[object]:
        found = self._names.find(node.id, path) if isinstance(node, ast.Name) else None
        match found:
            case (ast.ClassDef(body=body), where):
                for item in body:
                    if isinstance(item, ast.Assign):
                        yield from self._element(item.value, where)
            case _:
                _unknown()


class _Bound(ast.NodeTransformer):
    """Writes a round's values for the loop's names."""

    def __init__(self, values: dict[str, ast.expr]) -> None:
        self._values = values

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return self._values.get(node.id, node) if isinstance(node.ctx, ast.Load) else node


def _bindings(target: ast.expr, item: ast.expr) -> dict[str, ast.expr]:
    match target, item:
        case ast.Name(id=name), _:
            return {name: item}
        case (ast.Tuple(elts=names), ast.Tuple(elts=parts) | ast.List(elts=parts)) if len(names) == len(
            parts
        ):
            bound: dict[str, ast.expr] = {}
            for inner, part in zip(names, parts, strict=True):
                bound.update(_bindings(inner, part))
            return bound
    return {}


def _unknown() -> Iterator[object]:
    raise UnknownError
