"""A model's arguments as the engine will take them: read by the release's own parser, then for what they
mean.

Two readers would give two answers: an abbreviated, dotted or negated flag that only one of them understands
makes a verdict about another server than the one that starts.
"""

from __future__ import annotations

import json
from typing import Any

from modelcar_tui.vllm.arguments import Argument, take_apart
from modelcar_tui.vllm.engine_args import EngineArgs, parse_args

_LEVEL, _OVERRIDES = "-O", "--hf-overrides"
_SIZES = frozenset(["--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"])
_INTO_CONFIG = {"--rope-scaling": "rope_scaling", "--rope-theta": "rope_theta"}
"""Flags that old releases write into config.json's values, as `--hf-overrides` does (vllm config
ModelConfig)."""


def engine_args(args: tuple[str, ...], gpu_count: int | None, vllm: str | None) -> EngineArgs:
    """What one model's arguments ask of the engine.

    Args:
        args: as in the manifest.
        gpu_count: wins over `--tensor-parallel-size`, as in the QA suite; without any argument nobody passes
        a
            size, and vLLM takes one GPU of them. None leaves the arguments' own size.
        vllm: the release whose parser reads them; None takes the newest in the table.
    """
    count = 1 if gpu_count is not None and not args else gpu_count
    return parse_args(spelled_out(args, vllm), count, vllm=vllm)


def server_args(args: tuple[str, ...], gpu_count: int, vllm: str | None) -> EngineArgs:
    """`engine_args` of the server as KServe starts it.

    The sizes that the arguments name count, whatever `gpu_count` says: the QA suite would replace the tensor
    parallel size by it, KServe does not. Where they name none it is `gpu_count`, which our proposals write
    down.
    """
    named = {argument.name for argument in take_apart(args, vllm) if argument.flag is not None}
    return engine_args(args, None if named & _SIZES else gpu_count, vllm)


def spelled_out(args: tuple[str, ...], vllm: str | None) -> tuple[str, ...]:
    """The same arguments with every flag by its full name: `--flag=value`, and `=false` for a negated switch.

    Dotted keys come last, gathered into one JSON object a flag, as vLLM's parser appends them. What this
    release's parser does not know stays as it is; what stands behind `--` is no flag and is left out.
    """
    arguments = take_apart(args, vllm)
    plain: list[str] = []
    gathered: dict[str, dict[str, Any]] = {}
    for argument in arguments:
        if argument.separator:
            break
        if argument.flag is None:
            plain += args[argument.index : argument.index + argument.items]
        elif argument.written == _LEVEL:
            plain.append(_level(argument.value))
        elif argument.dotted:
            _gather(argument, gathered.setdefault(argument.name, {}))
        else:
            plain.append(_item(argument))
    changed = overrides(arguments)
    if changed:
        gathered[_OVERRIDES] = changed
    return (*plain, *(f"{flag}={json.dumps(found)}" for flag, found in gathered.items()))


def overrides(arguments: tuple[Argument, ...]) -> dict[str, Any]:
    """What the arguments put in the place of config.json's own values; empty where they change none."""
    found: dict[str, Any] = {}
    for argument in arguments:
        value = _value(argument.value or "")
        if argument.flag is None or argument.value is None:
            continue
        if argument.name in _INTO_CONFIG:
            found[_INTO_CONFIG[argument.name]] = value
        elif argument.name == _OVERRIDES and argument.dotted:
            _gather(argument, found)
        elif argument.name == _OVERRIDES and isinstance(value, dict):
            found |= value
    return found


def _item(argument: Argument) -> str:
    if argument.negated and argument.value is None:
        return f"{argument.name}=false"
    return argument.name if argument.value is None else f"{argument.name}={argument.value}"


def _level(value: str | None) -> str:
    """`-O3`, or `-O.mode=3` as a key of the compilation configuration."""
    key, equals, inner = (value or "").partition("=")
    text = json.dumps({key: _value(inner)}) if equals else key
    return f"{_LEVEL}={text}" if text else _LEVEL


def _gather(argument: Argument, found: dict[str, Any]) -> None:
    """`--x.a.b=1` as `{"a": {"b": 1}}`."""
    *path, last = argument.written.partition(".")[2].rstrip("+").split(".")
    for key in path:
        inner = found.setdefault(key, {})
        if not isinstance(inner, dict):
            return  # a key that is a value already: the parser would refuse it
        found = inner
    found[last] = _value(argument.value or "")


def _value(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text
