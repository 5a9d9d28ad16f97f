"""The verdict as a pure function of what was found out: no clock, no network, no model of language."""

from __future__ import annotations

import math

import msgspec

from modelcar_tui.cluster import FitAnswer, ModelNeed, PodShape, check_models, may_be_put
from modelcar_tui.cluster.types import AcceleratorReport, Check, Guarantee, State
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.reference import parse_reference
from modelcar_tui.manifest import ModelCar
from modelcar_tui.memory import Estimate, Outcome, estimate
from modelcar_tui.verdict.asking import pod_for, pod_of
from modelcar_tui.verdict.candidate import Candidate, kind_name
from modelcar_tui.verdict.kinds import on_kinds
from modelcar_tui.verdict.landing import Landing, landed, spread
from modelcar_tui.verdict.no_gpus import if_all_seen, without_accelerator, without_gpus
from modelcar_tui.verdict.other_vendors import if_built_for, if_served, settles_doubt
from modelcar_tui.verdict.own_start import served, start_warnings
from modelcar_tui.verdict.reports import Condition, Holds, ModelRequirements, ModelVerdict, Verdict
from modelcar_tui.verdict.runtime import at_runtime, release_of, runtime_arguments, runtime_of
from modelcar_tui.verdict.stopping import heard, not_understood
from modelcar_tui.vllm import newer_note
from modelcar_tui.vllm.arguments import EngineArgs, parse_arguments, served_args, settles_variables
from modelcar_tui.vllm.quantization import Compatibility, Support, check_support


def decide_model(
    model: ModelRequirements,
    report: AcceleratorReport,
    kinds: tuple[Candidate, ...],
    vllm: str | None,
    *,
    each_kind: bool = False,
) -> ModelVerdict:
    """The verdict on one model alone: GO where one kind of GPU serves it, NO-GO only where none can.

    What vLLM or the lint refuses whatever the GPU is heard, too.

    Args:
        model: as it stands.
        report: the accelerators.
        kinds: those that are usable.
        vllm: the release that the operator states; None takes its runtime's.
        each_kind: whether to tell how it fares on each kind, too.
    """
    stated, vllm, model = vllm, release_of(model.car, report, vllm), at_runtime(model, report)
    verdict = _by_gpus(model, report, kinds, vllm, each_kind=each_kind)
    gpu = next((kind.gpu for kind in kinds if kind.gpu.product == verdict.product), None)
    verdict = heard(verdict, model, vllm, runtime_arguments(model.car, report), gpu)
    return not_understood(verdict, model.car, report, vllm, stated)


def _by_gpus(
    model: ModelRequirements,
    report: AcceleratorReport,
    kinds: tuple[Candidate, ...],
    vllm: str | None,
    *,
    each_kind: bool,
) -> ModelVerdict:
    none_asked = without_accelerator(model, report)
    if none_asked is not None:
        return none_asked
    if not kinds:
        return without_gpus(model, report)
    judged = [(kind, _on(model, kind, vllm, report)) for kind in kinds]
    judged = _over_kinds(judged, model, vllm, report)
    best, chosen = min(judged, key=_preference)
    chosen = _compared(chosen, model, best, vllm)
    if chosen.verdict is Verdict.NO_GO and not _everywhere(judged):
        chosen = if_all_seen(chosen, report.inventory)
    runs_on = tuple(kind_name(kind) for kind, each in judged if each.verdict is Verdict.GO)
    conditions = chosen.conditions
    if chosen.verdict is Verdict.GO:
        conditions = (*_strays(pod_for(model, report, vllm), best, judged), *conditions)
    cells = on_kinds(model, judged, vllm) if each_kind else ()
    return msgspec.structs.replace(chosen, runs_on=runs_on, conditions=conditions, kinds=cells)


def _over_kinds(
    judged: _Kinds, model: ModelRequirements, vllm: str | None, report: AcceleratorReport
) -> _Kinds:
    """The same, where replicas that no kind takes alone have a place on several kinds together."""
    starts = {
        at: kind
        for at, (kind, each) in enumerate(judged)
        if each.estimate and each.estimate.outcome is Outcome.STARTS
    }
    if model.car.copies < 2 or len(starts) < 2 or any(each.verdict is Verdict.GO for _, each in judged):
        return judged
    parts = spread(pod_for(model, report, vllm), starts, report)
    there = {at: _on(model, starts[at], vllm, report, landing) for at, landing in parts.items()}
    if any(each.verdict is not Verdict.GO for each in there.values()):
        return judged
    names = " and ".join(kind_name(starts[at]) for at in parts)
    told = Condition(text=f"with its replicas on {names}", holds=Holds.YES)
    both = {at: msgspec.structs.replace(one, conditions=(told, *one.conditions)) for at, one in there.items()}
    return [(kind, both.get(at, each)) for at, (kind, each) in enumerate(judged)]


