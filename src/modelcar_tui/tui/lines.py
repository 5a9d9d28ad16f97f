"""A log line as the screen shows it: its severity, its time, its matches."""

from __future__ import annotations

import re
from dataclasses import dataclass

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.tui.rows import Span

_TIME = re.compile(r"(?:\[QA\] )?(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)[.\d]*(?:Z|[+-]\d\d:?\d\d)? ")
_BAD = re.compile(
    r"\b(?:ERROR|FAILED|CRITICAL|FATAL|Traceback|Exception|[A-Z]\w*Error|QA_ERROR|OOMKilled|ErrImagePull)\b"
)
_WARN = re.compile(r"\b(?:WARN|WARNING|SKIPPED|deprecated|QA_SKIPPED)\b")
_GOOD = re.compile(r"\b(?:PASSED|QA_OK)\b")
_ZERO = re.compile(r"\b0 (?:failed|errors?)\b", re.IGNORECASE)


def severity(line: str) -> str:
    """The role of a line: `bad`, `warn`, `ok` or `text`."""
    if _BAD.search(line) and not _ZERO.search(line):
        return "bad"
    if _WARN.search(line):
        return "warn"
    return "ok" if _GOOD.search(line) else "text"


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
        raise UserError(
            Problem(what=f"no regular expression: {error}", where="filter", fix="escape it with \\")
        ) from None


def split_time(line: str) -> tuple[str, str]:
    """The clock time of a line, and the line without its time stamp."""
    match = _TIME.match(line)
    return (match[1][11:], line[match.end() :]) if match else ("", line)


def line_spans(line: str, *, times: bool, found: Filter | None) -> list[Span]:
    """The spans of one line, matches marked."""
    clock, text = split_time(clean(line))
    text = text.removeprefix("[QA] ")
    role = severity(text)
    spans: list[Span] = [(f"{clock or '--:--:--'} ", "faint")] if times else []
    if found is None or found.inverse:
        return [*spans, (text, role)]
    at = 0
    for match in found.pattern.finditer(text):
        if match.end() > match.start():
            spans += [(text[at : match.start()], role), (match[0], "match")]
            at = match.end()
    spans.append((text[at:], role))
    return [span for span in spans if span[0]]
