"""The sums: what one GPU holds before, during and after the KV cache is cut."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import msgspec

from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware import NVIDIA, Gpu
from modelcar_tui.memory import lora, overheads, rocm
from modelcar_tui.memory.activation import Peak, peak_of
from modelcar_tui.memory.buffers import step_buffers
from modelcar_tui.memory.compressed_peak import with_compressed
from modelcar_tui.memory.kv.plan import Plan, plan_for
from modelcar_tui.memory.parts import Parts
from modelcar_tui.memory.split import SWIZZLED, SWIZZLED_EARLY, Split
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.towers import tower_bytes
from modelcar_tui.memory.weights import RankWeights, pipeline_ranks, rank_weights, stored_between
from modelcar_tui.models import Model
from modelcar_tui.models.quantization import Storage
from modelcar_tui.vllm import Profile, through_transformers, uncut_by_transformers
from modelcar_tui.vllm.arguments import EngineArgs

_SCALES_WHOLE = (0, 9, 2)
"""From here on bitsandbytes' nested scales are made whole as they are loaded (bitsandbytes_loader.py
dequantize_dq)."""


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes on the GPU that has least room, of all pipeline ranks."""

    weights: RankWeights
    weights_bytes: float
    adapters: float
    peak: Peak
    non_torch: float
    graphs: float
    """What capture takes at most."""
    graphs_least: float
    graphs_deducted: float
    """What vLLM takes from the KV budget for them at most."""
    deducted_least: float
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
    asked: float = 1.0
    """How often over vLLM's check counts this rank's layers."""
    loading: float
    """The most that loading takes at once."""
    unexplained: float = 0.0
    """What a measured start took beside the parts that are told of it; nothing where all is computed."""
    proven: float = 0.0
    """What is known to be free for the warm-up beyond what is computed: a start like it served."""
    unpooled: str = ""
    """Why vLLM can't put the caches of all layers into one pool; empty where it can."""

    @property
    def fixed(self) -> float:
        """Everything that is not KV cache."""
        return self.weights_bytes + self.peak.total + self.non_torch + self.graphs_deducted + self.unexplained


def budget_for(start: Start) -> Budget:
    """The budget of the pipeline rank that holds the fewest blocks."""
    return tightest(budgets_of(start))


def tightest(ranks: Iterable[Budget]) -> Budget:
    """That of the pipeline rank that holds the fewest blocks."""
    return min(ranks, key=_room)


def budgets_of(start: Start) -> tuple[Budget, ...]:
    """The budgets of the pipeline ranks that may hold the fewest blocks: the first, the last, the
    longest."""
    args, profile, layers = start.args, start.profile, start.model.shape.layers
    capability = start.gpu.capability
    amd = rocm.on_rocm(start.gpu)
    split = Split(
        tp=args.tp,
        pp=args.pp,
        ep=args.tp * args.dp if args.ep else 1,
        spread=args.tp * args.dp,
        release=profile.release,
        uncut=_uncut(start),
        swizzled=_swizzled(start),
        marlin=not amd and ((capability is not None and capability < 9) or profile.release == (0, 10)),
        nests=profile.number < _SCALES_WHOLE,
        capability=capability or 0.0 if start.gpu.vendor == NVIDIA else 0.0,
    )
    ranks = pipeline_ranks(layers, min(args.pp, layers))
    chosen = {ranks[0], ranks[-1], max(ranks, key=lambda rank: rank[1] - rank[0])}
    return tuple(_rank(start, split, rank) for rank in sorted(chosen))


def _swizzled(start: Start) -> float:
    """How much larger Triton's layout of MXFP4 weights is than the plain one, which ROCm keeps."""
    if rocm.on_rocm(start.gpu):
        return 1.0
    return SWIZZLED_EARLY if start.profile.release < (0, 17) else SWIZZLED


def on_card(budget: Budget, start: Start) -> Budget:
    """The same shares on a card of another size that vLLM treats alike."""
    return msgspec.structs.replace(budget, **_of_card(start, budget.fixed, budget.plan))


