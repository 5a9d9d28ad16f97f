"""What-ifs: one model decided again by the real estimate and solver. Reads only."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from modelcar_tui.advice.solver import Tuning, tuned
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.decode import convert
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Access, Rung
from modelcar_tui.manifest import Change
from modelcar_tui.supervisor.answers.fact import RunFact, of_model
from modelcar_tui.supervisor.answers.names import gpus_written
from modelcar_tui.supervisor.answers.of_models import verdict_facts
from modelcar_tui.supervisor.answers.question import WhatIf
from modelcar_tui.supervisor.answers.relative import absolute
from modelcar_tui.supervisor.answers.served import as_served
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import (
    ModelRequirements,
    ModelVerdict,
    Proposal,
    Verdict,
    at_runtime,
    candidates,
    decide_model,
    propose_for,
    release_of,
)

_FIELDS = {
    "--max-model-len": "length",
    "--max-num-seqs": "sequences",
    "--max-num-batched-tokens": "batched",
    "--gpu-memory-utilization": "utilization",
    "--kv-cache-dtype": "kv_dtype",
    "--enforce-eager": "eager",
    "--tensor-parallel-size": "gpus",
}
_MOST = {"length": 100_000_000, "sequences": 65_536, "batched": 16_777_216, "gpus": 64}
_MOST_REQUIRED = 8
_FIGURES = frozenset(("need", "kv_cache", "longest_context", "concurrency"))
"""Told of every what-if, where they are known."""


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a what-if gave."""

    model: str
    verdict: ModelVerdict
    proposal: Proposal
    facts: tuple[RunFact, ...]
    """The verdict first; all of them carry the terms."""
    which: str

    @property
    def ids(self) -> tuple[str, ...]:
        """What is told of it unasked: the verdict, its figures, and what would help."""
        helped = any(one.measure == "help" for one in self.facts)
        shown = (*_FIGURES, "verdict", "help", "note", *(() if helped else ("change",)))
        return tuple(
            one.id for one in self.facts if one.measure in shown and (one.value is not None or one.told)
        )


def tuning(arguments: Mapping[str, str]) -> Tuning:
    """The arguments of a what-if, each checked.

    Raises:
        UserError: a flag that can't be asked about, or a value that is none.
    """
    values: dict[str, object] = {}
    for flag, text in arguments.items():
        field = _FIELDS.get(flag)
        if field is None:
            raise _bad(flag, "can't be tried", f"one of {', '.join(_FIELDS)}")
        values[field] = _value(flag, field, text.strip())
    return convert(values, Tuning)


def _value(flag: str, field: str, text: str) -> object:
    if field == "eager":
        return True
    if field == "kv_dtype":
        if re.fullmatch(r"[a-z0-9_]{2,20}", text):
            return text
        raise _bad(flag, f"{text!r} is no type", "as fp8 or auto")
    if field == "utilization":
        if re.fullmatch(r"0?\.[0-9]{1,4}|1(?:\.0)?", text) and float(text) > 0:
            return float(text)
        raise _bad(flag, f"{text!r} is no share", "a number above 0, at most 1")
    if re.fullmatch(r"[1-9][0-9]{0,8}", text) and int(text) <= _MOST[field]:
        return int(text)
    raise _bad(flag, f"{text!r} is no count", f"a whole number from 1 to {_MOST[field]}")


def what_if(
    state: RunState, asked: WhatIf, *, number: int = 1, vllm: str | None = None, objective: str = "minimal"
) -> Found:
    """Decide one model again, with these arguments on these GPUs; `number` names its facts
    `what-if-<number>/...`.

    Raises:
        UserError: no such model, flag, value or GPU, or the run knows of no GPUs.
    """
    model = _model(state, asked.model)
    served = at_runtime(model, state.cluster) if state.cluster is not None else model
    change = tuning(absolute(asked.arguments, served, vllm))
    before, serving = model.car.serving, tuned(model.car.serving, change)
    same = asked.gpu is None and (serving.args, serving.gpu_count) == (before.args, before.gpu_count)
    model = msgspec.structs.replace(model, car=msgspec.structs.replace(model.car, serving=serving))
    cluster, place = _cluster(state, asked.gpu, serving.gpu_count)
    kinds = candidates(cluster)
    verdict = _with_qa(decide_model(model, cluster, kinds, vllm), _tested(state, model.car.name), same=same)
    proposal = propose_for(model, verdict, kinds, cluster, vllm=vllm, objective=objective)
    which = f"what-if-{number}"
    terms = " ".join((*change.flags().values(), *((place,) if place else ()))) or "the arguments that it has"
    stands = _stands(state, model.car.name)
    release, model = release_of(model.car, cluster, vllm), at_runtime(model, cluster)
    facts = tuple(
        msgspec.structs.replace(fact, id=f"{which}/{_tail(fact)}", which=which, terms=terms, stands=stands)
        for fact in _facts(model, verdict, proposal, release)
    )
    return Found(model=model.car.name, verdict=verdict, proposal=proposal, facts=facts, which=which)


