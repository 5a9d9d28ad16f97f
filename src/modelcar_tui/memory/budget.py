"""The sums: what one GPU holds before, during and after the KV cache is cut."""

from __future__ import annotations

import math

import msgspec

from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.memory import lora, overheads
from modelcar_tui.memory.activation import Peak, peak_of
from modelcar_tui.memory.kv import Plan, plan_for
from modelcar_tui.memory.refusals import number
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.weights import (
    SWIZZLED,
    SWIZZLED_EARLY,
    RankWeights,
    Split,
    pipeline_ranks,
    rank_weights,
)
from modelcar_tui.models.model import Model
from modelcar_tui.vllm.engine_args import EngineArgs
from modelcar_tui.vllm.profile import Profile

_EARLY_GRAPHS = 0.5
"""Graphs before 0.15 took 0.1 to 0.4 GiB where 0.19's take 0.8 to 1.8; half is kept to be safe."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on the GPU that has least room, of all pipeline ranks."""

    weights: RankWeights
    weights_bytes: float
    adapters: float
    peak: Peak
    non_torch: float
    graphs: float
    """What capture takes."""
    graphs_deducted: float
    """What vLLM takes from the KV budget for them."""
    start: float
    """In use before vLLM measures."""
    total: float | None
    """What vLLM sees of the card; None when unknown."""
    requested: float | None
    available: float | None
    """For the KV cache."""
    plan: Plan | None
    needed: float
    """For one request of the whole context."""
    loading: float
    """The most that loading takes at once."""

    @property
    def fixed(self) -> float:
        """Everything that is not KV cache."""
        return self.weights_bytes + self.peak.total + self.non_torch + self.graphs_deducted


def budget_for(start: Start) -> Budget:
    """The budget of the pipeline rank that holds the fewest blocks."""
    args, profile, layers = start.args, start.profile, start.model.shape.layers
    capability = number(start.gpu.compute_capability)
    split = Split(
        tp=args.tp,
        pp=args.pp,
        ep=args.tp * args.dp if args.ep else 1,
        spread=args.tp * args.dp,
        tower_whole=start.model.whole_tower or args.encoder_tp_data,
        swizzled=SWIZZLED_EARLY if profile.release < (0, 17) else SWIZZLED,
        marlin=(capability is not None and capability < 9) or profile.release == (0, 10),
    )
    ranks = pipeline_ranks(layers, min(args.pp, layers))
    chosen = {ranks[0], ranks[-1], max(ranks, key=lambda rank: rank[1] - rank[0])}
    return min((_rank(start, split, rank) for rank in sorted(chosen)), key=_room)


def _rank(start: Start, split: Split, rank: tuple[int, int]) -> Budget:
    model, args, profile, limits = start.model, start.args, start.profile, start.limits
    shape, total = model.shape, _total(start.gpu)
    weights = rank_weights(shape, split, model.scheme, model.width, model.extra, _tower(model, args), rank)
    adapters = lora.adapter_bytes(shape, args, rank)
    held = max(0.0, weights.total - args.cpu_offload_gib * GIB) + adapters
    fused = not (model.scheme.mxfp4 and not split.marlin)
    peak = peak_of(start, last=rank[1] == shape.layers, workspace=fused)
    outside = overheads.non_torch(start)
    capture = overheads.graphs(start, estimate=False)
    capture *= 1.0 if profile.release >= (0, 15) else _EARLY_GRAPHS
    deducted = overheads.graphs(start, estimate=True) if profile.graphs_deducted else 0.0
    requested = math.ceil(total * limits.utilization) if total is not None else None
    available = requested - held - peak.total - outside - deducted if requested is not None else None
    if args.kv_cache_memory_bytes:
        available = float(args.kv_cache_memory_bytes)
    plan = plan_for(start, width=cache_width(model, args), rank=rank)
    if plan is not None and args.num_gpu_blocks_override:
        available = float(plan.block_bytes * args.num_gpu_blocks_override)
    return Budget(
        weights=weights,
        weights_bytes=held,
        adapters=adapters,
        peak=peak,
        non_torch=outside,
        graphs=capture,
        graphs_deducted=deducted,
        start=overheads.used_at_start(start),
        total=total,
        requested=requested,
        available=available,
        plan=plan,
        needed=_needed(plan, profile, limits.context) * _all_layers(shape.layers, rank, profile),
        loading=_loading(model, args, profile, held),
    )


def _needed(plan: Plan | None, profile: Profile, context: int) -> float:
    if plan is None:
        return 0.0
    return plan.needed(context, padded=profile.exact_groups) + (plan.block_bytes if profile.null_block else 0)


def _all_layers(layers: int, rank: tuple[int, int], profile: Profile) -> float:
    """0.14 to 0.16 asked every pipeline rank for the KV cache of all layers (issue 34076)."""
    return layers / (rank[1] - rank[0]) if (0, 14) <= profile.release < (0, 17) else 1.0


def _loading(model: Model, args: EngineArgs, profile: Profile, held: float) -> float:
    """Weights that are quantized while loading were whole in 16 bits at first, before layers were
    streamed."""
    if (
        model.unquantized
        and model.scheme.name in ("fp8", "int8")
        and args.quantization
        and profile.release < (0, 14)
    ):
        return held * 16 / model.scheme.bits
    return held


def _tower(model: Model, args: EngineArgs) -> float:
    return 0.0 if args.language_model_only else model.tower


def _room(budget: Budget) -> float:
    if budget.available is None:
        return -budget.fixed
    return budget.available / budget.plan.block_bytes if budget.plan else budget.available


def _total(gpu: Gpu) -> float | None:
    value = gpu.visible_gib.value if gpu.visible_gib.known else gpu.memory_gib.value
    return value * GIB if isinstance(value, int | float) and 0 < value < 1e5 else None


def cache_width(model: Model, args: EngineArgs) -> float:
    """Bytes of one cached number."""
    name = args.kv_cache_dtype
    if name.startswith(("fp8", "int8", "mxfp8")):
        return 1.0
    if name.startswith("nvfp4"):
        return 0.5625
    if name == "float32":
        return 4.0
    return 1.0 if name == "auto" and model.cache_fp8 else float(model.width)
