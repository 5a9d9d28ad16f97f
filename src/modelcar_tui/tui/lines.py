"""A log line as the screen shows it: its state first of all, then its severity, its time, its matches."""

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
    r"|OOMKilled|ErrImagePull|CUDA out of memory)\b"
)
_WORDS = r"\b(?:(PASSED|QA_OK)|(?:WARN|WARNING|SKIPPED|QA_SKIPPED))\b"
_ZERO = r"\b0 (?:failed|errors?)\b"
_FOLLOWS = (
    r"See root cause above|^\W*Traceback \(most recent call last\)|^INTERNALERROR> *Traceback"
    r"|^(?:FAILED|ERROR) \S+\.py::|^\S+\.py::\S+ (?:FAILED|ERROR)\b|^\S+\.py:\d+: \w|^_+ .* _+$|^=+ .*=$"
    r"|^(?:\[QA\] )?QA_ERROR:"
)
"""What only repeats or leads to another line: vLLM's own pointer, heads of tracebacks, pytest's places,
headings, outcome words and summaries, our closing line."""
_LEVEL = r"^((?:PASSED|FAILED|ERROR|SKIPPED) )?\[(?:(?:info|debug|notset) *|(\w+) *)\] "
_LOGGER = r" \[[\w. ]+\](?: \w+=\S+)*$"
_KWARGS = r" {2,}Kwargs: .*$"
_FUNCTION = r"\(Function: (?:[\w]+\.)*(\w+)\)?"
_POD = r"\b(Pod )?([a-z0-9][a-z0-9-]{0,62})-predictor(?:-\d{5})?(?:-[a-z0-9]{5,10}){1,3}\b"
_TEST = r"(?:[\w./-]{1,300}\.py::)?(?:\w{1,99}(?:::|\.)){0,9}test_\w{1,200}\["
_FOLDERS = r"(?:[\w.-]{1,99}/){2,20}(?=[\w.-]{1,99}\.py\b)"
_EXCEPTION = r"^E {2,}"
_RULER = r"^([-=_])\1{4,} ?| ?([-=_])\2{4,}$"
_STATES = ("PASSED", "FAILED", "ERROR", "SKIPPED")
_STATE = r"\]? ?(?:STATUS: )?[A-Z]+$"
_WIDEST = 2_000
"""Characters that are looked at: a hostile line of 64 KiB costs no more."""


def is_error(line: str) -> bool:
    """Whether the line tells of a fault."""
    return _pattern(_BAD).search(line) is not None and not _pattern(_ZERO, re.IGNORECASE).search(line)


def is_follower(line: str) -> bool:
    """Whether an error line only points to another one or says it again."""
    return _pattern(_FOLLOWS).search(line) is not None


def split_time(line: str) -> tuple[str, str]:
    """The clock time of a line, and the line without its time stamp."""
    match = _pattern(_TIME).match(line)
    if match is None:
        return "", line
    # pytest's outcome word is glued to the next line's time.
    word = f"{match[1]} " if match[1] else ""
    return match[2][11:], word + line[match.end() :]


def shorten(text: str, ellipsis: str) -> str:
    """The line without what is the same in every line, so that its end, the state, is seen.

    `[info     ] Pod granite-predictor-7c9d8f6b5-x2m4q is Pending: pulling [utilities.infra]` becomes
    `granite…: is Pending: pulling`, `tests/a/b/test_c.py::T::test_x[granite] PASSED` becomes
    `…[granite] PASSED`. Levels other than info stay as a word. What no screen is wide enough for is cut.
    """
    text = text[:_WIDEST]
    if "[" in text:
        text = _pattern(_LEVEL).sub(_level, text)
        text = _pattern(_LOGGER).sub("", text)
        if "test_" in text:
            text = _pattern(_TEST).sub(f"{ellipsis}[", text, count=1)
    if "Function: " in text:
        text = _pattern(_FUNCTION).sub(r"(\1)", _pattern(_KWARGS).sub("", text), count=1)
    if "-predictor" in text:
        text = _pattern(_POD).sub(lambda hit: f"{hit[2]}{ellipsis}{':' if hit[1] else ''}", text)
    if ".py" in text:
        text = _pattern(_FOLDERS).sub(f"{ellipsis}/", text, count=1)
    if text.startswith("E  "):
        return _pattern(_EXCEPTION).sub("E  ", text)
    return _pattern(_RULER).sub("", text) or text if text[:1] in ("-", "=", "_") else text


def _level(hit: re.Match[str]) -> str:
    """pytest's outcome word is of the test before, and the level a word only where it is one to notice."""
    return (f"{hit[1].strip()}; " if hit[1] else "") + (f"{hit[2]}: " if hit[2] else "")


def line_spans(line: LogLine, *, times: bool, found: Filter | None, ellipsis: str = "") -> list[Span]:
    """The spans of one line: time, text shortened when `ellipsis` is given, matches marked.

    A match in what would be left out keeps the line whole.
    """
    whole = clean(line.text)
    clock, text = split_time(whole)
    if line.at:
        clock = time.strftime("%H:%M:%S", time.localtime(line.at))
    text = text.removeprefix("[QA] ")
    marked = found if found is not None and not found.inverse else None
    if ellipsis:
        short = shorten(text, ellipsis)
        text = short if marked is None or len(marked.spans(short)) == len(marked.spans(text)) else text
    spans: list[Span] = [(f"{clock or '--:--:--'} ", "faint")] if times else []
    role = "bad" if is_error(whole) else "text"
    if marked is not None:
        return [*spans, *_marked(text, [(start, end, "match") for start, end in marked.spans(text)], role)]
    if role != "text":
        return [*spans, (text, role)]
    words = [(hit.start(), hit.end(), "ok" if hit[1] else "warn") for hit in _pattern(_WORDS).finditer(text)]
    return [*spans, *_marked(text, words, role)]


def keep_state(spans: list[Span], cells: int, ellipsis: str) -> list[Span]:
    """The spans in `cells` cells: what stands before an outcome word at the end is cut, not the word."""
    whole = "".join(text for text, _ in spans)
    if len(whole) <= cells or not whole.endswith(_STATES):
        return spans
    state = _pattern(_STATE).search(whole)
    if state is None or len(state[0]) + 8 > cells:
        return spans
    head = cells - len(state[0]) - 1
    return [*_cut(spans, 0, head), (ellipsis, "faint"), *_cut(spans, state.start(), len(whole))]


def _cut(spans: list[Span], start: int, stop: int) -> list[Span]:
    """The spans of the characters from `start` to `stop`."""
    out: list[Span] = []
    at = 0
    for text, role in spans:
        out.append((text[max(start - at, 0) : max(stop - at, 0)], role))
        at += len(text)
    return [span for span in out if span[0]]


def _marked(text: str, marks: list[tuple[int, int, str]], role: str) -> list[Span]:
    spans: list[Span] = []
    at = 0
    for start, end, mark in marks:
        spans += [(text[at:start], role), (text[start:end], mark)]
        at = end
    spans.append((text[at:], role))
    return [span for span in spans if span[0]]
