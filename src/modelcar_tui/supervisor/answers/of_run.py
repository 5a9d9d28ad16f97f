"""Facts of the whole run: verdict, plan, GPUs, runtime, QA, and what nobody knows."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import msgspec

from modelcar_tui.advice import Severity
from modelcar_tui.cluster import CardKind, card_kinds, card_totals
from modelcar_tui.cluster.types import State
from modelcar_tui.core.text import reveal
from modelcar_tui.hardware import product_named
from modelcar_tui.manifest import Change, Operation
from modelcar_tui.supervisor.answers.fact import RunFact, Scalar, of_model
from modelcar_tui.supervisor.answers.question import TUNABLE
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.unsettled import unknowns
from modelcar_tui.verdict import DecisionReport, ModelRequirements, RunOutcome, Verdict, release_of

_MOST_NODES = 40
_MOST_CHANGES = 60


def outcome_facts(outcome: RunOutcome) -> Iterator[RunFact]:
    """What the run comes to."""
    told = f"{outcome.headline}: {outcome.why}" if outcome.why else outcome.headline
    yield RunFact(id="verdict", measure="run_verdict", value=str(outcome.verdict), told=told)
    if outcome.next:
        yield RunFact(id="verdict/help", measure="run_help", told=outcome.next)
    every = len(outcome.models)
    for verdict in Verdict:
        names = [model.model for model in outcome.models if model.verdict is verdict]
        more: dict[str, Scalar] = {"of": every, "verdict": str(verdict)}
        yield RunFact(
            id=f"models/{verdict}",
            measure="models_with",
            value=len(names),
            unit="models",
            more=more,
            told=", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else ""),
        )


def plan_facts(state: RunState, report: DecisionReport) -> Iterator[RunFact]:
    """The proposed changes, and what they would make of it."""
    changes = report.plan.changes
    required = [change for change in changes if change.severity == "required"]
    yield RunFact(
        id="changes",
        measure="changes",
        value=len(changes),
        unit="changes",
        more={
            "required": len(required),
            "marked": sum(one.origin == "model" for one in changes),
            "written": state.written.changes if state.written is not None else None,
        },
    )
    if report.with_changes is not None:
        more: dict[str, Scalar] = {"changes": len(changes)}
        tight = report.together if report.with_changes is Verdict.GO and report.missing else ""
        told = f"each model alone; {tight}" if tight else ""
        yield RunFact(
            id="verdict/with_changes",
            measure="with_changes",
            value=str(report.with_changes),
            more=more,
            told=told,
        )
    for change in sorted(changes, key=lambda one: one.severity != "required")[:_MOST_CHANGES]:
        edited = state.answer.edited.get(change.id, "") if state.answer is not None else ""
        yield _change(change, _fate(state, change), edited)


def _fate(state: RunState, change: Change) -> str:
    """What became of a proposal: `written` or `left out` once the plan was written, else nothing yet."""
    if state.written is None or state.answer is None:
        return ""
    return "written" if change.id in state.answer.accepted else "left out"


def _change(change: Change, fate: str, edited: str) -> RunFact:
    old, new = change.old or "(nothing)", change.new or "(removed)"
    name = change.count_name
    figure = re.search(r"(\d+(?:\.\d+)?)$", change.new or "")
    number = figure[1] if figure and (change.flag in TUNABLE or name) else ""
    fact = of_model(
        change.model,
        "change",
        (float(number) if "." in number else int(number)) if number else None,
        flag=change.flag,
        more={"operation": str(change.operation), "need": change.severity, "fate": fate},
        told=f"{name}{reveal(old)} -> "
        + (f"{reveal(edited)} (edited; {reveal(new)} was proposed)" if edited else reveal(new))
        + f": {reveal(change.reason)}",
        source=change.origin,
    )
    return msgspec.structs.replace(fact, id=f"change/{change.id}")


def together_facts(
    state: RunState, models: Sequence[ModelRequirements], report: DecisionReport
) -> Iterator[RunFact]:
    """Whether all models run at the same time, and how many GPUs that takes; `models` as they are served."""
    asked = sum(model.car.serving.gpu_count * _pods(model) for model in models)
    wanted = {
        change.model: int(figure[0])
        for change in report.plan.changes
        if change.operation is Operation.GPU_COUNT and (figure := re.findall(r"\d+", change.new or ""))
    }
    planned = sum(wanted.get(model.car.name, model.car.serving.gpu_count) * _pods(model) for model in models)
    more: dict[str, Scalar] = {
        "models": len(models),
        "planned": asked if state.written is not None else planned,
    }
    yield RunFact(id="gpus/asked", measure="gpus_asked", value=asked, unit="GPUs", more=more)
    if report.together:
        more = {"of": len(report.models)}
        yield RunFact(
            id="together",
            measure="together",
            value=len({one.model for one in report.placed}),
            unit="models",
            more=more,
            told=report.together,
        )
    if report.missing:
        yield RunFact(id="together/missing", measure="missing", told="; ".join(report.missing))
    yield from _places(report)


def _places(report: DecisionReport) -> Iterator[RunFact]:
    """Where each model goes: its pods on one node together, a fact for each node."""
    there: Counter[tuple[str, str, str]] = Counter()
    for one in report.placed:
        there[one.model, one.node, one.kind] += one.units
    nodes: Counter[str] = Counter()
    for (name, node, kind), units in there.items():
        nodes[name] += 1
        more: dict[str, Scalar] = {"plan": bool(report.plan.changes)}
        fact = of_model(name, "place", units, "GPUs", node=node, gpu=kind, more=more)
        again = f"/{nodes[name]}" if nodes[name] > 1 else ""
        yield msgspec.structs.replace(fact, id=f"{fact.id}{again}")


def _pods(model: ModelRequirements) -> int:
    """Of all its replicas; a stopped one is judged as one replica."""
    return max(1, model.car.copies) * model.car.pods


def remark_facts(state: RunState, report: DecisionReport) -> Iterator[RunFact]:
    """Findings of the lint, failed checks, other specialists' votes, and what is not known."""
    order = list(Severity)
    for index, finding in enumerate(
        sorted(report.findings, key=lambda one: order.index(one.severity))[:30], 1
    ):
        told = f"{finding.what}; {finding.fix}" if finding.fix else finding.what
        fact = of_model(finding.model, "finding", finding.code, more={"severity": str(finding.severity)})
        yield msgspec.structs.replace(fact, id=f"finding/{index}", told=told)
    bad = [check for check in report.checks if check.state is not State.OK]
    for index, check in enumerate(bad[:20], 1):
        told = f"{check.what}; {check.fix}" if check.fix else check.what
        yield RunFact(id=f"check/{index}", measure="check", value=check.state.value, told=told)
    for index, vote in enumerate(report.votes, 1):
        yield RunFact(
            id=f"vote/{index}", measure="vote", value=str(vote.verdict), told=f"{vote.who}: {vote.reason}"
        )


