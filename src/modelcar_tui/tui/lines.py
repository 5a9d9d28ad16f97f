"""A log line as the screen shows it: its severity, its time, its matches."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from functools import cache

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.tui.logs import LogLine
from modelcar_tui.tui.rows import Span


@cache
def _pattern(source: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Compiled when it is first needed: the first paint waits for no regular expression."""
    return re.compile(source, flags)


_TIME = r"(?:\[QA\] )?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[.\d]*(?:Z|[+-]\d\d:?\d\d)? "
_BAD = r"\b(?:ERROR|FAILED|CRITICAL|FATAL|Traceback|Exception|[A-Z]\w*Error|QA_ERROR|OOMKilled|ErrImagePull)\b"
_WORDS = r"\b(?:(PASSED|QA_OK)|(?:WARN|WARNING|SKIPPED|QA_SKIPPED))\b"
_ZERO = r"\b0 (?:failed|errors?)\b"
_FOLDERS = r"(?:[\w.-]+/){2,}(?=[\w.-]+\.py\b)"


def is_error(line: str) -> bool:
    """Whether the line tells of a fault."""
    return _pattern(_BAD).search(line) is not None and not _pattern(_ZERO, re.IGNORECASE).search(line)


@dataclass(frozen=True)
class Filter:
    """A regular expression; with `!` before it, the lines that do not match."""

    text: str
    pattern: re.Pattern[str]
    inverse: bool = False

    def matches(self, line: str) -> bool:
        """Whether the line passes."""
        return (self.pattern.search(line) is not None) is not self.inverse


def parse_filter(text: str) -> Filter | None:
    """The filter that the operator typed; None for an empty one. Small letters match both cases.

    Raises:
        UserError: it is no regular expression.
    """
    inverse = text.startswith("!")
    source = text[1:] if inverse else text
    if not source:
        return None
    flags = re.IGNORECASE if source == source.lower() else re.NOFLAG
    try:
        return Filter(text, re.compile(source[:500], flags), inverse)
    except re.error as error:
        fault = Problem(what=f"no regular expression: {error}", where="filter", fix="escape signs with \\")
        raise UserError(fault) from None


def split_time(line: str) -> tuple[str, str]:
    """The clock time of a line, and the line without its time stamp."""
    match = _pattern(_TIME).match(line)
    return (match[1][11:], line[match.end() :]) if match else ("", line)


def shorten(text: str, ellipsis: str) -> str:
    """`tests/a/b/test_c.py::x` as `…/test_c.py::x`: a test's own name is worth more than its folders."""
    return _pattern(_FOLDERS).sub(f"{ellipsis}/", text, count=1)


def line_spans(line: LogLine, *, times: bool, found: Filter | None, ellipsis: str = "") -> list[Span]:
    """The spans of one line: time, text with its folders cut when `ellipsis` is given, matches marked."""
    clock, text = split_time(clean(line.text))
    if line.at:
        clock = time.strftime("%H:%M:%S", time.localtime(line.at))
    text = text.removeprefix("[QA] ")
    if ellipsis:
        text = shorten(text, ellipsis)
    spans: list[Span] = [(f"{clock or '--:--:--'} ", "faint")] if times else []
    role = "bad" if is_error(text) else "text"
    if found is not None and not found.inverse:
        return [*spans, *_marked(text, found.pattern, role)]
    return [*spans, *(_marked(text, _pattern(_WORDS), role) if role == "text" else [(text, role)])]


def _marked(text: str, pattern: re.Pattern[str], role: str) -> list[Span]:
    spans: list[Span] = []
    at = 0
    for match in pattern.finditer(text):
        if match.end() > match.start():
            mark = ("ok" if match[1] else "warn") if pattern.pattern == _WORDS else "match"
            spans += [(text[at : match.start()], role), (match[0], mark)]
            at = match.end()
    spans.append((text[at:], role))
    return [span for span in spans if span[0]]
