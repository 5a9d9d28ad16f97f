"""vLLM's own defaults for what the arguments leave open, by release and GPU."""

from __future__ import annotations

import msgspec

from modelcar_tui.hardware import Gpu
from modelcar_tui.models import Shape
from modelcar_tui.vllm.arguments.engine_args import EngineArgs
from modelcar_tui.vllm.context import implied_by
from modelcar_tui.vllm.profile import Profile
from modelcar_tui.vllm.switches import EngineSwitch


class StartLimits(msgspec.Struct, frozen=True, kw_only=True):
    """The numbers that vLLM will run with."""

    utilization: float
    seqs: int
    batch: int
    context: int
    auto_context: bool
    """`--max-model-len auto`: shortened until it fits."""


def served_context(shape: Shape, args: EngineArgs, profile: Profile) -> int:
    """Tokens of a request at most: as asked for, or what the release takes by itself."""
    given = args.max_model_len or 0
    return given if given > 0 else implied_by(shape.positions, profile) or 2048


def start_limits(
    shape: Shape, args: EngineArgs, profile: Profile, gpu: Gpu, chunked: EngineSwitch
) -> StartLimits:
    """Arguments, then vLLM's defaults (vllm engine/arg_utils.py get_batch_defaults).

    Args:
        chunked: whether prefill is chunked; where it is not, a step holds a whole context.
    """
    context = served_context(shape, args, profile)
    batch, seqs = _defaults(profile, gpu, context, chunked)
    seqs = args.max_num_seqs or seqs
    if args.max_num_batched_tokens:
        batch = args.max_num_batched_tokens
    elif chunked.on is False:
        batch = max(batch, min(context, 2**20))
    if not args.max_num_batched_tokens:
        batch = max(min(batch, seqs * context), min(seqs, batch))
    if not args.max_num_seqs:
        seqs = min(seqs, batch)
    share = args.gpu_memory_utilization
    return StartLimits(
        utilization=profile.utilization if share is None else share,
        seqs=seqs,
        batch=batch,
        context=context,
        auto_context=args.max_model_len == -1,
    )


def _defaults(profile: Profile, gpu: Gpu, context: int, chunked: EngineSwitch) -> tuple[int, int]:
    memory = gpu.visible_gib.value or gpu.memory_gib.value or 0.0
    if profile.engine_v0:
        return (max(context, 2048) if chunked.on is False else 2048), 256
    if profile.huge_batches and memory >= 160:
        return 16384, 1024
    big = _big(profile, gpu, memory)
    return 8192 if big else 2048, 1024 if big or profile.many_sequences else 256


def _big(profile: Profile, gpu: Gpu, memory: float) -> bool:
    """Whether the release counts it among the cards with room for large batches; 0.8 went by the name."""
    name = gpu.product.lower()
    if not profile.large_batches:
        return "h100" in name or "h200" in name or (memory >= 70 and not gpu.compute_capability)
    spark = gpu.compute_capability == "12.1" and profile.release >= (0, 33)
    return memory >= 70 and "a100" not in name and not spark
