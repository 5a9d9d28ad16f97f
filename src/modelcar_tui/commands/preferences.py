"""Each setting and where it comes from: command line, environment, profile, settings file,
default."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Mapping, MutableMapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import msgspec

from modelcar_tui.commands import screen
from modelcar_tui.commands.values import checked, whole
from modelcar_tui.core.config_file import ConfigFile, Given, own_themes, read_config, with_home
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import expanded
from modelcar_tui.core.settings_table import KEYS, THEMES, Kind, Value, variable_of
from modelcar_tui.core.text import reveal

if TYPE_CHECKING:
    from modelcar_tui.commands.own_themes import OwnThemes
    from modelcar_tui.tui import Palette

_WORD = {True: "always", False: "never"}
"""`--ascii` and `--no-ascii` as a value of `ascii`."""
_OF_SCREEN = ("theme", "ascii", "mouse", "low-bandwidth", "profile")
_AS_THE_RUN = {"ask": ("vllm",), "cleanup": ("context", "kubeconfig")}
"""Commands over a run that was: these settings would say something else than the run's own."""
_LOOKED_AT = ("gpus", "inventory", "kubeconfig", "context")
"""What is looked at. Where one of these is said nearer than another, the other is about another place."""


class Source(IntEnum):
    """Who says a value; the nearer counts before the farther."""

    OPTION = 0
    VARIABLE = 1
    PROFILE = 2
    FILE = 3
    DEFAULT = 4


class Chosen(msgspec.Struct, frozen=True):
    """A value and where it comes from. None as value: found out on the spot."""

    value: Value | None
    source: str
    """`command line`, `environment NAME`, `FILE:LINE` (behind `profile NAME,`) or `default`."""
    nearness: Source = Source.DEFAULT

    @property
    def of_file(self) -> bool:
        """Whether the settings file says it, in a profile or above all."""
        return self.nearness in (Source.PROFILE, Source.FILE)


class Preferences(msgspec.Struct, frozen=True):
    """Every setting by its name, the file that was read, and all that is wrong."""

    chosen: dict[str, Chosen]
    file: ConfigFile
    problems: tuple[Problem, ...]
    profile: str = ""
    """The one that counts; empty where none does."""
    themes: OwnThemes | None = None
    """None where only ours are."""

    @property
    def palette(self) -> Palette | None:
        """The theme of the operator's own that is shown; None where it is one of ours."""
        return self._own(self.theme)

    def _own(self, name: str | None) -> Palette | None:
        judged = self.themes.judged.get(name or "") if self.themes is not None else None
        return None if judged is None else judged.palette

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
        own = self._own(str(told.value))
        of_few = told.value == "mono" or (own is not None and own.ansi)
        if (told.of_file or told.source == "default") and not of_few and screen.few_colours():
            return "ansi"
        if told.source == "default":
            return "ansi" if self.low_bandwidth else None  # the terminal's own colours are the fewest bytes
        return str(told.value)


def look(args: argparse.Namespace, environ: Mapping[str, str] = os.environ) -> Preferences:
    """All settings, beside what the command line gave; what is wrong is told as data."""
    file = read_config(environ, checked)
    problems = list(file.problems)
    given = {name: _nearest(name, args, environ, file, problems) for name in KEYS}
    profile = _profile(given["profile"], file, problems)
    for name, one in file.profiles.get(profile, {}).items():
        if given[name].nearness > Source.PROFILE:
            given[name] = _of_file(name, one, file, profile)
    themes = _themes(str(given["theme"].value), file)
    more = themes.problems if themes is not None else ()
    return Preferences(_of_one_place(given), file, (*problems, *more), profile, themes)


def _themes(told: str, file: ConfigFile) -> OwnThemes | None:
    """Those of the settings, and the one that is shown; ours need no look."""
    known = told not in THEMES and told in own_themes(file.path, file.themes)  # else that is told already
    if not known and not file.themes:
        return None
    from modelcar_tui.commands.own_themes import read_themes

    return read_themes([told] if known else [], file)


def take(args: argparse.Namespace, environ: MutableMapping[str, str] = os.environ) -> Preferences:
    """The settings that count for a command: put where the command line would have put them; folders, where
    all rooms look for them.

    Raises:
        UserError: something is wrong with the file or a variable.
    """
    found = look(args, environ)
    if found.problems:
        raise UserError(*found.problems)
    for name in ("paths.state-dir", "paths.cache-dir", "paths.data-dir", "runs.keep-days", "runs.keep-size"):
        if found.chosen[name].of_file:
            environ[variable_of(name)] = str(found.chosen[name].value)
    for name in _heard(args):
        one = found.chosen[name]
        if name == "llm.enabled" and one.value and one.nearness > Source.OPTION:
            continue  # it lets nobody be asked: that is said a host, or by --llm for a run
        if Source.OPTION < one.nearness < Source.DEFAULT:
            setattr(args, KEYS[name].dest, list(one.value) if isinstance(one.value, tuple) else one.value)
    return found


