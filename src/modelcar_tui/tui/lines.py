"""A log line as the screen shows it: its severity, its time, its matches."""

from __future__ import annotations

import re
import time
from functools import cache

from modelcar_tui.core.text import clean
from modelcar_tui.tui.logs import LogLine
from modelcar_tui.tui.patterns import Filter
from modelcar_tui.tui.rows import Span


@cache
def _pattern(source: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    """Compiled when it is first needed: the first paint waits for no regular expression."""
    return re.compile(source, flags)


_TIME = (
    r"(?:\[QA\] )?(PASSED|FAILED|ERROR|SKIPPED)?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[.\d]*(?:Z|[+-]\d\d:?\d\d)? "
)
_BAD = (
    r"\[(?:error|critical) *\]|\b(?:ERROR|FAILED|CRITICAL|FATAL|Traceback|Exception|[A-Z]\w*Error|QA_ERROR"
    r"|OOMKilled|ErrImagePull)\b"
)
_WORDS = r"\b(?:(PASSED|QA_OK)|(?:WARN|WARNING|SKIPPED|QA_SKIPPED))\b"
_ZERO = r"\b0 (?:failed|errors?)\b"
_FOLDERS = r"(?:[\w.-]+/){2,}(?=[\w.-]+\.py\b)"


def is_error(line: str) -> bool:
    """Whether the line tells of a fault."""
    return _pattern(_BAD).search(line) is not None and not _pattern(_ZERO, re.IGNORECASE).search(line)


def split_time(line: str) -> tuple[str, str]:
    """The clock time of a line, and the line without its time stamp."""
    match = _pattern(_TIME).match(line)
    if match is None:
        return "", line
    # pytest's outcome word is glued to the next line's time.
    word = f"{match[1]} " if match[1] else ""
    return match[2][11:], word + line[match.end() :]


def shorten(text: str, ellipsis: str) -> str:
    """`tests/a/b/test_c.py::x` as `…/test_c.py::x`: a test's own name is worth more than its folders."""
    return _pattern(_FOLDERS).sub(f"{ellipsis}/", text, count=1)


def line_spans(line: LogLine, *, times: bool, found: Filter | None, ellipsis: str = "") -> list[Span]:
    """The spans of one line: time, text with its folders cut when `ellipsis` is given, matches marked."""
    whole = clean(line.text)
    clock, text = split_time(whole)
    if line.at:
        clock = time.strftime("%H:%M:%S", time.localtime(line.at))
    text = text.removeprefix("[QA] ")
    if ellipsis:
        text = shorten(text, ellipsis)
    spans: list[Span] = [(f"{clock or '--:--:--'} ", "faint")] if times else []
    role = "bad" if is_error(whole) else "text"
    if found is not None and not found.inverse:
        return [*spans, *_marked(text, [(start, end, "match") for start, end in found.spans(text)], role)]
    if role != "text":
        return [*spans, (text, role)]
    words = [(hit.start(), hit.end(), "ok" if hit[1] else "warn") for hit in _pattern(_WORDS).finditer(text)]
    return [*spans, *_marked(text, words, role)]


def _marked(text: str, marks: list[tuple[int, int, str]], role: str) -> list[Span]:
    spans: list[Span] = []
    at = 0
    for start, end, mark in marks:
        spans += [(text[at:start], role), (text[start:end], mark)]
        at = end
    spans.append((text[at:], role))
    return [span for span in spans if span[0]]
