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
    from modelcar_tui.supervisor import Settings
    from modelcar_tui.tui import EnginePort

SWITCH_S = 0.001
"""How long the engine's thread keeps the interpreter while a key waits; Python's own 5 ms are felt in a
flood."""


def run(args: argparse.Namespace, preferences: Preferences) -> int:
    """Paint, run, and say the end in one line once the terminal is back; returns the exit status."""
    initial, only_ascii = RunState(path=args.manifest or "", demo=args.demo), preferences.ascii
    with painted_ahead(initial, ascii=only_ascii, replay=bool(args.replay)):
        # What the screen and the run need is loaded behind the first rows.
        from modelcar_tui.supervisor import Engine
        from modelcar_tui.tui import run_dashboard

        if (palette := preferences.palette) is not None:
            from modelcar_tui.tui import add_theme

            add_theme(palette)
        port = _port(args)
        sys.setswitchinterval(SWITCH_S)
        status = run_dashboard(
            port,
            initial=initial,
            mouse=preferences.mouse,
            ascii=only_ascii,
            theme=preferences.theme,
            low_bandwidth=preferences.low_bandwidth,
            keys=preferences.keys,
        )
    if isinstance(port, Engine):
        for line in port.last_words():
            complain(line)
    return status


def _port(args: argparse.Namespace) -> EnginePort:
    from modelcar_tui.supervisor import Engine, Settings

    fields = options.settings_fields(args)
    plain = Settings(manifest=args.manifest or "", **fields)
    if args.replay:
        from modelcar_tui.tui import ReplayPort

        return ReplayPort(_journal(args.replay, plain))
    if args.resume:
        from modelcar_tui.commands.resuming import run_to_resume

        return Engine(plain, resume=run_to_resume(args.resume, plain))
    if args.demo:
        from modelcar_tui.demo import demo_settings, prepare_demo

        return Engine(demo_settings(args.manifest, **fields), prepare=prepare_demo)
    return Engine(plain)


def _journal(name: str, settings: Settings) -> Path:
    from modelcar_tui.supervisor import find_run, journal_of

    return journal_of(find_run(name, settings))
