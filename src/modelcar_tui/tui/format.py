"""Values as the operator reads them: sizes, times, facts with source and age.

The room of reports is asked where there is a value to tell: the first frame has none, and waits for no room.
"""

from __future__ import annotations

from typing import Any

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Span
from modelcar_tui.verdict import QA_FAILED, RunOutcome, Verdict

STATUS_ROLE = {
    Status.WAITING: "wait",
    Status.RUNNING: "run",
    Status.DONE: "ok",
    Status.WARNING: "warn",
    Status.FAILED: "bad",
    Status.SKIPPED: "skip",
}
VERDICT_ROLE = {Verdict.GO: "ok", Verdict.NO_GO: "bad", Verdict.UNKNOWN: "warn"}
VERDICT_BLOCK = {Verdict.GO: "go-block", Verdict.NO_GO: "no-block", Verdict.UNKNOWN: "unknown-block"}


def elapsed(seconds: float | None) -> str:
    """`42s`, `3m07s`, `1h02m`; nothing for None."""
    if seconds is None:
        return ""
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02d}s"
    return f"{whole // 3600}h{whole % 3600 // 60:02d}m"


def age(at: float, now: float) -> str:
    """How old a fact is; nothing for what has no age."""
    if not at:
        return ""
    from modelcar_tui.report import span_text

    seconds = now - at
    return "just now" if seconds < 5 else f"{span_text(seconds)} ago"


def gib(size: int | None) -> str:
    """Bytes as GiB; `?` when unknown."""
    from modelcar_tui.report import bytes_text

    return "?" if size is None else bytes_text(size)


def mib(size: int | None) -> str:
    """MiB as GiB; `?` when unknown."""
    return "?" if size is None else f"{size / 1024:.0f} GiB"


def value(fact: Fact[Any], glyphs: Glyphs) -> str:
    """A fact's value with its unit and bounds; `unknown` when it has none."""
    from modelcar_tui.report import fact_text

    return fact_text(fact, to="-" if glyphs.ascii else "–")


def origin(fact: Fact[Any], now: float, glyphs: Glyphs) -> str:
    """Source and age of a fact."""
    parts = [fact.source.value if fact.source is not Source.NONE else "", age(fact.at, now)]
    return f" {glyphs.dot} ".join(part for part in parts if part)


def status_spans(status: Status, glyphs: Glyphs, words: int = 0) -> tuple[Span, ...]:
    """Word, glyph and colour of a status; the word padded to `words` cells."""
    role = STATUS_ROLE[status]
    return ((f"{status.value:<{words}} ", role), (glyphs.status(status), role))


def outcome_block(told: RunOutcome, glyphs: Glyphs) -> Span:
    """The run's word and all that it hangs on with its glyph, on the verdict's ground."""
    return headline_block(told, told.headline, glyphs)


def headline_block(told: RunOutcome, head: str, glyphs: Glyphs) -> Span:
    """One of the outcome's headlines with its glyph, on the verdict's ground."""
    verdict = Verdict.NO_GO if told.word == QA_FAILED else told.verdict
    return f" {head} {glyphs.verdict(verdict)} ", VERDICT_BLOCK[verdict]


def verdict_spans(verdict: Verdict, glyphs: Glyphs, words: int = 0) -> tuple[Span, ...]:
    """Word, glyph and colour of a verdict."""
    role = VERDICT_ROLE[verdict]
    return ((f"{verdict.value:<{words}} ", f"{role}"), (glyphs.verdict(verdict), role))


def bar(part: float, whole: float, cells: int, glyphs: Glyphs) -> tuple[str, str]:
    """The filled and the empty part of a bar of `cells` cells; something never rounds to nothing."""
    if whole <= 0 or cells <= 0:
        return "", glyphs.bar_empty * max(0, cells)
    filled = min(cells, max(0, round(part / whole * cells)))
    if part > 0 and filled == 0:
        filled = 1
    if part < whole and filled == cells:
        filled = cells - 1
    return glyphs.bar_full * filled, glyphs.bar_empty * (cells - filled)
