"""The operator's own themes: which there are beside the settings, and what is wrong with each."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec

from modelcar_tui.core.config_file import (
    ConfigFile,
    GivenTheme,
    own_themes,
    read_theme,
    theme_file,
    with_home,
)
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.settings_table import THEMES
from modelcar_tui.core.text import reveal

if TYPE_CHECKING:
    from modelcar_tui.tui import Judged


class OwnThemes(msgspec.Struct, frozen=True):
    """Those that were asked for, by name, and all that is wrong with them."""

    judged: dict[str, Judged] = {}
    problems: tuple[Problem, ...] = ()
    warnings: tuple[str, ...] = ()
    """What is hard to read, with its place; no fault."""


def read_themes(names: Iterable[str], file: ConfigFile) -> OwnThemes:
    """The themes of these names, and all tables of the settings, which are read already."""
    judged: dict[str, Judged] = {}
    problems: list[Problem] = []
    warnings: list[str] = []
    for name in dict.fromkeys((*file.themes, *names)):
        if name in THEMES and name not in file.themes:
            continue
        given = file.themes.get(name) or _of_file(name, file)
        if isinstance(given, Problem):
            problems.append(given)
            continue
        from modelcar_tui.tui import judge_theme

        judged[name] = found = judge_theme(name, given.table)
        shown = f"themes.{reveal(name[:40])}"
        for fault in found.faults:
            what = f"{shown}{f'.{fault.name}' if fault.name else ''}: {fault.what}"
            problems.append(Problem(where=_place(given, fault.name), what=what, fix=fault.fix))
        warnings += [f"{_place(given, told.partition(':')[0])}: {shown}.{told}" for told in found.warnings]
    return OwnThemes(judged, tuple(problems), tuple(warnings))


def all_themes(file: ConfigFile) -> OwnThemes:
    """All that stand in the settings and beside them."""
    return read_themes(own_themes(file.path, file.themes), file)


def _of_file(name: str, file: ConfigFile) -> GivenTheme | Problem:
    path = theme_file(file.path, name)
    try:
        return read_theme(path)
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or "it is no file"
        return Problem(where=reveal(str(path)), what=f"the theme can't be read: {said.lower()}")


def _place(given: GivenTheme, name: str = "") -> str:
    line = given.lines.get(name, given.line)
    where = with_home(str(given.path))
    return f"{where}:{line}" if line else where
