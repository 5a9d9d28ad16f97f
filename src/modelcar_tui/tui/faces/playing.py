"""The line of a replay: where it is, how fast it goes, and its keys."""

from __future__ import annotations

from modelcar_tui.tui.face import Face
from modelcar_tui.tui.format import bar
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.playing import Played
from modelcar_tui.tui.rows import Row, Span, spans_width, width

LEAST_BAR, MOST_BAR = 8, 60
_KEYS = ((("p",), "pause"), (("[", "]"), "speed"), ((",", "."), "10 s"), (("(", ")"), "what matters"))


def playing_row(face: Face, played: Played, cells: int) -> Row:
    """State, position and length, speed, a bar, and as many keys as there is room for.

    Args:
        face: for its signs.
        played: how far the recording is shown.
        cells: width of the screen.
    """
    word, role = ("paused", "warn") if played.paused else ("at its end", "muted") if played.ended else _PLAYS
    so_far = " so far, it still runs" if played.growing else ""
    told: list[Span] = [
        (f" {word}", role),
        (f"  {clock(played.position)} / {clock(played.duration)}{so_far}", "bar"),
        (f"  x{played.speed:g}  ", "bar"),
    ]
    keys = _keys(cells - spans_width(told) - LEAST_BAR - 3)
    room = cells - spans_width(told) - sum(width(key) + width(label) for key, label in keys) - 3
    if room >= LEAST_BAR:
        full, empty = bar(played.position, played.duration, min(room, MOST_BAR), face.glyphs)
        told += [(full, "accent"), (empty, "muted"), ("  ", "bar")]
    for key, label in keys:
        told += [(key, "key"), (label, "label")]
    return Row((*told, (" " * max(0, cells - spans_width(told)), "bar")))


_PLAYS = ("plays", "ok")


def _keys(room: int) -> list[tuple[str, str]]:
    """Those that fit, the first first."""
    out: list[tuple[str, str]] = []
    for keys, label in _KEYS:
        one = f" {' '.join(map(shown, keys))} ", f"{label} "
        room -= width(one[0]) + width(one[1])
        if room < 0:
            break
        out.append(one)
    return out


def clock(seconds: int) -> str:
    """`2:05`, `1:02:05`."""
    minutes, rest = divmod(max(0, seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
