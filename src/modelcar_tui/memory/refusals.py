"""The refusals that come before any memory is counted, in vLLM's order."""

from __future__ import annotations

from modelcar_tui.hardware import Gpu, Hardware, hardware
from modelcar_tui.memory.quantized_shards import cut_refusal
from modelcar_tui.memory.refused import Refusal
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.towers import absent_modalities
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models import (
    Model,
    ModelFacts,
    Reader,
    has_own_code,
    no_experts,
    split_fault,
    text_part,
    tower_fault,
)
from modelcar_tui.models.quantization import Scheme
from modelcar_tui.vllm import (
    Profile,
    architecture_error,
    architecture_refused,
    longest_positions,
    manager_refused,
    through_transformers,
    transformers_fault,
)
from modelcar_tui.vllm.arguments import EngineArgs
from modelcar_tui.vllm.quantization import (
    NO_EXPERTS,
    SCALES_ERROR,
    AskedQuantization,
    ExpertLayers,
    Support,
    SupportAnswer,
    agreed_dtype_fault,
    choose_method,
    expert_layers,
    float_cache_fault,
    kv_cache_runs,
    refused_method,
    scales_refused,
    schemes_refused,
    sparse_attention_refused,
    unbuilt_for,
)
from modelcar_tui.vllm.refused import attention_backend_left

_EXPERTS_CHECKED = (0, 8)
"""From here on expert parallelism wants experts (ModelConfig.verify_with_parallel_config)."""


# complexity: a line a check, in vLLM's order
def refusal(start: Start, facts: ModelFacts) -> Refusal | None:
    """The first check of vLLM that these arguments do not pass; None when they pass.

    Args:
        facts: of the start's model.
    """
    model, gpu, args, profile = start.model, start.gpu, start.args, start.profile
    return (
        _arguments(args)
        or _generation(gpu, profile)
        or architecture_refusal(model.shape.arch, facts, profile)
        or _context(model, args, profile)
        or method_refusal(facts, gpu, args, profile)
        or _quantization(model, facts, gpu, args, profile)
        or data_type_refusal(facts, gpu, args, profile)
        or _cache_type(gpu, args, profile, model)
        or _scales(facts, gpu, args, profile)
        or _attention(model, gpu, args, profile)
        or _no_experts(facts, args, profile)
        or _division(model, args, profile)
        or _backend(model, facts, args, profile)
        or _manager(model, gpu, args, profile)
        or cut_refusal(model, facts, args, profile, gpu)
        or _batches(start)
    )


def gpu_refusal(gpu: Gpu, args: EngineArgs, profile: Profile) -> Refusal | None:
    """The checks that need no model."""
    return _arguments(args) or _generation(gpu, profile) or _cache_type(gpu, args, profile)


def _generation(gpu: Gpu, profile: Profile) -> Refusal | None:
    why = unbuilt_for(column_of(gpu), profile.version)
    if not why:
        return None
    return Refusal(Outcome.REFUSED_KERNEL, why, "no kernel image is available for execution on the device")


def architecture_refusal(arch: str, facts: ModelFacts, profile: Profile) -> Refusal | None:
    """Whether vLLM does not know the architecture."""
    why = architecture_refused(arch, profile, own_code=has_own_code(facts.config))
    return Refusal(Outcome.REFUSED_ARCH, why, architecture_error(arch, profile)) if why else None


def _backend(model: Model, facts: ModelFacts, args: EngineArgs, profile: Profile) -> Refusal | None:
    """What vLLM's backend for transformers' models refuses when it builds one."""
    arch = model.shape.arch
    if not through_transformers(arch, profile):
        return None
    config = facts.config or {}
    both = Reader(text_part(config), config).flag("is_encoder_decoder") is True
    attention = "state" not in model.shape.kinds
    why = transformers_fault(arch, profile, args.tp, only_attention=attention, encoder_decoder=both)
    return Refusal(Outcome.REFUSED_ARCH, why) if why else None


