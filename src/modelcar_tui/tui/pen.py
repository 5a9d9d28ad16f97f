"""The words to a terminal: where its cursor is and what it wears is known, so only the difference is said."""

from __future__ import annotations

from modelcar_tui.tui.cells import UNKNOWN, Cells, unsure
from modelcar_tui.tui.looks import PLAIN, Looks

NOWHERE = -1
LONGEST_MOVE = 8
"""Bytes of the longest move: over more cells it is always shorter."""


class Pen:
    """Gathers what is to be sent in `words`.

    It begins with a terminal whose cursor is anywhere and that wears nothing, and `end` leaves it so.
    """

    def __init__(self, looks: Looks, width: int, *, fills: bool) -> None:
        self.words: list[str] = []
        self._looks = looks
        self._width = width
        self._fills = fills
        self._x = self._y = NOWHERE
        self._worn = PLAIN

    @property
    def place(self) -> tuple[int, int, int]:
        """Column, row and look of a terminal that was told all words; set it where words are taken back."""
        return self._x, self._y, self._worn

    @place.setter
    def place(self, place: tuple[int, int, int]) -> None:
        self._x, self._y, self._worn = place

    def erases(self, blank: int) -> bool:
        """Whether an erasing word leaves blanks of that look."""
        look = self._looks.all[blank]
        return not look.attributes and not look.link and (self._fills or not look.ground)

    def write(self, row: Cells, y: int, start: int, end: int) -> None:
        """The cells of `row` from `start` up to `end`."""
        self._reach(row, y, start)
        at = start
        while at < end:
            stop = _alike(row, at, end)
            if row.text[at] == " " and self._worth_erasing(row, at, stop):
                self._erase(row, y, at, stop)
            elif row.unsure:
                for x in range(at, stop):
                    self._put(row, y, x, x + 1)
            else:
                self._put(row, y, at, stop)
            at = stop

    def scroll(self, top: int, bottom: int, by: int) -> None:
        """Move the rows from `top` up to `bottom` (not included) up by `by` rows, down where it is negative.

        Deleting and inserting lines between margins is what every terminal can; `CSI S` is not.
        """
        move = f"\x1b[{_count(abs(by))}{'M' if by > 0 else 'L'}"
        self.words.append(f"\x1b[{top + 1};{bottom}r\x1b[{top + 1}H{move}\x1b[r")
        self._x = self._y = NOWHERE

    def end(self) -> str:
        """All words, the terminal wearing nothing after them."""
        self._wear(PLAIN)
        return "".join(self.words)

    def _wear(self, look: int) -> None:
        if look != self._worn:
            self.words.append(self._looks.change(self._worn, look))
            self._worn = look

    def _wear_for_blanks(self, blank: int) -> None:
        self._wear(self._looks.blank_under(self._worn, blank))

    def _put(self, row: Cells, y: int, start: int, stop: int) -> None:
        """Cells of one look, of which only a single one may be unsure."""
        text = "".join(row.text[start:stop])
        if not text:
            return
        if self._x != start or self._y != y:
            self._move(y, start)
        if text[0] == " ":
            self._wear_for_blanks(row.looks[start])
        else:
            self._wear(row.looks[start])
        if row.unsure and unsure(text):
            self._put_unsure(text, wide=stop < self._width and not row.text[stop], x=start)
            return
        self.words.append(text)
        self._x = stop
        if stop < self._width and not row.text[stop]:
            self._x += 1
        if self._x >= self._width:
            self._x = NOWHERE

    def _put_unsure(self, sign: str, *, wide: bool, x: int) -> None:
        if wide:
            # It may be drawn in one cell, and the other would show what was there.
            self.words.append(f"  \x1b[{x + 1}G")
        self.words.append(sign)
        self._x = self._y = NOWHERE

    def _worth_erasing(self, row: Cells, start: int, stop: int) -> bool:
        count = stop - start
        enough = 4 if stop == self._width else 10
        return count >= enough and self.erases(row.looks[start])

    def _erase(self, row: Cells, y: int, start: int, stop: int) -> None:
        if stop == self._width:
            self.erase_rest(y, start, row.looks[start])
            return
        self._to_erase(y, start, row.looks[start])
        self.words.append(f"\x1b[{stop - start}X")

    def erase_rest(self, y: int, start: int, blank: int) -> None:
        """Blanks of that look from `start` to the end of the row."""
        self._to_erase(y, start, blank)
        self.words.append("\x1b[K")

    def _to_erase(self, y: int, start: int, blank: int) -> None:
        if self._x != start or self._y != y:
            self._move(y, start)
        self._wear_for_blanks(blank)

    def _reach(self, row: Cells, y: int, x: int) -> None:
        """To the cell, over known cells on the way where writing them again is shorter than a move."""
        if (y, x) == (self._y, self._x):
            return
        move = self._way(y, x)
        again = self._again(row, x) if y == self._y and 0 <= self._x < x <= self._x + LONGEST_MOVE else ""
        self.words.append(again if again and len(again.encode()) <= len(move) else move)
        self._y, self._x = y, x

    def _again(self, row: Cells, x: int) -> str:
        """The cells from the cursor up to `x`, empty where they can't be written as the terminal is."""
        for at in range(self._x, x):
            cell, look = row.text[at], row.looks[at]
            if cell == " ":
                look = self._looks.blank_under(self._worn, look)
            if look != self._worn or cell in ("", UNKNOWN) or unsure(cell):
                return ""
        return "".join(row.text[self._x : x])

    def _move(self, y: int, x: int) -> None:
        self.words.append(self._way(y, x))
        self._y, self._x = y, x

    def _way(self, y: int, x: int) -> str:
        ways = [f"\x1b[{y + 1}H" if not x else f"\x1b[{y + 1};{x + 1}H"]
        if y == self._y:
            ways.append(_right_from_edge("\r", x))
            ways.append(f"\x1b[{x + 1}G")
            if 0 <= self._x < x:
                ways.append(f"\x1b[{_count(x - self._x)}C")
            elif self._x > x:
                ways.append(f"\x1b[{_count(self._x - x)}D")
        elif y == self._y + 1 and self._y >= 0:
            ways.append(_right_from_edge("\r\n", x))
        if self._x == x and 0 <= self._y < y:
            ways.append(f"\x1b[{_count(y - self._y)}B")
        return min(ways, key=len)


def _count(number: int) -> str:
    return str(number) if number > 1 else ""


def _right_from_edge(edge: str, x: int) -> str:
    return f"{edge}\x1b[{_count(x)}C" if x else edge


def _alike(row: Cells, start: int, end: int) -> int:
    """Where the blanks, or the signs, of one look that begin at `start` end."""
    text, looks = row.text, row.looks
    look, blank, at = looks[start], text[start] == " ", start + 1
    while at < end and looks[at] == look and (text[at] == " ") == blank:
        at += 1
    return at
