"""What an emulated terminal shows, so that two of them can be compared."""

from __future__ import annotations

from collections.abc import Iterable

import pyte

NO_WRAP = "\x1b[?7l"
"""Textual's driver sends it before it paints."""


def shown(screen: pyte.Screen) -> list[list[tuple[object, ...]]]:
    """The cells by row; of a blank only what one sees, which is not the colour of its text."""
    return [[_seen(screen.buffer[y][x]) for x in range(screen.columns)] for y in range(screen.lines)]


def fed(columns: int, rows: int, words: Iterable[str]) -> pyte.Screen:
    """A new terminal of that size that was sent those words."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.Stream(screen)
    stream.feed(NO_WRAP)
    for word in words:
        stream.feed(word)
    return screen


def unlike(one: pyte.Screen, other: pyte.Screen) -> str:
    """Where two terminals differ, in words; empty where they show the same."""
    if one.display == other.display and shown(one) == shown(other):
        return ""
    lines = []
    for y, (a, b) in enumerate(zip(shown(one), shown(other), strict=True)):
        at = [x for x, (p, q) in enumerate(zip(a, b, strict=True)) if p != q]
        if at:
            lines.append(f"row {y}, columns {at[:8]}: {a[at[0]]} is not {b[at[0]]}")
            lines += [repr(one.display[y]), repr(other.display[y])]
    return "\n".join(lines)


def _seen(cell: pyte.screens.Char) -> tuple[object, ...]:
    marks = (cell.underscore, cell.strikethrough, cell.reverse)
    if cell.data == " " and not any(marks):
        return " ", cell.bg
    return cell.data, cell.bg, cell.fg, cell.bold, cell.italics, cell.blink, *marks
