"""The themes as data: what each role looks like, in colours of the 256-colour cube.

SSH seldom forwards COLORTERM, so every RGB value here is one that a 256-colour terminal has exactly.
`ansi` uses the terminal's own sixteen colours; `mono` uses none (NO_COLOR).
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from rich.style import Style
    from textual.theme import Theme

_DARK = {
    "text": "#d0d0d0",
    "muted": "#949494",
    "faint": "#6c6c6c",
    "frame": "#4e4e4e",
    "focus": "#5fafff",
    "title": "bold #eeeeee",
    "accent": "#5fafff",
    "strong": "bold #eeeeee",
    "ok": "#87d787",
    "bad": "#ff8787",
    "warn": "#ffd75f",
    "run": "#5fd7ff",
    "wait": "#949494",
    "skip": "#949494",
    "go-block": "bold #000000 on #87d787",
    "no-block": "bold #ffffff on #af0000",
    "unknown-block": "bold #000000 on #ffd75f",
    "wait-block": "bold #d0d0d0 on #444444",
    "demo": "bold #000000 on #d787ff",
    "badge": "#d7afff",
    "need": "bold #ffd75f",
    "bar": "#d0d0d0 on #303030",
    "key": "bold #5fafff on #303030",
    "label": "#bcbcbc on #303030",
    "cursor": "on #3a3a3a",
    "mark": "on #4e4e4e",
    "match": "#000000 on #ffd75f",
    "add": "#87d787",
    "del": "#ff8787",
    "hunk": "#5fafff",
    "used": "#d7875f",
    "free": "#87d787",
}

_LIGHT = {
    "text": "#262626",
    "muted": "#5f5f5f",
    "faint": "#767676",
    "frame": "#bcbcbc",
    "focus": "#005faf",
    "title": "bold #000000",
    "accent": "#005faf",
    "strong": "bold #000000",
    "ok": "#005f00",
    "bad": "#af0000",
    "warn": "#875f00",
    "run": "#005faf",
    "wait": "#6c6c6c",
    "skip": "#6c6c6c",
    "go-block": "bold #ffffff on #005f00",
    "no-block": "bold #ffffff on #af0000",
    "unknown-block": "bold #000000 on #ffd75f",
    "wait-block": "bold #262626 on #d0d0d0",
    "demo": "bold #ffffff on #8700af",
    "badge": "#8700af",
    "need": "bold #870000",
    "bar": "#262626 on #dadada",
    "key": "bold #005faf on #dadada",
    "label": "#444444 on #dadada",
    "cursor": "on #d0d0d0",
    "mark": "on #c6c6c6",
    "match": "#000000 on #ffd75f",
    "add": "#005f00",
    "del": "#af0000",
    "hunk": "#005faf",
    "used": "#af5f00",
    "free": "#005f00",
}

_BLIND = _DARK | {
    "ok": "#5fafff",
    "bad": "#ff8700",
    "warn": "#ffff87",
    "run": "#d7d7ff",
    "focus": "#d7d7ff",
    "accent": "#d7d7ff",
    "go-block": "bold #000000 on #5fafff",
    "no-block": "bold #000000 on #ff8700",
    "unknown-block": "bold #000000 on #ffff87",
    "add": "#5fafff",
    "del": "#ff8700",
    "hunk": "#d7d7ff",
    "used": "#ff8700",
    "free": "#5fafff",
    "key": "bold #d7d7ff on #303030",
    "need": "bold #ffff87",
}

_ANSI = {
    "text": "",
    "muted": "dim",
    "faint": "dim",
    "frame": "dim",
    "focus": "bold blue",
    "title": "bold",
    "accent": "blue",
    "strong": "bold",
    "ok": "green",
    "bad": "red",
    "warn": "yellow",
    "run": "cyan",
    "wait": "dim",
    "skip": "dim",
    "go-block": "bold reverse green",
    "no-block": "bold reverse red",
    "unknown-block": "bold reverse yellow",
    "wait-block": "reverse",
    "demo": "bold reverse magenta",
    "badge": "magenta",
    "need": "bold yellow",
    "bar": "reverse",
    "key": "bold reverse",
    "label": "reverse",
    "cursor": "reverse",
    "mark": "underline",
    "match": "bold reverse",
    "add": "green",
    "del": "red",
    "hunk": "blue",
    "used": "yellow",
    "free": "green",
}

_COLOURS = ("blue", "green", "red", "yellow", "cyan", "magenta")
_MONO = {role: " ".join(w for w in style.split() if w not in _COLOURS) for role, style in _ANSI.items()} | {
    "bad": "bold",
    "no-block": "bold reverse underline",
    "del": "dim",
    "add": "bold",
    "need": "bold underline",
    "free": "bold",
    "used": "dim",
}


class Palette(msgspec.Struct, frozen=True):
    """One theme: styles of the roles, and the frame that Textual's own widgets need."""

    name: str
    roles: dict[str, str]
    background: str
    surface: str
    dark: bool = True
    ansi: bool = False

    def theme(self) -> Theme:
        """The same for Textual's own widgets (inputs)."""
        from textual.theme import BUILTIN_THEMES, Theme  # the first rows are painted before it is loaded

        if self.ansi:
            base = replace(BUILTIN_THEMES["ansi-dark"], name=self.name)
            if self.name == "ansi":
                return base
            plain = "ansi_default"
            return replace(
                base, primary=plain, secondary=plain, warning=plain, error=plain, success=plain, accent=plain
            )

        def hue(role: str) -> str:
            return self.roles[role].split()[-1]

        return Theme(
            name=self.name,
            primary=hue("accent"),
            secondary=hue("run"),
            warning=hue("warn"),
            error=hue("bad"),
            success=hue("ok"),
            accent=hue("accent"),
            foreground=hue("text"),
            background=self.background,
            surface=self.surface,
            panel=self.surface,
            dark=self.dark,
            variables={"border": hue("focus"), "border-blurred": hue("frame"), "text-muted": hue("muted")},
        )


PALETTES = {
    palette.name: palette
    for palette in (
        Palette("dark", _DARK, "#1c1c1c", "#303030"),
        Palette("light", _LIGHT, "#eeeeee", "#dadada", dark=False),
        Palette("colour-blind", _BLIND, "#1c1c1c", "#303030"),
        Palette("ansi", _ANSI, "ansi_default", "ansi_default", ansi=True),
        Palette("mono", _MONO, "ansi_default", "ansi_default", ansi=True),
    )
}
"""By name; the command line offers these names."""


def choose(name: str | None, *, no_color: bool) -> Palette:
    """The palette for the name given on the command line; NO_COLOR wins."""
    if no_color:
        return PALETTES["mono"]
    return PALETTES.get(name or "dark", PALETTES["dark"])


@cache
def role_styles(name: str) -> dict[str, Style]:
    """Role to Rich style of a palette."""
    from rich.style import Style

    return {role: Style.parse(text or "none") for role, text in PALETTES[name].roles.items()}
