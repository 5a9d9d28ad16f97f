"""`modelcar-tui --runs`: a list of earlier runs; the one that is chosen follows in the same process."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

from modelcar_tui import api
from modelcar_tui.commands import options
from modelcar_tui.commands.preferences import Preferences
from modelcar_tui.commands.runs import short_path
from modelcar_tui.core.config_file import typed
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor import Settings, remove_run

_PLAIN = re.compile(r"\d[\w-]*", re.ASCII)
_MOST = 16 * 1024**2
"""Bytes of a run's folder whose journal is read for what came of it in words."""


class Kept:
    """The runs of a state folder, for `tui.choose_run`."""

    def __init__(self, settings: Settings, *, elsewhere: bool = False) -> None:
        """
        Args:
            settings: whose runs.
            elsewhere: whether the command line named the state folder: what is copied names it, too.
        """
        self._settings = settings
        self.place = short_path(str(settings.runs_folder))
        self.state_dir = f" --state-dir {typed(str(settings.state_dir))}" if elsewhere else ""

    def runs(self) -> Iterator[api.EarlierRun]:
        """See `tui.Shelf`."""
        return api.earlier_runs(state_dir=self._settings.state_dir)

    def words(self, run: api.EarlierRun) -> str:
        """See `tui.Shelf`."""
        if run.size > _MOST:
            return ""
        try:
            return api.end_of(api.load_run(Path(run.folder)))
        except UserError:
            return ""

    def manifest(self, run: api.EarlierRun) -> str:
        """See `tui.Shelf`."""
        if not run.manifest:
            return "-"
        return reveal(Path(run.manifest).name) if run.kind == "demo" else short_path(run.manifest)

    def named(self, run: api.EarlierRun) -> str:
        """See `tui.Shelf`: its id, or the path of a folder that somebody has named."""
        return run.id if _PLAIN.fullmatch(run.id) else typed(run.folder)

    def remove(self, run: api.EarlierRun) -> str:
        """See `tui.Shelf`."""
        return remove_run(Path(run.folder))


def run(args: argparse.Namespace, preferences: Preferences) -> int:
    """The list, then the dashboard of what was chosen; the status of that run, or 0 where none was."""
    from modelcar_tui.tui import add_theme, choose_run

    if (palette := preferences.palette) is not None:
        add_theme(palette)
    settings = _settings(args)
    chosen = choose_run(
        Kept(settings, elsewhere=args.state_dir is not None),
        mouse=preferences.mouse,
        ascii=preferences.ascii,
        theme=preferences.theme,
        low_bandwidth=preferences.low_bandwidth,
        keys=preferences.keys,
        pictures=settings.runs_folder.parent,
    )
    if not chosen.choice:
        return chosen.status
    args.runs = False
    setattr(args, chosen.choice, chosen.folder)
    from modelcar_tui.commands import dashboard

    return dashboard.run(args, preferences)


def print_all(args: argparse.Namespace) -> int:
    """Where there is no screen to choose on: what `agent runs` prints."""
    from modelcar_tui.commands.runs import list_runs

    return list_runs(_settings(args))


def _settings(args: argparse.Namespace) -> Settings:
    return Settings(manifest="", **options.settings_fields(args))
