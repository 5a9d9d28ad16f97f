"""Memory outside torch's tensors: the CUDA context, communication buffers, CUDA graphs. Measured, not
derived."""

from __future__ import annotations

from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.memory.start import Start

_CAPTURES = 51
"""Graphs at the default sizes 1, 2, 4, 8 to 256 by 8, 272 to 512 by 16."""


def non_torch(start: Start) -> float:
    """Bytes that grow outside torch between start and the end of the profile."""
    args, profile = start.args, start.profile
    big = _nvlink(start.gpu)
    if profile.engine_v0:
        return (0.30 if not big else 0.5) * GIB * (1 if args.tp == 1 else 1.2)
    alone = 0.25 if profile.graphs_profiled else 0.13
    if args.tp == 1:
        return (
            (0.07 if args.pp > 1 else alone) * GIB
            if big
            else (alone if profile.graphs_profiled else 0.05) * GIB
        )
    if not profile.graphs_profiled:
        return 0.55 * GIB
    if not big:
        return 0.6 * GIB
    return (2.09 if args.tp == 2 else 2.21) * GIB


def used_at_start(start: Start) -> float:
    """Bytes of an idle card that are gone before vLLM measures: its CUDA context, and NCCL's with several
    GPUs."""
    gpu, args = start.gpu, start.args
    if gpu.free_gib.known and gpu.visible_gib.known:
        return max(0.0, (gpu.visible_gib.value or 0.0) - (gpu.free_gib.value or 0.0)) * GIB
    if args.tp * args.pp == 1:
        return (0.51 if _nvlink(gpu) else 0.35) * GIB
    return (1.55 if _nvlink(gpu) else 0.7) * GIB


def graphs(start: Start, *, estimate: bool) -> float:
    """Bytes of the CUDA graphs: what capture takes, or what vLLM estimates before it."""
    shape, args = start.model.shape, start.args
    if start.switches.cuda_graphs.on is False:
        return 0.0
    most = args.max_capture_size or min(2 * start.limits.seqs, 512)
    share = _count(most) / _CAPTURES
    experts = 0.0
    if any(shape.experts_at):
        experts = (0.7 if args.tp == 1 else 0.5) + (0.3 if start.model.scheme.mxfp4 else 0.0)
    layers = shape.layers
    if estimate:
        return (0.05 + share * (0.25 + 0.0165 * layers + 0.7 * experts)) * GIB
    return (0.10 + share * (0.37 + 0.013 * layers + experts)) * GIB


def _count(most: int) -> float:
    return min(most, 4) + max(0, min(most, 256) - 4) / 8 + max(0, most - 256) / 16


def _nvlink(gpu: Gpu) -> bool:
    """Data-centre cards with fast links between them: their memory tells."""
    return (gpu.visible_gib.value or gpu.memory_gib.value or 0.0) >= 70
