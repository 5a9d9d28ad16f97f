"""Which capabilities the kernels of expert layers accept: their own tests, run for each capability."""

from __future__ import annotations

import ast
import contextlib
from collections.abc import Iterator
from itertools import product
from typing import Any

from vllm_judge.source import Source
from vllm_tables.lenient import Platform, runnable

_ROOTS = ("vllm/model_executor/layers/fused_moe/", "vllm/model_executor/layers/quantization/")
_DEVICE, _SCHEME = "_supports_current_device", "_supports_quant_scheme"
CAPABILITIES = (70, 75, 80, 86, 89, 90, 100, 103, 110, 120, 121)


Accepted = list[int] | str
"""Capabilities x 10, or `every`."""


def devices(source: Source) -> dict[str, Accepted]:
    """Capabilities by class, by its test of the device; none where it never runs on an NVIDIA GPU.

    A class whose test hangs on something else than the device (a library's own function) is not there.
    """
    found = {}
    for name, method in _methods(source, _DEVICE):
        asked = _Asked(method, {})
        answers = {capability: asked.answer(capability) for capability in CAPABILITIES}
        if None not in answers.values():
            found[name] = _short([capability for capability, answer in answers.items() if answer])
    return found


def schemes(source: Source) -> dict[str, Accepted]:
    """Capabilities by `Class weights / activations`, in vLLM's own names of the schemes; of `devices`
    NVIDIA's."""
    found = {}
    elsewhere = {name for name, accepted in devices(source).items() if not accepted}
    for name, method in _methods(source, _SCHEME):
        keys = [None, *sorted(_keys(method))]
        asked = _Asked(method, {key: key for key in keys if key})
        for weights, activations in product(keys, keys) if name not in elsewhere else ():
            accepted = [one for one in CAPABILITIES if asked.answer(one, weights, activations)]
            if accepted:
                found[f"{name} {_said(weights)} / {_said(activations)}"] = _short(accepted)
    return found


class _Asked:
    """One test of a class, compiled once."""

    def __init__(self, method: ast.FunctionDef, names: dict[str, Any]) -> None:
        self._platform = Platform(0)
        given = {"current_platform": self._platform, "p": self._platform, **names}
        self._test = runnable(method, given)
        self._arguments = len(method.args.args)

    def answer(self, capability: int, *arguments: Any) -> bool | None:
        """What it says; None when it needs more than the device. In front of `arguments` is the class."""
        self._platform.capability = capability
        given = [None] * (self._arguments - len(arguments)) + list(arguments)
        with contextlib.suppress(Exception):
            said = self._test(*given)
            return said if isinstance(said, bool) else None
        return None


def _short(accepted: list[int]) -> Accepted:
    return "every" if accepted == list(CAPABILITIES) else accepted


def _methods(source: Source, wanted: str) -> Iterator[tuple[str, ast.FunctionDef]]:
    for path in source.paths:
        if not path.startswith(_ROOTS) or wanted not in source.text(path):
            continue
        for node in ast.walk(source.tree(path)):
            if isinstance(node, ast.ClassDef):
                for item in node.body:
                    if isinstance(item, ast.FunctionDef) and item.name == wanted:
                        yield node.name, item


def _keys(method: ast.FunctionDef) -> set[str]:
    """vLLM's names of quantization keys: `kFp8StaticTensorSym`."""
    names = {node.id for node in ast.walk(method) if isinstance(node, ast.Name)}
    return {name for name in names if name[:1] == "k" and name[1:2].isupper()}


def _said(key: str | None) -> str:
    return "none" if key is None else key[1:]
