"""What may be asked of a run: its facts, and what-ifs through the real estimate and solver. Reads only."""

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
from modelcar_tui.manifest import Change, Operation
from modelcar_tui.supervisor.fact_words import MEASURES, fact_words
from modelcar_tui.supervisor.llm.named import Named, most_requests, named_facts, scrub, verdict_facts
from modelcar_tui.supervisor.llm.question import WhatIf
from modelcar_tui.supervisor.llm.reading import names
from modelcar_tui.supervisor.llm.relative import absolute
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import (
    ModelRequirements,
    ModelVerdict,
    Proposal,
    Verdict,
    accepted_model,
    candidates,
    decide_model,
    kind_name,
    propose_for,
    runtime_arguments,
    runtime_version,
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


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a what-if gave."""

    model: str
    verdict: ModelVerdict
    proposal: Proposal
    facts: tuple[Named, ...]
    asked: str = ""
    """` with --max-model-len=4096 on NVIDIA-T4:1`."""

    def lines(self) -> Iterator[str]:
        """For the screen and the command line."""
        yield f"{self.verdict.verdict} {self.model}{self.asked}: {self.verdict.comparison}"
        yield f"  {self.verdict.why}"
        for fact in self.facts:
            if "/estimate/" in fact.id and fact.value is not None:
                unit = "" if fact.unit == "requests" else fact.unit
                yield f"  {MEASURES[fact.measure]}: {fact.value:,} {unit}".rstrip()
        if self.proposal.hope:
            yield f"  what would help: {self.proposal.hope}"
        for change in self.proposal.changes:
            if change.severity == "required":
                name = "gpu_count " if change.operation is Operation.GPU_COUNT else ""
                yield f"  {name}{change.old or '(nothing)'} -> {change.new or '(removed)'}: {change.reason}"
        for warning in self.verdict.warnings:
            yield f"  note: {warning}"


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
    change = tuning(absolute(asked.arguments, model, vllm))
    args, count = tuned(model.car.serving.args, model.car.serving.gpu_count, change)
    serving = msgspec.structs.replace(model.car.serving, args=args, gpu_count=count)
    same = asked.gpu is None and (args, count) == (model.car.serving.args, model.car.serving.gpu_count)
    model = msgspec.structs.replace(model, car=msgspec.structs.replace(model.car, serving=serving))
    cluster = _cluster(state, asked.gpu, count)
    vllm = vllm or runtime_version(cluster)
    kinds = candidates(cluster)
    verdict = _with_qa(decide_model(model, cluster, kinds, vllm), _tested(state, model.car.name), same=same)
    runtime_args = runtime_arguments(cluster)
    proposal = propose_for(model, verdict, kinds, vllm=vllm, runtime_args=runtime_args, objective=objective)
    name = f"what-if-{number}"
    facts = tuple(_facts(name, asked, verdict, proposal, change, most_requests(model)))
    told = f" with {' '.join(change.flags().values())}" if change.flags() else ""
    told += f" on {clean(asked.gpu, limit=80)}" if asked.gpu else ""
    return Found(model=model.car.name, verdict=verdict, proposal=proposal, facts=facts, asked=told)


def _facts(
    name: str,
    asked: WhatIf,
    verdict: ModelVerdict,
    proposal: Proposal,
    change: Tuning,
    most: int | None = None,
) -> Iterator[Named]:
    where = f"on {scrub(asked.gpu, limit=80)}" if asked.gpu else "on the run's GPUs"
    flags = " ".join(change.flags().values()) or "the manifest's arguments"
    model = scrub(verdict.model, limit=120)
    note = f"{model} with {flags} {where}"
    yield Named(id=name, value=str(verdict.verdict), note=note, measure="verdict")
    if change.length is not None:
        yield Named(
            id=f"{name}/asked/context",
            value=change.length,
            unit="tokens",
            about=model,
            kind="model",
            measure="context",
        )
    for fact in verdict_facts(verdict, most):
        yield msgspec.structs.replace(fact, id=f"{name}/{fact.id}")
    if proposal.hope and verdict.verdict is not Verdict.GO:
        yield Named(
            id=f"{name}/would_help",
            value=scrub(proposal.hope),
            about=model,
            kind="model",
            measure="would_help",
        )
    for needed in _required(proposal.changes):
        told = f"{needed.old or 'nothing'} -> {needed.new or 'removed'}"
        yield Named(id=f"{name}/change/{scrub(needed.flag, limit=80)}", value=scrub(told, limit=120))


def _required(changes: tuple[Change, ...]) -> tuple[Change, ...]:
    return tuple(change for change in changes if change.severity == "required" and change.flag in _FIELDS)[:8]


def _model(state: RunState, name: str) -> ModelRequirements:
    every = [model.car.name for model in state.models]
    hits = [model for model in state.models if model.car.name == name]
    hits = hits or [model for model in state.models if name.casefold() in model.car.name.casefold()]
    if len(hits) == 1:
        return _as_served(state, hits[0])
    what = (
        f"the run has no model {clean(name, limit=80)!r}" if not hits else f"{len(hits)} models fit {name!r}"
    )
    listed = ", ".join(every[:8]) + (" ..." if len(every) > 8 else "")
    raise _bad("model", what, f"one of: {listed}" if every else "the run has read no manifest")


def _as_served(state: RunState, model: ModelRequirements) -> ModelRequirements:
    """The model with the arguments that were written, where the plan was."""
    answer = state.answer
    if state.written is None or state.decision is None or answer is None:
        return model
    return accepted_model(model, state.decision.plan, answer)


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


def _cluster(state: RunState, gpu: str | None, count: int) -> AcceleratorReport:
    """The run's GPUs, those of one product of the run, or stated ones; a product without a count is one node
    that has as many as the model asks for.
    """
    if gpu is None:
        if state.cluster is None:
            raise _bad("gpu", "the run knows of no GPUs", "state them: PRODUCT:COUNT")
        return state.cluster
    from modelcar_tui.cluster import parse_gpu_flags

    if ":" not in gpu:
        nodes = state.cluster.inventory.nodes if state.cluster else ()
        product = names((), [one for node in nodes for one in node.products]).gpus.get(gpu.casefold())
        if product is not None and state.cluster is not None:
            own = tuple(node.only(product) for node in nodes if product in node.products)
            inventory = msgspec.structs.replace(state.cluster.inventory, nodes=own)
            return msgspec.structs.replace(state.cluster, inventory=inventory)
        gpu = f"{gpu}:{count}"
    runtime = state.cluster.runtime if state.cluster else None
    return AcceleratorReport(
        access=Access(rung=Rung.WHAT_IF), inventory=parse_gpu_flags((gpu,)), runtime=runtime
    )


def which_gpu(
    state: RunState, name: str, *, vllm: str | None = None, objective: str = "minimal"
) -> Iterator[str]:
    """The verdict on one model on each kind of GPU of the run, and what would do where none does.

    Raises:
        UserError: no such model, or the run knows of no GPUs.
    """
    model, cluster = _model(state, name), _cluster(state, None, 1)
    vllm = vllm or runtime_version(cluster)
    kinds = candidates(cluster)
    yield f"{model.car.name}:"
    tested = _tested(state, model.car.name)
    if tested is not None:
        yield f"  {tested.verdict}: {tested.why}"
    for kind in kinds:
        verdict = decide_model(model, cluster, (kind,), vllm)
        word = f"predicted {verdict.verdict}" if tested is not None else str(verdict.verdict)
        yield f"  {word} on {kind_name(kind)}: {verdict.why}"
    verdict = decide_model(model, cluster, kinds, vllm)
    if verdict.verdict is not Verdict.GO:
        runtime_args = runtime_arguments(cluster)
        proposal = propose_for(
            model, verdict, kinds, vllm=vllm, runtime_args=runtime_args, objective=objective
        )
        yield f"  what would help: {proposal.hope or verdict.settle or 'nothing that is known here'}"


def matching_facts(state: RunState, words: str, *, most: int = 12) -> tuple[Named, ...]:
    """The facts that share the most words with a question; verdicts first where none does."""
    wanted = {word for word in re.findall(r"[a-z0-9.]+", words.casefold()) if len(word) > 1} - _COMMON
    facts = named_facts(state)

    def score(fact: Named) -> int:
        said = f"{fact.id} {fact.value} {fact.note}".casefold()
        return sum(word.removesuffix("s") in said for word in wanted) * 2 + fact.id.startswith("verdict")

    ranked = sorted(facts, key=score, reverse=True)
    best = [fact for fact in ranked if score(fact) > 1] or [fact for fact in facts if "verdict" in fact.id]
    return tuple(best[:most])


def why_lines(verdict: ModelVerdict) -> Iterator[str]:
    """One model's verdict, what decided it, and what would help."""
    yield f"{verdict.verdict} {verdict.model}: {verdict.comparison}"
    yield f"  {verdict.why}"
    if verdict.settle:
        yield f"  what would help: {verdict.settle}"
    for warning in verdict.warnings:
        yield f"  note: {warning}"


_COMMON = frozenset("the is it on an of to if what why how does do my in for and or with can not".split())  # noqa: SIM905


def fact_line(fact: Named) -> str:
    """`L40S: 4 GPUs (48 GiB each, 4 free GPUs)`."""
    value = (
        "not known"
        if fact.value is None
        else f"{fact.value:,}"
        if type(fact.value) is int
        else str(fact.value)
    )
    unit = f" {fact.unit.removesuffix('s') if fact.value == 1 else fact.unit}" if fact.unit else ""
    note = f" ({fact.note})" if fact.note and fact.value is not None else ""
    return f"{fact_words(fact.id)}: {value}{unit}{note}"


def _bad(where: str, what: str, fix: str) -> UserError:
    return UserError(
        Problem(where=clean(where, limit=80), what=clean(what, limit=200), fix=fix, code="what-if")
    )