def _of_card(start: Start, fixed: float, plan: Plan | None) -> dict[str, Any]:
    """What hangs on the card's size alone, given what does not: bytes that are no KV cache."""
    args, total = start.args, _total(start.gpu)
    requested = math.ceil(total * start.limits.utilization) if total is not None else None
    available = requested - fixed if requested is not None else None
    if args.kv_cache_memory_bytes:
        available = float(args.kv_cache_memory_bytes)
    if plan is not None and args.num_gpu_blocks_override:
        available = float(plan.block_bytes * args.num_gpu_blocks_override)
    return {
        "total": total,
        "requested": requested,
        "available": available,
        "start": overheads.used_at_start(start) + (start.parts.used if start.parts else 0.0),
    }


def _rank(start: Start, split: Split, rank: tuple[int, int]) -> Budget:
    model, args, profile, limits = start.model, start.args, start.profile, start.limits
    shape = model.shape
    weights = _weights(start, split, rank)
    if rocm.on_rocm(start.gpu):
        weights = rocm.with_residue(weights, start, split)
    adapters = lora.adapter_bytes(shape, args, rank)
    held = max(0.0, weights.total - args.cpu_offload_gib * GIB) + adapters
    peak = peak_of(start, last=rank[1] == shape.layers)
    outside = overheads.non_torch(start)
    capture = overheads.graphs(start, estimate=False)
    deducted = overheads.graphs(start, estimate=True) if overheads.deducts_graphs(start) else 0.0
    planned = plan_for(start, rank=rank)
    plan = planned if isinstance(planned, Plan) else None
    often = _all_layers(shape.layers, rank, profile)
    peak = with_compressed(peak, start)
    budget = Budget(
        weights=weights,
        weights_bytes=held,
        adapters=adapters,
        peak=peak,
        non_torch=outside,
        graphs=capture,
        graphs_least=overheads.graphs(start, estimate=False, least=True),
        graphs_deducted=deducted,
        deducted_least=overheads.graphs(start, estimate=True, least=True) if deducted else 0.0,
        plan=plan,
        needed=_needed(plan, profile, limits.context) * often,
        asked=often,
        loading=_loading(model, args, profile, held),
        unpooled=planned if isinstance(planned, str) else "",
        **_of_card(start, held + peak.total + outside + deducted, plan),
    )
    return budget if start.parts is None else _measured(budget, start, start.parts)


def _measured(budget: Budget, start: Start, parts: Parts) -> Budget:
    """The budget with what a measured start says of its parts."""

    def with_(computed: float, more: float | None) -> float:
        return computed if more is None else max(0.0, computed + more)

    graphs, deducted = with_(budget.graphs, parts.graphs), with_(budget.graphs_deducted, parts.deducted)
    made = msgspec.structs.replace(
        budget,
        weights_bytes=with_(budget.weights_bytes, parts.weights),
        loading=with_(budget.loading, parts.weights),
        peak=msgspec.structs.replace(budget.peak, total=with_(budget.peak.total, parts.activation)),
        non_torch=with_(budget.non_torch, parts.non_torch),
        graphs=graphs,
        graphs_least=budget.graphs_least if parts.graphs is None else graphs,
        graphs_deducted=deducted,
        deducted_least=budget.deducted_least if parts.deducted is None else deducted,
        unexplained=parts.unexplained,
        proven=parts.proven,
    )
    return on_card(made, start)


def _weights(start: Start, split: Split, rank: tuple[int, int]) -> RankWeights:
    """Between those of all layers quantized and of the layers that usually are, where nothing tells which."""
    model = start.model
    tower, buffers = tower_bytes(model, start.args, start.profile), step_buffers(start)

    def stored(storage: Storage) -> RankWeights:
        return rank_weights(model.shape, split, storage, model.width, model.extra, tower, rank, buffers)

    if model.usual is None:
        return stored(model.storage)
    return stored_between(start, stored(model.storage), stored(model.usual))


def _uncut(start: Start) -> str:
    arch = start.model.shape.arch
    return uncut_by_transformers(arch, start.profile) if through_transformers(arch, start.profile) else ""


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


def _room(budget: Budget) -> float:
    if budget.available is None:
        return -budget.fixed
    return budget.available / budget.plan.block_bytes if budget.plan else budget.available


def _total(gpu: Gpu) -> float | None:
    value = gpu.visible_gib.value if gpu.visible_gib.known else gpu.memory_gib.value
    return value * GIB if isinstance(value, int | float) and 0 < value < 1e5 else None