def written_fact(state: RunState) -> RunFact:
    """The generated manifest, where it was written."""
    written = state.written
    if written is None:
        return RunFact(id="written", measure="written", value=0, unit="changes")
    return RunFact(id="written", measure="written", value=written.changes, unit="changes", told=written.path)


def time_facts(state: RunState) -> Iterator[RunFact]:
    """When the run began, and how long it took."""
    if state.started:
        began = datetime.fromtimestamp(state.started, UTC).strftime("%Y-%m-%d %H:%M UTC")
        took = round(state.finish.seconds, 1) if state.finish is not None else None
        yield RunFact(id="run/time", measure="run_time", value=took, unit="s", told=began)


def unknown_facts(state: RunState, outcome: RunOutcome | None) -> Iterator[RunFact]:
    """What nobody knows, with what would settle it."""
    for index, text in enumerate(unknowns(state, outcome)[:12], 1):
        yield RunFact(id=f"unknown/{index}", measure="unknown", told=text)


def cluster_facts(state: RunState) -> Iterator[RunFact]:
    """The GPUs of a run and its runtime."""
    cluster = state.cluster
    if cluster is None:
        return
    inventory = cluster.inventory
    yield RunFact(
        id="cluster",
        measure="access",
        value=cluster.access.rung.value,
        told=str(cluster.access.problem) if cluster.access.problem is not None else "",
    )
    totals = card_totals(inventory)
    memory = _memory(card_kinds(inventory))
    free = None if totals.free_unsure else totals.free
    more: dict[str, Scalar] = {
        "cards": None if totals.usable_unsure else totals.usable_cards,
        "nodes": totals.usable_nodes,
        "memory_gib": memory,
    }
    if inventory.known:
        yield RunFact(
            id="gpu/free", measure="gpus_free", value=free, unit="GPUs", more=more, told=totals.free_told
        )
        yield RunFact(id="gpu/nodes", measure="nodes", value=totals.usable_nodes, unit="nodes")
    for kind in card_kinds(inventory)[:16]:
        yield _kind(kind)
    for node in inventory.nodes[:_MOST_NODES]:
        for pool in node.pool:
            product = node.card(pool).product or ""
            yield RunFact(
                id=f"node/{node.name}/{pool.resource}",
                measure="node",
                node=node.name,
                gpu=product,
                value=pool.units,
                unit="GPUs",
                more={"free": pool.free, "usable": node.usable},
            )
    yield _runtime(state)


