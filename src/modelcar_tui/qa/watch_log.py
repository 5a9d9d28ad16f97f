"""The server's own log, read for the line that tells why it ended, and for vLLM's own figures."""

from __future__ import annotations

import re
from collections.abc import Sequence

from modelcar_tui.qa.log.saying import without_process
from modelcar_tui.qa.log.tables import recognise
from modelcar_tui.qa.watch_causes import foreign

_ERROR = re.compile(r"(?:^|\s|\])((?:[a-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Interrupt)\b: .+)")
_USAGE = re.compile(r"\w+: error: .+")


def telling(lines: Sequence[str]) -> str:
    """The line that tells most of why the server ended; the last one where none is an error.

    A line that the table of failures knows beats a line that only looks like an error, of several equal ones
    the first is the cause and the later ones follow from it; of unknown errors it is the last: it was not
    caught.
    """
    known = [
        (found[0], at)
        for at, line in enumerate(lines)
        if (found := recognise(line)) is not None and not foreign(found[1].code)
    ]
    if known:
        return without_process(lines[min(known)[1]]).strip()
    for line in reversed(lines):
        if match := _ERROR.search(line) or _USAGE.search(line):
            return (match[1] if match.re is _ERROR else match[0]).strip()
    return next((text for line in reversed(lines) if (text := without_process(line).strip())), "")
