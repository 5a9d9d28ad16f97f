"""How the tables are written: JSON that a diff shows one fact a line."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_WIDTH = 110


def load(path: Path) -> dict[str, Any]:
    """The table as it lies there; empty when there is none yet."""
    return json.loads(path.read_bytes()) if path.is_file() else {}


def text_of(content: Mapping[str, Any], *, levels: int = 3) -> str:
    """One line a key down to `levels`; a list of rows has one line a row, a list of words is wrapped."""
    return _object(content, 1, levels) + "\n"


def _object(content: Mapping[str, Any], depth: int, levels: int) -> str:
    if not content:
        return "{}"
    rows = [
        f"{' ' * depth}{_line(key)}: {_value(value, depth, levels, len(_line(key)))}"
        for key, value in content.items()
    ]
    return "{\n" + ",\n".join(rows) + "\n" + " " * (depth - 1) + "}"


def _value(value: Any, depth: int, levels: int, key: int) -> str:
    if isinstance(value, Mapping) and depth < levels:
        return _object(value, depth + 1, levels)
    if isinstance(value, list) and value and isinstance(value[0], Mapping) and depth < levels:
        rows = (",\n" + " " * (depth + 1)).join(map(_line, value))
        return "[\n" + " " * (depth + 1) + rows + "\n" + " " * depth + "]"
    line = _line(value)
    wide = depth + key + 2 + len(line) > _WIDTH
    return _wrapped(value, depth) if wide and _words(value) else line


def _words(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and " " not in item for item in value)


def _wrapped(words: list[str], depth: int) -> str:
    indent = " " * (depth + 1)
    body = textwrap.fill(
        ", ".join(map(_line, words)),
        width=_WIDTH,
        initial_indent=indent,
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return f"[\n{body}\n{' ' * depth}]"


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
