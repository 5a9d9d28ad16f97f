"""All facts of a run, in the order in which an operator asks for them."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.supervisor.answers import of_models, of_run
from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.outcome import outcome_of
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import candidates, runtime_version


def run_facts(state: RunState) -> tuple[RunFact, ...]:
    """Every fact that may be cited; what one specialist has not told yet is not among them."""
    return tuple(_facts(state))


def _facts(state: RunState) -> Iterator[RunFact]:
    outcome, report = outcome_of(state), state.decision
    vllm = state.vllm or (runtime_version(state.cluster) if state.cluster is not None else None)
    if outcome is not None:
        yield from of_run.outcome_facts(outcome)
    if report is not None:
        yield from of_run.plan_facts(report)
        yield from of_run.together_facts(state, report)
    if state.manifest is not None:
        yield RunFact(id="models", measure="models", value=len(state.manifest.models), unit="models")
    judged = {one.model: one for one in report.models} if report is not None else {}
    for told in outcome.models if outcome is not None else ():
        yield from of_models.outcome_facts(told, judged.get(told.model))
    kinds = candidates(state.cluster) if state.cluster is not None else ()
    for model in state.models:
        verdict = judged.get(model.car.name)
        if verdict is not None:
            yield from of_models.verdict_facts(verdict, model, vllm)
            yield of_models.copies_fact(model, verdict, kinds)
        yield from of_models.model_facts(model, vllm)
    yield from of_run.cluster_facts(state)
    if report is not None:
        yield from of_run.remark_facts(state, report)
    yield from of_run.qa_facts(state)
    yield from of_run.unknown_facts(state, outcome)