_BEST_FIRST = (Verdict.GO, Verdict.UNKNOWN, Verdict.NO_GO)
_Kinds = list[tuple[Candidate, ModelVerdict]]


def _preference(judged: tuple[Candidate, ModelVerdict]) -> tuple[float, ...]:
    """Least is best: the verdict, then a kind that would start it, one on which it has, fewer warnings, more
    free units; where none starts it, the largest card says most."""
    kind, verdict = judged
    starts = verdict.estimate is not None and verdict.estimate.outcome is Outcome.STARTS
    memory = 0.0 if starts else kind.gpu.memory_gib.value or 0.0
    place, warned = _BEST_FIRST.index(verdict.verdict), len(verdict.warnings)
    return place, not starts, not served(verdict.estimate), warned, -memory, -(kind.most_free or 0)


_OF_THE_MODEL = frozenset({Outcome.REFUSED_ARGS, Outcome.REFUSED_ARCH})


def _everywhere(judged: _Kinds) -> bool:
    """Whether no GPU in the world would change it."""
    estimates = [verdict.estimate for _, verdict in judged]
    return all(each is not None and each.outcome in _OF_THE_MODEL for each in estimates)


def _strays(pod: PodShape, chosen: Candidate, judged: _Kinds) -> tuple[Condition, ...]:
    """Kinds with the same resource name on which it fails: the scheduler may well choose one of them."""
    fails = [
        kind.gpu.product
        for kind, verdict in judged
        if kind.pool.resource == chosen.pool.resource
        and verdict.verdict is not Verdict.GO
        and any(may_be_put(pod, *place) for place in kind.places)
    ]
    if not fails:
        return ()
    names = ", ".join(dict.fromkeys(fails))
    pin = f"it does not run on {names}: pin it to {chosen.gpu.product} by node selector or hardware profile"
    return (Condition(text=f"on {chosen.gpu.product} only", holds=Holds.YES, settles=pin),)


def preflight(models: tuple[ModelRequirements, ...], cluster: AcceleratorReport) -> tuple[Check, ...]:
    """What else must be right before serving: the cluster's own checks, and its nodes against the images."""
    return cluster.checks + check_models([_need(model) for model in models], cluster)


def _need(model: ModelRequirements) -> ModelNeed:
    host, repository = _host_and_repository(model.image.reference) or ("", "")
    return ModelNeed(
        model=model.car.name,
        gpus=model.car.serving.gpu_count,
        size_bytes=model.image.size_bytes.value,
        architectures=model.image.architectures.value,
        host=host,
        repository=repository,
    )


def _host_and_repository(reference: str) -> tuple[str, str] | None:
    try:
        parsed = parse_reference(reference)
    except UserError:
        return None
    return parsed.host, parsed.repository


def overall(
    models: tuple[ModelVerdict, ...], checks: tuple[Check, ...] = (), *, which: str = "manifest"
) -> tuple[Verdict, str]:
    """The manifest's verdict and one sentence: what blocks all of it, else the worst of its models'.

    Args:
        models: each model's verdict.
        checks: of the cluster.
        which: what the models are judged by, in words: the manifest as it is, or the generated one.
    """
    blocked = next((check for check in checks if check.state is State.BLOCKED), None)
    if blocked is not None:
        return Verdict.NO_GO, f"{blocked.what}; {blocked.fix}" if blocked.fix else blocked.what
    for verdict in (Verdict.NO_GO, Verdict.UNKNOWN):
        names = [model.model for model in models if model.verdict is verdict]
        if names:
            shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            first = next(model for model in models if model.verdict is verdict)
            return (
                verdict,
                f"{len(names)} of {several(len(models), 'model')} {verdict}: {shown} ({first.why})",
            )
    each = "the model" if len(models) == 1 else f"each of the {len(models)} models"
    return Verdict.GO, f"{each} can be served as the {which} says"


def _arguments(model: ModelRequirements, vllm: str | None) -> EngineArgs:
    """The server's. What the parser refuses is told by the lint, with what mends it: see `stopping.heard`."""
    return served_args(model.car.serving, vllm).mended()


