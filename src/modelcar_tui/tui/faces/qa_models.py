"""How each model fares in QA, as words of a column and sums: pure functions of the state."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.report import RUNNING, Fares, ModelQa, models_in_qa, seen_of
from modelcar_tui.supervisor import Qa, RunState
from modelcar_tui.tui.glyphs import Glyphs

__all__ = [
    "RUNNING",
    "Fares",
    "ModelQa",
    "glyph_of",
    "models_in_qa",
    "qa_word",
    "qa_words",
    "role_of",
    "seen_of",
    "totals",
]
_ROLES = {
    Fares.PASSED: "ok",
    Fares.FAILED: "bad",
    Fares.CUT_SHORT: "bad",
    Fares.SKIPPED: "skip",
    Fares.NOT_REACHED: "warn",
    **dict.fromkeys(RUNNING, "run"),
}
_GLYPHS = {
    Fares.PASSED: "done",
    Fares.FAILED: "failed",
    Fares.CUT_SHORT: "failed",
    Fares.SKIPPED: "skipped",
    Fares.NOT_REACHED: "skipped",
    Fares.UNKNOWN: "unknown",
    **dict.fromkeys(RUNNING, "running"),
}
_WORDS = {"CUDA_OOM": "OOM", "HOST_OOM": "OOM"}
_PULL, _TIME = "IMAGE", ("READY_TIMEOUT", "MODEL_TIMEOUT", "TIMEOUT", "OBJECT_TIMEOUT", "ROUTE_TIMEOUT")


def role_of(one: ModelQa) -> str:
    """The theme's role of its word."""
    return _ROLES.get(one.fares, "muted")


def glyph_of(one: ModelQa, glyphs: Glyphs) -> str:
    """Its sign."""
    return str(getattr(glyphs, _GLYPHS.get(one.fares, "waiting")))


def qa_word(state: RunState, model: str) -> tuple[str, str]:
    """One short word for a column of models, with its role: `pass`, `OOM`, `pull`, `time`, `fail`, `skip`,
    the ellipsis while it runs, `-` where there is nothing to say."""
    return qa_words(state).get(model, ("-", "muted"))


def qa_words(state: RunState) -> dict[str, tuple[str, str]]:
    """`qa_word` of all models, worked out once: for tables with many."""
    stuck = {name for one in state.qa.seen if not one.mends_itself for name in one.model.split(" or ")}
    return {one.model: _word(one, stuck=one.model in stuck) for one in models_in_qa(state)}


def _word(one: ModelQa, *, stuck: bool) -> tuple[str, str]:
    match one.fares:
        case Fares.PASSED:
            return "pass", "ok"
        case Fares.FAILED | Fares.CUT_SHORT:
            known = "pull" if one.cause.startswith(_PULL) else "time" if one.cause in _TIME else "fail"
            return _WORDS.get(one.cause, known), "bad"
        case Fares.SKIPPED:
            return "skip", "skip"
        case Fares.WAITING | Fares.NOT_REACHED | Fares.UNKNOWN:
            return "-", "muted"
    return "…", "bad" if stuck else "run"


def totals(models: Sequence[ModelQa], qa: Qa) -> list[tuple[str, str]]:
    """`37 passed`, `2 failed`, `1 running`, `60 to come` with their roles; what is none is left out.

    While it runs, and where it names no model, the suite's own numbers count: they hold in whatever order it
    tests.
    """
    progress, outcome = qa.progress, qa.outcome
    known = [one.fares for one in models]
    running = sum(fares in RUNNING and fares is not Fares.ENDING for fares in known)
    passed, failed, left = progress.passed, progress.failed, 0
    if outcome is None:
        left = max(0, (progress.total or len(known)) - progress.done - running)
    elif known:
        passed, failed = known.count(Fares.PASSED), known.count(Fares.FAILED)
    elif outcome.counts is not None:
        passed, failed = outcome.counts.passed, outcome.counts.failed + outcome.counts.errors
    parts = [
        (passed, "passed", "ok"),
        (failed, "failed", "bad"),
        (running, "running", "run"),
        (known.count(Fares.CUT_SHORT), "cut short", "bad"),
        (known.count(Fares.SKIPPED), "skipped", "skip"),
        (known.count(Fares.NOT_REACHED), "not reached", "warn"),
        (left, "to come", "muted"),
    ]
    return [(f"{count} {word}", role) for count, word, role in parts if count]
