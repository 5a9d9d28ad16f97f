"""All facts of a run, in the order in which an operator asks for them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from modelcar_tui.supervisor.answers import of_models, of_run
from modelcar_tui.supervisor.answers.fact import RunFact
from modelcar_tui.supervisor.answers.served import every_served
from modelcar_tui.supervisor.outcome import outcome_of
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import ModelRequirements, ModelVerdict, at_runtime, candidates, copies, release_of


def run_facts(state: RunState) -> tuple[RunFact, ...]:
    """Every fact that may be cited; what one specialist has not told yet is not among them."""
    return tuple(_facts(state))


def _facts(state: RunState) -> Iterator[RunFact]:
    outcome, report = outcome_of(state), state.decision
    models, which = every_served(state)
    if outcome is not None:
        yield from of_run.outcome_facts(outcome)
    if report is not None:
        yield from of_run.plan_facts(state, report)
        yield from of_run.together_facts(state, models, report)
    if state.manifest is not None:
        yield RunFact(id="models", measure="models", value=len(state.manifest.models), unit="models")
    judged = {one.model: one for one in report.models} if report is not None else {}
    for told in outcome.models if outcome is not None else ():
        yield from of_models.outcome_facts(told, judged.get(told.model))
    yield from _each(state, models, judged, which)
    yield from of_run.cluster_facts(state)
    if report is not None:
        yield from of_run.remark_facts(state, report)
    yield from of_run.qa_facts(state)
    yield from of_run.unknown_facts(state, outcome)
    yield of_run.written_fact(state)
    yield from of_run.time_facts(state)


def _each(
    state: RunState,
    models: Sequence[ModelRequirements],
    judged: Mapping[str, ModelVerdict],
    which: str,
) -> Iterator[RunFact]:
    servers: dict[str, int] = {}
    if state.cluster is not None:
        kinds = candidates(state.cluster)
        servers = copies(models, judged.values(), kinds, state.cluster, vllm=state.vllm or None)
    for each in models:
        model, vllm = each, state.vllm or None
        if state.cluster is not None:
            model, vllm = at_runtime(each, state.cluster), release_of(each.car, state.cluster, vllm)
        verdict = judged.get(model.car.name)
        if verdict is not None:
            yield from of_models.verdict_facts(verdict, model, vllm)
            yield of_models.copies_fact(model, verdict, servers.get(model.car.name))
        yield from of_models.model_facts(model, vllm, which)
        yield from of_models.object_facts(each.car, state.cluster)
