"""vLLM's own defaults for what the arguments leave open, by release and GPU."""

from __future__ import annotations

import msgspec

from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.models.shape import Shape
from modelcar_tui.vllm.engine_args import EngineArgs
from modelcar_tui.vllm.profile import Profile


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that vLLM will run with."""

    utilization: float
    seqs: int
    batch: int
    context: int
    auto_context: bool
    """`--max-model-len auto`: shortened until it fits."""


def limits_for(shape: Shape, args: EngineArgs, profile: Profile, gpu: Gpu) -> Limits:
    """Arguments, then vLLM's defaults (vllm engine/arg_utils.py get_batch_defaults)."""
    context = (
        args.max_model_len if args.max_model_len and args.max_model_len > 0 else shape.max_position or 2048
    )
    batch, seqs = _defaults(profile, gpu, args, context)
    seqs = args.max_num_seqs or seqs
    given = args.max_num_batched_tokens
    if given:
        batch = given
    elif args.chunked_prefill is False or profile.engine_v0 or shape.pooling:
        batch = max(batch, min(context, 2**20)) if not _chunks_itself(profile, args, context) else batch
    if not args.max_num_batched_tokens:
        batch = max(min(batch, seqs * context), min(seqs, batch))
    if not args.max_num_seqs:
        seqs = min(seqs, batch)
    return Limits(
        utilization=profile.utilization
        if args.gpu_memory_utilization is None
        else args.gpu_memory_utilization,
        seqs=seqs,
        batch=batch,
        context=context,
        auto_context=args.max_model_len == -1,
    )


def _defaults(profile: Profile, gpu: Gpu, args: EngineArgs, context: int) -> tuple[int, int]:
    memory = gpu.visible_gib.value or gpu.memory_gib.value or 0.0
    if profile.engine_v0:
        return (2048 if _chunks_itself(profile, args, context) else max(context, 2048)), 256
    if profile.huge_batches and memory >= 160:
        return 16384, 1024
    name = gpu.product.lower()
    if not profile.large_batches:  # 0.8 went by the name
        big = "h100" in name or "h200" in name or (memory >= 70 and not gpu.compute_capability)
        return 8192 if big else 2048, 1024 if big or profile.many_sequences else 256
    spark = gpu.compute_capability == "12.1" and profile.release >= (0, 33)
    big = memory >= 70 and "a100" not in name and not spark
    return (8192, 1024) if big else (2048, 256)


def _chunks_itself(profile: Profile, args: EngineArgs, context: int) -> bool:
    """The old engine turned chunked prefill on by itself above 32k."""
    return profile.engine_v0 and (
        args.chunked_prefill is True or (args.chunked_prefill is None and context > 32768)
    )