def method_refusal(facts: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile) -> Refusal | None:
    """Whether vLLM refuses the method that checkpoint and `--quantization` come to, wherever it runs."""
    chosen = refused_method(_asked(facts, gpu, args, profile))
    return Refusal(Outcome.REFUSED_QUANT, chosen.why, chosen.error) if chosen.why else None


def _asked(facts: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile) -> AskedQuantization:
    return AskedQuantization(
        facts=facts, value=args.quantization, version=profile.version, gpu=column_of(gpu)
    )


def _quantization(
    model: Model, facts: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile
) -> Refusal | None:
    if model.shape.moe is None:
        return scheme_refusal(model.scheme, gpu, profile)
    experts = expert_layers(
        model.shape.arch,
        choose_method(_asked(facts, gpu, args, profile)).method,
        profile.version,
        shape=model.shape,
        scheme=model.scheme,
        shards=args.expert_shards,
    )
    return scheme_refusal(model.scheme, gpu, profile, experts)


def scheme_refusal(
    scheme: Scheme, gpu: Gpu, profile: Profile, experts: ExpertLayers = NO_EXPERTS
) -> Refusal | None:
    """Whether vLLM refuses the checkpoint's quantization on this GPU."""
    why = schemes_refused(scheme.ids, column_of(gpu), profile.version, experts=experts)
    if not why:
        return None
    error = (
        f"The quantization method {scheme.name} is not supported for the current GPU. "
        f"Current capability: {gpu.compute_capability}."
    )
    return Refusal(Outcome.REFUSED_QUANT, why, error if gpu.vendor == "nvidia" else "")


def column_of(gpu: Gpu) -> Hardware:
    return hardware(gpu.vendor, gpu.product, gpu.compute_capability)


def _arguments(args: EngineArgs) -> Refusal | None:
    if args.problems:
        return Refusal(Outcome.REFUSED_ARGS, args.problems[0])
    used = args.gpu_memory_utilization
    if used is not None and not 0 < used <= 1:
        why = f"--gpu-memory-utilization must lie between 0 and 1, not {used:g}"
        return Refusal(Outcome.REFUSED_ARGS, why)
    return None


def _context(model: Model, args: EngineArgs, profile: Profile) -> Refusal | None:
    most = longest_positions(model.shape.positions, profile)
    asked = args.max_model_len
    if most is None or asked is None or asked <= most or args.long_context_allowed:
        return None
    error = (
        f"User-specified max_model_len ({asked}) is greater than the derived max_model_len "
        f"(max_position_embeddings={most} or model_max_length=None in model's config.json)."
    )
    why = f"--max-model-len {asked} is more than the model's {most} positions"
    return Refusal(Outcome.REFUSED_ARGS, why, error)


def data_type_refusal(facts: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile) -> Refusal | None:
    """Whether the GPU, the model or its quantization does not run in the dtype."""
    fault = agreed_dtype_fault(_asked(facts, gpu, args, profile), args.dtype)
    return Refusal(Outcome.REFUSED_DTYPE, fault.why, fault.error) if fault.why else None


def _cache_type(gpu: Gpu, args: EngineArgs, profile: Profile, model: Model | None = None) -> Refusal | None:
    support, why = _cache(gpu, args, profile, model)
    if support is not Support.UNSUPPORTED:
        return None
    return Refusal(Outcome.REFUSED_KERNEL, why)


def _scales(facts: ModelFacts, gpu: Gpu, args: EngineArgs, profile: Profile) -> Refusal | None:
    """A cache in 16 bits that are not the model's, or one without scales beside a method that has some."""
    asked = _asked(facts, gpu, args, profile)
    if why := float_cache_fault(asked, args.dtype, args.kv_cache_dtype):
        return Refusal(Outcome.REFUSED_ARGS, why)
    why = scales_refused(asked, args.kv_cache_dtype)
    return Refusal(Outcome.REFUSED_QUANT, why, SCALES_ERROR) if why else None


