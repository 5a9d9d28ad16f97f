"""Copying over SSH: through tmux, else OSC 52, and always into a file that can be fetched."""

from __future__ import annotations

import base64
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from modelcar_tui.core.files import write_private
from modelcar_tui.core.handed import for_children

LIMIT = 74_994
"""Encoded bytes; terminals cut longer OSC 52 sequences without a word."""


def send(text: str, folder: Path | None, write: Callable[[str], None] | None) -> str:
    """Copy `text`; returns what to tell the operator. Nobody acknowledges, so it says "sent"."""
    data = text.encode("utf-8", "replace")
    routes = []
    encoded = base64.b64encode(data).decode("ascii")
    if len(encoded) > LIMIT:
        routes.append("too long for the clipboard")
    elif os.environ.get("TMUX") and _tmux(data):
        routes.append("sent to the clipboard through tmux")
    elif write is not None:
        write(f"\x1b]52;c;{encoded}\a")
        routes.append("sent to the terminal's clipboard (OSC 52)")
    if folder is not None:
        path = folder / "copied.txt"
        try:
            write_private(path, data)
            routes.append(f"in {path}")
        except OSError as error:
            routes.append(f"not in a file: {error.strerror}")
    return "; ".join(routes) or "nothing could be copied"


def _tmux(data: bytes) -> bool:
    tmux = shutil.which("tmux")
    if tmux is None:
        return False
    try:
        done = subprocess.run(
            [tmux, "load-buffer", "-w", "-"],
            input=data,
            timeout=2,
            capture_output=True,
            check=False,
            env=for_children(),
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0