def _compared(
    verdict: ModelVerdict, model: ModelRequirements, kind: Candidate, vllm: str | None
) -> ModelVerdict:
    """The verdict with what the model needs beside what the GPU has; the search is made for the kind that is
    shown."""
    arguments = _arguments(model, vllm)
    result = estimate(model.image.model, kind.gpu, arguments, vllm=vllm)
    return msgspec.structs.replace(
        verdict,
        estimate=result,
        needed_gib=result.required_gib,
        comparison=_comparison(result, kind, arguments.tp),
    )


def _on(
    model: ModelRequirements,
    kind: Candidate,
    vllm: str | None,
    report: AcceleratorReport,
    landing: Landing | None = None,
) -> ModelVerdict:
    """The verdict on one kind of GPU, without what it needs: see `_compared`. Where it lands may be known."""
    car, arguments = model.car, _arguments(model, vllm)
    result = estimate(model.image.model, kind.gpu, arguments, vllm=vllm, derive=False)
    compatibility = check_support(
        model.image.model,
        vendor=kind.gpu.vendor,
        compute_capability=kind.gpu.compute_capability,
        product=kind.gpu.product,
        vllm=vllm,
        kv_cache_dtype=arguments.kv_cache_dtype,
        dtype=arguments.dtype,
        catalog_reference=car.image,
        quantization=arguments.quantization,
        shards=arguments.expert_shards,
    )
    pod = pod_of(model, arguments, report)
    landing = landing or landed(pod, car, kind, report)
    judged = _judge(model, kind, result, compatibility, landing, pod.units)
    if arguments.unknown and judged.verdict is Verdict.UNKNOWN:
        judged = msgspec.structs.replace(
            judged, settle=settles_variables(parse_arguments(car.serving.args, vllm))
        )
    verdict = ModelVerdict(
        model=car.name,
        verdict=judged.verdict,
        why=judged.why,
        settle=judged.settle,
        conditions=judged.conditions,
        warnings=(
            *_warnings(kind, result, compatibility, vllm),
            *start_warnings(result, model.image.model, arguments, runtime_of(car, report)),
            *_stopped(car),
        ),
        comparison="",
        gpu_gib=kind.gpu.memory_gib,
        product=kind.gpu.product,
        gpus=pod.units,
        nodes=() if landing.answer is FitAnswer.NO else landing.nodes,
        compatibility=compatibility,
        estimate=result,
    )
    own = car.server is not None and bool(car.server.image)
    card = kind.nodes[0].card(kind.pool)
    verdict = if_served(verdict, card, report, own_image=own)
    runtime = runtime_of(car, report) if car.server is not None else None
    return verdict if runtime is None else if_built_for(verdict, card, runtime.image)


BY_NAME = Condition(
    text="by name only: its image was not read",
    holds=Holds.YES,
    settles="make the image readable (see the remarks)",
)


BY_PLACE = Condition(
    text="if its weights are what their name says",
    holds=Holds.YES,
    settles="compare its config.json: agent estimate FOLDER",
)
"""Of weights on a volume or in a bucket: anything may lie there by that name."""


class _Judged(msgspec.Struct, frozen=True, kw_only=True):
    verdict: Verdict
    why: str
    settle: str = ""
    conditions: tuple[Condition, ...] = ()


_PARTS = {Guarantee.NONE: "share", Guarantee.HARD_SHARE: "share", Guarantee.HARD_SLICE: "slice"}
"""What a pod gets of a card where it is not the whole of it."""