def short_cache_unsure(gpu: Gpu, args: EngineArgs, profile: Profile, model: Model | None) -> bool:
    """Whether an 8-bit cache hangs on the attention backend."""
    short = args.kv_cache_dtype.startswith("fp8") or (model is not None and model.cache_fp8)
    return short and gpu.vendor == "nvidia" and _cache(gpu, args, profile, model)[0] is Support.UNKNOWN


def _cache(gpu: Gpu, args: EngineArgs, profile: Profile, model: Model | None) -> SupportAnswer:
    dtype, flashinfer = args.kv_cache_dtype, True
    if model is not None:
        flashinfer = model.shape.mla is None and not model.shape.family.sinks
        if dtype == "auto" and model.cache_fp8:
            dtype = "fp8"
    return kv_cache_runs(dtype, column_of(gpu), profile.version, flashinfer=flashinfer)


def _attention(model: Model, gpu: Gpu, args: EngineArgs, profile: Profile) -> Refusal | None:
    why = sparse_attention_refused(model.shape.arch, column_of(gpu))
    if why:
        return Refusal(Outcome.REFUSED_KERNEL, why)
    support, why = _backends(model, gpu, args, profile)
    if support is not Support.UNSUPPORTED:
        return None
    return Refusal(Outcome.REFUSED_KERNEL, why, "No valid attention backend found")


def _backends(model: Model, gpu: Gpu, args: EngineArgs, profile: Profile) -> SupportAnswer:
    """Whether an attention backend is left for the KV cache; unknown, with what the image must hold."""
    column = column_of(gpu)
    if not column.known or column.column != "nvidia":
        return Support.UNKNOWN, ""
    cache = args.kv_cache_dtype
    if cache == "auto" and model.cache_fp8:
        cache = "fp8_e4m3"
    return attention_backend_left(model.shape, cache, args.block_size, profile.version, column.capability)


def backend_unsure(model: Model, gpu: Gpu, args: EngineArgs, profile: Profile) -> str:
    """What the image must hold for any attention backend to be left; empty where that does not decide."""
    support, wants = _backends(model, gpu, args, profile)
    return wants if support is Support.UNKNOWN else ""


def _no_experts(facts: ModelFacts, args: EngineArgs, profile: Profile) -> Refusal | None:
    if not args.ep or profile.release < _EXPERTS_CHECKED or not no_experts(facts.config):
        return None
    error = "Number of experts in the model must be greater than 0 when expert parallelism is enabled."
    return Refusal(Outcome.REFUSED_ARGS, "--enable-expert-parallel on a model without experts", error)


def _division(model: Model, args: EngineArgs, profile: Profile) -> Refusal | None:
    fault = split_fault(model.shape, model.scheme, args.tp, experts=args.expert_shards)
    fault = fault or tower_fault(
        model.shape,
        args.tp,
        profile.release,
        data=args.encoder_tp_data,
        without=absent_modalities(args),
    )
    if fault is None:
        return None
    outcome = Outcome.REFUSED_QUANT if fault.quantization else Outcome.REFUSED_ARGS
    return Refusal(outcome, fault.why, fault.error)


def _manager(model: Model, gpu: Gpu, args: EngineArgs, profile: Profile) -> Refusal | None:
    why = manager_refused(model.shape, args, profile, column_of(gpu).column)
    return Refusal(Outcome.REFUSED_ARGS, why) if why else None


def _batches(start: Start) -> Refusal | None:
    batch, seqs, context = start.args.max_num_batched_tokens, start.args.max_num_seqs, start.limits.context
    if batch and seqs and batch < seqs:
        error = f"max_num_batched_tokens ({batch}) must be greater than or equal to max_num_seqs ({seqs})."
        return Refusal(Outcome.REFUSED_ARGS, "--max-num-batched-tokens is less than --max-num-seqs", error)
    if start.switches.chunked_prefill.on is False and batch and batch < context:
        error = f"max_num_batched_tokens ({batch}) is smaller than max_model_len ({context})."
        why = "without chunked prefill a step must hold a whole context"
        return Refusal(Outcome.REFUSED_ARGS, why, error)
    return None
