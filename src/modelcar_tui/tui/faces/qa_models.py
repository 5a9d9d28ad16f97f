"""How each model fares in QA, while it runs and when it has ended: pure functions of the state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from modelcar_tui.qa import FAILED_STATUSES, QaModelResult, QaOutcome, QaProgressed, Seen
from modelcar_tui.supervisor import Qa, RunState
from modelcar_tui.tui.glyphs import Glyphs


class Fares(StrEnum):
    """Where a model is; the word that the operator reads."""

    WAITING = "waiting"
    PULLING = "pulling"
    STARTING = "starting"
    INFERENCE = "inference"
    ENDING = "ending"
    PASSED = "passed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CUT_SHORT = "cut short"
    """Its test had begun when the run ended."""
    NOT_REACHED = "not reached"
    UNKNOWN = "not told"
    """The suite tests in another order, and does not tell of it yet."""


RUNNING = (Fares.PULLING, Fares.STARTING, Fares.INFERENCE, Fares.ENDING)
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


class ModelQa(NamedTuple):
    """One model in QA."""

    model: str
    fares: Fares
    cause: str = ""
    """Code of the cause of a failure, where one is known."""

    @property
    def role(self) -> str:
        """The theme's role of its word."""
        return _ROLES.get(self.fares, "muted")

    def glyph(self, glyphs: Glyphs) -> str:
        """Its sign."""
        return str(getattr(glyphs, _GLYPHS.get(self.fares, "waiting")))


def models_in_qa(state: RunState) -> list[ModelQa]:
    """Each model of the manifest, in its order; empty before QA has started, and where it was skipped."""
    outcome, names = state.qa.outcome, _names(state)
    if outcome is not None:
        return [] if outcome.skipped else _ended(outcome, names)
    return _running(state, names) if state.qa.started.container else []


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


def seen_of(model: str, seen: Sequence[Seen]) -> list[Seen]:
    """What the cluster says of a model now."""
    return [one for one in seen if one.text and model in one.model.split(" or ")]


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


def _names(state: RunState) -> list[str]:
    """As the suite names them: of two with one name the second is `granite (2)`."""
    names: list[str] = []
    times: Counter[str] = Counter()
    for car in state.manifest.models if state.manifest is not None else ():
        times[car.name] += 1
        names.append(f"{car.name} ({times[car.name]})" if times[car.name] > 1 else car.name)
    return names


def _ended(outcome: QaOutcome, names: list[str]) -> list[ModelQa]:
    results = {one.model: one for one in outcome.models}
    if not results:
        # A suite that names no model in its log: only a run that passed says how each fared.
        return [ModelQa(name, Fares.PASSED) for name in names if outcome.ok]
    known = [ModelQa(name, Fares.NOT_REACHED) for name in names if name not in results]
    told = [_result(one) for one in outcome.models]
    order = {name: at for at, name in enumerate(names)}
    return sorted((*told, *known), key=lambda one: order.get(one.model, len(order)))


def _result(result: QaModelResult) -> ModelQa:
    if result.status in FAILED_STATUSES:
        return ModelQa(result.model, Fares.FAILED, result.cause)
    fares = {"PASSED": Fares.PASSED, "SKIPPED": Fares.SKIPPED}.get(result.status, Fares.CUT_SHORT)
    return ModelQa(result.model, fares, result.cause)


def _running(state: RunState, names: list[str]) -> list[ModelQa]:
    """The suite tests in the manifest's order, so what is before the current model has ended. Where its
    numbers say otherwise (it tests each twice, or leaves some out), only what it told by name is known."""
    progress = state.qa.progress
    failed = {one.model: one.cause for one in progress.failures}
    names = names if progress.model in (*names, "") else [*names, progress.model]
    at = names.index(progress.model) if progress.model else 0
    over = bool(progress.model) and progress.done == at + 1
    in_order = (
        progress.total in (0, len(names))
        and progress.done in (at, at + 1)
        and progress.passed + progress.failed == progress.done
    )
    found = []
    for number, name in enumerate(names):
        if name in failed:
            fares = Fares.FAILED
        elif name == progress.model:
            fares = Fares.ENDING if over else _now(progress, seen_of(name, state.qa.seen))
        elif not in_order:
            fares = Fares.UNKNOWN
        else:
            fares = Fares.PASSED if number < at else Fares.WAITING
        found.append(ModelQa(name, fares, failed.get(name, "")))
    return found


def _now(progress: QaProgressed, seen: Sequence[Seen]) -> Fares:
    """What the model under test does, by the phase and by its pod."""
    if progress.phase == "inference":
        return Fares.INFERENCE
    if progress.phase in ("teardown", "finished", "summary"):
        return Fares.ENDING
    return Fares.PULLING if any(one.cause.startswith(_PULL) for one in seen) else Fares.STARTING
