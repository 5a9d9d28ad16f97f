"""How a cell looks, and the shortest words of SGR from one look to another."""

from __future__ import annotations

from typing import NamedTuple

from rich.color import ColorSystem
from rich.style import Style

BOLD, DIM, ITALIC, UNDERLINE, BLINK, BLINK2, REVERSE, CONCEAL, STRIKE, UNDERLINE2 = (
    1 << at for at in range(10)
)
FRAME, ENCIRCLE, OVERLINE = (1 << at for at in range(10, 13))
"""Bits of an attribute, in Rich's order."""
_ON = ("1", "2", "3", "4", "5", "6", "7", "8", "9", "21", "51", "52", "53")
_OFF = (
    (BOLD | DIM, "22"),
    (ITALIC, "23"),
    (UNDERLINE | UNDERLINE2, "24"),
    (BLINK | BLINK2, "25"),
    (REVERSE, "27"),
    (STRIKE, "29"),
)
"""One word takes off both attributes of its mask."""
_ONLY_BY_RESET = CONCEAL | FRAME | ENCIRCLE | OVERLINE
SEEN_ON_BLANKS = UNDERLINE | UNDERLINE2 | REVERSE | STRIKE | FRAME | ENCIRCLE | OVERLINE
"""A blank with none of these shows its background alone."""
MANY = 4096
"""Entries after which a table of what was worked out is begun afresh."""


class Look(NamedTuple):
    """Attributes and colours of a cell; `""` is the terminal's own colour, or no link."""

    attributes: int = 0
    colour: str = ""
    ground: str = ""
    link: str = ""


PLAIN = 0
"""The number of the look of a terminal after a reset."""


class Looks:
    """Looks by number, so that cells compare as integers do."""

    def __init__(self) -> None:
        self.all: list[Look] = [Look()]
        self._numbers: dict[Look, int] = {Look(): PLAIN}
        self._by_style: dict[tuple[Style, ColorSystem], tuple[int, int]] = {}
        self._blank_after: dict[tuple[int, int], int] = {}
        self._changes: dict[tuple[int, int], str] = {}

    def number(self, look: Look) -> int:
        """The number of a look."""
        found = self._numbers.get(look)
        if found is None:
            found = self._numbers[look] = len(self.all)
            self.all.append(look)
        return found

    def of(self, style: Style | None, colours: ColorSystem) -> tuple[int, int]:
        """Numbers of the looks of a sign and of a blank in that style.

        The colour of a blank is not seen: blanks that look the same have the same number.
        """
        if style is None:
            return PLAIN, PLAIN
        found = self._by_style.get((style, colours))
        if found is None:
            if len(self._by_style) > MANY:
                self._by_style.clear()
            found = self._by_style[style, colours] = self._work_out(style, colours)
        return found

    def blank_under(self, worn: int, blank: int) -> int:
        """The look nearest to the one worn in which a blank looks as in `blank`."""
        found = self._blank_after.get((worn, blank))
        if found is None:
            if len(self._blank_after) > MANY:
                self._blank_after.clear()
            before, wanted = self.all[worn], self.all[blank]
            if wanted.attributes or wanted.link or before.link:
                found = blank
            else:
                found = self.number(Look(before.attributes & ~SEEN_ON_BLANKS, before.colour, wanted.ground))
            self._blank_after[worn, blank] = found
        return found

    def change(self, before: int, after: int) -> str:
        """What makes a terminal that wears the one look wear the other."""
        if before == after:
            return ""
        found = self._changes.get((before, after))
        if found is None:
            if len(self._changes) > MANY:
                self._changes.clear()
            found = self._changes[before, after] = _change(self.all[before], self.all[after])
        return found

    def _work_out(self, style: Style, colours: ColorSystem) -> tuple[int, int]:
        attributes = style._attributes & style._set_attributes
        colour = ground = ""
        if style._color is not None:
            colour = ";".join(style._color.downgrade(colours).get_ansi_codes())
        if style._bgcolor is not None:
            ground = ";".join(style._bgcolor.downgrade(colours).get_ansi_codes(foreground=False))
        look = Look(
            attributes, "" if colour == "39" else colour, "" if ground == "49" else ground, style._link or ""
        )
        sign = self.number(look)
        if attributes & SEEN_ON_BLANKS or look.link:
            return sign, sign
        return sign, self.number(Look(ground=look.ground))


def _sgr(codes: list[str]) -> str:
    return f"\x1b[{';'.join(codes)}m"


def _on(attributes: int) -> list[str]:
    return [word for at, word in enumerate(_ON) if attributes & 1 << at]


def _change(before: Look, after: Look) -> str:
    link = "" if before.link == after.link else f"\x1b]8;;{after.link}\x1b\\"
    if before[:3] == after[:3]:
        return link
    afresh = [*_on(after.attributes), *(code for code in (after.colour, after.ground) if code)]
    whole = _sgr(["0", *afresh] if afresh else [])
    lost, won = before.attributes & ~after.attributes, after.attributes & ~before.attributes
    if lost & _ONLY_BY_RESET:
        return whole + link
    codes = []
    for mask, word in _OFF:
        if lost & mask:
            codes.append(word)
            won |= after.attributes & mask
    codes += _on(won)
    if before.colour != after.colour:
        codes.append(after.colour or "39")
    if before.ground != after.ground:
        codes.append(after.ground or "49")
    return min(_sgr(codes), whole, key=len) + link
