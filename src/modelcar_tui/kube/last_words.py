"""What a program said last, as far as it may be shown."""

from __future__ import annotations

import re

from modelcar_tui.core.secrets import quoted

_LINES = 3
_LONGEST = 300
_MOST = 2**16
_WRONG = re.compile(
    r"error|fail|fatal|expired|denied|refused|invalid|unable|can't|cannot|not found|unauthorized|panic", re.I
)
_TRACE = re.compile(r"Traceback \(most recent call last\)|goroutine \d+ \[")
_ESCAPES = re.compile(rb"\x1b\[[0-?]*[ -/]*[@-~]")


def last_words(stderr: bytes) -> str:
    """The last lines that a program wrote, in one, masked; with the last one that tells of an error before
    them where none of them does (what follows is often how to call it)."""
    text = _ESCAPES.sub(b"", stderr[-_MOST:]).decode(errors="replace")
    # Of a line that was cut, a part of a token may be left, which does not look like one.
    whole = text.splitlines()[len(stderr) > _MOST :]
    lines = _without_trace([line.strip() for line in whole if line.strip()])
    last = lines[-_LINES:]
    if not any(map(_WRONG.search, last)):
        wrong = next((line for line in reversed(lines[:-_LINES]) if _WRONG.search(line)), None)
        last = [wrong, last[-1]] if wrong else last
    words = quoted("; ".join(last), limit=_MOST, of_plugin=True)
    return words if len(words) <= _LONGEST else "…" + words[-_LONGEST + 1 :]


def _without_trace(lines: list[str]) -> list[str]:
    """Of a Python traceback only what was raised, of a Go panic only the panic."""
    starts = [number for number, line in enumerate(lines) if _TRACE.match(line)]
    if not starts:
        return lines
    first = starts[0]
    return lines[:first] + (lines[-1:] if lines[first].startswith("Traceback") else [])
