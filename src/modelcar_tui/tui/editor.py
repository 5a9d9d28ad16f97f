"""A value in the operator's own editor."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import tempfile
import termios
from contextlib import suppress
from pathlib import Path

from textual.app import App, SuspendNotSupported

from modelcar_tui.core.handed import for_children
from modelcar_tui.tui.own_keys import shown


def edit_text(app: App[int], text: str) -> tuple[str, str]:
    """Leave the screen, open `text` in $VISUAL or $EDITOR, come back; the new first line, or what went
    wrong."""
    command = shlex.split(os.environ.get("VISUAL") or os.environ.get("EDITOR") or "vi")
    with tempfile.TemporaryDirectory(prefix="modelcar-tui-") as folder:
        path = Path(folder) / "item.txt"
        path.write_text(text + "\n", encoding="utf-8")
        try:
            with app.suspend():
                done = subprocess.run([*command, str(path)], check=False, env=for_children())
                # What was typed for an editor that was already gone must not count as keys of the review.
                with suppress(OSError, ValueError, termios.error):
                    termios.tcflush(sys.__stdin__ or 0, termios.TCIFLUSH)
        except SuspendNotSupported:
            return "", f"this terminal can't be handed to an editor; {shown('=')} edits here"
        except OSError as error:
            return "", f"{command[0]}: {error.strerror}; set EDITOR, or use {shown('=')}"
        if done.returncode:
            return "", f"{command[0]} ended with status {done.returncode}; nothing is changed"
        lines = path.read_text(encoding="utf-8", errors="replace")[:10_000].splitlines()
    return (lines[0], "") if lines else ("", f"the file is empty; {shown('-')} rejects the change")
