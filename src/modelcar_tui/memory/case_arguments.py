"""The arguments of a case: as they are given, and the fields that stand for some."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from modelcar_tui.models import Reader

_SIZES = {
    "tp": "--tensor-parallel-size",
    "pp": "--pipeline-parallel-size",
    "dp": "--data-parallel-size",
    "dcp": "--decode-context-parallel-size",
    "max_model_len": "--max-model-len",
    "max_num_seqs": "--max-num-seqs",
    "max_num_batched_tokens": "--max-num-batched-tokens",
    "block_size": "--block-size",
}
_WORDS = {"dtype": "--dtype", "kv_cache_dtype": "--kv-cache-dtype"}
_SWITCHES = {"ep": "--enable-expert-parallel", "enforce_eager": "--enforce-eager"}
_DEFAULT = {"tp": 1, "pp": 1, "dp": 1, "dcp": 1}
_MOST_WORDS = 1000
_LONGEST = 100_000
_MODEL = ("model", "model_tag", "model-tag")
"""In vLLM's log of its arguments; a case names its model itself."""
_WRITTEN_OUT = re.compile(r"\s*[\w-]+:(\s|$)")
"""`max-model-len: 8192; enforce-eager: True`."""


def arguments_of(case: Mapping[str, Any]) -> tuple[str, ...]:
    """`args` of a case, a word each: of a list, of a line as a shell reads it, or of names and values. What
    stands before the first flag, such as `vllm serve MODEL`, is none of them.

    Raises:
        ValueError: neither a list of words nor a line.
    """
    words = _words(case.get("args"))
    if len(words) > _MOST_WORDS:
        raise ValueError("more than 1,000 words")
    first = next((at for at, word in enumerate(words) if word.startswith("-")), len(words))
    return tuple(words[first:])


def _words(told: Any) -> list[str]:
    told = _read(told) if isinstance(told, str) else told
    if isinstance(told, Mapping):
        asked = ((str(name), value) for name, value in told.items() if value is not False)
        return [_flag(name, value) for name, value in asked if name not in _MODEL]
    if isinstance(told, list) and all(isinstance(one, str | int | float) for one in told):
        return [str(one) for one in told]
    if told is None:
        return []
    raise ValueError("neither a list of words nor a line")


def _read(text: str) -> Any:
    if text.lstrip().startswith("{"):
        return _object(text)
    return dict(_pairs(text)) if _WRITTEN_OUT.match(text) else shlex.split(text)


def _object(text: str) -> Any:
    """What vLLM logs as its non-default args, a dict as Python or JSON writes it; None in it is a default.

    Raises:
        ValueError: it is neither.
    """
    for read in (json.loads, ast.literal_eval):
        try:
            found = read(text[:_LONGEST])
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
        if isinstance(found, dict):
            return {name: value for name, value in found.items() if value is not None}
    raise ValueError("a dict that can't be read")


def _pairs(text: str) -> Iterator[tuple[str, Any]]:
    """Of `max-model-len: 8192; enforce-eager: True`, as vLLM's configuration file has them."""
    for item in text.split(";"):
        name, _, value = (part.strip() for part in item.partition(":"))
        if name:
            yield name, {"true": True, "false": False}.get(value.lower(), value)


def _flag(name: str, value: Any) -> str:
    written = name if name.startswith("-") else f"--{name}"
    if isinstance(value, dict | list):
        value = json.dumps(value)
    return written if value is True or value is None else f"{written}={value}"


def flags_of(case: Mapping[str, Any], read: Reader) -> tuple[str, ...]:
    """The fields of a case that stand for arguments, as vLLM takes them."""
    return tuple(_flags(case, read))


def _flags(case: Mapping[str, Any], read: Reader) -> Iterator[str]:
    for name, flag in _SIZES.items():
        value = read.integer(name, low=-1, high=2**31)
        if value and value != _DEFAULT.get(name):
            yield f"{flag}={value}"
    for name, flag in _WORDS.items():
        if word := read.text(name):
            yield f"{flag}={word}"
    share = read.number("util", low=0.0, high=1.0)
    if share is not None:
        yield f"--gpu-memory-utilization={share:g}"
    for name, flag in _SWITCHES.items():
        if read.flag(name):
            yield flag
    caching = read.flag("prefix_caching")
    if caching is not None and case.get("args"):  # a log of a release that has no such flag tells it, too
        yield "--enable-prefix-caching" if caching else "--no-enable-prefix-caching"
