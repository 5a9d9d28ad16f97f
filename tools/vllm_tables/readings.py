"""`readings.json`: which releases count as read, and what wants a look in the others."""

from __future__ import annotations

from pathlib import Path

from modelcar_tui.vllm import parse_version
from vllm_tables.history import ordered
from vllm_tables.layout import load, text_of

FILE = "readings.json"
_ABOUT = (
    "Releases of vLLM that count as read: all functions that our arithmetic copies are as "
    "somebody has seen them. "
    "`open`: releases in the tables of which these functions nobody has looked at yet."
)
_BY_HAND = "quantization.json"
"""Its rows are written by hand; `versions` there says for which releases they hold."""


def note(folder: Path, release: str, wanted: tuple[str, ...]) -> None:
    """Put a release among those that were read, or among the open ones with what wants a look."""
    content = load(folder / FILE)
    read, waiting = set(content.get("read", [])), dict(content.get("open", {}))
    read.discard(release)
    waiting.pop(release, None)
    if wanted:
        waiting[release] = sorted(wanted)
    else:
        read.add(release)
        _holds(folder / _BY_HAND, release)
    written = {
        "about": _ABOUT,
        "read": ordered(read),
        "open": {name: waiting[name] for name in ordered(waiting)},
    }
    (folder / FILE).write_text(text_of(written, levels=2), "utf-8")


def _holds(table: Path, release: str) -> None:
    """What was written by hand holds for a newer release, too, once that counts as read."""
    content = load(table)
    newest = content["versions"][-1] if content else release
    if (parse_version(release) or ()) > (parse_version(newest) or ()):
        text, quoted = table.read_text("utf-8"), f'"{newest}"'
        line = next(line for line in text.splitlines() if '"versions": [' in line)
        table.write_text(text.replace(line, line.replace(quoted + "]", f'{quoted}, "{release}"]')), "utf-8")
