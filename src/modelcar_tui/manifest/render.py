"""Plain values written as YAML."""

from __future__ import annotations

import re
from typing import Any

import yaml

from modelcar_tui.manifest.plain import Other
from modelcar_tui.manifest.spans import STR

_SAFE = re.compile(r"(?:--?)?[A-Za-z0-9_/](?:[\w./=+@%~-]|:(?=[\w/]))*\Z", re.ASCII)
_ESCAPED = {'"': '"', "\\": "\\", "\n": "n", "\t": "t"}
_RESOLVER: Any = yaml.resolver.Resolver()


def scalar_text(value: str | Other | None, style: str | None = None) -> str:
    """A scalar on one line: plain where every reader takes it for the same text, else quoted."""
    if value is None:
        return "null"
    if isinstance(value, Other):
        same = _RESOLVER.resolve(yaml.ScalarNode, value.text, (True, False)) == value.tag
        return value.text if same else f"!!{value.tag.rpartition(':')[2]} {_double(value.text)}"
    printable = value.isprintable()
    if style == "'" and printable:
        return _single(value)
    if style == '"':
        return _double(value)
    if _SAFE.match(value) and _RESOLVER.resolve(yaml.ScalarNode, value, (True, False)) == STR:
        return value
    return _single(value) if printable and ('"' in value or "\\" in value) else _double(value)


def flow(value: Any, style: str | None = None) -> str:
    """Any plain value on one line; its texts in a quoting style."""
    if isinstance(value, dict):
        pairs = (f"{scalar_text(key, style)}: {flow(item, style)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(flow(item, style) for item in value) + "]"
    return scalar_text(value, style)


def block(value: Any, column: int, list_offset: int) -> list[str]:
    """A collection as lines of block style, each indented by `column` blanks; empty ones are written as
    flow."""
    pad = " " * column
    lines: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            lines += _entry(f"{pad}{scalar_text(key)}:", item, column, list_offset)
    else:
        for item in value:
            inner = block(item, column + 2, list_offset) if isinstance(item, dict) and item else [flow(item)]
            lines += [f"{pad}- {inner[0].lstrip()}", *inner[1:]]
    return lines


def _entry(head: str, item: Any, column: int, list_offset: int) -> list[str]:
    if isinstance(item, (dict, list)) and item:
        inner = column + (list_offset if isinstance(item, list) else 2)
        return [head, *block(item, inner, list_offset)]
    return [f"{head} {flow(item)}"]


def _single(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _double(value: str) -> str:
    out = []
    for char in value:
        if char in _ESCAPED:
            out.append("\\" + _ESCAPED[char])
        elif char.isprintable():
            out.append(char)
        else:
            code = ord(char)
            out.append(
                f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}" if code < 65536 else f"\\U{code:08x}"
            )
    return '"' + "".join(out) + '"'
