"""One function of vLLM run by itself, with a stand-in for every name that it asks for and does not bring
along.

So a default or a list is what vLLM's own lines give, not what a copy of them would.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping
from types import SimpleNamespace
from typing import Any

from vllm_judge.source import Source


class Anything:
    """Has every attribute, may be called, and is false, empty and equal to nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Anything()

    def __call__(self, *_: Any, **__: Any) -> Any:
        return Anything()

    def __getitem__(self, _: Any) -> Any:
        return Anything()

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __contains__(self, _: Any) -> bool:
        return False

    def __hash__(self) -> int:
        return id(self)

    def _no(self, _: Any) -> bool:
        return False

    __eq__ = __lt__ = __le__ = __gt__ = __ge__ = _no

    def __ne__(self, _: Any) -> bool:
        return True


class Given(SimpleNamespace):
    """What a function is given; what was not named is `Anything`."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Anything()


class Platform:
    """vLLM's view of one NVIDIA GPU; its capability x 10, its memory in bytes."""

    def __init__(self, capability: int, memory: int = 0, name: str = "") -> None:
        self.capability, self._memory, self._name = capability, memory, name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return lambda *_, **__: name in ("is_cuda", "is_cuda_alike")

    def get_device_total_memory(self, _: int = 0) -> int:
        """In bytes."""
        return self._memory

    def get_device_name(self, _: int = 0) -> str:
        """As the driver tells it."""
        return self._name

    def get_device_capability(self, _: int = 0) -> Any:
        """A tuple, with `to_int`."""
        major, minor = divmod(self.capability, 10)
        return _Capability(major, minor)

    def has_device_capability(self, wanted: Any, _: int = 0) -> bool:
        """Whether it is this one or a later."""
        return self.capability >= _number(wanted)

    def supports_fp8(self) -> bool:
        """From Ada on."""
        return self.capability >= 89

    def is_device_capability(self, wanted: Any, _: int = 0) -> bool:
        """Whether it is this very one."""
        return self.capability == _number(wanted)

    def is_device_capability_family(self, wanted: int, _: int = 0) -> bool:
        """Whether it is one of a major version."""
        return self.capability // 10 == _number(wanted) // 10


class _Capability(tuple[int, int]):
    def __new__(cls, major: int, minor: int) -> _Capability:
        return super().__new__(cls, (major, minor))

    major = property(lambda self: self[0])
    minor = property(lambda self: self[1])

    def to_int(self) -> int:
        return self[0] * 10 + self[1]


def _number(wanted: Any) -> int:
    return wanted[0] * 10 + wanted[1] if isinstance(wanted, tuple) else int(wanted)


def runnable(function: ast.FunctionDef, names: Mapping[str, Any]) -> Any:
    """The function with `names` for what it refers to, and `Anything` for the rest.

    Its imports bring what `names` has, too; its annotations and decorators are left out.
    """
    made = ast.parse(ast.unparse(function)).body[0]
    assert isinstance(made, ast.FunctionDef)
    made.decorator_list, made.returns = [], None
    for argument in (*made.args.posonlyargs, *made.args.args, *made.args.kwonlyargs):
        argument.annotation = None
    scope: dict[str, Any] = {
        node.id: _library if node.id.startswith("has_") else Anything()
        for node in ast.walk(made)
        if isinstance(node, ast.Name) and not _builtin(node.id)
    }

    def bring(name: str, *_: Any, **__: Any) -> Any:
        return Given(**names)

    scope.update(names)
    scope["__builtins__"] = {**vars(builtins), "__import__": bring}
    module = ast.fix_missing_locations(
        ast.Module([ast.ImportFrom("__future__", [ast.alias("annotations")], 0), made], [])
    )
    exec(compile(module, "<vllm>", "exec"), scope)
    return scope[made.name]


def _library(*_: Any) -> bool:
    """Whether a library such as FlashInfer is there: in vLLM's images they are."""
    return True


def _builtin(name: str) -> bool:
    return hasattr(builtins, name)


def function(source: Source, paths: tuple[str, ...], name: str) -> ast.FunctionDef | None:
    """`Class.method` or `function` in the first of the files that has it."""
    *owner, last = name.split(".")
    for path in paths:
        if path not in source.paths:
            continue
        body: list[ast.stmt] = source.tree(path).body
        for part in owner:
            body = next(
                (node.body for node in body if isinstance(node, ast.ClassDef) and node.name == part), []
            )
        for node in body:
            if isinstance(node, ast.FunctionDef) and node.name == last:
                return node
    return None
