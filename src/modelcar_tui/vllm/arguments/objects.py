"""What is wrong inside the JSON object of a flag: its keys and their values, by `json_keys.json`.

The table has what the release's own configuration classes took when each key was tried (vllm/config/*.py,
pydantic in its lax mode), so the rules of older classes that check nothing hold, too.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from modelcar_tui.vllm.arguments.values import decimal
from modelcar_tui.vllm.release import reached
from modelcar_tui.vllm.value_table import json_key_table

_TRUTH = re.compile(r"(?i)(?:true|false|yes|no|on|off|[tfyn])$")
_DIGITS = re.compile(r"\s*[+-]?\d+(?:\.0*)?\s*$")
_NAMES = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "str": "a word",
    "list": "a list",
    "set": "a list",
    "dict": "an object",
    "object": "an object",
    "none": "null",
}
_ITEMS = {"i": "whole numbers", "l": "words"}
_SUCCESSORS = {
    "level": "mode",
    "enable_noop": "eliminate_noops",
    "enable_fusion": "fuse_norm_quant",
    "enable_attn_fusion": "fuse_attn_quant",
    "enable_fi_allreduce_fusion": "fuse_allreduce_rms",
    "enable_sequence_parallelism": "enable_sp",
    "enable_async_tp": "fuse_gemm_comms",
    "activation": "use_activation",
    "softmax": "use_activation",
    "normalize": "use_activation",
    "cudagraph_capture_size": "cudagraph_capture_sizes",
}
"""Keys that went, and what took their place (vllm/config/compilation.py of 0.12.0, pooler.py of 0.11.1)."""
_DECIDES = ("method", "model", "kv_connector", "ec_connector", "kv_role", "ec_role")
"""Keys without which the rest of an object means nothing."""
_OWN_WORDS = {"--quantization-config": ("linear", "moe", "targets")}
"""Keys that take names of their own beside what they are (vllm/config/quantization.py): their values are not
judged."""
_SHOWN = 40
"""Choices that a sentence lists."""


class Wrong(msgspec.Struct, frozen=True):
    """One key that vLLM refuses, or whose value it does."""

    path: tuple[str, ...]
    why: str
    """A few words, without the key."""
    unknown: bool = False
    """Whether it is the key itself that is refused."""
    key: str | None = None
    """The key that was meant, where the written one is unknown and one is near."""
    value: Any = None
    """The value that was meant; None where that can't be told."""
    written: Any = None
    """The value that is refused."""


def wrong_keys(flag: str, found: Mapping[str, Any], release: str) -> Iterator[Wrong]:
    """Everything in the object of `flag` that a read release refuses; nothing for a flag with free keys."""
    rows = _rows(flag, release)
    if not rows:
        return
    for key in _OWN_WORDS.get(flag, ()):
        rows = {name: row for name, row in rows.items() if name.partition(".")[0] != key} | {key: {}}
    yield from (_dated(flag, wrong, release) for wrong in _walk(rows, found, ()))


def _dated(flag: str, wrong: Wrong, release: str) -> Wrong:
    """A key or a choice of another release is no misspelt one: only what took a key's place is meant."""
    history = json_key_table().history(flag, ".".join(wrong.path))
    if not wrong.unknown:
        told = wrong.value is not None and _of_another(history, wrong.written)
        return msgspec.structs.replace(wrong, value=None) if told else wrong
    if not history or wrong.path[-1] in _SUCCESSORS:
        return wrong
    first = history[0][0]
    when = f"any more in vLLM {release}" if reached(first, release) else f"before vLLM {first}"
    return msgspec.structs.replace(wrong, why=f"is no key {when}", key=None)


def known_keys(flag: str, found: Mapping[str, Any], release: str) -> dict[str, Any]:
    """What a read release looks at: the object without keys that it passes over; all where keys are free."""
    rows = _rows(flag, release)
    return {key: value for key, value in found.items() if not rows or key in rows}


def _of_another(history: tuple[tuple[str, Any], ...], word: Any) -> bool:
    """Whether another release lists a choice."""
    return any(word in row.get("choices", ()) for _, row in history if row)


def mended(flag: str, found: Mapping[str, Any], release: str) -> dict[str, Any] | None:
    """The object as it was meant: keys and choices by their nearest name, what can't be told left out.

    None where nothing is left, or where it is refused all the same.
    """
    after: dict[str, Any] = json.loads(json.dumps(found))
    for wrong in wrong_keys(flag, found, release):
        *path, last = wrong.path
        inside = after
        for part in path:
            inside = inside[part]
        value = inside.pop(last)
        if wrong.key is not None:
            inside.setdefault(wrong.key, value)
        elif wrong.value is not None:
            inside[last] = wrong.value
        elif last in _DECIDES:
            return None
    left = {key: value for key, value in after.items() if value != {} or found.get(key) == {}}
    return left if left and not any(wrong_keys(flag, left, release)) else None


