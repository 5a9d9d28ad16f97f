"""The operator's settings file: where it is, what may stand in it, and what is wrong with it, line by line.

It is read once, bounded, and never waited for. What is wrong is told as data, so that a broken file stops
only what would have heard it.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.files import expanded, open_regular
from modelcar_tui.core.settings_table import KEYS, THEMES, Check, Value
from modelcar_tui.core.text import reveal

CONFIG = "MODELCAR_TUI_CONFIG"
"""The variable that names another file."""
NO_FILE = "/dev/null"
"""As `MODELCAR_TUI_CONFIG`: no file at all."""
MOST = 64 * 1024
"""Bytes that a file of settings may have."""
_MOST_THEMES = 100
_PLACE = re.compile(r"at line (\d+), column (\d+)")
_PART = r"""(?:[\w-]+|"[^"]*"|'[^']*')"""
_ASSIGNS = re.compile(rf"^\s*(?:\[+\s*)?({_PART}(?:\s*\.\s*{_PART})*)\s*(?:=|\]+\s*(?:#.*)?$)")
_PARTS = re.compile(_PART)
_BARE = re.compile(r"[\w~/.,:@%+=-]+")
_LONG = re.compile(r"[0-9_]{4300}")
"""Of a whole number more digits than Python reads."""
_TABLES = {
    "keys": 'it is a table: [keys], and under it lines as review = "c"',
    "profiles": 'it is a table: [profiles.NAME], and under it lines as context = "prod"',
    "themes": 'it is a table: [themes.NAME], and under it lines as base = "light"',
}
"""Tables whose names are not settings, and how each is written."""


class Given(msgspec.Struct, frozen=True):
    """A value of the file, and its line (from 1; 0 where that is not known)."""

    value: Value
    line: int


class GivenTheme(msgspec.Struct, frozen=True):
    """A theme of the operator's own as it is written, not judged yet; the line of each of its names."""

    path: Path
    table: dict[str, Any]
    lines: dict[str, int]
    line: int = 0


class GivenKeys(msgspec.Struct, frozen=True):
    """A line of `[keys]`: the keys as they are printed, without those that stay; the line as in `Given`."""

    keys: tuple[str, ...]
    line: int


class ConfigFile(msgspec.Struct, frozen=True):
    """The file as it was read: what it sets, by the names of `KEYS`, and what is wrong with it."""

    path: Path
    there: bool = False
    given: dict[str, Given] = {}
    keys: dict[str, GivenKeys] = {}
    """By the names of `core.keymap.ACTS`."""
    profiles: dict[str, dict[str, Given]] = {}
    """What each table of `[profiles]` sets, by the names of `KEYS`."""
    themes: dict[str, GivenTheme] = {}
    """Those of `[themes]`; others stand in files beside this one (`theme_file`)."""
    problems: tuple[Problem, ...] = ()


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the file is: `MODELCAR_TUI_CONFIG`, else `modelcar-tui/config.toml` in XDG's folder."""
    if named := environ.get(CONFIG):
        return expanded(named)
    xdg = Path(environ.get("XDG_CONFIG_HOME", ""))  # a relative one is to be ignored (XDG Base Directory)
    base = xdg if xdg.is_absolute() else expanded("~/.config")
    return base / "modelcar-tui" / "config.toml"


