"""How vLLM's code for devices that are neither NVIDIA's nor AMD's comes to its KV cache, as its sources say.

Each record is one vendor's rule, with bounds for what only a device tells.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from modelcar_tui.core.facts import GIB
from modelcar_tui.memory.budget import Budget
from modelcar_tui.memory.start import Start

_GRAPHS = 0.1
"""VLLM_GRAPH_RESERVED_MEM of Gaudi's plug-in, unless the environment says otherwise."""
_LANES = 128
"""TPU kernels pad heads to this width; 64 has a kernel of its own (tpu-inference utils.py
get_padded_head_dim)."""
_HALF_LANE = 64


class Rule(Enum):
    """What the cache is cut from."""

    ASKED = "a share of the device, less what is in use"
    REST = "a share of what is free once the weights are there"
    BATCH = "what a full batch needs"
    GIVEN = "what the environment gives"


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """One vendor's way to count; bounds are GiB, or times what CUDA's sums say."""

    rule: Rule
    counts: str
    """The rule in words, with its source."""
    own: tuple[float, float]
    """GiB of the runtime's own on one device."""
    shared: float = 0.0
    """GiB at most for each further device that it talks to."""
    peak: tuple[float, float] = (0.0, 1.0)
    """Of CUDA's activation peak, what counts before the cache is cut."""
    weights: float = 1.0
    """The most of the weights, times the model's own: layouts of its kernels."""


_PLATFORMS = {
    "intel-gaudi": Platform(
        rule=Rule.REST,
        counts="the cache is --gpu-memory-utilization of what is free beside the weights, a tenth of it kept "
        "for graphs (vllm-gaudi v1/worker/hpu_worker.py)",
        own=(0.0, 0.6),  # 0.35 and 0.5 in two logs of Gaudi 2 in the plug-in's documentation
        shared=0.5,
    ),
    "intel-gpu": Platform(
        rule=Rule.ASKED,
        counts="the cache is --gpu-memory-utilization of the device less the profile's peak and what lies "
        "outside PyTorch (vllm v1/worker/xpu_worker.py)",
        own=(0.1, 1.5),
        shared=0.5,
        peak=(0.5, 3.0),  # no FlashInfer: the sampler sorts where there is no Triton kernel
    ),
    "google-tpu": Platform(
        rule=Rule.ASKED,
        counts="the cache is --gpu-memory-utilization of the memory less what the weights take, nothing is "
        "profiled (tpu-inference worker/tpu_worker.py)",
        own=(0.0, 0.5),
        peak=(0.0, 0.0),
        weights=1.02,
    ),
    "ibm-spyre": Platform(
        rule=Rule.BATCH,
        counts="the cache holds --max-num-seqs requests of the whole context, whether they fit or not "
        "(vllm-spyre platform.py)",
        own=(0.0, 4.0),
        weights=1.1,
    ),
    "aws-neuron": Platform(
        rule=Rule.BATCH,
        counts="the cache is laid out for --max-num-seqs requests of the whole context when the model is "
        "compiled",
        own=(0.0, 4.0),
        weights=1.1,
    ),
    "cpu": Platform(
        rule=Rule.GIVEN,
        counts="the cache is VLLM_CPU_KVCACHE_SPACE, without it 4 GiB or a share of the memory by release "
        "(vllm platforms/cpu.py)",
        own=(0.0, 4.0),
    ),
}
_ANY = Platform(
    rule=Rule.ASKED, counts="how it counts was not read", own=(0.0, 4.0), peak=(0.0, 3.0), weights=1.1
)


class Room(msgspec.Struct, frozen=True):
    """Bytes that are left for the cache, and that one request takes of it: the least and the most of each."""

    left: tuple[float, float]
    needed: tuple[float, float]
    beside: tuple[float, float]
    """What is no cache."""
    spare: float
    """What stays free for runs that were not counted before the cache was cut, less what they take."""


def platform_of(vendor: str) -> Platform:
    """The record of a vendor."""
    return _PLATFORMS.get(vendor, _ANY)


def room_for(start: Start, budget: Budget, total: float) -> Room:
    """What a device of `total` bytes leaves for the cache."""
    platform, args = platform_of(start.gpu.vendor), start.args
    low, high = (
        budget.weights_bytes * times + budget.peak.total * peak + own * GIB
        for times, peak, own in zip(
            (1.0, platform.weights), platform.peak, _own(platform, start), strict=True
        )
    )
    left = tuple(_left(platform.rule, start, total, held) for held in (high, low))
    if args.kv_cache_memory_bytes or args.num_gpu_blocks_override:
        left = (budget.available or 0.0,) * 2
    times = cache_factor(start)
    most = _requests(platform.rule, start)
    needed = budget.needed * times[0], budget.needed * times[1] * most
    taken = needed[1] if platform.rule is Rule.BATCH else max(0.0, left[1])
    spare = total - low - taken - budget.peak.total * max(0.0, 1.0 - platform.peak[0])
    return Room((left[0], left[1]), needed, (low, high), spare)


def cache_factor(start: Start) -> tuple[float, float]:
    """Times the bytes of a token that CUDA's cache takes: TPU's kernels pad the heads."""
    shape = start.model.shape
    if start.gpu.vendor != "google-tpu" or shape.head_dim == _HALF_LANE:
        return 1.0, 1.0
    padded = -(-shape.head_dim // _LANES) * _LANES / shape.head_dim if shape.head_dim else 1.0
    return (1.0, 1.25) if shape.mla is not None else (padded, padded)


def _own(platform: Platform, start: Start) -> tuple[float, float]:
    ranks = start.args.tp * start.args.pp
    least, most = platform.own
    return least, most + platform.shared * (ranks > 1)


def _left(rule: Rule, start: Start, total: float, held: float) -> float:
    share = start.limits.utilization
    if rule is Rule.REST:
        graphs = 0.0 if start.args.enforce_eager else _GRAPHS
        return (total - held) * share * (1.0 - graphs)
    return total - held if rule is Rule.BATCH else total * share - held


def _requests(rule: Rule, start: Start) -> int:
    """Requests of the whole context that must fit at once."""
    return start.limits.seqs if rule is Rule.BATCH else 1