def _judge(
    model: ModelRequirements,
    kind: Candidate,
    result: Estimate,
    compatibility: tuple[Compatibility, ...],
    landing: Landing,
    count: int,
) -> _Judged:
    car = model.car
    if served(result):
        compatibility = ()  # a start of its own says more than any table
    unsupported = next((item for item in compatibility if item.support is Support.UNSUPPORTED), None)
    if unsupported is not None:
        nearest = f"; {unsupported.nearest} runs on it" if unsupported.nearest else ""
        return _Judged(verdict=Verdict.NO_GO, why=unsupported.why + nearest)
    if count > kind.most:
        part = _PARTS.get(kind.pool.mem_guarantee, "GPU")
        whole = kind.pool.mem_guarantee is Guarantee.EXCLUSIVE
        has = (
            f"{kind.most} x {kind.gpu.product}"
            if whole
            else f"{several(kind.most, part)} of {kind_name(kind)}"
        )
        why = f"{car.name} wants {count} GPUs on one node; the largest has {has}"
        return _Judged(verdict=Verdict.NO_GO, why=why)
    if result.outcome not in (Outcome.STARTS, Outcome.UNKNOWN):
        return _Judged(verdict=Verdict.NO_GO, why=result.why)
    if landing.answer is FitAnswer.NO:
        return _Judged(verdict=Verdict.NO_GO, why=_barred(kind, count, landing), settle=landing.fix)
    if result.outcome is Outcome.UNKNOWN:
        return _Judged(verdict=Verdict.UNKNOWN, why=result.why, settle=_settles(result, kind))
    doubt = next((item for item in compatibility if item.support is Support.UNKNOWN), None)
    if doubt is not None:
        return _Judged(verdict=Verdict.UNKNOWN, why=doubt.why, settle=settles_doubt(kind.gpu))
    if landing.condition is not None:
        doubt_of = landing.condition
        why = f"{result.why}; but {landing.why}"
        return _Judged(verdict=Verdict.UNKNOWN, why=why, settle=doubt_of.settles, conditions=(doubt_of,))
    return _Judged(verdict=Verdict.GO, why=result.why, conditions=(*_by_name(model), *landing.told))


def _by_name(model: ModelRequirements) -> tuple[Condition, ...]:
    """What a GO hangs on where nothing of the model itself was read; a hub has one model of a name."""
    elsewhere = any(problem.code == "not-an-image" for problem in model.image.problems)
    if elsewhere and not model.car.image.lower().startswith("hf://"):
        return (BY_PLACE,)
    return (BY_NAME,) if model.image.model.config is None else ()


def _barred(kind: Candidate, count: int, landing: Landing) -> str:
    if landing.code != "busy" or kind.most_free is None:
        return f"it would fit on {kind.gpu.product}, but {landing.why}"
    return (
        f"it would fit on {kind.gpu.product}, but no node has {count} free now "
        f"(at most {kind.most_free} of {kind.most}; the others are requested by pods)"
    )


def _settles(result: Estimate, kind: Candidate) -> str:
    if not kind.gpu.memory_gib.known:
        card = kind.nodes[0].card(kind.pool)
        if card.product and card.physical and kind.pool.units > card.physical:
            told = f"what a share of {card.product} gets is not known: offer whole cards"
            return f"{told}, or state the card as if it were whole: --gpu {card.product}:{card.physical}"
        return f"state the GPUs by their product label: --gpu PRODUCT:COUNT ({kind.gpu.product} is not known)"
    if result.vllm.endswith("?") and "vLLM version" in result.why:
        return "state the release that will serve it: --vllm VERSION"
    if result.weights_gib.known:
        return "only a start of vLLM itself would tell: this part of it is not modelled"
    shorter = "give --max-model-len, or " if "--max-model-len" in result.why else ""
    return f"{shorter}make the image readable (see the remarks)"


def _warnings(
    kind: Candidate, result: Estimate, compatibility: tuple[Compatibility, ...], vllm: str | None
) -> tuple[str, ...]:
    warnings = [item.why for item in compatibility if item.support is Support.AT_A_COST]
    if result.caution:
        warnings.append(result.caution)
    if newer := newer_note(vllm):
        warnings.append(f"{newer}: what it changed is not known here")
    if kind.pool.mem_guarantee is Guarantee.NONE:
        how = "shared by claims" if kind.pool.resource.startswith("dra:") else "time-sliced"
        warnings.append(f"GPUs are {how}: this holds only while no neighbour uses the memory")
    return tuple(warnings)


def _stopped(car: ModelCar) -> tuple[str, ...]:
    return () if car.copies else ("it is stopped (no replica is asked for): judged as one replica",)


def _comparison(result: Estimate, kind: Candidate, count: int) -> str:
    """`model 18 GiB vs GPU 80 GiB`, a GPU each where there are several."""
    need, have = result.required_gib, kind.gpu.memory_gib
    if need.value is None:
        left = "model unknown"
    else:
        left = f"model {'~' if need.guess else ''}{math.ceil(need.value)} GiB"
    if count > 1:
        left += f" on each of {count} GPUs"
    right = "GPU memory unknown" if have.value is None else f"GPU {have.value:.0f} GiB"
    return f"{left} vs {right} ({kind.gpu.product})"
