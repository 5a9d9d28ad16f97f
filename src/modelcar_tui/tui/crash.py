"""A fault of ours: one line on the terminal, the traceback without any value in a private file."""

from __future__ import annotations

import tempfile
import time
import traceback
from pathlib import Path

from modelcar_tui.core.files import write_private
from modelcar_tui.core.text import clean


def report(error: BaseException | None, folder: str) -> str:
    """Write the report and return the line. Local variables are never shown: they may hold secrets."""
    name = type(error).__name__ if error is not None else "unknown error"
    body = "".join(_frames(error)) if error is not None else ""
    path = Path(folder or tempfile.gettempdir()) / f"modelcar-tui-crash-{int(time.time())}.txt"
    try:
        write_private(path, body.encode("utf-8", "replace"))
        where = f"details in {path}"
    except OSError as problem:
        where = f"no report could be written: {problem.strerror}"
    return f"modelcar-tui: a fault of ours ({clean(name)}); the run can be resumed; {where}"


def _frames(error: BaseException) -> list[str]:
    """Types and places; an exception's message may quote what it choked on, so it is left out."""
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(lines) < 500:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}\n")
        lines += traceback.format_tb(seen.__traceback__)
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return lines
