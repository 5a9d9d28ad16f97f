"""What DeepSeek V4's compressed attention and its streams take while vLLM profiles, beside the common peak.

Sources: vllm models/deepseek_v4 (0.20 to 0.22 model_executor/layers/deepseek_v4_attention.py),
layers/sparse_attn_indexer.py, v1/attention/backends/mla/indexer.py get_max_prefill_buffer_size.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.core.facts import GIB, MIB, Source, Term
from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.memory.activation import Peak
from modelcar_tui.memory.start import Start
from modelcar_tui.models import OVERLAPPING_RATIO, CompressedAttention

_GATHERED, _AT_ONCE = 40, 4
"""Contexts whose keys a prefill gathers, and requests whose latents it does (PREFILL_CHUNK_SIZE)."""
_LOGITS = 512 * MIB
"""The indexer's, of one chunk (VLLM_SPARSE_INDEXER_MAX_LOGITS_MB)."""
_PADDED_HEADS = 64
_COPIES = 2 + 2 + 4
"""Bytes of one number of the streams: before and after a layer in 16 bits, and mixed in 32."""
_KERNELS = 3.9 * GIB
"""What its kernels and their libraries take outside of all that; from three logs (Pro with 0.20.2 on 8 H200:
3.2 and 3.9 GiB are left over; Flash with 0.22 on two GH200: 4.3 or, with 16,384 tokens a step, less)."""


def with_compressed(peak: Peak, start: Start) -> Peak:
    """The peak of a model with compressed attention; another's as it is."""
    own = start.model.shape.compressed
    if own is None:
        return peak
    shared = sum((term.value or 0.0) * GIB for term in peak.terms if term.label == "experts' workspace")
    parts = (
        (
            "compressed attention's workspace",
            max(0.0, _workspace(start, own) - shared),
            "beside the experts': keys of 40 contexts, or latents of four (indexer.py, attention.py)",
        ),
        (
            "streams and queries",
            max(0.0, _forward(start) - peak.sampler),
            "of the forward pass, beside the sampler's run: tokens x (8 B x streams x hidden + padded heads)",
        ),
        ("compressed attention's kernels", _KERNELS, "measured: three logs of 0.20.2 and 0.22"),
    )
    terms = [Term(label, size / GIB, "GiB", Source.COMPUTED, note) for label, size, note in parts if size]
    more = sum(size for _, size, _ in parts)
    return msgspec.structs.replace(peak, total=peak.total + more, terms=(*peak.terms, *terms))


def _workspace(start: Start, own: CompressedAttention) -> float:
    """Of one buffer that attention and the experts share."""
    context, width = start.limits.context, start.model.shape.head_dim
    keys = context * _GATHERED // OVERLAPPING_RATIO * (own.index_dim + own.index_dim // 128 * 4)
    latents = ceil_div(context, OVERLAPPING_RATIO) + own.window + start.limits.batch
    return float(max(keys, _AT_ONCE * latents * width * 2))


def _forward(start: Start) -> float:
    """Of one layer, with its indexer's logits."""
    shape, batch = start.model.shape, start.limits.batch
    heads = shape.heads // start.args.tp
    streams = shape.streams.count if shape.streams is not None else 1
    padded = max(heads, _PADDED_HEADS)
    return _LOGITS + float(batch * (_COPIES * streams * shape.hidden + 2 * shape.head_dim * (padded + heads)))