def read_config(
    environ: Mapping[str, str] = os.environ, check: Check = lambda _name, _text: ""
) -> ConfigFile:
    """Read it; a file that is not there and that nobody named sets nothing.

    Args:
        environ: where the file's place is asked for.
        check: what the option of a setting asks of its value beside its type.
    """
    path = config_path(environ)
    if str(path) == NO_FILE:
        return ConfigFile(path)
    try:
        text = _text(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        if not environ.get(CONFIG):
            return ConfigFile(path)
        return ConfigFile(path, problems=(_unread(path, error, f"mend {CONFIG}, or unset it"),))
    except OSError as error:
        return ConfigFile(path, there=True, problems=(_unread(path, error),))
    if isinstance(text, Problem):
        return ConfigFile(path, there=True, problems=(text,))
    return _parsed(path, text, check)


def theme_file(config: Path, name: str) -> Path:
    """Where a theme of the operator's own may stand by itself: `themes/NAME.toml` beside the settings."""
    return config.parent / "themes" / f"{name}.toml"


def own_themes(config: Path, tables: Iterable[str]) -> tuple[str, ...]:
    """The operator's own themes by name: the tables of the settings, then files of `themes/` beside them."""
    files: list[str] = []
    with suppress(OSError):
        files = sorted(
            entry.stem for entry in (config.parent / "themes").iterdir() if entry.suffix == ".toml"
        )
    return tuple(dict.fromkeys((*tables, *files[:_MOST_THEMES])))


def read_theme(path: Path) -> GivenTheme | Problem:
    """A theme's own file, not judged yet.

    Raises:
        OSError: it is not there, or can't be read.
    """
    text = _text(path)
    if isinstance(text, Problem):
        return text
    tree = _tree(path, text)
    return tree if isinstance(tree, Problem) else GivenTheme(path, tree, lines_of(text))


def with_home(path: str) -> str:
    """A path as it is shown and can be typed: with `~` for the home."""
    with suppress(RuntimeError, ValueError):
        return reveal(f"~/{Path(path).relative_to(Path.home())}")
    return reveal(path)


def typed(path: str) -> str:
    """A path as one word of a shell's command: quoted where it holds what a shell would take for its own, and
    no option. One with a mask names no file: `to_type` says so."""
    return typed_word(f"./{path}" if path.startswith(("-", "~")) else path)


def typed_word(word: str) -> str:
    """Any word of a command, an option too, as `typed` tells a path."""
    shown = with_home(word)
    return shown if _BARE.fullmatch(shown) else shlex.quote(reveal(word))


def to_type(command: str, *paths: str) -> str:
    """A command that the operator may copy, with a path at each `{}`.

    A name with the shape of a secret is masked, and one with hidden signs is told by their code points: then
    the command says that it can't be copied as it stands.
    """
    told = command.format(*map(typed, paths))
    if all(reveal(path) == path for path in paths):
        return told
    return f"{told} (type the name yourself: it is shown with signs of it replaced)"


def _text(path: Path) -> str | Problem:
    """
    Raises:
        OSError: it can't be read.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        data = file.read(MOST + 1)
    where = reveal(str(path))
    if len(data) > MOST:
        return Problem(where=where, what=f"larger than {MOST // 1024} KiB", fix="this is no file of settings")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Problem(where=f"{where}:{line}", what="not UTF-8", fix="save it as UTF-8")


def _unread(path: Path, error: OSError, fix: str = "") -> Problem:
    fixes = {
        PermissionError: f"chmod u+r {typed(str(path))}",
        IsADirectoryError: "name the file in it",
    }
    what = f"the settings can't be read: {(error.strerror or 'no reason told').lower()}"
    return Problem(where=reveal(str(path)), what=what, fix=fix or fixes.get(type(error), ""))


def _parsed(path: Path, text: str, check: Check) -> ConfigFile:
    tree = _tree(path, text)
    if isinstance(tree, Problem):
        return ConfigFile(path, there=True, problems=(tree,))
    return _Reader(path, lines_of(text), check).read(tree)


def _tree(path: Path, text: str) -> dict[str, Any] | Problem:
    import tomllib

    where = reveal(str(path))
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        at = f":{place[1]}:{place[2]}" if place else f":{text.count(chr(10)) + 1}"
        fix = 'a line is NAME = VALUE, texts in quotes: "dark"'
        return Problem(where=where + at, what="not TOML", fix=fix)
    except RecursionError:
        return Problem(where=where, what="nested too deep")
    except ValueError:
        long = _LONG.search(text)
        at = f":{text.count(chr(10), 0, long.start()) + 1}" if long else ""
        return Problem(where=where + at, what="a number has too many digits", fix="write a smaller one")


class _Reader:
    """What a tree of TOML sets, and what is wrong in it."""

    def __init__(self, path: Path, lines: Mapping[str, int], check: Check) -> None:
        self._path = path
        self._where = reveal(str(path))
        self._lines = lines
        self._check = check
        self._problems: list[Problem] = []
        self._themes: dict[str, GivenTheme] = {}

    def read(self, tree: dict[str, Any]) -> ConfigFile:
        self._themes = self._read_themes(tree)
        given = self._settings({name: held for name, held in tree.items() if not _is_table(name, held)})
        keys, faults = _keys(tree.get("keys"), self._lines, self._where)
        self._problems += faults
        profiles = {name: self._profile(name, held) for name, held in _table(tree, "profiles").items()}
        return ConfigFile(
            self._path,
            there=True,
            given=given,
            keys=keys,
            profiles=profiles,
            themes=self._themes,
            problems=tuple(self._problems),
        )

    def _settings(self, tree: dict[str, Any], inside: str = "") -> dict[str, Given]:
        given: dict[str, Given] = {}
        for name, value in _by_whole_name(tree):
            line = self._line(inside + name)
            wrong = self._problem(name, value, inside)
            if wrong is not None:
                self._problems.append(
                    msgspec.structs.replace(wrong, where=f"{self._where}:{line}" if line else self._where)
                )
            else:
                given[name] = Given(tuple(value) if isinstance(value, list) else value, line)
        return given

    def _profile(self, name: str, held: Any) -> dict[str, Given]:
        if isinstance(held, dict):
            return self._settings(held, f"profiles.{name}.")
        line = self._line(f"profiles.{name}")
        where = f"{self._where}:{line}" if line else self._where
        fix = 'a profile is a table: [profiles.NAME], and under it lines as context = "prod"'
        shown = reveal(name[:60])
        self._problems.append(Problem(where=where, what=f"profiles.{shown}: this is no table", fix=fix))
        return {}

    def _read_themes(self, tree: dict[str, Any]) -> dict[str, GivenTheme]:
        found: dict[str, GivenTheme] = {}
        for name, held in _table(tree, "themes").items():
            start = f"themes.{name}."
            lines = {key.removeprefix(start): at for key, at in self._lines.items() if key.startswith(start)}
            table = held if isinstance(held, dict) else {"": held}
            found[name] = GivenTheme(self._path, table, lines, self._line(f"themes.{name}"))
        return found

    def _line(self, name: str) -> int:
        """Of a setting, or of the nearest table that holds it."""
        while name not in self._lines and "." in name:
            name = name.rpartition(".")[0]
        return self._lines.get(name, 0)

    def _problem(self, name: str, value: Any, inside: str) -> Problem | None:
        from modelcar_tui.core.config_values import fault, near

        shown = f"{reveal(inside[:60])}{reveal(name[:60]) or chr(34) * 2}"
        if name in KEYS and not (inside and not KEYS[name].in_profiles):
            own = own_themes(self._path, self._themes) if name == "theme" and value not in THEMES else ()
            what, fix = fault(name, value, self._check, own_themes=own)
            return Problem(what=f"{shown}: {what}", fix=fix) if what else None
        from modelcar_tui.core.names import Kind, kind_of

        if name in KEYS:
            return Problem(what=f"{shown}: no setting of a profile", fix=f"put {name} above all tables")
        if name in _TABLES:
            fix = _TABLES[name] if not inside else f"put [{name}] outside of the profiles"
            return Problem(what=f"{shown}: no such setting", fix=fix)
        if kind_of(name.rpartition(".")[2]) >= Kind.MAYBE:
            what = f"{shown}: no secret belongs in this file"
            return Problem(what=what, fix="take it out, and see Environment in docs/operating.md")
        held = [key.partition(".")[2] for key in KEYS if key.startswith(f"{name}.")]
        fix = (
            f"it is a table: [{name}], and under it {' or '.join(held)}"
            if held
            else near(name, tuple(KEYS), "`agent config` lists all")
        )
        return Problem(what=f"{shown}: no such setting", fix=fix)


def _is_table(name: str, held: Any) -> bool:
    return name in _TABLES and isinstance(held, dict)


def _table(tree: dict[str, Any], name: str) -> dict[str, Any]:
    held = tree.get(name)
    return held if isinstance(held, dict) else {}


def _by_whole_name(tree: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each setting by its whole name; what is in a table that nobody knows is told as that table."""
    tables = {name.partition(".")[0] for name in KEYS if "." in name}
    for name, value in tree.items():
        if name in tables and isinstance(value, dict):
            yield from ((f"{name}.{inner}", held) for inner, held in value.items())
        else:
            yield name, value


def _keys(table: Any, lines: Mapping[str, int], where: str) -> tuple[dict[str, GivenKeys], list[Problem]]:
    """What `[keys]` says, and what is wrong in it."""
    if not isinstance(table, dict):
        return {}, []
    from modelcar_tui.core.keymap import judged

    keys: dict[str, GivenKeys] = {}
    problems: list[Problem] = []
    for one in judged(table):
        line = lines.get(f"keys.{one.name}", lines.get("keys", 0))
        if one.what:
            at = f"{where}:{line}" if line else where
            what = f"keys.{reveal(one.name[:60])}: {one.what}"
            problems.append(Problem(where=at, what=what, fix=one.fix))
        else:
            keys[one.name] = GivenKeys(one.keys, line)
    return keys, problems


def lines_of(text: str) -> dict[str, int]:
    """The line of each setting, by its whole name; of two alike the first."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _ASSIGNS.match(line):
            name = ".".join(part.strip("\"'") for part in _PARTS.findall(match[1]))
            is_table = line.lstrip().startswith("[")
            whole = name if is_table else f"{table}{name}"
            table = f"{name}." if is_table else table
            found.setdefault(whole, number)
            found.setdefault(whole.partition(".")[0], number)
    return found
