"""From a message of many lines to the one line that tells most of it."""

from __future__ import annotations

import re
from typing import NamedTuple

from modelcar_tui.qa.log.blocks import Block
from modelcar_tui.qa.log.tables import KnownFailure, detail, find

_QUOTED_AGAIN = re.compile(r"\\+\"")
_QUOTE = "\x01"
"""Stands for a quote within a quoted text while the text is taken apart; logs are cleaned of it."""
_WRAPPED = re.compile(r"(['\"])\n *\1")
_BODY = re.compile(r'"message": ?"([^"]{1,4000})"')
_FIELD = re.compile(r"'message': (?:'((?:[^'\\]|\\.){1,2000})'|\"([^\"]{1,2000})\")")
_REASON = re.compile(r"'reason': '(\w{1,80})'")
_LAST = "ast exception: "
"""A wait that timed out names what it last saw behind this."""
NEAR = 600
"""Characters between the word that names a failure and the message beside it."""
LONG = 240
"""Characters of a line that is shown whole."""


class Told(NamedTuple):
    """A known failure as a message tells it."""

    rank: int
    known: KnownFailure
    line: str
    """The line that tells most."""
    detail: str
    """What more of the message is worth telling."""


def told(block: Block) -> Told | None:
    """The known failure that a message names; None where it names none."""
    if len(block.lines) == 1 and "\\" not in block.lines[0]:
        raw = text = block.lines[0]
    else:
        # A string that was wrapped is one again; a quote that was quoted again is a quote.
        raw = _QUOTED_AGAIN.sub(_QUOTE, _WRAPPED.sub("", "\n".join(block.lines)))
        text = raw.replace(_QUOTE, '"')
    hit = find(text)
    if hit is None:
        return None
    line = (_body(raw, hit.start) or _status(raw, hit.start) or _around(text, hit.start)).replace(_QUOTE, '"')
    more = detail(hit.known, text)
    if more and not all(word in line for word in more.split()):
        line = f"{line.rstrip(':')}: {more}"
    return Told(hit.rank, hit.known, line, more)


def _body(raw: str, start: int) -> str:
    """The message of the API's answer that the failure stands in, or that follows it."""
    bodies = list(_BODY.finditer(raw))
    found = next((body for body in bodies if body.end() >= start), bodies[-1] if bodies else None)
    return found[1] if found and " " in found[1] else ""


def _status(raw: str, start: int) -> str:
    """Reason and message of the container's state beside the failure, where a pod's status is printed."""
    if "'reason': " not in raw and "'message': " not in raw:
        return ""
    reason = _nearest(_REASON, raw, start)
    message = _nearest(_FIELD, raw, start).replace("\\'", "'")
    return message if reason in message else ": ".join(part for part in (reason, message) if part)


def _nearest(pattern: re.Pattern[str], raw: str, start: int) -> str:
    def away(match: re.Match[str]) -> int:
        return (
            0
            if match.start() <= start < match.end()
            else min(abs(match.start() - start), abs(match.end() - start))
        )

    found = min(pattern.finditer(raw), key=away, default=None)
    return next(group for group in found.groups() if group) if found and away(found) <= NEAR else ""


def _around(text: str, start: int) -> str:
    """The line of the text, cut to what stands near the failure."""
    begin = text.rfind("\n", 0, start) + 1
    end = text.find("\n", start)
    wait = text.find(_LAST, begin, start)
    begin = wait + len(_LAST) if wait >= 0 else begin
    line = text[begin : end if end >= 0 else None].strip()
    line = line.rstrip("].") if wait >= 0 else line
    if len(line) <= LONG:
        return line
    return (
        line if start - begin < LONG else f"… {text[start - LONG // 4 : end if end >= 0 else None].strip()}"
    )
