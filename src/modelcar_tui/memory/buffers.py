"""Buffers for one step's tokens that a model makes while it loads: the log counts them with the weights."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.hardware.gpu import number
from modelcar_tui.hardware.vendors import NVIDIA
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.towers import absent_modalities

_JOINED_QUERIES = (0, 18)
"""From here on FlashMLA's sparse attention keeps a step's whole queries (flashmla_sparse.py
q_concat_buffer)."""
_INDEX_BYTES = 4
_PICTURES = frozenset({"image", "video"})


def step_buffers(start: Start) -> float:
    """Bytes on one GPU."""
    shape = start.model.shape
    kinds = shape.deepstack or shape.indexer is not None or shape.compressed is not None
    return sum(_buffers(start)) if kinds else 0.0


def _buffers(start: Start) -> Iterator[float]:
    model, batch = start.model, start.limits.batch
    shape, args = model.shape, start.args
    if shape.deepstack and not absent_modalities(args) >= _PICTURES:
        # What the tower's inner layers add to the model's first (models/qwen3_vl.py deepstack_input_embeds).
        yield shape.deepstack * batch * shape.hidden * model.width
    chosen = shape.indexer.chosen if shape.indexer is not None else 0
    if shape.compressed is not None:
        chosen = shape.compressed.chosen
    if shape.compressed is not None and shape.streams is not None:
        # A step's streams for a draft (vllm models/deepseek_v4 _mtp_hidden_buffer).
        yield batch * shape.streams.count * shape.hidden * model.width
    # Which tokens a query attends to (vllm models/deepseek_v2.py, deepseek_v4 topk_indices_buffer).
    yield batch * chosen * _INDEX_BYTES
    if shape.indexer is not None and shape.mla is not None and _joins_queries(start):
        yield batch * max(1, shape.heads // args.tp) * (shape.mla.kv_rank + shape.mla.rope) * 2.0


def _joins_queries(start: Start) -> bool:
    """Whether sparse attention runs through FlashMLA: always on Hopper."""
    hopper = start.gpu.vendor == NVIDIA and (number(start.gpu.compute_capability) or 0.0) // 1 == 9
    return hopper and start.profile.release >= _JOINED_QUERIES
