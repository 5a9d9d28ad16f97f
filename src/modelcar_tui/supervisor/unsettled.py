"""What nobody knows of a run: unknown is a value, and a report says so where it is read first."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.cluster.types import AcceleratorReport, State
from modelcar_tui.core.counting import several
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import RunOutcome, Verdict, is_measured


def unknowns(state: RunState, told: RunOutcome | None) -> tuple[str, ...]:
    """One sentence each, with what would settle it."""
    return tuple(dict.fromkeys(_unknowns(state, told)))


def _unknowns(state: RunState, told: RunOutcome | None) -> Iterator[str]:
    yield from _of_cluster(state)
    if told is None:
        yield "No verdict was reached."
        return
    yield from _of_models(told)
    yield from _of_estimates(state)
    for check in state.decision.checks if state.decision is not None else ():
        if check.state is State.UNKNOWN:
            yield check.what + _settled(check.fix)
    judged = state.decision.models if state.decision is not None else ()
    started = {model.model for model in judged if is_measured(model.estimate)}
    if any(
        model.verdict is Verdict.GO and not model.measured and model.model not in started
        for model in told.models
    ):
        yield f"No start was measured for models that QA did not test: their {Verdict.GO} is a prediction."


def _settled(step: str) -> str:
    return f". To settle it: {step}" if step else ""


def _of_models(told: RunOutcome) -> Iterator[str]:
    """The models without a verdict, by reason."""
    groups: dict[tuple[str, str], list[str]] = {}
    for model in told.models:
        if model.verdict is Verdict.UNKNOWN:
            groups.setdefault((model.why, model.next), []).append(model.model)
    for (why, step), names in groups.items():
        who = names[0] if len(names) == 1 else several(len(names), "model")
        yield f"{who}: {why}{_settled(step)}"


def _of_estimates(state: RunState) -> Iterator[str]:
    judged = state.decision.models if state.decision is not None else ()
    guesses = sum(model.needed_gib.guess for model in judged)
    if guesses:
        yield f"The memory of {several(guesses, 'model')} is a guess with bounds, not read from the image."
    releases = {model.estimate.vllm for model in judged if model.estimate is not None}
    assumed = sorted(release.rstrip("?") for release in releases if release.endswith("?"))
    if assumed:
        told = ", ".join(assumed)
        yield f"Whether vLLM behaves as estimated: its release ({told}) is assumed, or was not read."


def _of_cluster(state: RunState) -> Iterator[str]:
    report = state.cluster
    if report is None:
        yield "The cluster: it was not looked at."
        return
    from modelcar_tui.cluster import card_totals

    if report.access.problem is not None:
        yield f"The cluster: {report.access.problem}"
    if not report.inventory.known:
        yield "Which GPUs there are."
    elif report.inventory.partial:
        yield "Whether there are more GPUs: not all nodes could be read."
    if report.inventory.known and card_totals(report.inventory).free_unsure:
        yield "How many GPUs are free on some nodes."
    if _brings_runtimes(state):
        yield from _runtimes(state, report)
    elif report.runtime is None:
        problem = f": {report.runtime_problem}" if report.runtime_problem else ""
        yield f"Which runtime image will serve{problem}."


def _brings_runtimes(state: RunState) -> bool:
    """Whether no model is left to the runtime that the cluster has for its GPUs."""
    cars = state.manifest.models if state.manifest is not None else ()
    return bool(cars) and all(car.server is not None for car in cars)


def _runtimes(state: RunState, report: AcceleratorReport) -> Iterator[str]:
    """The models of a Kubernetes manifest whose image nobody knows."""
    from modelcar_tui.verdict import runtime_of

    cars = state.manifest.models if state.manifest is not None else ()
    names = [car.name for car in cars if (found := runtime_of(car, report)) is None or not found.image]
    if names:
        who = names[0] if len(names) == 1 else several(len(names), "model")
        yield f"Which runtime image will serve {who}."