def _heard(args: argparse.Namespace) -> Iterator[str]:
    """The settings that stand for options of this command; how the screen is shown, `Preferences` tells."""
    deaf = {*_AS_THE_RUN.get(getattr(args, "command", None) or "", ()), *_OF_SCREEN, "paths.state-dir"}
    demo = getattr(args, "demo", False)
    if getattr(args, "cases", None):
        return  # each case has its own model, release and arguments
    for name, key in KEYS.items():
        if key.dest and hasattr(args, key.dest) and name not in deaf and (key.in_demo or not demo):
            yield name


def _nearest(
    name: str,
    args: argparse.Namespace,
    environ: Mapping[str, str],
    file: ConfigFile,
    problems: list[Problem],
) -> Chosen:
    """What the command line, a variable or the file says, profiles left out."""
    key = KEYS[name]
    if key.dest in getattr(args, "given", {}):
        return _of_option(name, getattr(args, key.dest), file, problems)
    if word := environ.get(variable_of(name)):
        try:
            return Chosen(_typed(name, word, file), f"environment {variable_of(name)}", Source.VARIABLE)
        except UserError as error:
            problems += error.problems
    if name in file.given:
        return _of_file(name, file.given[name], file)
    return Chosen(key.default, "default")


def _of_option(name: str, value: Any, file: ConfigFile, problems: list[Problem]) -> Chosen:
    if name == "theme" and value not in THEMES:
        from modelcar_tui.core.config_values import fault

        what, fix = fault(name, value, own_themes=own_themes(file.path, file.themes))
        if what:
            problems.append(Problem(where="--theme", what=what, fix=fix))
    value = _WORD[value] if name == "ascii" else tuple(value) if isinstance(value, list) else value
    return Chosen(value, "command line", Source.OPTION)


def _typed(name: str, word: str, file: ConfigFile) -> Value:
    """A variable's text as the setting's value.

    Raises:
        UserError: it says nothing.
    """
    from modelcar_tui.core.config_values import fault, untellable

    value = _of_word(name, word)
    if KEYS[name].kind in (Kind.PATH, Kind.PATHS):
        what, fix = untellable(word)  # else as the option takes it: also within the folder where we are
    else:
        own = own_themes(file.path, file.themes) if name == "theme" and word not in THEMES else ()
        what, fix = fault(name, value, checked, own_themes=own)
    if what:
        raise UserError(Problem(where=variable_of(name), what=what, fix=fix))
    return value


def _of_word(name: str, word: str) -> Value:
    match KEYS[name].kind:
        case Kind.TRUTH:
            from modelcar_tui.core.config_values import TRUTHS

            return TRUTHS.get(word.lower(), word)
        case Kind.TEXTS:
            return tuple(one.strip() for one in word.split(",") if one.strip())
        case Kind.WHOLE if word.isascii() and (number := whole(word)) is not None:
            return number
        case Kind.SECONDS:
            try:
                return float(word)
            except ValueError:
                return word
    return word


def _profile(told: Chosen, file: ConfigFile, problems: list[Problem]) -> str:
    """The name of the profile that counts; one that nobody wrote is told where it is asked for."""
    name = str(told.value or "")
    if not name or name in file.profiles:
        return name
    if file.there and not file.profiles and file.problems:
        return ""  # a file that can't be read is told, and what was in it is not known
    from modelcar_tui.core.config_values import shown

    where = {Source.OPTION: "--profile", Source.VARIABLE: variable_of("profile")}.get(
        told.nearness, told.source
    )
    known = ", ".join(reveal(one) for one in file.profiles)
    fix = f"there are {known}" if known else f"write a table [profiles.NAME] into {with_home(str(file.path))}"
    problems.append(Problem(where=where, what=f"there is no profile {shown(name)}", fix=fix))
    return ""


def _of_one_place(given: dict[str, Chosen]) -> dict[str, Chosen]:
    """GPUs and lists of nodes count where no cluster is named nearer; a context where no kubeconfig is."""
    nearest = min(given[name].nearness for name in _LOOKED_AT)
    kept = dict(given)
    for name in ("gpus", "inventory"):
        if nearest < given[name].nearness < Source.DEFAULT:
            kept[name] = Chosen(None, "default")
    if given["kubeconfig"].nearness < given["context"].nearness < Source.DEFAULT:
        kept["context"] = Chosen(None, "default")
    return kept


def _of_file(name: str, given: Given, file: ConfigFile, profile: str = "") -> Chosen:
    value: Value = given.value
    if KEYS[name].kind is Kind.PATH:
        value = str(expanded(str(value)))
    if KEYS[name].kind is Kind.PATHS:
        value = os.pathsep.join(str(expanded(one)) for one in str(value).split(os.pathsep))
    where = _place(file, given.line)
    if profile:
        return Chosen(value, f"profile {reveal(profile)}, {where}", Source.PROFILE)
    return Chosen(value, where, Source.FILE)


def _place(file: ConfigFile, line: int) -> str:
    where = with_home(str(file.path))
    return f"{where}:{line}" if line else where
