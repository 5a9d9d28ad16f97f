"""Weights on one GPU: from the config's layers, corrected by what the headers or the parameter count say."""

from __future__ import annotations

from collections import defaultdict
from functools import lru_cache

import msgspec

from modelcar_tui.core.facts import GIB, Source, Term
from modelcar_tui.memory.allocator import allocated
from modelcar_tui.models import tensors
from modelcar_tui.models.scheme import PLAIN, Scheme
from modelcar_tui.models.shape import Shape
from modelcar_tui.models.stored import STATE_PARTS, stored_bytes
from modelcar_tui.models.tensors import Weight

_ORIGIN = "vllm model_executor/layers/linear.py"
SWIZZLED, SWIZZLED_EARLY = 1.09, 1.0653
"""Triton's layout of MXFP4 weights beside the plain one: measured 1.085 to 1.095 with 1, 2 and 4 GPUs on
0.19, 1.0653 on 0.11 (one side padded from 2880 to 3072)."""
_RELAID, _RELAID_MOST = 0.55, 81e6
"""Share of a layer's down projections that stays idle in the allocator after re-laying, and the most of it;
from two logged out-of-memory reports."""


class Split(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is spread."""

    tp: int
    pp: int
    ep: int
    """GPUs that share the experts; 1 without expert parallelism."""
    spread: int = 0
    """GPUs that cut each expert without expert parallelism: tensor x data parallelism; 0: `tp`."""
    tower_whole: bool
    """The vision tower is whole on every GPU."""
    swizzled: float = SWIZZLED
    marlin: bool = False
    """MXFP4 experts run through Marlin (GPUs before Hopper)."""


class RankWeights(msgspec.Struct, frozen=True, kw_only=True):
    """What one pipeline rank's GPU holds."""

    first: int
    last: int
    """Its layers, `first` to before `last`."""
    total: float
    terms: tuple[Term, ...]
    relaid: float
    """Bytes that lie idle in the allocator after MXFP4 weights were re-laid for their kernel."""


def pipeline_ranks(layers: int, pp: int) -> list[tuple[int, int]]:
    """Layers of each pipeline rank (vllm distributed/utils.py get_pp_indices)."""
    each, rest = divmod(layers, pp)
    sizes = [each] * pp
    for index in range(2, rest + 2):
        sizes[-index if index <= pp else 0] += 1
    ranks, at = [], 0
    for size in sizes:
        ranks.append((at, at + size))
        at += size
    return ranks


@lru_cache(maxsize=512)
def rank_weights(
    shape: Shape, split: Split, scheme: Scheme, width: int, extra: float, tower: float, rank: tuple[int, int]
) -> RankWeights:
    """Bytes on a GPU of the pipeline rank that holds the layers `rank`.

    Args:
        width: bytes of an unquantized weight.
        extra: bytes of the whole text model that the layers do not explain (may be negative).
        tower: bytes of the whole vision or audio tower.
    """
    first, last = rank
    parts: defaultdict[str, float] = defaultdict(float)
    slack = 0.0
    relaid = 0.0
    for one, kind, experts, count in tensors.distinct(shape, first, last):
        for weight in tensors.layer(
            one, kind, experts=experts, tp=split.tp, ep=split.ep, spread=split.spread
        ):
            size, idle = (each * weight.count for each in _bytes(weight, scheme, width, split))
            parts[_label(weight)] += size * count
            slack += (allocated(size) - size) * count
            relaid += idle * count
    if first == 0:
        parts["embedding"] += _edge(tensors.embedding(shape, split.tp), PLAIN, width)
        parts["positions and inputs by layer"] += tensors.loose(shape, split.tp) * width
        for weight in tensors.encoder_layer(shape, split.tp) if shape.encoder_layers else ():
            parts["encoder"] += _bytes(weight, scheme, width, split)[0] * shape.encoder_layers
        parts["vision or audio tower"] += tower if split.tower_whole else tower / split.tp
    if shape.encoder_layers:
        for weight in tensors.cross_attention(shape, split.tp):
            parts["cross attention"] += _bytes(weight, scheme, width, split)[0] * (last - first)
    if last == shape.layers and not (shape.tied and first == 0) and not shape.encoder_only:
        parts["lm_head"] += _edge(tensors.head(shape, split.tp), scheme if scheme.head else PLAIN, width)
    share = (last - first) / shape.layers
    parts["not explained by config.json"] += extra * share / split.tp
    parts["rotary cache"] += shape.rope_bytes
    parts["allocator rounding"] += slack
    terms = tuple(
        Term(label, size / GIB, "GiB", _source(label), _note(label, split, scheme))
        for label, size in parts.items()
        if abs(size) >= GIB / 20_000
    )
    return RankWeights(first=first, last=last, total=sum(parts.values()), terms=terms, relaid=relaid)


def _bytes(weight: Weight, scheme: Scheme, width: int, split: Split) -> tuple[float, float]:
    """Bytes of one such matrix, and what lies idle beside it after it was re-laid."""
    if scheme.mxfp4 and weight.role == "expert" and weight.inner != 1:
        return _expert_bytes(weight, scheme, split)
    return stored_bytes(weight, scheme, width), 0.0


def _expert_bytes(weight: Weight, scheme: Scheme, split: Split) -> tuple[float, float]:
    """MXFP4 experts, padded to the kernel's tile (vllm fused_moe/oracle/mxfp4.py)."""
    down = "down" in weight.label
    if split.marlin:
        return scheme.linear_bytes(_padded(weight, 256), _up(weight.inner, 128 if down else 256)), 0.0
    out, inner = (weight.out, _up(weight.inner, 64)) if down else (_padded(weight, 128), weight.inner)
    size = scheme.linear_bytes(out, inner) * split.swizzled
    return size, min(size * _RELAID, _RELAID_MOST) if down else 0.0


def _padded(weight: Weight, step: int) -> int:
    return weight.out // weight.unit * _up(weight.unit, step) if weight.unit else weight.out


def _up(size: int, step: int) -> int:
    return -(-size // step) * step


def _edge(weight: Weight, scheme: Scheme, width: int) -> float:
    size = (
        scheme.linear_bytes(weight.out, weight.inner)
        if scheme.bits < 16
        else weight.out * weight.inner * width
    )
    return allocated(size)


def _label(weight: Weight) -> str:
    if weight.role == "attention":
        return "attention"
    if weight.role == "expert":
        return "experts"
    if weight.label in ("gate_up_proj", "up_proj", "down_proj"):
        return "MLP"
    if weight.label in STATE_PARTS:
        return "state-space mixers"
    return "absorbed kv_b" if weight.label == "absorbed kv_b" else "norms, routers, biases"


def _source(label: str) -> Source:
    return Source.COMPUTED if label in ("allocator rounding", "rotary cache") else Source.MODEL_CONFIG


def _note(label: str, split: Split, scheme: Scheme) -> str:
    spread = f"split over {split.tp} GPUs" if split.tp > 1 else "on one GPU"
    if label == "rotary cache":
        return "positions x rotary_dim x 2 B, whole on every GPU (vllm layers/rotary_embedding/base.py)"
    if label == "allocator rounding":
        return "steps of 2 MiB of PyTorch's caching allocator"
    if label in ("attention", "MLP", "experts") and scheme.bits < 16:
        return f"{scheme.name}, {spread} ({_ORIGIN})"
    if label == "vision or audio tower":
        return "whole on every GPU" if split.tower_whole else spread
    return f"{spread} ({_ORIGIN})"