def _place(gpu: str) -> str:
    """`on 4 x L40S`, `on 4 x L40S on each of 2 nodes`."""
    product, _, rest = clean(gpu, limit=80).partition(":")
    count, _, nodes = rest.partition("@")
    return f"on {count} x {product}" + (f" on each of {nodes} nodes" if nodes else "")


def _tail(fact: RunFact) -> str:
    return fact.id.removeprefix(f"model/{fact.model}/")


def _stands(state: RunState, name: str) -> str:
    """What this run says of the model, in one word."""
    told = state.decision.models if state.decision is not None else ()
    return next((str(model.verdict) for model in told if model.model == name), "")


def _facts(
    model: ModelRequirements, verdict: ModelVerdict, proposal: Proposal, vllm: str | None
) -> Iterator[RunFact]:
    name = verdict.model
    hangs = [f"{condition.text} ({condition.settles})" for condition in verdict.conditions]
    told = "; ".join((verdict.why, *hangs))
    how = verdict.estimate.outcome.value if verdict.estimate is not None else ""
    yield of_model(
        name, "verdict", str(verdict.verdict), gpu=verdict.product, told=told, more={"estimate": how}
    )
    yield from verdict_facts(verdict, model, vllm)
    if verdict.verdict is Verdict.GO:
        return
    hope = (proposal.hope or verdict.settle).removeprefix("accept: ")
    if hope and not hope.startswith(verdict.why):
        yield of_model(name, "help", told=hope)
    for needed in _required(proposal.changes):
        told = f"{needed.count_name}{needed.old or '(nothing)'} -> {needed.new or '(removed)'}"
        told = f"{told}: {needed.reason}"
        fact = of_model(name, "change", flag=needed.flag, told=told, more={"need": needed.severity})
        yield msgspec.structs.replace(fact, id=f"change/{needed.flag}")


def _required(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    return tuple(
        change
        for change in changes
        if change.severity == "required" and change.flag in (*_FIELDS, "gpu_count")
    )[:_MOST_REQUIRED]


def _model(state: RunState, name: str) -> ModelRequirements:
    every = [model.car.name for model in state.models]
    hits = [model for model in state.models if model.car.name == name]
    hits = hits or [model for model in state.models if name.casefold() in model.car.name.casefold()]
    if len(hits) == 1:
        return as_served(state, hits[0])
    what = (
        f"the run has no model {clean(name, limit=80)!r}" if not hits else f"{len(hits)} models fit {name!r}"
    )
    listed = ", ".join(every[:8]) + (" ..." if len(every) > 8 else "")
    raise _bad("model", what, f"one of: {listed}" if every else "the run has read no manifest")


def _tested(state: RunState, name: str) -> ModelVerdict | None:
    """The verdict that QA has changed; None where it has not."""
    told = state.decision.models if state.decision is not None else ()
    return next((model for model in told if model.model == name and model.predicted is not None), None)


def _with_qa(verdict: ModelVerdict, tested: ModelVerdict | None, *, same: bool) -> ModelVerdict:
    """What QA found out stands above the estimate of the very same server, and beside that of another one."""
    if tested is None:
        return verdict
    if same:
        return msgspec.structs.replace(verdict, verdict=tested.verdict, why=tested.why, settle=tested.settle)
    note = f"an estimate; with the arguments as they were it was {tested.why}"
    return msgspec.structs.replace(verdict, warnings=(*verdict.warnings, note))


def _cluster(state: RunState, gpu: str | None, count: int) -> tuple[AcceleratorReport, str]:
    """The run's GPUs, those of one product of the run, or stated ones, and which in words; a product without
    a count that the run does not have is one node that has as many as the model asks for."""
    if gpu is None:
        if state.cluster is None:
            raise _bad("gpu", "the run knows of no GPUs", "state them: PRODUCT:COUNT")
        return state.cluster, ""
    from modelcar_tui.cluster import parse_gpu_flags

    if ":" not in gpu:
        nodes = state.cluster.inventory.nodes if state.cluster else ()
        product = gpus_written([one for node in nodes for one in node.products]).get(gpu.casefold())
        if product is not None and state.cluster is not None:
            own = tuple(node.only(product) for node in nodes if product in node.products)
            inventory = msgspec.structs.replace(state.cluster.inventory, nodes=own)
            return msgspec.structs.replace(state.cluster, inventory=inventory), f"on this run's {product}"
        gpu = f"{gpu}:{count}"
    runtime = state.cluster.runtime if state.cluster else None
    stated = AcceleratorReport(
        access=Access(rung=Rung.WHAT_IF), inventory=parse_gpu_flags((gpu,)), runtime=runtime
    )
    return stated, _place(gpu)


def _bad(where: str, what: str, fix: str) -> UserError:
    return UserError(
        Problem(where=clean(where, limit=80), what=clean(what, limit=200), fix=fix, code="what-if")
    )
