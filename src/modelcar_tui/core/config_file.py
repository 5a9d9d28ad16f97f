"""The operator's settings file: where it is, what may stand in it, and what is wrong with it, line by line.

It is read once, bounded, and never waited for. What is wrong is told as data, so that a broken file stops
only what would have heard it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.files import open_regular
from modelcar_tui.core.text import reveal

CONFIG = "MODELCAR_TUI_CONFIG"
"""The variable that names another file."""
NO_FILE = "/dev/null"
"""As `MODELCAR_TUI_CONFIG`: no file at all."""
THEMES = ("dark", "light", "colour-blind", "ansi", "mono")
ASCII = ("auto", "always", "never")
MOST = 64 * 1024
"""Bytes that a file of settings may have."""
_PLACE = re.compile(r"at line (\d+), column (\d+)")
_ASSIGNS = re.compile(r"""^\s*(?:\[+\s*)?(["'\w.-]+?)\s*(?:=|\]+\s*(?:#.*)?$)""")
_KEYS_TABLE = 'it is a table: [keys], and under it lines as review = "c"'


class Key(msgspec.Struct, frozen=True):
    """One setting: what its value may be, which variable of the environment stands for it, and its default.

    A value is one of `choices`; without them a path where `path` says so, else true or false.
    """

    environment: str
    default: str | bool | None
    choices: tuple[str, ...] = ()
    path: bool = False


KEYS = {
    "theme": Key("MODELCAR_TUI_THEME", "dark", THEMES),
    "ascii": Key("MODELCAR_TUI_ASCII", "auto", ASCII),
    "mouse": Key("MODELCAR_TUI_MOUSE", None),
    "low-bandwidth": Key("MODELCAR_TUI_LOW_BANDWIDTH", default=False),
    "paths.state-dir": Key("MODELCAR_TUI_STATE_DIR", None, path=True),
    "paths.cache-dir": Key("MODELCAR_TUI_CACHE_DIR", None, path=True),
}
"""By name, with the table that holds it in front. None as default: found out on the spot."""


class Given(msgspec.Struct, frozen=True):
    """A value of the file, and its line (from 1; 0 where that is not known)."""

    value: str | bool
    line: int


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
    problems: tuple[Problem, ...] = ()


def config_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Where the file is: `MODELCAR_TUI_CONFIG`, else `modelcar-tui/config.toml` in XDG's folder."""
    if named := environ.get(CONFIG):
        return expanded(named)
    xdg = Path(environ.get("XDG_CONFIG_HOME", ""))  # a relative one is to be ignored (XDG Base Directory)
    base = xdg if xdg.is_absolute() else expanded("~/.config")
    return base / "modelcar-tui" / "config.toml"


def read_config(environ: Mapping[str, str] = os.environ) -> ConfigFile:
    """Read it; a file that is not there and that nobody named sets nothing."""
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
    return _parsed(path, text)


def expanded(text: str) -> Path:
    """A path with `~` as the home, where there is one."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        return Path(text)


def with_home(path: str) -> str:
    """A path as it is shown and can be typed: with `~` for the home."""
    with suppress(RuntimeError, ValueError):
        return reveal(f"~/{Path(path).relative_to(Path.home())}")
    return reveal(path)


def fault(name: str, value: Any) -> tuple[str, str]:
    """What is wrong with a value, and how to mend it; two empty texts where nothing is."""
    key = KEYS[name]
    if key.choices:
        if isinstance(value, str) and value in key.choices:
            return "", ""
        what = f"{_shown(value)} is none of {', '.join(key.choices)}"
        return what, _near(value, key.choices) if isinstance(value, str) else "write one of them in quotes"
    if key.path:
        if isinstance(value, str) and value and "\0" not in value and expanded(value).is_absolute():
            return "", ""
        return f"{_shown(value)} is no whole path", 'write one that begins with / or ~, in quotes: "~/runs"'
    return ("", "") if isinstance(value, bool) else (f"{_shown(value)} is no truth value", "true or false")


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
        PermissionError: f"chmod u+r {reveal(str(path))}",
        IsADirectoryError: "name the file in it",
    }
    what = f"the settings can't be read: {(error.strerror or 'no reason told').lower()}"
    return Problem(where=reveal(str(path)), what=what, fix=fix or fixes.get(type(error), ""))


def _parsed(path: Path, text: str) -> ConfigFile:
    import tomllib

    where = reveal(str(path))
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        place = _PLACE.search(str(error))
        at = f":{place[1]}:{place[2]}" if place else f":{text.count(chr(10)) + 1}"
        problem = Problem(
            where=where + at, what="not TOML", fix='a line is NAME = VALUE, texts in quotes: "dark"'
        )
        return ConfigFile(path, there=True, problems=(problem,))
    except RecursionError:
        return ConfigFile(path, there=True, problems=(Problem(where=where, what="nested too deep"),))
    lines = _lines(text)
    given: dict[str, Given] = {}
    problems: list[Problem] = []
    for name, value in _settings(tree):
        line = lines.get(name, 0)
        if (wrong := _problem(name, value, f"{where}:{line}" if line else where)) is not None:
            problems.append(wrong)
        elif name in KEYS:
            given[name] = Given(value, line)
    keys, faults = _keys(tree.get("keys"), lines, where)
    return ConfigFile(path, there=True, given=given, keys=keys, problems=(*problems, *faults))


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


def _settings(tree: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Each setting but the keys by its whole name; what is in a table that nobody knows is told as that
    table."""
    tables = {name.partition(".")[0] for name in KEYS if "." in name}
    for name, value in tree.items():
        if name in tables and isinstance(value, dict):
            yield from ((f"{name}.{inner}", held) for inner, held in value.items())
        elif name != "keys" or not isinstance(value, dict):
            yield name, value


def _problem(name: str, value: Any, where: str) -> Problem | None:
    if name in KEYS:
        what, fix = fault(name, value)
        return Problem(where=where, what=f"{name}: {what}", fix=fix) if what else None
    from modelcar_tui.core.names import Kind, kind_of

    shown = reveal(name[:60])
    if name == "keys":
        return Problem(where=where, what="keys: no such setting", fix=_KEYS_TABLE)
    if kind_of(name.rpartition(".")[2]) >= Kind.MAYBE:
        what = f"{shown}: no secret belongs in this file"
        return Problem(where=where, what=what, fix="take it out, and see Environment in docs/operating.md")
    inside = [key.partition(".")[2] for key in KEYS if key.startswith(f"{name}.")]
    fix = (
        f"it is a table: [{name}], and under it {' or '.join(inside)}" if inside else _near(name, tuple(KEYS))
    )
    return Problem(where=where, what=f"{shown}: no such setting", fix=fix)


def _lines(text: str) -> dict[str, int]:
    """The line of each setting, by its whole name; of two alike the first."""
    found: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _ASSIGNS.match(line):
            name = match[1].replace('"', "").replace("'", "")
            is_table = line.lstrip().startswith("[")
            whole = name if is_table else f"{table}{name}"
            table = f"{name}." if is_table else table
            found.setdefault(whole, number)
            found.setdefault(whole.partition(".")[0], number)
    return found


def _near(word: str, known: tuple[str, ...]) -> str:
    import difflib

    near = difflib.get_close_matches(word[:60].lower().replace("_", "-"), known, 1, 0.6)
    near = near or [name for name in known if name.rpartition(".")[2] == word.lower().replace("_", "-")][:1]
    return f"did you mean {near[0]}?" if near else f"there are {', '.join(known)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{reveal(value[:40])}{"…" * (len(value) > 40)}"'
    kinds = {dict: "a table", list: "a list", int: "a number", float: "a number"}
    return kinds.get(type(value), "a date")
