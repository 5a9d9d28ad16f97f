"""Themes of the operator's own: some roles of one of ours in other colours, judged before they are shown.

Nothing of Textual or Rich is loaded: a start must stay fast, and `agent config --check` has no screen.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from modelcar_tui.core.config_values import near, shown
from modelcar_tui.core.settings_table import THEMES
from modelcar_tui.core.text import reveal
from modelcar_tui.tui.themes import PALETTES, Palette, role_styles

ATTRIBUTES = ("bold", "dim", "italic", "underline", "reverse")
TERMINALS_OWN = ("black", "red", "green", "yellow", "blue", "magenta", "cyan", "white")
READABLE = 4.5
"""The least contrast of text to its background (WCAG 2.2, 1.4.3)."""
VISIBLE = 3.0
"""... of what is no running text (WCAG 2.2, 1.4.11)."""
_NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
_STYLE = re.compile(
    rf"(?:(?:{'|'.join(ATTRIBUTES)})(?: |$))*"
    r"(?P<colour>(?!on\b)[#a-z0-9A-F]+)?(?: ?\bon (?P<behind>[#a-z0-9A-F]+))?"
)
"""Attributes, then the colour, then `on` and the colour behind it; each word is known already."""
_FAINT = ("faint", "frame", "muted", "wait", "skip", "free", "used")
_PLACES = ("background", "surface")
_HUES = ("accent", "run", "warn", "bad", "ok", "text", "focus", "frame", "muted")
"""Roles whose colour Textual's own widgets take."""
_ON_THE_GROUND = ("cursor", "mark")
"""Roles that are a ground themselves: of the text that stands on them."""


class Fault(msgspec.Struct, frozen=True):
    """What is wrong with a theme: at which of its names (empty: the whole), what, and how to mend it."""

    name: str
    what: str
    fix: str = ""


class Judged(msgspec.Struct, frozen=True):
    """A theme of the operator's own: what it looks like, what is wrong with it, and what is hard to read."""

    palette: Palette | None
    faults: tuple[Fault, ...] = ()
    warnings: tuple[str, ...] = ()


def judge_theme(name: str, table: Mapping[str, Any]) -> Judged:
    """A theme as the operator wrote it: `base`, `background`, `surface`, and styles by role."""
    if wrong := _named(name, table):
        return Judged(None, (wrong,))
    told = table.get("base", "dark")
    if not isinstance(told, str) or told not in THEMES:
        fix = near(told, THEMES) if isinstance(told, str) else f"there are {', '.join(THEMES)}"
        return Judged(None, (Fault("base", f"{shown(told)} is no theme of ours", fix),))
    base = PALETTES[told]
    styles = {role: value for role, value in table.items() if role != "base"}
    faults = [fault for role, value in styles.items() if (fault := _fault(role, value, base)) is not None]
    if faults:
        return Judged(None, tuple(faults))
    places = {place: styles.pop(place) for place in _PLACES if place in styles}
    palette = msgspec.structs.replace(base, name=name, roles=base.roles | styles, **places)
    if "background" in places:
        palette = msgspec.structs.replace(palette, dark=_luminance(palette.background) < 0.18)
    return Judged(palette, warnings=() if base.ansi else tuple(hard_to_read(palette)))


def add_theme(palette: Palette) -> None:
    """Offer it beside ours."""
    PALETTES[palette.name] = palette
    role_styles.cache_clear()


def hard_to_read(palette: Palette) -> Iterator[str]:
    """The roles whose contrast is too low for text, each with its contrast."""
    for role, style in palette.roles.items():
        colour, ground = _colours(style)
        if role in _ON_THE_GROUND:
            colour, ground = _colours(palette.roles["text"])[0], ground or palette.background
        if not colour:
            continue
        least = VISIBLE if role in _FAINT else READABLE
        found = contrast(colour, ground or palette.background)
        if role != "frame" and found < least:
            where = f"{colour} on {ground or palette.background}"
            yield f"{role}: {where} is hard to read (contrast {found:.1f}; from {least:g} on it is not)"


def contrast(one: str, other: str) -> float:
    """Of two colours as `#rrggbb`: 1 (the same) to 21 (black on white), by WCAG 2.2."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _named(name: str, table: Mapping[str, Any]) -> Fault | None:
    if "" in table:
        return Fault("", "this is no table", 'write [themes.NAME], and under it lines as text = "#d0d0d0"')
    if name in THEMES:
        return Fault("", f"{name} is a theme of ours", "take another name")
    if not _NAME.fullmatch(name):
        return Fault("", f'"{reveal(name[:40])}" is no name of a theme', "take letters, digits, - and _")
    return None


def _fault(role: str, value: Any, base: Palette) -> Fault | None:
    if role in _PLACES:
        if base.ansi:
            return Fault(role, f"{base.name} has the terminal's own background", f"take {role} out")
        if isinstance(value, str) and _COLOUR.fullmatch(value):
            return None
        return Fault(role, f"{shown(value)} is no colour", 'write it as "#1c1c1c"')
    if role not in base.roles:
        return Fault(
            reveal(role[:60]),
            "no such role",
            near(role, (*base.roles, "base", *_PLACES), "docs/settings.md lists all"),
        )
    if not isinstance(value, str):
        return Fault(role, f"{shown(value)} is no style", 'write it in quotes: "bold #d0d0d0 on #303030"')
    return _style_fault(role, value, base)


def _style_fault(role: str, value: str, base: Palette) -> Fault | None:
    words = [word for word in value.split() if word not in ATTRIBUTES and word != "on"]
    if base.name == "mono" and words:
        return Fault(role, f"{shown(value)} has a colour, and mono has none", "take another base")
    for word in words:
        if not _is_colour(word, base):
            return _no_colour(role, word, base)
    if not (form := _STYLE.fullmatch(" ".join(value.split()))):
        fix = 'write it as "bold #d0d0d0 on #303030", each part as you need it'
        return Fault(role, f"{shown(value)} is no style", fix)
    if role in _HUES and not base.ansi and (not form["colour"] or form["behind"]):
        return Fault(role, f"{shown(value)} must end in its one colour", 'write it as "bold #d0d0d0"')
    return None


def _no_colour(role: str, word: str, base: Palette) -> Fault:
    known = TERMINALS_OWN if base.ansi else ()
    takes = f"one of {', '.join(known)}" if known else 'a colour as "#d0d0d0"'
    what = f"{shown(word)} is neither {takes} nor one of {', '.join(ATTRIBUTES)}"
    return Fault(role, what, near(word, (*known, *ATTRIBUTES)))


def _is_colour(word: str, base: Palette) -> bool:
    return word in TERMINALS_OWN if base.ansi else bool(_COLOUR.fullmatch(word))


def _colours(style: str) -> tuple[str, str]:
    """The colour of a style and the one behind it; empty where it has none."""
    before, _, behind = style.partition("on ")
    found = _COLOUR.search(before)
    return (found[0] if found else ""), behind.strip()


def _luminance(colour: str) -> float:
    parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
