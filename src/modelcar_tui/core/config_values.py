"""Whether a value may stand for a setting, whoever says it: the file, a profile, a variable."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from typing import Any

from modelcar_tui.core.files import expanded
from modelcar_tui.core.settings_table import KEYS, Check, Key, Kind
from modelcar_tui.core.text import clean, reveal

TRUTHS = {
    "1": True,
    "true": True,
    "yes": True,
    "on": True,
    "0": False,
    "false": False,
    "no": False,
    "off": False,
}
"""How a variable of the environment says it."""
_ONE_OF_THEM = "write one of them"
_SECRET = (
    "it holds what looks like a secret",
    "no secret belongs in settings; see Environment in docs/operating.md",
)


def fault(
    name: str, value: Any, check: Check = lambda _name, _text: "", *, own_themes: Collection[str] = ()
) -> tuple[str, str]:
    """What is wrong with a value, and how to mend it; two empty texts where nothing is.

    Args:
        name: of `KEYS`.
        value: as TOML gives it; a list or a tuple of texts where the setting is one.
        check: see `Check`.
        own_themes: themes beside ours.
    """
    key = KEYS[name]
    parts = value if isinstance(value, list | tuple) else (value,)
    for one in () if key.kind is Kind.CHOICE else parts:
        if (wrong := untellable(one))[0]:
            return wrong
    what, fix = _of_kind(key, value, own_themes if name == "theme" else ())
    if what or key.kind in (Kind.CHOICE, Kind.TRUTH):
        return what, fix
    for one in parts:
        if said := check(name, str(one)):
            what, _, fix = said.partition("; ")
            return f"{shown(one) if isinstance(one, str) else one}: {what}", fix
    return "", ""


def untellable(value: Any) -> tuple[str, str]:
    """As `fault`, of what no value may hold: the shape of a secret, or what can't be printed."""
    if not isinstance(value, str) or clean(value, limit=len(value) or 1) == value:
        return "", ""
    return _SECRET if value.isprintable() else (f"{shown(value)} can't be printed", "write it anew")


def near(word: str, known: Collection[str], otherwise: str = "") -> str:
    """The name that was meant; where none is like it `otherwise`, by default all that there are."""
    import difflib

    found = difflib.get_close_matches(word[:60].lower().replace("_", "-"), known, 1, 0.6)
    found = found or [name for name in known if name.rpartition(".")[2] == word.lower().replace("_", "-")][:1]
    return f"did you mean {found[0]}?" if found else otherwise or f"there are {', '.join(map(reveal, known))}"


def shown(value: Any) -> str:
    """A value in a line about it: no secret, nothing that can't be seen."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{reveal(clean(value, limit=len(value) or 1)[:40])}{"…" * (len(value) > 40)}"'
    kinds = {dict: "a table", list: "a list", int: "a number", float: "a number"}
    return kinds.get(type(value), "a date")


def _of_kind(key: Key, value: Any, own_themes: Collection[str]) -> tuple[str, str]:
    if key.kind is Kind.CHOICE:
        return _of_choice(value, key.choices, own_themes)
    if key.kind in (Kind.PATH, Kind.PATHS):
        return _of_path(value, several=key.kind is Kind.PATHS)
    fits, what, fix = _FITS[key.kind]
    return ("", "") if fits(value) else (f"{shown(value)} is no {what}", fix)


def _is_number(value: Any, *kinds: type) -> bool:
    return isinstance(value, kinds) and not isinstance(value, bool)


def _is_texts(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, str) and one for one in value)


_UNQUOTED = "write a number, without quotes"
_FITS: dict[Kind, tuple[Callable[[Any], bool], str, str]] = {
    Kind.TRUTH: (lambda value: isinstance(value, bool), "truth value", "true or false"),
    Kind.TEXTS: (_is_texts, "list of texts", 'write ["...", "..."]'),
    Kind.WHOLE: (lambda value: _is_number(value, int), "whole number", _UNQUOTED),
    Kind.SECONDS: (lambda value: _is_number(value, int, float), "number", _UNQUOTED),
    Kind.TEXT: (lambda value: isinstance(value, str) and bool(value), "text", "write it in quotes"),
}
"""Whether a value is of a kind, what it is not otherwise, and how to mend it."""


def _of_choice(value: Any, choices: tuple[str, ...], own: Collection[str]) -> tuple[str, str]:
    if isinstance(value, str) and (value in choices or value in own):
        return "", ""
    known = (*choices, *own)
    what = f"{shown(value)} is none of {', '.join(map(reveal, known))}"
    return what, near(value, known, _ONE_OF_THEM) if isinstance(value, str) else f"{_ONE_OF_THEM} in quotes"


def _of_path(value: Any, *, several: bool) -> tuple[str, str]:
    parts = value.split(os.pathsep) if several and isinstance(value, str) else [value]
    for one in parts:
        if not (isinstance(one, str) and one and "\0" not in one and expanded(one).is_absolute()):
            what = f"{shown(value)} is no whole path"
            return what, 'write one that begins with / or ~, in quotes: "~/runs"'
    return "", ""
