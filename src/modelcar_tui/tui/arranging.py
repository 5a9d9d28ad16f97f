"""Where the dashboard's panels stand: a pure function of the room and of what each panel has to say.

What matters most gets its rows first; what is left goes to those that grow. A panel for which there is no
room is left out: `tab` and its own key bring it in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import product
from typing import NamedTuple

from textual.geometry import Region

TWO_FROM, SIDES_FROM = 110, 160
"""Columns from which panels stand side by side below the table, and beside it."""
SHARE = 0.56
"""Of the columns, the table's where a page stands beside it."""


class Want(NamedTuple):
    """A panel that has something to show."""

    name: str
    least: int
    """Rows, frame included, below which it would say nothing of use."""
    rows: int
    """Rows for all that it has to say, frame included."""
    weight: int
    """What matters most is given its rows first: the greater, the earlier."""
    grows: bool = False
    """Whether more rows than it asked for are of use."""
    short: int = 0
    """Rows, frame included, of the short form that it takes where it is not given all; 0 for none."""


def arranged(width: int, height: int, wants: Sequence[Want]) -> dict[str, Region]:
    """The place of each panel on a board of that size; the order of `wants` is that of reading."""
    room = Region(0, 0, width, height)
    if width < TWO_FROM:
        return _column(room, wants)
    if width >= SIDES_FROM:
        return _sides(room, wants)
    panes = [want for want in wants if want.name.startswith("pane-")]
    below = [want for want in wants if want.name in _MOVABLE]
    bands = {"panes": panes, "below": below} if len(panes) > 1 else {"panes": [], "below": panes + below}
    alone = [want for want in wants if not any(want in band for band in bands.values())]
    left = height - _total(alone) - _tallest(bands["panes"], 0)
    told = [_band("panes", bands["panes"], 0), *alone[:1], _band("below", bands["below"], left), *alone[1:]]
    places = _column(room, [want for want in told if want is not None])
    for name, band in bands.items():
        if name in places:
            places |= _two(places.pop(name), band, 0.5)
    return places


_SPARE = 3
"""Rows without text that a panel may show while another says that it has more."""
_LEAN = 0.08
_MOVABLE = ("page", "plan", "notes", "gpus")


def _band(name: str, wants: Sequence[Want], height: int) -> Want | None:
    """Panels side by side, as one."""
    if not wants:
        return None
    least, weight = max(want.least for want in wants), max(want.weight for want in wants)
    return Want(name, least, _tallest(wants, height), weight, grows=any(want.grows for want in wants))


def _tallest(wants: Sequence[Want], height: int) -> int:
    return max(map(_total, _split(wants, height)))


def _sides(room: Region, wants: Sequence[Want]) -> dict[str, Region]:
    """The table at the left and the model's page beside it; the log below both."""
    log = next((want for want in wants if want.name == "log"), None)
    rest = [want for want in wants if want is not log]
    if log is None or not rest:
        return _two(room, wants, SHARE)
    spare = room.height - _tallest(rest, 0)
    bottom = max(min(log.rows, spare), min(room.height // 3, log.rows), log.least)
    bottom = min(bottom, room.height - 3)
    if bottom < 1:
        return _two(room, rest, SHARE)
    upper = room.height - bottom
    places = _two(Region(room.x, room.y, room.width, upper), rest, SHARE)
    return places | {"log": Region(room.x, room.y + upper, room.width, bottom)}


def _two(room: Region, wants: Sequence[Want], share: float) -> dict[str, Region]:
    """Two columns, or one where nothing stands in the other."""
    left, right = _split(wants, room.height)
    if not left or not right:
        return _column(room, wants)
    spare = [room.height - _total(column) for column in (left, right)]
    if min(spare) < 0 and max(spare) >= _SPARE:
        # Wider, what has too little room breaks fewer lines.
        share += _LEAN if spare[0] < 0 else -_LEAN
    cut = round(room.width * share)
    places = _column(Region(room.x, room.y, cut, room.height), left)
    return places | _column(Region(room.x + cut, room.y, room.width - cut, room.height), right)


def _split(wants: Sequence[Want], height: int) -> tuple[list[Want], list[Want]]:
    """Which stand at the left and which at the right: so that as little as can be is hidden.

    The table stays at the left, the page at its right; without the table the page is at the left.
    """
    fixed: dict[str, int] = {"models": 0}
    fixed["page"] = 1 if any(want.name == "models" for want in wants) else 0
    free = [want for want in wants if want.name not in fixed]
    found: list[tuple[tuple[int, int, int], tuple[list[Want], list[Want]]]] = []
    for sides in product((0, 1), repeat=min(len(free), 6)):
        chosen = fixed | {want.name: side for want, side in zip(free, sides, strict=False)}
        columns = [[want for want in wants if chosen.get(want.name, 0) == side] for side in (0, 1)]
        totals = [_total(column) for column in columns]
        hidden = sum(max(0, total - height) for total in totals)
        score = (hidden, abs(totals[0] - totals[1]), sum(sides))
        found.append((score, (columns[0], columns[1])))
    return min(found, key=lambda one: one[0])[1]


def _total(wants: Iterable[Want]) -> int:
    return sum(want.rows for want in wants)


def _column(room: Region, wants: Sequence[Want]) -> dict[str, Region]:
    """The panels one below the other; none where there is no room for the least of it."""
    rows = _shares(room.height, wants)
    places: dict[str, Region] = {}
    y = room.y
    for want in wants:
        if want.name in rows:
            places[want.name] = Region(room.x, y, room.width, rows[want.name])
            y += rows[want.name]
    return places


def _shares(height: int, wants: Sequence[Want]) -> dict[str, int]:
    """The rows of each: its least, then what it wants, then what is left, what weighs most first."""
    rows: dict[str, int] = {}
    by_weight = sorted(wants, key=lambda want: -want.weight)
    left = height
    for want in by_weight:
        least = min(want.least, want.rows)
        if least <= left or not rows:
            rows[want.name] = min(least, left)
            left -= rows[want.name]
    shown = [want for want in by_weight if want.name in rows]
    left = _filled(rows, shown, left)
    folded = [want for want in shown if want.short and want.short < rows[want.name] < want.rows]
    left += sum(rows[want.name] - want.short for want in folded)
    rows |= {want.name: want.short for want in folded}
    left = _filled(rows, [want for want in shown if want not in folded], left)
    if left > 0 and shown:
        rows[_last(wants, shown).name] += left
    return rows


def _last(wants: Sequence[Want], shown: Sequence[Want]) -> Want:
    """Who takes the rows that nobody wants."""
    grows = next((want for want in shown if want.grows), None)
    return grows or next(want for want in reversed(wants) if want in shown)


def _filled(rows: dict[str, int], wants: Iterable[Want], left: int) -> int:
    """Give each of what is left, as far as it wants; what nobody wants."""
    for want in wants:
        more = max(0, min(left, want.rows - rows[want.name]))
        rows[want.name] += more
        left -= more
    return left