@lru_cache(maxsize=256)
def _rows(flag: str, release: str) -> dict[str, dict[str, Any]]:
    return json_key_table().group(flag, release)


def _walk(
    rows: Mapping[str, dict[str, Any]], found: Mapping[str, Any], path: tuple[str, ...]
) -> Iterator[Wrong]:
    for name, value in found.items():
        here = (*path, name)
        row = rows.get(".".join(here))
        if row is None:
            if rows[".".join(path)].get("strict"):
                yield _unknown(rows, here)
        elif isinstance(value, Mapping) and row.get("kind") and _inside(rows, here):
            yield from _walk(rows, value, here)
        elif why := _refusal(row, value):
            yield Wrong(here, why, value=_meant(row, value), written=value)


def _inside(rows: Mapping[str, dict[str, Any]], path: tuple[str, ...]) -> list[str]:
    """The keys of the object at a path."""
    before = "".join(f"{name}." for name in path)
    inside = (key.removeprefix(before) for key in rows if key.startswith(before) and key != before)
    return [name for name in inside if name and "." not in name]


def _unknown(rows: Mapping[str, dict[str, Any]], path: tuple[str, ...]) -> Wrong:
    names = _inside(rows, path[:-1])
    told = path[-1].replace("-", "_").lower()
    if (successor := _SUCCESSORS.get(told, "")) in names:
        return Wrong(path, f"is no key any more, {successor} is", unknown=True, key=successor)
    near = difflib.get_close_matches(told[:100], names, 1, 0.8)
    end = [name for name in names if name.endswith("_" + told)]
    key = near[0] if near else end[0] if len(end) == 1 else None
    return Wrong(path, "is no key" + (f", {key} is" if key else ""), unknown=True, key=key)


def _refusal(row: Mapping[str, Any], value: Any) -> str:
    """What is wrong with a key's value; empty when nothing is, or when the key's values were not tried."""
    takes, choices, numbers = row.get("takes", ""), row.get("choices", ()), row.get("numbers")
    if not (takes or choices or numbers):
        return ""
    if isinstance(value, str) and choices and _listed(row, value):
        return ""
    if isinstance(value, int) and not isinstance(value, bool) and numbers:
        return "" if value in numbers else _wants(row)
    return "" if all(sign in takes for sign in _signs(value, row.get("kind", ""))) else _wants(row)


def _listed(row: Mapping[str, Any], value: str) -> bool:
    words = row["choices"]
    return value in words or (row.get("case", False) and value.lower() in [word.lower() for word in words])


# complexity: a flat match over the shapes of a JSON value, one line a shape
def _signs(value: Any, kind: str) -> str:
    """The letters of the shapes that a value is made of; none where its shape was not tried."""
    match value:
        case None:
            return "n"
        case bool():
            return "t"
        case int() if value > 1:
            return "w"  # what takes 2.0 takes 2: some take no 1, and a truth is 0 or 1
        case int():
            return "1" if value > 0 else "0" if value == 0 else "-"
        case float():
            whole = math.isfinite(value) and value == int(value)
            return _signs(int(value), kind) if whole and "float" in kind else "w" if whole else "h"
        case str():
            return _of_text(value, kind)
        case []:
            return "e"
        case list():
            signs = {"i" if isinstance(item, int) else "l" for item in value if _is_plain(item)}
            return "".join(sorted(signs)) or "e"
        case Mapping():
            return "p" if value and all(isinstance(item, int) for item in value.values()) else "o"
    return ""


def _is_plain(item: object) -> bool:
    """Whether it is an item as it was tried: a number, or a word that could be none."""
    if isinstance(item, str):
        return not _DIGITS.match(item)
    return isinstance(item, int) and not isinstance(item, bool)


def _of_text(value: str, kind: str) -> str:
    if _TRUTH.match(value):
        return "y"
    if _DIGITS.match(value):
        return "d"
    return "" if "float" in kind and decimal(value) is not None else "s"


def _wants(row: Mapping[str, Any]) -> str:
    if words := row.get("choices") or row.get("numbers"):
        return "must be one of " + ", ".join(map(str, words[:_SHOWN]))
    takes, kinds = set(row.get("takes", "")), [kind for kind in row["kind"].split("|") if kind != "none"]
    told = " or ".join(_NAMES.get(kind, kind) for kind in kinds) or "another value"
    if "1" in takes and "-" not in takes and {"int", "float"} & set(kinds):
        told += " that is not below 0" if takes & {"0", "h"} else " of at least 1"
    parts = [name for sign, name in _ITEMS.items() if sign in takes]
    if "list" in row["kind"] and parts:
        told += " of " + " or ".join(parts)
    return f"wants {told}"


def _meant(row: Mapping[str, Any], value: Any) -> Any:
    """The choice or the plain value that was meant; None where it can't be told."""
    if not isinstance(value, str):
        return None
    lower = {word.lower(): word for word in row.get("choices", ())}
    near = difflib.get_close_matches(value.strip().lower()[:100], list(lower), 1, 0.75)
    return lower[near[0]] if near else None