def _memory(kinds: tuple[CardKind, ...]) -> float | None:
    """GiB of all usable cards; None where one's memory is not known, or cards are shared."""
    usable = [kind for kind in kinds if kind.usable]
    if not usable or any(
        kind.mem_mib is None or not kind.how.startswith("whole") or kind.unsure for kind in usable
    ):
        return None
    return round(sum(kind.cards * (kind.mem_mib or 0) for kind in usable) / 1024, 2)


def _kind(kind: CardKind) -> RunFact:
    """The cards of a kind; their parts only where it is not known how many cards are behind them."""
    whole, known = kind.how.startswith("whole"), not kind.unsure
    each = None if kind.mem_mib is None else round(kind.mem_mib / 1024)
    more: dict[str, Scalar] = {
        "memory_gib": each,
        "free": kind.free,
        "units": kind.units,
        "nodes": len({node.name for node, _ in kind.members}),
        "shared": not whole,
    }
    shared = "" if whole else f", {kind.how}: {kind.units} {kind.unit}s"
    told = shared if kind.usable else f"{shared}; not usable: {kind.why}"
    return RunFact(
        id=f"gpu/{kind.name}" + ("" if whole else f"/{kind.how}"),
        measure="kind",
        gpu=kind.name,
        value=kind.cards if known else None,
        unit="GPUs",
        more=more,
        told=told,
    )


def card_fact(product: str) -> RunFact:
    """What the table of GPUs says of a product that a question names."""
    known = product_named(product)
    memory = round(known.memory_mib / 1024, 2) if known is not None and known.memory_mib else None
    return RunFact(
        id=f"card/{product}", measure="card", gpu=product, value=memory, unit="GiB", source="GPU table"
    )


def _own_releases(state: RunState) -> list[str]:
    """The releases of a manifest's own runtimes, where each is known; empty for model-cars."""
    cars = state.manifest.models if state.manifest is not None else ()
    if state.cluster is None or any(car.server is None for car in cars):
        return []
    found = {release_of(car, state.cluster, None) for car in cars}
    return [] if None in found else sorted(one for one in found if one is not None)


def _runtime(state: RunState) -> RunFact:
    runtime = state.cluster.runtime if state.cluster is not None else None
    if state.vllm:
        return RunFact(id="runtime/vllm", measure="vllm", value=state.vllm, source="operator")
    if own := _own_releases(state):
        only = own[0] if len(own) == 1 else None
        told = "" if only else ", ".join(own)
        return RunFact(id="runtime/vllm", measure="vllm", value=only, told=told, source="manifest")
    if runtime is not None and runtime.version:
        return RunFact(id="runtime/vllm", measure="vllm", value=runtime.version, source="runtime image")
    models = state.decision.models if state.decision is not None else ()
    assumed = sorted({one.estimate.vllm.rstrip("?") for one in models if one.estimate is not None} - {""})
    return RunFact(id="runtime/vllm", measure="vllm", told=", ".join(assumed))


def qa_facts(state: RunState) -> Iterator[RunFact]:
    """What QA came to."""
    qa = state.qa
    if qa.outcome is None:
        yield RunFact(id="qa", measure="qa")
        return
    yield RunFact(id="qa", measure="qa", value=qa.outcome.code, told=qa.outcome.message)
    if qa.progress.total:
        counts: dict[str, Scalar] = {"failed": qa.progress.failed, "total": qa.progress.total}
        yield RunFact(id="qa/tests", measure="qa_tests", value=qa.progress.passed, unit="tests", more=counts)
    for one in qa.outcome.models:
        yield of_model(one.model, "qa_model", str(one.status), told=one.cause or "")
