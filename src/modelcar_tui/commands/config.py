"""`agent config`: the settings that count here and where each comes from; the file's place; its faults."""

from __future__ import annotations

import argparse
import os
import sys

from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.own_themes import all_themes
from modelcar_tui.commands.preferences import Chosen, Preferences, look
from modelcar_tui.core.config_file import config_path, with_home
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.settings_table import Value, default_said
from modelcar_tui.core.shown import shown


def run_config(args: argparse.Namespace) -> int:
    """Print what `args` ask for (`path`, `check`, else the settings), or keep the word on a language model's
    host; status 2 where something is wrong.

    Raises:
        UserError: the settings file can't be written.
    """
    if any((args.allow, args.refuse, args.forget)):
        return _keep(args)
    found = look(args)
    if args.path:
        sys.stdout.write(f"{shown(str(found.file.path))}\n")
        return ExitStatus.GO
    themes = all_themes(found.file)
    problems = tuple(dict.fromkeys(map(str, (*found.problems, *themes.problems))))
    if not args.check:
        _show(found)
    elif not problems:
        state = "no fault" if found.file.there else "there is no such file; the defaults count"
        sys.stdout.write(f"{shown(str(found.file.path))}: {state}\n")
    for told in (*problems, *(f"note: {warning}" for warning in themes.warnings)):
        complain(told)
    return ExitStatus.USAGE if problems else ExitStatus.GO


def _keep(args: argparse.Namespace) -> int:
    from modelcar_tui.core.model_hosts import Standing, keep, standing

    host = args.allow or args.refuse or args.forget
    word = Standing.ALLOWED if args.allow else Standing.REFUSED if args.refuse else Standing.OPEN
    keep(host, word)
    where = with_home(str(config_path()))
    told = {Standing.ALLOWED: "allowed", Standing.REFUSED: "refused", Standing.OPEN: "nothing is said of it"}
    sys.stdout.write(f"{host}: {told[word]}, in {where}\n")
    if (counts := standing(host)) is not word:
        complain(f"note: {told[counts]} counts here: a variable says it (MODELCAR_TUI_LLM_*_HOSTS)")
    return ExitStatus.GO


def _show(found: Preferences) -> None:
    rows = [(name, _value(name, one, found), one.source) for name, one in found.chosen.items()]
    rows += [(f"keys.{name}", _keys(name, found), found.key_source(name)) for name in found.keys]
    names = max(len(name) for name, _, _ in rows)
    values = min(max(len(value) for _, value, _ in rows), 40)
    state = "" if found.file.there else " (there is none)"
    sys.stdout.write(f"{'file':<{names}}  {with_home(str(found.file.path))}{state}\n")
    if found.file.profiles:
        rows.append(("profiles", ", ".join(map(shown, found.file.profiles)), ""))
    for name, value, source in rows:
        sys.stdout.write(shown(f"{name:<{names}}  {value:<{values}}  {source}".rstrip()) + "\n")


def _value(name: str, one: Chosen, found: Preferences) -> str:
    """As the file would say it, and what it comes to here where that is another thing."""
    if name == "theme":
        return _here(str(one.value), "mono" if os.environ.get("NO_COLOR") else found.theme or "dark")
    if name == "ascii":
        return _here(str(one.value), "always" if found.ascii else "never")
    if name == "mouse" and one.value is None:
        return f"{str(found.mouse).lower()} (off over SSH)"
    if one.value is None:
        return _default_folder(name) if name.startswith("paths.") else f"({default_said(name)})"
    return _written(one.value)


def _written(value: Value) -> str:
    match value:
        case bool():
            return str(value).lower()
        case str():
            return with_home(value)
        case tuple():
            return ", ".join(map(shown, value))
        case _:
            return f"{value:g}"


def _keys(name: str, found: Preferences) -> str:
    from modelcar_tui.core.keymap import keys_of

    return " ".join(keys_of(name, found.keys))


def _here(told: str, here: str) -> str:
    return told if told == here else f"{told} ({here} here)"


def _default_folder(name: str) -> str:
    import platformdirs

    places = {
        "paths.cache-dir": platformdirs.user_cache_path,
        "paths.data-dir": platformdirs.user_data_path,
    }
    place = places.get(name, platformdirs.user_state_path)
    return with_home(str(place("modelcar-tui")))
