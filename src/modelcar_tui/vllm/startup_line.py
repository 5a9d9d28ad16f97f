"""One line of a vLLM container's log, taken apart: who writes it, from which line of code, what.

Sources: `_FORMAT` in vllm/logger.py (0.6.0 to 0.33.0, with square brackets from 0.8.0, as JSON where a
release from 0.32 on is told to), `decorate_logs` in vllm/utils/system_utils.py and `_add_prefix` before it
(`(VllmWorker rank=0 pid=1)` to 0.10.0, `(EngineCore_DP0 pid=1)`, `(Worker_TP0 pid=1)` after).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

LONGEST = 8192
"""Characters of a line that are looked at."""
_WHO = r"\((?P<who>[A-Za-z][\w-]*(?: [\w=]+)? pid=\d+)(?:, ip=[^)\s]*)?\) ?"
_HEAD: Final = re.compile(
    r"(?:\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:?\d\d) )?"
    rf"(?:{_WHO})?"
    r"(?:(?P<level>DEBUG|INFO|WARNING|ERROR|CRITICAL|FATAL) (?:\d\d-\d\d [\d:]{8} )?"
    r"\[?(?P<at>[\w./-]+:\d+)\] ?)?"
)
_GLUED: Final = re.compile(
    rf"(?:{_WHO.replace('?P<who>', '')})?(?:DEBUG|INFO|WARNING|ERROR) \d\d-\d\d \d\d:\d\d:\d\d \["
)
"""Where a line begins that was written behind a progress bar, which ends without a line end."""
_ESCAPE: Final = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")


class Said(NamedTuple):
    """What one process wrote."""

    who: str
    """`Worker_TP0 pid=281`; empty where the line does not say."""
    level: str
    """Empty for what was not logged but printed."""
    at: str
    """`core.py:76`: the line of code."""
    text: str


def said(line: str) -> Iterator[Said]:
    """What stands in a line; two where one stands behind a progress bar. Nothing for an empty line."""
    line = line[:LONGEST]
    if "\x1b" in line:
        line = _ESCAPE.sub("", line)
    if "\r" in line:
        line = next((part for part in line.split("\r") if part.strip()), "")
    if not line.strip():
        return
    if line[0] == "{" and (logged := _json(line)):
        yield logged
        return
    if "%|" in line and (glued := _GLUED.search(line)) and glued.start():
        yield _one(line[: glued.start()])
        line = line[glued.start() :]
    yield _one(line)


def _one(line: str) -> Said:
    match = _HEAD.match(line)
    if match is None or not match.end():
        return Said("", "", "", line.rstrip())
    who, level, at = match.group("who", "level", "at")
    return Said(who or "", level or "", at or "", line[match.end() :].rstrip())


def _json(line: str) -> Said | None:
    """A line of vLLM's JSON formatter (`JSON_FORMAT`); None for any other."""
    if '"message"' not in line:
        return None
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(entry, dict) or not isinstance(entry.get("message"), str):
        return None
    who = f"{entry.get('processName', '')} pid={entry.get('process', '')}"
    text = str(entry["message"])
    return Said(who, str(entry.get("levelname", "")), str(entry.get("name", "")), text.partition("\n")[0])
