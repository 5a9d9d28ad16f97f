"""Each setting and where it comes from: command line, environment, settings file, default."""

from __future__ import annotations

import argparse
import os
from collections.abc import Mapping, MutableMapping
from typing import Any

import msgspec

from modelcar_tui.commands import screen
from modelcar_tui.core.config_file import KEYS, ConfigFile, expanded, fault, read_config, with_home
from modelcar_tui.core.errors import Problem, UserError

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
_OPTIONS = {
    "theme": "theme",
    "ascii": "ascii",
    "mouse": "mouse",
    "low-bandwidth": "low_bandwidth",
    "paths.state-dir": "state_dir",
}
"""The option's attribute by the setting's name."""
_WORD = {True: "always", False: "never"}
"""`--ascii` and `--no-ascii` as a value of `ascii`."""


class Chosen(msgspec.Struct, frozen=True):
    """A value and where it comes from. None as value: found out on the spot."""

    value: str | bool | None
    source: str
    """`command line`, `environment NAME`, `FILE:LINE` or `default`."""
    of_file: bool = False


class Preferences(msgspec.Struct, frozen=True):
    """Every setting by its name, the file that was read, and all that is wrong."""

    chosen: dict[str, Chosen]
    file: ConfigFile
    problems: tuple[Problem, ...]

    @property
    def mouse(self) -> bool:
        """Off over SSH, where nobody said otherwise: so the terminal selects text."""
        told = self.chosen["mouse"].value
        return not screen.over_ssh() if told is None else bool(told)

    @property
    def low_bandwidth(self) -> bool:
        """Whether to repaint at most twice a second."""
        return bool(self.chosen["low-bandwidth"].value)

    @property
    def ascii(self) -> bool:
        """Whether nothing beyond ASCII is drawn."""
        told = self.chosen["ascii"].value
        return not screen.shows_unicode() if told == "auto" else told == "always"

    @property
    def keys(self) -> dict[str, tuple[str, ...]]:
        """The operator's keys by the names of `core.keymap.ACTS`; what is not in it has its default keys."""
        return {name: given.keys for name, given in self.file.keys.items()}

    def key_source(self, name: str) -> str:
        """`FILE:LINE` of an act's keys."""
        return _place(self.file, self.file.keys[name].line)

    @property
    def theme(self) -> str | None:
        """The theme's name; None takes the default.

        A file says what its owner likes, not what this terminal has: on 16 colours, in which GO and NO-GO of
        other themes may look alike, `ansi` is taken unless the option or the variable names one.
        """
        told = self.chosen["theme"]
        if (told.of_file or told.source == "default") and told.value != "mono" and screen.few_colours():
            return "ansi"
        if told.source == "default":
            return "ansi" if self.low_bandwidth else None  # the terminal's own colours are the fewest bytes
        return str(told.value)


def look(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Preferences:
    """All settings, beside what the command line gave; what is wrong is told as data."""
    file = read_config(environ)
    problems = list(file.problems)
    chosen = {}
    for name, key in KEYS.items():
        chosen[name] = _of_file(name, file)
        if word := environ.get(key.environment):
            value = TRUTHS.get(word.lower(), word) if not key.choices and not key.path else word
            what, fix = ("", "") if key.path else fault(name, value)
            if what:
                problems.append(Problem(where=key.environment, what=what, fix=fix))
            else:
                chosen[name] = Chosen(value, f"environment {key.environment}")
        option = getattr(args, _OPTIONS.get(name, ""), None)
        if option is not None:
            chosen[name] = Chosen(_WORD[option] if name == "ascii" else option, "command line")
    return Preferences(chosen, file, tuple(problems))


def take(args: argparse.Namespace, environ: MutableMapping[str, str] = os.environ) -> Preferences:
    """The settings that count for a command; the folders of the file are put where all rooms look for them.

    Raises:
        UserError: something is wrong with the file or a variable.
    """
    found = look(args, environ)
    if found.problems:
        raise UserError(*found.problems)
    for name, key in KEYS.items():
        if key.path and found.chosen[name].of_file:
            environ[key.environment] = str(found.chosen[name].value)
    return found


def _of_file(name: str, file: ConfigFile) -> Chosen:
    given = file.given.get(name)
    if given is None:
        return Chosen(KEYS[name].default, "default")
    value: Any = given.value
    if KEYS[name].path:
        value = str(expanded(value))
    return Chosen(value, _place(file, given.line), of_file=True)


def _place(file: ConfigFile, line: int) -> str:
    where = with_home(str(file.path))
    return f"{where}:{line}" if line else where
