"""A YAML text changed word by word, in its own style: each character of its value has a place in the file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from yaml.scanner import Scanner

from modelcar_tui.manifest.edits import CannotEditError, Edit, body_start, line_end, next_line
from modelcar_tui.manifest.render import scalar_text
from modelcar_tui.manifest.spans import Scalar

_FOLD = re.compile(r"[ \t]*((?:(?:\r\n|[\r\n])[ \t]*)+)")
_BREAKS = re.compile(r"\r\n|[\r\n]")
_JOINED = re.compile(r"\\(?:\r\n|[\r\n])[ \t]*((?:(?:\r\n|[\r\n])[ \t]*)*)")
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([^\r\n]))")
_LONGEST = 200_000


class _Unit(NamedTuple):
    """A piece of the source and what it spells."""

    value: str
    start: int
    end: int


class _Spelled(NamedTuple):
    """Where each character of a value stands in the source, and how a line of a block is indented."""

    units: list[_Unit]
    pad: str = ""


def edit_scalar(text: str, node: Scalar, words: tuple[Edit, ...], eol: str) -> list[Edit]:
    """Edits of the file that make edits at offsets of a text's value.

    Raises:
        CannotEditError: what the source spells is not understood, or has no place for such a change.
    """
    spelled = _spelled(text, node)
    starts = [unit.end if at else unit.start for unit in spelled.units for at in range(len(unit.value))]
    ends = [unit.end for unit in spelled.units for _ in unit.value]
    edits = []
    for start, end, new in words:
        if end > len(ends):
            raise CannotEditError("behind the text")
        if start < end:
            first, last = starts[start], ends[end - 1]
        else:
            first = last = ends[start - 1] if start else _first(text, node, starts)
        edits.append(Edit(first, last, _source(text, node, spelled, first, new, eol)))
    return edits


def _first(text: str, node: Scalar, starts: list[int]) -> int:
    if starts:
        return starts[0]
    if node.style not in ("'", '"'):
        raise CannotEditError("an empty text")
    return body_start(text, node) + 1


def _source(text: str, node: Scalar, spelled: _Spelled, at: int, new: str, eol: str) -> str:
    """A piece of a value as the source spells it there."""
    if node.style == "|":
        return new.replace("\r\n", "\n").replace("\n", eol + spelled.pad)
    if "\n" in new and node.style != '"':
        raise CannotEditError("a line of its own in a folded text")
    blank = _line_before(text, spelled, at) if new.startswith(" ") else ""
    rest = new[1:] if blank else new
    if node.style == '"':
        rest = scalar_text(rest, '"')[1:-1]
    elif node.style == "'":
        rest = rest.replace("'", "''")
    return blank + rest


def _line_before(text: str, spelled: _Spelled, at: int) -> str:
    """How the line of a folded text begins, its break included; empty on its first line.

    There the break is a blank of the value, so what is added gets a line of its own.
    """
    folds = (unit for unit in spelled.units if unit.value == " " and unit.end <= at)
    broken = [source for unit in folds if _BREAKS.search(source := text[unit.start : unit.end])]
    return broken[-1].lstrip(" \t") if broken else ""


def _spelled(text: str, node: Scalar) -> _Spelled:
    start, end = body_start(text, node), node.end
    if end - start > _LONGEST:
        raise CannotEditError("a long text")
    if node.style in ("|", ">"):
        return _block(text, node, start)
    quote = 1 if node.style else 0
    units = list(_flow(text, start + quote, end - quote, node.style))
    if "".join(unit.value for unit in units) != node.value:
        raise CannotEditError("an unusual text")
    return _Spelled(units)


def _flow(text: str, at: int, end: int, style: str | None) -> Iterator[_Unit]:
    """What a plain or quoted text spells: line breaks fold, escapes stand for what they name."""
    while at < end:
        unit = _folded(text, at, end) or (_escaped(text, at) if style == '"' else None)
        if unit is None:
            double = style == "'" and text.startswith("''", at)
            unit = _Unit(text[at], at, at + (2 if double else 1))
        yield unit
        at = unit.end


def _folded(text: str, at: int, end: int) -> _Unit | None:
    found = _FOLD.match(text, at, end)
    if found is None:
        return None
    breaks = len(_BREAKS.findall(found[1]))
    return _Unit(" " if breaks == 1 else "\n" * (breaks - 1), at, found.end())


def _escaped(text: str, at: int) -> _Unit | None:
    if joined := _JOINED.match(text, at):
        return _Unit("\n" * len(_BREAKS.findall(joined[1])), at, joined.end())
    found = _ESCAPE.match(text, at)
    if found is None:
        return None
    code = found[1] or found[2] or found[3]
    if code:
        return _Unit(chr(int(code, 16)), at, found.end())
    return _Unit(Scanner.ESCAPE_REPLACEMENTS.get(found[4], ""), at, found.end())


def _block(text: str, node: Scalar, start: int) -> _Spelled:
    lines = []
    at = next_line(text, start)
    while at < node.end:
        lines.append((at, line_end(text, at)))
        at = max(next_line(text, at), at + 1)
    indents = [_indent(text[begin:end]) for begin, end in lines if text[begin:end].strip()]
    # An indicator in the head (`|2`) may leave blanks to the first line.
    for width in range(indents[0] if indents else 0, 0, -1):
        make = _literal if node.style == "|" else _fold
        units = list(make(text, [(min(begin + width, end), end) for begin, end in lines]))
        if "".join(unit.value for unit in units).rstrip("\n") == node.value.rstrip("\n"):
            begin = next(begin for begin, end in lines if text[begin:end].strip())
            return _Spelled(units, text[begin : begin + width])
    raise CannotEditError("an unusual block")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _literal(text: str, lines: list[tuple[int, int]]) -> Iterator[_Unit]:
    """Lines of a literal block, each from behind its indentation to its end."""
    for (start, end), after in zip(lines, [*[begin for begin, _ in lines[1:]], None], strict=True):
        yield from (_Unit(text[at], at, at + 1) for at in range(start, end))
        yield _Unit("\n", end, next_line(text, end) if after is None else after)


def _fold(text: str, lines: list[tuple[int, int]]) -> Iterator[_Unit]:
    """The same of a folded block: one break is a blank, but beside a line that is indented further."""
    full = [at for at, (start, end) in enumerate(lines) if end > start]
    for at, following in zip(full, [*full[1:], None], strict=True):
        start, end = lines[at]
        yield from (_Unit(text[one], one, one + 1) for one in range(start, end))
        if following is None:
            yield _Unit("\n", end, next_line(text, end))
            continue
        blanks = following - at - 1
        further = any(text[lines[one][0]] in " \t" for one in (at, following))
        breaks = "\n" * (blanks + further) or " "
        yield _Unit(breaks, end, lines[following][0])
