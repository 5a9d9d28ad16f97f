"""Secrets of a text that comes line by line, where no line alone has their shape: bodies of PEM blocks, and
values whose name stands on the line before."""

from __future__ import annotations

import re

from modelcar_tui.core.names import Kind, kind_of
from modelcar_tui.core.numbers import mask_of
from modelcar_tui.core.shapes import is_secret_value, unlike_ordinary

_BEGIN = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----")
_END = "-----END "
_LAST_WORD = re.compile(r"(?P<word>[A-Za-z0-9+/=]{2,})[\"',\\nr]{0,6}\s*$")
_HEADER = re.compile(r"(?:Proc-Type|DEK-Info|Comment|Version|Hash): ")
_MOST_LINES = 400
"""Of a block whose end never comes."""
_LONG = 16
_NAME = re.compile(r"\bname[\"']?\s{0,5}[:=]\s{0,5}[\"']?(?P<name>[\w.-]{1,80})[\"']?,?\s*$")
_VALUE = re.compile(r"\bvalue[\"']?\s{0,5}[:=]\s{0,5}[\"']?(?P<value>[^\s\"']{1,4000})[\"']?,?\s*$")
_OPEN = re.compile(r"(?P<name>--[\w.-]{1,80}|[\w.-]{1,80}[\"']?\s{0,3}:\s{0,3}[|>][-+]?)\s*$")
_ALONE = re.compile(r"^\s*(?:-\s+)?[\"']?(?P<value>[^\s\"']{1,4000})[\"']?,?\s*$")


class CarriedSecrets:
    """Give it one line after the other; it gives each with a mask for what an earlier line makes a secret."""

    def __init__(self) -> None:
        self._left = 0
        self._kind, self._where = Kind.NONE, _VALUE

    def __call__(self, line: str) -> str:
        """The line as it may be shown; a line that is none of a block's ends the block."""
        begins = _BEGIN.search(line)
        if begins is not None:
            self._left = 0 if _END in line[begins.end() :] else _MOST_LINES
            return line
        return self._behind_a_name(line) if self._left == 0 else self._of_a_block(line)

    def _of_a_block(self, line: str) -> str:
        self._left -= 1
        found = _LAST_WORD.search(line)
        word = found["word"] if found else ""
        if not _HEADER.search(line) and len(word) < _LONG and not unlike_ordinary(word):
            self._left = 0
            return line
        return line[: found.start("word")] + mask_of(word) if found else line

    def _behind_a_name(self, line: str) -> str:
        kind, where = self._kind, self._where
        self._kind = Kind.NONE
        if kind is not Kind.NONE and (found := where.search(line)) and is_secret_value(kind, found["value"]):
            return line[: found.start("value")] + mask_of(found["value"]) + line[found.end("value") :]
        if "name" in line and (name := _NAME.search(line)) is not None:
            self._kind, self._where = kind_of(name["name"]), _VALUE
        elif _may_open(line) and (opened := _OPEN.search(line)) is not None:
            self._kind, self._where = kind_of(opened["name"].rstrip("|>-+ :\"'")).said, _ALONE
        return line


def _may_open(line: str) -> bool:
    """A quick look before an expression that starts at every word."""
    last = line.rpartition(" ")[2]
    return last[:1] in ("|", ">") or last.startswith("--")
