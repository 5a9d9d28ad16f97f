"""`# modelcar: ignore[CODE, ...]`: where a manifest says that findings are not to be told.

Beside a line or alone above it, the comment counts for what begins on that line: an argument, a model with
all that belongs to it, a block such as `args:`. `# modelcar: ignore-file[CODE, ...]` counts for the whole
file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from modelcar_tui.manifest.spans import Scalar, Tree, walk
from modelcar_tui.manifest.types import Ignore, Position

_COMMENT = re.compile(r"(?:^|(?<=[ \t]))#[ \t]*modelcar:[ \t]*(?P<told>[^\r\n]*)", re.MULTILINE)
_TOLD = re.compile(r"ignore(?P<file>-file)?[ \t]*\[(?P<codes>[^\[\]]*)\]")
_LINE_END = re.compile("\r\n|[\r\n]")
_EVERYWHERE = 1 << 31


def ignores_of(text: str, tree: Tree) -> tuple[Ignore, ...]:
    """Every such comment in the file's order; one that can't be read has no codes."""
    if "modelcar:" not in text:
        return ()
    return tuple(_read(text, tree))


def _read(text: str, tree: Tree) -> Iterator[Ignore]:
    scalars = sorted(
        (node.start, node.end) for root in tree.roots for node in walk(root) if isinstance(node, Scalar)
    )
    starts = [start for start, _ in scalars]
    lines = _LINE_END.split(text)
    for match in _COMMENT.finditer(text):
        before = bisect_right(starts, match.start()) - 1
        if before >= 0 and match.start() < scalars[before][1]:
            continue  # inside a text
        above = _LINE_END.split(text[: match.start()])
        line, column = len(above), len(above[-1]) + 1
        told = _TOLD.match(match["told"])
        codes = tuple(filter(None, re.split(r"[\s,]+", told["codes"]))) if told else ()
        whole = told is not None and told["file"] is not None
        first, last = (1, _EVERYWHERE) if whole else _block(lines, line - 1)
        yield Ignore(codes=codes, first=first, last=last, at=Position(line, column))


def _block(lines: list[str], at: int) -> tuple[int, int]:
    """The first and last line, from 1, of what begins on line `at` (from 0) or on the next with content."""
    while at < len(lines) and not _content(lines[at]):
        at += 1
    if at == len(lines):
        return at + 1, at
    inside, dash = _indent(lines[at]), _content(lines[at]).startswith("-")
    last = at
    for number in range(at + 1, len(lines)):
        content = _content(lines[number])
        if not content:
            continue
        listed = not dash and content.startswith("-") and _indent(lines[number]) == inside
        if _indent(lines[number]) <= inside and not listed:
            break
        last = number
    return at + 1, last + 1


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _content(line: str) -> str:
    """The line without indentation; empty where it has nothing but a comment."""
    found = line.strip()
    return "" if found.startswith("#") else found
