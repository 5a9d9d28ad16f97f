"""Whether a value fits its flag: type, choices and range."""

from __future__ import annotations

import json
import re

from modelcar_tui.data.vllm_arguments import Flag

_HUMAN = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT])")
_DECIMAL = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_POSITIVE = frozenset(
    [
        "--tensor-parallel-size",
        "--pipeline-parallel-size",
        "--data-parallel-size",
        "--max-num-seqs",
        "--max-num-batched-tokens",
        "--max-model-len",
        "--block-size",
    ]
)


def tokens(value: str | None) -> int | None:
    """A number as vLLM reads it: `32768`, `16k` (16,000), `16K` (16,384); None for anything else."""
    text = (value or "").strip()
    match = _HUMAN.fullmatch(text)
    try:
        if not match:
            return int(text[:40])
        number, unit = match.groups()
        return int(float(number) * _DECIMAL[unit]) if unit in _DECIMAL else int(number) * _BINARY[unit]
    except (ValueError, OverflowError):
        return None


def wrong(flag: Flag, value: str) -> str:
    """What is wrong with a value for vLLM's parser, in a few words; empty when nothing is."""
    match flag.kind:
        case "int":
            return "" if _number(value, int) else "it wants a whole number"
        case "human" | "tokens":
            if flag.kind == "tokens" and value.strip().lower() in ("auto", "-1"):
                return ""
            return "" if tokens(value) is not None else "it wants a number of tokens, such as 32768 or 32k"
        case "float":
            return "" if _number(value, float) else "it wants a number"
        case "choice":
            return "" if value in flag.choices else "it must be one of " + ", ".join(flag.choices)
        case "json":
            return _json(value)
        case "json?":
            return _json(value) if re.match(r"(?s)\s*{.*}\s*$", value) else ""
        case "ints":
            parts = value.split()
            return "" if all(_number(part, int) for part in parts) else "it wants whole numbers"
    return ""


def out_of_range(flag: Flag, value: str) -> str:
    """What is wrong with a value that the parser takes but the engine refuses; empty when nothing is."""
    if flag.flag in _POSITIVE:
        number = tokens(value)
        automatic = flag.flag == "--max-model-len" and number == -1
        if number is not None and number < 1 and not automatic:
            return "it must be at least 1"
    if flag.flag == "--gpu-memory-utilization":
        share = _float(value)
        if share is not None and not 0 < share <= 1:
            return "it is a share between 0 and 1"
    return ""


def _json(value: str) -> str:
    try:
        json.loads(value)
    except ValueError as error:
        return f"it wants JSON ({str(error)[:80]})"
    except RecursionError:
        return "its JSON is nested too deeply"
    return ""


def _number(value: str, kind: type[int] | type[float]) -> bool:
    try:
        kind(value[:400])
    except (ValueError, OverflowError):
        return False
    return True


def _float(value: str) -> float | None:
    try:
        return float(value[:400])
    except ValueError:
        return None
