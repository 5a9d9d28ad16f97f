"""What DeepSeek's sparse attention takes beside its cache: which backend runs it, and its workspace."""

from __future__ import annotations

from modelcar_tui.memory.kv.widths import number_bytes
from modelcar_tui.memory.start import Start

_FLASHINFER, _FLASHINFER_IN_8_BITS = (0, 17), (0, 19)
"""From here on Blackwell takes FlashInfer's sparse MLA for up to 16 heads on a GPU, and for an 8-bit cache
whatever the heads (vllm platforms/cuda.py _get_backend_priorities)."""
_FEW_HEADS = 16
_SHARED = (0, 13)
"""From here on the indexer's keys of a prefill lie in the workspace that the experts use, too."""
_PREFILL = 40
"""Contexts that are gathered at once (vllm v1/attention/backends/mla/indexer.py
get_max_prefill_buffer_size)."""


def flashinfer(start: Start) -> bool:
    """Whether FlashInfer's backend runs it, which knows no layout of its own for 8 bits."""
    asked = start.args.attention_backend
    if asked:
        return "FLASHINFER" in asked
    capability, release = start.gpu.capability, start.profile.release
    if capability is None or not 10 <= capability < 12 or release < _FLASHINFER:
        return False
    few = start.model.shape.heads / start.args.tp <= _FEW_HEADS
    short = number_bytes(start.args.kv_cache_dtype, start.model) < 2
    return few or (short and release >= _FLASHINFER_IN_8_BITS)


def workspace(start: Start) -> float:
    """Bytes of the shared workspace that sparse attention asks for; 0 where the model has none."""
    shape, release = start.model.shape, start.profile.release
    if shape.mla is None or shape.indexer is None or release < _SHARED:
        return 0.0
    return float(start.limits.context * _PREFILL * shape.indexer.token_bytes)
