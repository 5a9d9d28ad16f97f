"""The verdict without a config.json: only what is true at both ends of a wide guess."""

from __future__ import annotations

from functools import partial

import msgspec

from modelcar_tui.core.facts import GIB, Fact, Source, unknown
from modelcar_tui.hardware import Gpu
from modelcar_tui.memory.by_name import WEIGHTS, guessed_need
from modelcar_tui.memory.outcome import free_is_checked, no_free_memory
from modelcar_tui.memory.refusals import (
    architecture_refusal,
    data_type_refusal,
    gpu_refusal,
    method_refusal,
    scheme_refusal,
)
from modelcar_tui.memory.refused import Refusal
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models import ModelFacts, architecture_of
from modelcar_tui.models.quantization import is_moe, scheme_of_model
from modelcar_tui.vllm import Profile
from modelcar_tui.vllm.arguments import EngineArgs
from modelcar_tui.vllm.quantization import NO_EXPERTS, AskedQuantization, choose_method, expert_layers

_WIDE = 64
"""Hidden size by layers of the narrowest common models: the narrower, the more is cached for the same
size."""


def guessed(model: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile, reason: str) -> Estimate:
    """GO only when even the high bound fits, NO-GO only when even the low bound does not, else UNKNOWN.

    Args:
        reason: why the model can't be sized from its config.
    """
    refused = _refusal(model, gpu, args, profile)
    if refused is not None:
        return Estimate(outcome=refused.outcome, why=refused.why, error=refused.error, vllm=profile.label)
    no_memory = _free_memory(gpu, args, profile)
    if no_memory is not None:
        return no_memory
    need = guessed_need(model)
    if need.value is None or need.low is None or need.high is None:
        return Estimate(
            outcome=Outcome.UNKNOWN, why=f"{reason}; {need.note}", required_gib=need, vllm=profile.label
        )
    return _by_bounds(need, _cache_gib(model, args), gpu, args, profile, reason)


def _refusal(model: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile) -> Refusal | None:
    """The first check of vLLM's that they do not pass, of those for which no shape is needed."""
    arch = architecture_of(model.config)
    return (
        gpu_refusal(gpu, args, profile)
        or method_refusal(model, gpu, args, profile)
        or data_type_refusal(model, gpu, args, profile)
        or architecture_refusal(arch, model, profile)
        or _scheme_refusal(arch, model, gpu, args, profile)
    )


def _scheme_refusal(
    arch: str, model: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile
) -> Refusal | None:
    method = choose_method(
        AskedQuantization(facts=model, value=args.quantization, version=profile.version)
    ).method
    experts = expert_layers(arch, method, profile.version) if is_moe(model.config) else NO_EXPERTS
    return scheme_refusal(scheme_of_model(model, args.quantization), gpu, profile, experts)


def _by_bounds(
    need: Fact[float], cached: float | None, gpu: Gpu, args: EngineArgs, profile: Profile, reason: str
) -> Estimate:
    """What both ends of a need say: of all GPUs together, in GiB, as is what one request caches."""
    units = max(1, args.tp * args.pp)
    share = args.gpu_memory_utilization or profile.utilization
    per_gpu = _of_each(need, units, ((need.high or 0.0) + (cached or 0.0)) / units / share)
    low, high = per_gpu.low or 0.0, per_gpu.high or 0.0
    memory = gpu.visible_gib.value if gpu.visible_gib.known else gpu.memory_gib.value
    span = f"{low:.0f} to {high:.0f} GiB a GPU ({need.source.told})"
    told = partial(Estimate, required_gib=per_gpu, vllm=profile.label)
    if memory is None:
        why = f"it needs {span}, and the memory of {gpu.product} is not known"
        return told(outcome=Outcome.UNKNOWN, why=why)
    card = f"the {memory:.1f} GiB of {gpu.product}"
    told = partial(told, notes=(reason, "a guess: the context that fits is not known"))
    doubt = _doubt(args, span, cached)
    if doubt and (high <= memory or args.unknown):
        return told(outcome=Outcome.UNKNOWN, why=f"{reason}; {doubt}")
    if high <= memory and not args.problems:
        why = f"it needs {span}; even the most of it fits into {card}"
        return told(outcome=Outcome.STARTS, why=why)
    if low > memory:
        why = f"it needs {span}; even the least of it does not fit into {card}"
        return told(outcome=Outcome.OOM_LOAD, why=why)
    why = f"{reason}; it needs {span}, which {card} may or may not hold"
    return told(outcome=Outcome.UNKNOWN, why=why)


def _of_each(need: Fact[float], units: int, high: float) -> Fact[float]:
    """The need of each of `units` GPUs; its weights go by another name than the estimate's own."""
    terms = tuple(
        msgspec.structs.replace(
            term,
            label=f"weights, {term.source.told}" if term.label == WEIGHTS else term.label,
            value=term.value / units,
            note=f"{term.note}, over {units} GPUs" if units > 1 else term.note,
        )
        for term in need.terms
    )
    return msgspec.structs.replace(
        need, value=(need.value or 0.0) / units, terms=terms, low=(need.low or 0.0) / units, high=high
    )


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


def _free_memory(gpu: Gpu, args: EngineArgs, profile: Profile) -> Estimate | None:
    """vLLM's first check needs no model at all."""
    total, free = gpu.visible_gib.value, gpu.free_gib.value
    share = args.gpu_memory_utilization or profile.utilization
    if total is None or free is None or free >= total * share or not free_is_checked(profile):
        return None
    outcome, why, error = no_free_memory(free * GIB, total * GIB, share, measured=True)
    return Estimate(
        outcome=outcome,
        why=why,
        error=error,
        weights_gib=unknown("refused before loading", unit="GiB"),
        requested_gib=Fact(value=total * share, source=Source.COMPUTED, unit="GiB"),
        vllm=profile.label,
    )
