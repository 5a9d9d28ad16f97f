"""What is allocated beside the weights while a model loads, so that the log counts it with them."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.facts import MIB
from modelcar_tui.hardware import NVIDIA
from modelcar_tui.memory.start import Start
from modelcar_tui.memory.towers import absent_modalities

_JOINED_QUERIES = (0, 18)
"""From here on FlashMLA's sparse attention keeps a step's whole queries (flashmla_sparse.py
q_concat_buffer)."""
_WORKSPACE, _ALL_LOOKED_AT, _ON_DEMAND = 128.0 * MIB, (0, 11, 1), (0, 26)
"""Of a backend of MLA; from the first release on every backend of a card is imported, FlashInfer's on all and
CUTLASS's on Blackwell, and from the second on FlashInfer's is made on demand."""
_INDEX_BYTES = 4
_PICTURES = frozenset({"image", "video"})


def step_buffers(start: Start) -> float:
    """Bytes on one GPU."""
    shape = start.model.shape
    kinds = shape.deepstack or shape.mla is not None or shape.compressed is not None
    return sum(_buffers(start)) if kinds else 0.0


def _buffers(start: Start) -> Iterator[float]:
    model, batch = start.model, start.limits.batch
    shape, args = model.shape, start.args
    if shape.deepstack and not absent_modalities(args) >= _PICTURES:
        # What the tower's inner layers add to the model's first (models/qwen3_vl.py deepstack_input_embeds).
        yield shape.deepstack * batch * shape.hidden * model.width
    if shape.mla is not None:
        yield _imported(start)
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


def _imported(start: Start) -> float:
    """Workspaces of MLA's backends that a look at their modules allocates, each on the GPU as it is imported
    (platforms/cuda.py get_valid_backends, mla/flashinfer_mla.py, mla/cutlass_mla.py)."""
    gpu, release = start.gpu, start.profile.number
    if gpu.vendor != NVIDIA or start.model.shape.compressed is not None or release < _ALL_LOOKED_AT:
        return 0.0
    blackwell = (gpu.capability or 0.0) // 1 == 10
    return _WORKSPACE * ((release < _ON_DEMAND) + blackwell)


def _joins_queries(start: Start) -> bool:
    """Whether sparse attention runs through FlashMLA: always on Hopper."""
    hopper = start.gpu.vendor == NVIDIA and (start.gpu.capability or 0.0) // 1 == 9
    return hopper and start.profile.release >= _JOINED_QUERIES
