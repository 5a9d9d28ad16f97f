"""Numbers outside the bounds that the release's configuration classes state (`Field(ge=1)` and the like)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modelcar_tui.vllm.arguments.values import decimal, tokens_in
from modelcar_tui.vllm.refused.asked import Asked, Refusal, Refusals
from modelcar_tui.vllm.value_table import range_table

_ARGUMENTS = "arguments"
_LIMITS = "--limit-mm-per-prompt"
_LIMITS_CHECKED = "0.11.1"
"""Since when a limit of modalities, a number or an object with sizes, is checked."""
_OPEN = ("--max-model-len",)
"""-1 is `auto` or wrong by release: the parser's own rule says it."""


def ranges(asked: Asked) -> Refusals:
    """Flags and keys of objects, by the table; a value that has its own fault already is left to that."""
    for argument in asked.arguments:
        if argument.name not in _OPEN and asked.accepted(argument):
            bounds = range_table().value(_ARGUMENTS, argument.name, asked.release)
            if said := outside(_number(argument.value or ""), bounds or {}):
                yield _refused(argument.name, f"{argument.name}={argument.value}: {said}")
    for flag, keys in range_table().groups.items():
        if flag != _ARGUMENTS and asked.has(flag):
            found = asked.object(flag)
            for key in keys:
                value, bounds = _inner(found, key), range_table().value(flag, key, asked.release)
                if said := outside(value, bounds or {}):
                    yield _refused(flag, f"{flag}: `{key}` is {value}: {said}")
    yield from _limits(asked)


def _limits(asked: Asked) -> Refusals:
    """How many images and the like a prompt may hold, and how large (config/multimodal.py
    BaseDummyOptions)."""
    if not asked.since(_LIMITS_CHECKED):
        return
    for kind, told in asked.object(_LIMITS).items():
        count = told.get("count") if isinstance(told, dict) else told
        if said := outside(count, {"ge": 0}):
            yield _refused(_LIMITS, f"{_LIMITS}: {count} of {kind}: {said}")
        for size, value in told.items() if isinstance(told, dict) else ():
            if size != "count" and (said := outside(value, {"gt": 0})):
                yield _refused(_LIMITS, f"{_LIMITS}: {size} of {kind} is {value}: {said}")


def outside(value: object, bounds: Mapping[str, float]) -> str:
    """Which bound a number breaks, in a few words; empty for none, and for what is no number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return ""
    return next(_broken(value, bounds), "")


def _broken(value: float, bounds: Mapping[str, float]) -> Iterator[str]:
    for name, bound in bounds.items():
        match name:
            case "ge" if value < bound:
                yield f"it must be at least {bound:g}"
            case "gt" if value <= bound:
                yield f"it must be more than {bound:g}"
            case "le" if value > bound:
                yield f"it must be at most {bound:g}"
            case "lt" if value >= bound:
                yield f"it must be less than {bound:g}"


def _number(text: str) -> float | None:
    whole = tokens_in(text)
    return decimal(text) if whole is None else whole


def _inner(found: Mapping[str, Any], key: str) -> object:
    """`outer.inner` of nested objects; None where it is not there."""
    value: object = found
    for name in key.split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _refused(flag: str, what: str) -> Refusal:
    return Refusal(code="value-range", flag=flag, what=what, fix="correct the value, or delete it")
