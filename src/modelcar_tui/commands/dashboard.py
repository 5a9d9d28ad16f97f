"""The dashboard over an engine, a resumed run, or a replay."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from modelcar_tui.commands import options
from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.preferences import Preferences
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui import painted_ahead

if TYPE_CHECKING:
    from modelcar_tui.supervisor import Engine
    from modelcar_tui.tui import ReplayPort

SWITCH_S = 0.001
"""How long the engine's thread keeps the interpreter while a key waits; Python's own 5 ms are felt in a
flood."""


def run(args: argparse.Namespace, preferences: Preferences) -> int:
    """Paint, run, and say the end in one line once the terminal is back; returns the exit status."""
    held: list[Engine | ReplayPort] = []
    if not args.reports:
        return _painted(args, preferences, held)
    from modelcar_tui.commands.report_files import reports_of

    with reports_of(args).written_after(lambda: held[0].state if held else None):
        return _painted(args, preferences, held)


def _painted(args: argparse.Namespace, preferences: Preferences, held: list[Engine | ReplayPort]) -> int:
    """The dashboard to its end; `held` takes what it shows."""
    initial, only_ascii = RunState(path=args.manifest or "", demo=args.demo), preferences.ascii
    with painted_ahead(initial, ascii=only_ascii, replay=bool(args.replay)):
        # What the screen and the run need is loaded behind the first rows.
        from modelcar_tui.supervisor import Engine
        from modelcar_tui.tui import run_dashboard

        if (palette := preferences.palette) is not None:
            from modelcar_tui.tui import add_theme

            add_theme(palette)
        port = _port(args)
        held.append(port)
        sys.setswitchinterval(SWITCH_S)
        status = run_dashboard(
            port,
            initial=initial,
            mouse=preferences.mouse,
            ascii=only_ascii,
            theme=preferences.theme,
            low_bandwidth=preferences.low_bandwidth,
            keys=preferences.keys,
            pictures=_pictures(args),
        )
    if isinstance(port, Engine):
        for line in port.last_words():
            complain(line)
    return status


def _pictures(args: argparse.Namespace) -> Path:
    """Where pictures go that belong to no run of ours: beside the folder of runs."""
    from modelcar_tui.supervisor import Settings

    return Settings(manifest="", **options.settings_fields(args)).runs_folder.parent


def _port(args: argparse.Namespace) -> Engine | ReplayPort:
    from modelcar_tui.supervisor import Engine, Settings

    fields = options.settings_fields(args)
    plain = Settings(manifest=args.manifest or "", **fields)
    if args.replay:
        from modelcar_tui.supervisor import recorded_run
        from modelcar_tui.tui import ReplayPort

        return ReplayPort(recorded_run(args.replay, plain), speed=1.0 if args.speed is None else args.speed)
    if args.resume:
        from modelcar_tui.commands.resuming import run_to_resume, servers_of

        folder = run_to_resume(args.resume, plain)
        return Engine(plain, resume=folder, prepare=servers_of(folder))
    if args.demo:
        from modelcar_tui.demo import demo_settings, prepare_demo

        return Engine(demo_settings(args.manifest, **fields), prepare=prepare_demo)
    return Engine(plain)
