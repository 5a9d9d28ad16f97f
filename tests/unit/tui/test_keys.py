"""One table of keys: the screens bind what it says, and the documentation says the same."""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from textual.binding import Binding
from textual.keys import _character_to_key
from textual.screen import Screen

import modelcar_tui.tui.screens as screens
from modelcar_tui.core.keymap import ACT_OF, ACTS, SIGNS, Act
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.keys import KEYS, bind, pretty, textual_name
from modelcar_tui.tui.screens.base import PLAY_BINDINGS

DOC = Path(__file__).parents[3] / "docs" / "keys.md"
TYPED = {"palette", "ask", "prompt"}
"""Screens where keys are typed text; they have only what moves in a list and leaves."""


def bound() -> Iterator[tuple[str, Binding]]:
    """Each binding of each screen, one key each."""
    for module in pkgutil.iter_modules(screens.__path__):
        loaded = importlib.import_module(f"modelcar_tui.tui.screens.{module.name}")
        for name, kind in vars(loaded).items():
            ours = isinstance(kind, type) and issubclass(kind, Screen) and kind.__module__ == loaded.__name__
            if ours and module.name not in TYPED | {"base"}:
                for binding in Binding.make_bindings(kind.BINDINGS):
                    yield name, binding
    for binding in Binding.make_bindings(PLAY_BINDINGS):
        yield "a replay", binding
    for binding in Binding.make_bindings(DashboardApp.BINDINGS):
        yield "DashboardApp", binding


def test_every_screen_binds_keys_by_the_table() -> None:
    odd = [
        (screen, one.key, one.description)
        for screen, one in bound()
        if one.description and KEYS.get("1" if one.key.isdecimal() else one.key) != one.description
    ]
    assert not odd, "bind(keys, action) of tui/keys.py takes the words from the table"


def test_no_key_of_the_table_is_bound_nowhere() -> None:
    keys = {"1" if one.key.isdecimal() else one.key for _, one in bound()}
    assert set(KEYS) - keys == set()


def test_the_documentation_has_the_table_line_by_line() -> None:
    told = {}
    for line in DOC.read_text().splitlines():
        if match := re.fullmatch(r"\| `(.+)` \| (`.+`(?: to `9`)?) \| (.+) \|", line):
            keys = re.findall(r"`([^`]+)`", match[2].partition(" to ")[0])
            told[match[1]] = Act(tuple(keys), match[3], ACTS[match[1]].sweeping)
    assert told == ACTS and list(told) == list(ACTS)
    sweeping = DOC.read_text().partition("**Sweeping acts** (")[2].partition(")")[0]
    assert set(re.findall(r"`([^`]+)`", sweeping)) == {name for name, act in ACTS.items() if act.sweeping}


def test_a_key_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(KeyError):
        bind("h", "leave")


def test_keys_have_the_names_that_textual_gives_them() -> None:
    for sign in SIGNS:
        assert textual_name(sign) == _character_to_key(sign)
        assert pretty(textual_name(sign)) == sign
    for key in ACT_OF:
        assert pretty(textual_name(key)) == key
