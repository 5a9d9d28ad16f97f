"""Stand-ins for what is compiled: vLLM's own operators and packages that only a machine with CUDA has.

vLLM's Python code decides shapes, specs and plans; the operators are only named on the way. So a call of one
answers nothing, a question for support answers yes (vLLM's selector chooses among all backends of the card),
and a module that was never compiled is an empty one. Import this before anything of vLLM's.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
import torch.library
from torch._ops import _OpNamespace

COMPILED = (
    "vllm._C",
    "vllm._moe_C",
    "vllm._rocm_C",
    "vllm._flash",
    "vllm._qutlass",
    "vllm._deep_gemm",
    "vllm.vllm_flash_attn._vllm_fa",
    "vllm.cumem_allocator",
    "vllm.fs_io_C",
    "vllm.spinloop",
    "vllm.tilelang_utils",
)
"""Beginnings of vLLM's own compiled modules, and of those that fail to import where nothing is compiled."""
_PERHAPS = ("vllm.third_party.", "vllm.vllm_flash_attn")
"""What some releases bring along and others build: an empty one stands in only where there is none."""
OF_CUDA = (
    *("cuda", "cutlass", "tilelang", "quack", "deep_gemm", "deep_ep", "fla", "tvm", "tvm_ffi", "flashinfer"),
    *("flash_attn", "flash_attn_interface", "aiter", "amdsmi", "pynvml", "nixl", "xformers"),
)
"""Packages that may be absent: an empty one stands in once an import fails (`StandIns.wanted`)."""
_NAMESPACES = ("vllm", "torchvision", "xformers")


class Anything:
    """Whatever is asked of it: a class to inherit, a decorator, a value to call or to look into."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def __call__(self, *args: object, **named: object) -> object:
        decorates = len(args) == 1 and not named and isinstance(args[0], types.FunctionType)
        return args[0] if decorates else Anything()

    def __getattr__(self, name: str) -> Anything:
        if name.startswith("__"):
            raise AttributeError(name)
        return Anything()

    def __mro_entries__(self, _: object) -> tuple[type, ...]:
        return (object,)

    def __class_getitem__(cls, _: object) -> type:
        return cls

    def __getitem__(self, _: object) -> Anything:
        return Anything()

    def __iter__(self) -> Iterator[object]:
        return iter(())


class StandIns(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds empty modules for names that begin with `beginnings` and, once `wanted`, for whole packages."""

    def __init__(self, beginnings: tuple[str, ...]) -> None:
        self._beginnings = beginnings
        self.wanted: set[str] = set()

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: types.ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.startswith(self._beginnings) or fullname.partition(".")[0] in self.wanted:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        module.__getattr__ = _member  # type: ignore[method-assign]
        module.__path__ = []
        module.__file__ = f"absent/{module.__name__}.py"


STAND_INS = StandIns(_PERHAPS)
"""Asked last."""


def _member(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(name)
    return type(name, (Anything,), {}) if name[:1].isupper() else Anything()


class _Operator:
    """An operator that was not compiled: it supports everything, is of size 0, and returns nothing."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __call__(self, *_: object, **__: object) -> object:
        if "support" in self._name:
            return True
        return 0 if "size" in self._name or "max_" in self._name else None

    def __getattr__(self, _: str) -> _Operator:
        return self


def install() -> None:
    """Put the stand-ins in place; once a process, before vLLM is imported."""
    sys.meta_path.insert(0, StandIns(COMPILED))
    sys.meta_path.append(STAND_INS)
    _answer_for_operators()
    _forgive_fakes()


def _answer_for_operators() -> None:
    found = _OpNamespace.__getattr__

    def member(self: Any, name: str) -> object:
        try:
            return found(self, name)
        except AttributeError:
            ours = self.name.startswith("_") or self.name in _NAMESPACES
            if ours and not name.startswith("__"):
                return _Operator(name)
            raise

    _OpNamespace.__getattr__ = member


def _forgive_fakes() -> None:
    """`register_fake` of an operator that was not compiled does nothing."""
    register = torch.library.register_fake

    def forgiving(op: Any, func: Any = None, /, **named: Any) -> Any:
        def decorate(function: Callable[..., object]) -> object:
            try:
                return register(op, function, **named)
            except Exception:  # noqa: BLE001 - which one differs between releases of PyTorch
                return function

        return decorate if func is None else decorate(func)

    torch.library.register_fake = forgiving
