"""Whether a value fits its flag: type, choices and range."""

from __future__ import annotations

import ast
import json
import re
from typing import Any

from modelcar_tui.vllm.argument_table import Flag

_HUMAN = re.compile(r"(\d+(?:\.\d+)?)([kKmMgGtT])")
_DECIMAL = {"k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY = {"K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}
_SIZE = re.compile(r'(?s)"(?:[^"\\]|\\.)*"?|\b\d+(?:\.\d+)?[kKmMgGtT]\b')
"""A string of a JSON text, which stays as it is, or a number with a suffix."""
_LEVELS = ("0", "1", "2", "3")
_OBJECT = re.compile(r"(?s)\s*{.*}\s*$")
_OBJECTS = frozenset({"json", "json?", "object", "sized", "json|pairs", "literal"})
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


def tokens_in(value: str | None) -> int | None:
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


def wrong_value(flag: Flag, value: str) -> str:
    """What is wrong with a value for vLLM's parser, in a few words; empty when nothing is."""
    if flag.none and value in ("", "None"):
        return ""
    if flag.none and flag.several:
        value = " ".join(word for word in value.split() if word != "None")
    return _number_fault(flag.kind, value) or _choice_fault(flag, value) or _text_fault(flag.kind, value)


def _number_fault(kind: str, value: str) -> str:
    match kind:
        case "int" if not _is_whole(value):
            return "it wants a whole number"
        case "ints" if not all(map(_is_whole, value.split() or [value])):
            return "it wants whole numbers"
        case "float" if decimal(value) is None:
            return "it wants a number"
        case "tokens" if value.strip().lower() in ("auto", "-1"):
            return ""
        case "human" | "tokens" if tokens_in(value) is None:
            return "it wants a number of tokens, such as 32768 or 32k"
    return ""


def _choice_fault(flag: Flag, value: str) -> str:
    match flag.kind:
        case _ if not flag.choices:
            return ""
        case "choice":
            given = [_digits(value) if flag.choices[0].isdigit() else value]
        case "option":
            given = [value.lower().replace("-", "_")]
        case "maybe":
            given = [value.lower()]
        case "list":
            given = value.split()
        case _:
            return ""
    fits = all(word in flag.choices for word in given)
    return "" if fits else f"it must be one of {', '.join(flag.choices)}"


def _text_fault(kind: str, value: str) -> str:
    match kind:
        case "json":
            return _json(value)
        case "object":
            return _json(value, mapping=True)
        case "sized":
            return _json(_SIZE.sub(_expanded, value), mapping=True)
        case "json?":
            return _json(value) if _OBJECT.match(value) else ""
        case "json|pairs":
            return _json(value) if _OBJECT.match(value) else _pairs(value)
        case "pairs":
            return _pairs(value) if value else ""
        case "literal" if value not in _LEVELS:
            return _literal(value)
    return ""


def out_of_range(flag: Flag, value: str) -> str:
    """What is wrong with a value that the parser takes but the engine refuses; empty when nothing is."""
    if flag.flag in _POSITIVE:
        number = tokens_in(value)
        automatic = flag.kind == "tokens" and number == -1
        if number is not None and number < 1 and not automatic:
            return "it must be at least 1"
    if flag.flag == "--optimization-level" and value.strip() not in _LEVELS:
        return "it is 0, 1, 2 or 3"
    if flag.flag == "--gpu-memory-utilization":
        share = decimal(value)
        if share is not None and not 0 < share <= 1:
            return "it is a share between 0 and 1"
    return ""


def _json(value: str, *, mapping: bool = False) -> str:
    try:
        found = json.loads(value)
    except ValueError as error:
        return f"it wants JSON ({str(error)[:80]})"
    except RecursionError:
        return "its JSON is nested too deeply"
    return "it wants a JSON object, such as {}" if mapping and not isinstance(found, dict) else ""


def object_of(flag: Flag, value: str) -> dict[str, Any] | None:
    """The object that a value is to vLLM's parser, or to the engine; None for all else."""
    if flag.kind not in _OBJECTS:
        return None
    text = _SIZE.sub(_expanded, value) if flag.kind == "sized" else value
    try:
        found = ast.literal_eval(text) if flag.kind == "literal" else json.loads(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _expanded(found: re.Match[str]) -> str:
    number = None if found[0].startswith('"') else tokens_in(found[0])
    return found[0] if number is None else str(number)


def _pairs(value: str) -> str:
    """`image=4,video=1`: what releases before 0.10 took for JSON."""
    parts = [item.partition("=") for item in value.split(",")]
    fits = all(equals and _is_whole(number) for _, equals, number in parts)
    return "" if fits else "it wants KEY=NUMBER,KEY=NUMBER"


def _literal(value: str) -> str:
    try:
        fits = isinstance(ast.literal_eval(value), dict)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        fits = False
    return "" if fits else "it wants a Python dictionary, such as {'level': 3}"


def _digits(value: str) -> str:
    return str(int(value[:400])) if _is_whole(value) else value


def _is_whole(value: str) -> bool:
    try:
        int(value[:400])
    except ValueError:
        return False
    return True


def decimal(value: str) -> float | None:
    """A number with or without a fraction; None for anything else."""
    try:
        return float(value[:400])
    except ValueError:
        return None
