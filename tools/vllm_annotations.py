"""Annotations of vLLM's config classes, resolved through its imports without running any of it."""

from __future__ import annotations

import ast

import msgspec

from vllm_judge.source import Source

_DATACLASS = {"config", "dataclass", "pydantic_dataclass"}
_TYPING = {"Optional", "Union", "Annotated", "ClassVar", "Literal", "SkipValidation", "Required"}


class Hint(msgspec.Struct, frozen=True):
    """One member of a union: `bool`, `int`, `float`, `str`, `none`, `literal`, `list`, `set`, `tuple`,
    `dict`, `dataclass` or `other`."""

    kind: str
    values: tuple[object, ...] = ()
    """Options of a literal."""
    items: tuple[Hint, ...] = ()
    """Members of the element type of a collection."""


class Field(msgspec.Struct, frozen=True):
    """One field of a config class."""

    name: str
    hints: tuple[Hint, ...]


class Names:
    """The names of one release's modules: assignments, classes and imports, as they are at run time."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self._tables: dict[str, dict[str, ast.AST]] = {}

    def table(self, path: str) -> dict[str, ast.AST]:
        """What a module's top level binds; of `if TYPE_CHECKING` only the `else` counts."""
        if path not in self._tables:
            table: dict[str, ast.AST] = {}
            self._collect(self.source.tree(path).body, table)
            self._tables[path] = table
        return self._tables[path]

    def find(self, name: str, path: str, *, depth: int = 0) -> tuple[ast.AST, str] | None:
        """What `name` stands for in a module, and the module that says so."""
        node = self.table(path).get(name)
        if depth > 10:
            return None
        if node is None:
            return self._from_stars(name, path, depth)
        if isinstance(node, ast.ImportFrom):
            target = self.source.module(self._absolute(node, path))
            original = next((item.name for item in node.names if (item.asname or item.name) == name), name)
            return self.find(original, target, depth=depth + 1) if target else None
        return node, path

    def _from_stars(self, name: str, path: str, depth: int) -> tuple[ast.AST, str] | None:
        """`from x import *`: the module's own names go before, and the last star wins."""
        for node in reversed(self.source.tree(path).body):
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                target = self.source.module(self._absolute(node, path))
                found = self.find(name, target, depth=depth + 1) if target else None
                if found is not None:
                    return found
        return None

    def hints(self, node: ast.expr, path: str, *, depth: int = 0) -> tuple[Hint, ...]:
        """The members of an annotation."""
        if depth > 12:
            return (Hint("other"),)
        match node:
            case ast.Constant(value=None):
                return (Hint("none"),)
            case ast.Constant(value=str(text)) if not depth:  # inside a union it stays a name, unresolved
                return self.hints(ast.parse(text, mode="eval").body, path, depth=depth + 1)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                return self.hints(left, path, depth=depth + 1) + self.hints(right, path, depth=depth + 1)
            case ast.Subscript(value=base, slice=inner):
                return self._subscript(_last(base), inner, path, depth)
            case ast.Name(id=name):
                return self._name(name, path, depth)
        return (Hint("other"),)

    def fields(self, name: str, path: str) -> tuple[Field, ...]:
        """The fields of a config class, inherited ones first."""
        found = self.find(name, path)
        if found is None or not isinstance(found[0], ast.ClassDef):
            return ()
        node, where = found[0], found[1]
        result: dict[str, Field] = {}
        for base in node.bases:
            if isinstance(base, ast.Name):
                result.update((field.name, field) for field in self.fields(base.id, where))
        for item in node.body:
            if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name):
                if (
                    _last(item.annotation.value) == "ClassVar"
                    if isinstance(item.annotation, ast.Subscript)
                    else False
                ):
                    continue
                result[item.target.id] = Field(item.target.id, self.hints(item.annotation, where))
        return tuple(result.values())

    def _collect(self, body: list[ast.stmt], table: dict[str, ast.AST]) -> None:
        for node in body:
            match node:
                case ast.Assign(targets=[ast.Name(id=name)], value=value):
                    table[name] = value
                case ast.AnnAssign(target=ast.Name(id=name), value=value) if value is not None:
                    table[name] = value
                case ast.ClassDef(name=name):
                    table[name] = node
                case ast.ImportFrom(names=names):
                    table.update(((item.asname or item.name), node) for item in names)
                case ast.If(test=test, body=inner, orelse=other):
                    if _last(test) == "TYPE_CHECKING":
                        self._collect(other, table)
                    else:
                        self._collect(inner + other, table)
                case ast.Try(body=inner):
                    self._collect(inner, table)
                case _ if type(node).__name__ == "TypeAlias":
                    table[node.name.id] = node.value  # type: ignore[attr-defined]

    def _absolute(self, node: ast.ImportFrom, path: str) -> str:
        if not node.level:
            return node.module or ""
        package = path.removesuffix("/__init__.py").removesuffix(".py").split("/")
        if not path.endswith("/__init__.py"):
            package = package[:-1]
        package = package[: len(package) - (node.level - 1)]
        return ".".join([*package, *([node.module] if node.module else [])])

    def _name(self, name: str, path: str, depth: int) -> tuple[Hint, ...]:
        if name in ("bool", "int", "float", "str"):
            return (Hint(name),)
        if name in ("list", "set", "tuple", "dict", "List", "Dict"):
            return (Hint(name.lower()),)
        found = self.find(name, path)
        if found is None:
            return (Hint("other"),)
        node, where = found
        if isinstance(node, ast.ClassDef):
            return (_class(node),)
        return self.hints(node, where, depth=depth + 1) if isinstance(node, ast.expr) else (Hint("other"),)

    def _subscript(self, base: str, inner: ast.expr, path: str, depth: int) -> tuple[Hint, ...]:
        parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
        if base == "Optional":
            return (*self.hints(parts[0], path, depth=depth + 1), Hint("none"))
        if base == "Union":
            return tuple(hint for part in parts for hint in self.hints(part, path, depth=depth + 1))
        if base in ("Annotated", "SkipValidation"):
            return self.hints(parts[0], path, depth=depth + 1)
        if base == "Literal":
            return (Hint("literal", values=tuple(self._options(parts, path))),)
        if base in ("list", "set", "tuple", "List", "Sequence"):
            kind = {"List": "list", "Sequence": "list"}.get(base, base)
            return (Hint(kind, items=self.hints(parts[0], path, depth=depth + 1)),)
        return (Hint("dict"),) if base in ("dict", "Dict", "Mapping") else (Hint("other"),)

    def _options(self, parts: list[ast.expr], path: str) -> list[object]:
        options: list[object] = []
        for part in parts:
            if isinstance(part, ast.Constant):
                options.append(part.value)
            else:
                for hint in self.hints(part, path, depth=1):
                    options += hint.values
        return options


def _class(node: ast.ClassDef) -> Hint:
    decorators = {_last(item.func if isinstance(item, ast.Call) else item) for item in node.decorator_list}
    bases = {_last(base.value if isinstance(base, ast.Subscript) else base) for base in node.bases}
    if decorators & _DATACLASS:
        return Hint("dataclass")
    return Hint("dict") if "dict" in bases else Hint("other")


def _last(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
