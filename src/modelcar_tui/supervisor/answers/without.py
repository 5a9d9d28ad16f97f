"""The run without some of its models, and models with all proposed changes: worked out when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor.answers.fact import RunFact, of_model
from modelcar_tui.supervisor.answers.served import as_served
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import (
    Verdict,
    accepted_model,
    candidates,
    decide_accepted,
    together,
    together_line,
)


def without(state: RunState, names: Sequence[str], vllm: str | None) -> tuple[RunFact, ...]:
    """What the other models come to: how many are GO, the GPUs that they ask for, and all of them at once.

    Raises:
        UserError: an accepted value that can't be written.
    """
    return tuple(_facts(state, tuple(names), vllm))


def changed(state: RunState, names: Sequence[str], vllm: str | None) -> tuple[RunFact, ...]:
    """The verdicts on models with all proposed changes; none where the plan is answered, or has none.

    Raises:
        UserError: a proposed value that can't be written.
    """
    report = state.decision
    if report is None or state.cluster is None or state.written is not None or not report.plan.changes:
        return ()
    stands = {one.model: str(one.verdict) for one in report.models}
    mine = tuple(model for model in state.models if model.car.name in names)
    everything = Decision(
        plan_digest=report.plan.digest, accepted=tuple(change.id for change in report.plan.changes)
    )
    judged = decide_accepted(mine, state.cluster, report, everything, vllm=vllm)
    return tuple(
        of_model(one.model, "changed", str(one.verdict), told=one.why, stands=stands.get(one.model, ""))
        for one in judged.models
    )


def _facts(state: RunState, names: tuple[str, ...], vllm: str | None) -> Iterator[RunFact]:
    report = state.decision
    rest = tuple(as_served(state, model) for model in state.models if model.car.name not in names)
    if report is None or not rest:
        return
    told = ", ".join(names)
    verdicts = [str(one.verdict) for one in report.models if one.model not in names]
    yield RunFact(
        id=f"without/{told}",
        measure="without",
        value=verdicts.count(str(Verdict.GO)),
        unit="models",
        told=told,
        more={"of": len(rest), "gpus": sum(model.car.serving.gpu_count for model in rest)},
    )
    if state.cluster is None:
        return
    taken = () if state.written is not None else tuple(change.id for change in report.plan.changes)
    everything = Decision(plan_digest=report.plan.digest, accepted=taken)
    judged = decide_accepted(rest, state.cluster, report, everything, vllm=vllm).models
    served = tuple(accepted_model(model, report.plan, everything) for model in rest)
    line = together_line(
        together(served, judged, candidates(state.cluster), state.cluster, vllm=vllm), bool(taken)
    )
    if line:
        yield RunFact(id=f"without/{told}/together", measure="without_together", told=line)
