"""Whether a model can be spread over so many GPUs, in vLLM's own terms."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.rounding import round_up
from modelcar_tui.models.quantization.scheme import Scheme
from modelcar_tui.models.shape import Shape
from modelcar_tui.models.towers.part import undivided
from modelcar_tui.models.weights.tensors import NEWEST_LAYOUT, VOCAB_PADDING


class SplitFault(msgspec.Struct, frozen=True):
    """Why vLLM refuses a tensor parallel size."""

    why: str
    error: str = ""
    """vLLM's words."""
    quantization: bool = False
    """The weights could be shared; the groups of their quantization can't."""


def split_fault(shape: Shape, scheme: Scheme, size: int, *, experts: int | None = None) -> SplitFault | None:
    """What speaks against `size` GPUs; None where nothing does.

    Source: vllm config/model.py verify_with_parallel_config, layers/linear.py, layers/fused_moe/layer.py.

    Args:
        experts: GPUs that cut each expert: `size` times data parallel ranks, 1 with expert parallelism; None
            for `size`.
    """
    if size == 1:
        return None
    return (
        _attention_fault(shape, size)
        or _mlp_fault(shape, size)
        or _norm_fault(shape, size)
        or _experts_fault(shape, size if experts is None else experts)
        or _group_fault(shape, scheme, size)
    )


def _attention_fault(shape: Shape, size: int) -> SplitFault | None:
    """Heads, the vocabulary's rows, KV heads, in vLLM's order."""
    if shape.heads % size and set(shape.kinds) != {"state"}:
        error = (
            f"Total number of attention heads ({shape.heads}) must be divisible by tensor parallel size "
            f"({size})."
        )
        return SplitFault(f"{shape.heads} attention heads can't be shared by {size} GPUs", error)
    padded = round_up(shape.vocab, VOCAB_PADDING)
    if padded % size:
        error = f"{padded} is not divisible by {size}"
        return SplitFault(f"a vocabulary of {padded} rows can't be shared by {size} GPUs", error)
    if shape.kv_heads % size and size % shape.kv_heads and "mla" not in shape.kinds:
        return SplitFault(f"{shape.kv_heads} KV heads can neither be shared nor repeated over {size} GPUs")
    return None


def _plain_width(shape: Shape) -> int:
    """Width of the MLP of a model without experts; 0 with."""
    return shape.inter if shape.moe is None else 0


def _mlp_fault(shape: Shape, size: int) -> SplitFault | None:
    inter = _plain_width(shape)
    return SplitFault(f"an MLP of width {inter} can't be shared by {size} GPUs") if inter % size else None


def _experts_fault(shape: Shape, cut: int) -> SplitFault | None:
    if shape.moe is None or not any(shape.experts_at) or not (shape.moe.inter or 0) % cut:
        return None
    return SplitFault(f"experts of width {shape.moe.inter} can't be shared by {cut} GPUs")


def _group_fault(shape: Shape, scheme: Scheme, size: int) -> SplitFault | None:
    """Whole groups of the quantization; of GPTQ Machete takes some others (memory/quantized_shards.py)."""
    group, shard = 0 if "gptq" in scheme.ids else scheme.group, _plain_width(shape) // size
    if not group or scheme.experts_only or not shard % group:
        return None
    why = f"a shard of {shard} inputs does not hold whole quantization groups of {group}"
    error = f"Weight input_size_per_partition = {shard} is not divisible by group_size = {group}."
    return SplitFault(why, error, quantization=True)


def _norm_fault(shape: Shape, size: int) -> SplitFault | None:
    """Norms by group of linear attention (vllm layers/mamba/linear/bailing_linear_attn.py)."""
    groups = shape.state.norm_groups if shape.state is not None else 0
    if not groups or not groups % size:
        return None
    error = "tp_size must be <= group_norm_size for local rms norm"
    if size < groups:
        error = "group_norm_size must be divisible by tp_size"
    return SplitFault(f"{groups} groups of its linear attention's norm can't be shared by {size} GPUs", error)


def tower_fault(
    shape: Shape,
    size: int,
    release: tuple[int, ...] = NEWEST_LAYOUT,
    *,
    data: bool = False,
    without: frozenset[str] = frozenset(),
) -> SplitFault | None:
    """What speaks against sharing the towers over `size` GPUs (vllm distributed/utils.py divide).

    Args:
        data: `--mm-encoder-tp-mode data`.
        without: modalities of which no prompt holds any.
    """
    if shape.tower is None or size == 1:
        return None
    built = [part for part in shape.tower.parts if part.built(release, without=without)]
    rest = undivided(built, size, release, data=data)
    if not rest:
        return None
    why = f"{rest} heads, rows or columns of the {shape.tower.kind} tower can't be shared by {size} GPUs"
    return SplitFault(why, f"{rest} is not divisible by {size}")
