"""The verdict without a config.json: only what is true at both ends of a wide guess."""

from __future__ import annotations

from modelcar_tui.core.facts import GIB, Fact, Source, unknown
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.memory.by_name import name_based_required_gib
from modelcar_tui.memory.refusals import data_type_refusal, gpu_refusal, method_refusal, scheme_refusal
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.config import architecture_of
from modelcar_tui.models.declared import is_moe
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.storage import scheme_of_model
from modelcar_tui.vllm.architectures import architecture_refused
from modelcar_tui.vllm.declaration import Asked
from modelcar_tui.vllm.engine_args import EngineArgs
from modelcar_tui.vllm.experts import NO_EXPERTS, expert_layers
from modelcar_tui.vllm.profile import Profile
from modelcar_tui.vllm.quantization_method import choose

_WIDE = 64
"""Hidden size by layers of the narrowest common models: the narrower, the more is cached for the same
size."""


def guessed(model: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile, reason: str) -> Estimate:
    """GO only when even the high bound fits, NO-GO only when even the low bound does not, else UNKNOWN.

    Args:
        reason: why the model can't be sized from its config.
    """
    early = (
        gpu_refusal(gpu, args, profile)
        or method_refusal(model, gpu, args, profile)
        or data_type_refusal(model, gpu, args, profile)
    )
    if early is not None:
        return Estimate(outcome=early.outcome, why=early.why, error=early.error, vllm=profile.label)
    unknown_arch = architecture_refused(architecture_of(model.config or {}), profile)
    if unknown_arch:
        return Estimate(outcome=Outcome.REFUSED_ARCH, why=unknown_arch, vllm=profile.label)
    scheme = scheme_of_model(model, args.quantization)
    method = choose(Asked(facts=model, value=args.quantization, version=profile.version)).method
    arch = architecture_of(model.config or {})
    experts = expert_layers(arch, method, profile.version) if is_moe(model.config) else NO_EXPERTS
    other = scheme_refusal(scheme, gpu, profile, experts)
    if other is not None:
        return Estimate(outcome=other.outcome, why=other.why, error=other.error, vllm=profile.label)
    refused = _free_memory(gpu, args, profile)
    if refused is not None:
        return refused
    need = _need(model)
    if need.value is None or need.low is None or need.high is None:
        return Estimate(
            outcome=Outcome.UNKNOWN, why=f"{reason}; {need.note}", required_gib=need, vllm=profile.label
        )
    cached = _cache_gib(model, args)
    units = max(1, args.tp * args.pp)
    share = args.gpu_memory_utilization or profile.utilization
    per_gpu = Fact(
        value=need.value / units / share,
        source=need.source,
        unit="GiB",
        note=need.note,
        terms=need.terms,
        low=need.low / units,
        high=(need.high + (cached or 0.0)) / units / share,
    )
    low, high = per_gpu.low or 0.0, per_gpu.high or 0.0
    memory = gpu.visible_gib.value if gpu.visible_gib.known else gpu.memory_gib.value
    span = f"{low:.0f} to {high:.0f} GiB a GPU by its {need.source}"
    if memory is None:
        why = f"it needs {span}, and the memory of {gpu.product} is not known"
        return Estimate(outcome=Outcome.UNKNOWN, why=why, required_gib=per_gpu, vllm=profile.label)
    notes = (reason, "a guess: the context that fits is not known")
    doubt = _doubt(args, span, cached)
    if doubt and (high <= memory or args.unknown):
        why = f"{reason}; {doubt}"
        return Estimate(
            outcome=Outcome.UNKNOWN, why=why, required_gib=per_gpu, vllm=profile.label, notes=notes
        )
    if high <= memory and not args.problems:
        why = f"it needs {span}; even the most of it fits into {memory:.1f} GiB"
        return Estimate(
            outcome=Outcome.STARTS, why=why, required_gib=per_gpu, vllm=profile.label, notes=notes
        )
    if low > memory:
        why = f"it needs {span}; even the least of it does not fit into {memory:.1f} GiB"
        return Estimate(
            outcome=Outcome.OOM_LOAD, why=why, required_gib=per_gpu, vllm=profile.label, notes=notes
        )
    why = f"{reason}; it needs {span}, which {memory:.1f} GiB may or may not hold"
    return Estimate(outcome=Outcome.UNKNOWN, why=why, required_gib=per_gpu, vllm=profile.label, notes=notes)


def _doubt(args: EngineArgs, span: str, cached: float | None) -> str:
    """What a start hangs on besides memory for the weights; the empty text when on nothing more."""
    if args.unknown or args.doubts:
        return (*args.unknown, *args.doubts)[0]
    if args.tp.bit_count() != 1:
        return f"whether its attention heads can be shared by {args.tp} GPUs is not known"
    if cached is None:
        return (
            f"it needs {span} for a few thousand tokens, and without --max-model-len vLLM takes the model's "
            "own context, which is not known"
        )
    return ""


def _cache_gib(model: ModelFacts, args: EngineArgs) -> float | None:
    """The most that one request of `--max-model-len` tokens keeps, on all GPUs; None where that is not given.

    Nothing caches more than plain multi-head attention: 2 x layers x hidden numbers a token. A dense model
    has 12 x layers x hidden^2 parameters, and the narrowest are 64 times as wide as they are deep (Llama 2
    7B: 128).
    """
    if args.pooling or args.max_model_len == -1:
        return 0.0
    stored = model.weight_bytes.value
    parameters = model.parameters.value or (2 * stored if stored else None)
    if args.max_model_len is None or parameters is None:
        return None
    layers: float = (parameters / (12 * _WIDE**2)) ** (1 / 3)
    return 2 * layers * (_WIDE * layers) * 2 * args.max_model_len / GIB


def _need(model: ModelFacts) -> Fact[float]:
    stored = model.weight_bytes.value
    if stored is not None and 0 < stored < 2**55:
        bits: Fact[int] = Fact(value=8, source=model.weight_bytes.source)
        return name_based_required_gib(Fact(value=stored, source=model.weight_bytes.source), bits)
    return name_based_required_gib(model.parameters, model.bits)


def _free_memory(gpu: Gpu, args: EngineArgs, profile: Profile) -> Estimate | None:
    """vLLM's first check needs no model at all."""
    total, free = gpu.visible_gib.value, gpu.free_gib.value
    share = args.gpu_memory_utilization or profile.utilization
    if total is None or free is None or free >= total * share:
        return None
    why = f"{total * share:.2f} GiB are asked for by --gpu-memory-utilization and {free:.2f} GiB are free"
    error = (
        f"Free memory on device cuda:0 ({free:.2f}/{total:.2f} GiB) on startup is less than desired GPU "
        f"memory utilization ({share:g}, {total * share:.2f} GiB)."
    )
    nothing: Fact[float] = unknown("refused before loading", unit="GiB")
    return Estimate(
        outcome=Outcome.REFUSED_FREE_MEMORY,
        why=why,
        error=error,
        weights_gib=nothing,
        requested_gib=Fact(value=total * share, source=Source.COMPUTED, unit="GiB"),
        vllm=profile.label,
    )
