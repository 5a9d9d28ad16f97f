"""A fault of ours: one line on the terminal, the traceback without any value in a private file."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from modelcar_tui.core.crash import frames
from modelcar_tui.core.files import write_private
from modelcar_tui.core.text import clean


def report(error: BaseException | None, folder: str) -> str:
    """Write the report and return the line. No value is shown, nor an error's text: they may hold secrets."""
    name = type(error).__name__ if error is not None else "unknown error"
    body = frames(error) if error is not None else ""
    path = Path(folder or tempfile.gettempdir()) / f"modelcar-tui-crash-{int(time.time())}.txt"
    try:
        write_private(path, body.encode("utf-8", "replace"))
        where = f"details in {path}"
    except OSError as problem:
        where = f"no report could be written: {problem.strerror}"
    return f"modelcar-tui: a fault of ours ({clean(name)}); the run can be resumed; {where}"
