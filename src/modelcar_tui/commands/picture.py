"""`modelcar-tui --replay RUN --picture FILE.svg`: one screen of a recorded run, without a terminal."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from modelcar_tui.commands import options
from modelcar_tui.commands.output import check_output, put_output
from modelcar_tui.commands.preferences import Preferences
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.shown import shown
from modelcar_tui.supervisor import Settings, recorded_run

SIZE = (120, 40)


def run(args: argparse.Namespace, preferences: Preferences) -> int:
    """Write the picture; 0 when it is written, whatever the run came to.

    Raises:
        UserError: there is no such run, it has nothing to show there, or the file is another hand's and not
            `--force`.
    """
    settings = Settings(manifest="", **options.settings_fields(args))
    path = Path(args.picture)
    check_output(path, settings)
    from modelcar_tui.tui import ReplayPort, draw

    port = ReplayPort(recorded_run(args.replay, settings), speed=0)
    theme, signs = preferences.chosen["theme"], preferences.chosen["ascii"]
    drawn = draw(
        port,
        args.size or SIZE,
        args.screen or "dashboard",
        # What this terminal can show says nothing of a picture: only what was asked for counts.
        theme=str(theme.value) if theme.source != "default" else None,
        ascii=signs.value == "always",
    )
    said = put_output(path, run_once(drawn).encode(), settings)
    sys.stdout.write(f"{shown(said)}\n")
    return ExitStatus.GO
