"""What a line of a log says, and what in it is only code, time or the name of who says it."""

from __future__ import annotations

import re

# Lines of ordinary work: structlog's `[info     ]`, a logger's ` INFO `, vLLM's and uvicorn's; a retry.
# vLLM warns of what it does without (a library, a kernel) in the words in which it fails for want of one.
_QUIET = re.compile(
    r"\[(?:info|debug|success) *\]|(?:^|[\s)])(?:INFO|DEBUG|SUCCESS)(?:[\s:]|$)|Retrying \(Retry\("
    r"|(?:^|\) )WARNING \d\d-\d\d \d\d:\d\d:\d\d \[",
    re.ASCII,
)
_LEVELS = ("Retrying", "info", "INFO", "success", "debug", "DEBUG", "SUCCESS", "WARNING ")
_EVENT = re.compile(r"^\d{4}-\d\d-\d\dT\S+ (?:\[(?:error|critical|warning|exception) *\] )?")
_LOGGER = re.compile(r" \[[\w. ]+\](?: \w+=\S+)*$")
_PROCESS = re.compile(
    r"^(?:\([^()]{0,60}pid=\d{1,10}[^()]{0,60}\) ?)*"
    r"(?:(?:DEBUG|INFO|WARNING|ERROR|CRITICAL) {1,4}\d[\d:. -]{4,30}\[[^\]]*\] ?)?"
)
_PROCESS_HEADS = "(DIEWC"
_TRACED = re.compile(r"^E(?:\s{2,}|$)")
_CODE = re.compile(r"^(?:\s{4,}|\s*File \"|>|\*{0,2}[A-Za-z_]\w* += )|^\S+\.pyx?:\d+: |^\s*[\^~]+$")
HEAD = 80
"""Characters in which a line's level stands."""


def quiet(line: str) -> bool:
    """Whether a line's level is that of ordinary work."""
    head = line[:HEAD]
    return any(level in head for level in _LEVELS) and _QUIET.search(head) is not None


def is_event(line: str) -> bool:
    """Whether a logger's line begins here, not a further line of a message."""
    return _EVENT.match(line) is not None


def ends_event(line: str) -> bool:
    """Whether the name of the logger ends the line: the suite's logger writes it after the message."""
    return _LOGGER.search(line) is not None


def without_logger(text: str) -> str:
    """The text without the name of the logger at its end."""
    return _LOGGER.sub("", text)


def without_process(line: str) -> str:
    """A line of vLLM's log without the process, level, time and place before it."""
    return _PROCESS.sub("", line) if line[:1] in _PROCESS_HEADS else line


def is_traced(line: str) -> bool:
    """Whether pytest shows the line as one of an exception (`E   ...`)."""
    return _TRACED.match(line) is not None


def said(line: str) -> str:
    """The message of a line without time, level, process and logger; empty for ordinary work and for code."""
    return "" if quiet(line) else message(line)


def message(line: str) -> str:
    """As `said`, whatever the level; empty for source code of a traceback."""
    if _TRACED.match(line):
        return line[1:].strip()
    text = without_process(line)
    event = _EVENT.match(text)
    text = text[event.end() :] if event else text
    if _CODE.match(text):
        return ""
    return (without_logger(text) if event else text).strip()
