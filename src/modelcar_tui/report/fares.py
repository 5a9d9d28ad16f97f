"""How each model fares in QA, while it runs and when it has ended: pure functions of the state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple

from modelcar_tui.qa import FAILED_STATUSES, QaModelResult, QaOutcome, QaProgressed, Seen
from modelcar_tui.supervisor import RunState


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


class ModelQa(NamedTuple):
    """One model in QA."""

    model: str
    fares: Fares
    cause: str = ""
    """Code of the cause of a failure, where one is known."""


def models_in_qa(state: RunState) -> list[ModelQa]:
    """Each model of the manifest, in its order; empty before QA has started, and where it was skipped."""
    outcome, names = state.qa.outcome, _names(state)
    if outcome is not None:
        return [] if outcome.skipped else _ended(outcome, names)
    return _running(state, names) if state.qa.started.container else []


def seen_of(model: str, seen: Sequence[Seen]) -> list[Seen]:
    """What the cluster says of a model now."""
    return [one for one in seen if one.text and model in one.model.split(" or ")]


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
    return Fares.PULLING if any(one.cause.startswith("IMAGE") for one in seen) else Fares.STARTING
