"""Tensors without memory: what a model allocates lies on PyTorch's meta device, where only shapes exist."""

from __future__ import annotations

from typing import Any

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors

_MOVES = ("to", "cuda", "pin_memory", "cpu")
_ALIKE = ("empty_like", "zeros_like", "ones_like", "full_like", "rand_like", "randn_like")
_WRITES = ("__setitem__", "copy_")


class OnMeta(TorchFunctionMode):  # type: ignore[misc]
    """Sends allocations to meta, and moves between devices nowhere.

    Some models compute on tensors while they are built. With `small`, tensors of at most that many elements
    are real ones on the CPU, and writing a shape into one of them does nothing.
    """

    def __init__(self, small: int = 0) -> None:
        super().__init__()
        self._small = small
        self._constructors = _device_constructors()

    def __torch_function__(
        self, function: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        named = dict(kwargs or {})
        name = getattr(function, "__name__", "")
        if function in self._constructors:
            return function(*args, **self._placed(function, args, named))
        if name in _ALIKE:  # beside the tensor that they are like
            return function(*args, **{key: value for key, value in named.items() if key != "device"})
        if name == "_parse_to":
            dtypes = [item for item in args if isinstance(item, torch.dtype)]
            return None, dtypes[0] if dtypes else named.get("dtype"), False, None
        if name in _MOVES and args and isinstance(args[0], torch.Tensor):
            return _moved(function, name, args, named)
        if self._small and name in _WRITES and any(_shape_only(item) for item in args):
            return args[0]
        return function(*args, **named)

    def _placed(self, function: Any, args: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        wanted = named.get("device")
        kind = str(getattr(wanted, "type", wanted) or "")
        if (
            wanted is not None
            and not isinstance(wanted, int)
            and not kind.startswith(("cuda", "meta", "cpu"))
        ):
            return named
        if kind.startswith("cpu") and not self._small:
            return named
        return {**named, "device": self._device(function, args, named)}

    def _device(self, function: Any, args: tuple[Any, ...], named: dict[str, Any]) -> str:
        if not self._small:
            return "meta"
        with torch._C.DisableTorchFunction():
            try:
                probe = function(*args, **{**named, "device": "meta"})
            except (RuntimeError, TypeError, NotImplementedError):
                return "cpu"
        return "cpu" if isinstance(probe, torch.Tensor) and probe.numel() <= self._small else "meta"


def _moved(function: Any, name: str, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
    if name != "to":
        return args[0]
    rest = [item for item in args[1:] if item is not None and not isinstance(item, (str, bool, torch.device))]
    kept = {key: value for key, value in named.items() if key not in ("device", "non_blocking")}
    if not rest and not set(kept) - {"copy"}:
        return args[0]
    return function(args[0], *rest, **kept)


def _shape_only(item: object) -> bool:
    return isinstance(item, torch.Tensor) and item.is_meta
