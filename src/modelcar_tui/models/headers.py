"""Bytes by part of the model, from the safetensors headers."""

from __future__ import annotations

import re

import msgspec

from modelcar_tui.models.facts import TensorGroup

_WIDTHS = {
    "F64": 8,
    "F32": 4,
    "BF16": 2,
    "F16": 2,
    "I64": 8,
    "I32": 4,
    "I16": 2,
    "I8": 1,
    "U8": 1,
    "U16": 2,
    "U32": 4,
    "BOOL": 1,
    "F8_E4M3": 1,
    "F8_E5M2": 1,
    "F8_E8M0": 1,
    "F4": 1,
    "U64": 8,
}
_FLOATS = frozenset({"F64", "F32", "BF16", "F16"})
_TOWER = re.compile(
    r"(^|\.)(vision_tower|vision_model|vision_encoder|visual|vision|audio_tower|audio_encoder|vpm|vit|img_encoder"
    r"|multi_modal_projector|mm_projector|vision_language_adapter|patch_merger|pre_mm_projector_norm|mlp1|aligner)(\.|$)"
)
_SKIPPED = re.compile(r"rotary_emb\.inv_freq$|(^|\.)mtp\.|masked_bias$|attn\.bias$")
_DRAFT = re.compile(r"layers\.\{\}\.(eh_proj|enorm|hnorm|shared_head|embed_tokens)\.")
_LAYER = re.compile(r"(^|\.)layers\.\{\}\.")
_SCALES = re.compile(r"scale|zero_point|qzeros|g_idx|absmax|quant_map")


class Measured(msgspec.Struct, frozen=True):
    """Bytes in the serving dtype, of the whole model."""

    text: float
    tower: float
    elements: int


def measure(
    groups: tuple[TensorGroup, ...], width: int, *, tied: bool = False, layers: int = 0, drafts: int = 0
) -> Measured:
    """Bytes of the text model and of its towers as vLLM would hold them.

    Args:
        width: bytes of a weight in the serving dtype.
        tied: whether the output matrix is the embedding, so that a stored one is not loaded.
        layers: decoder layers that are loaded; drafts: layers for multi-token prediction stored after them.

    Floating-point weights are cast to the serving dtype (`width` bytes), scales and packed weights stay.
    Tensors that vLLM does not load (rotary tables, multi-token-prediction layers) are left out.
    """
    text = tower = 0.0
    elements = 0
    for group in groups:
        if _SKIPPED.search(group.pattern) or (tied and group.pattern.startswith("lm_head.")):
            continue
        if drafts and _DRAFT.search(group.pattern):
            continue
        count = group.count
        if drafts and layers and count > layers and _LAYER.search(group.pattern):
            # Draft layers are numbered on from the last one, so they are counted in the same group.
            count -= drafts * max(1, round(count / (layers + drafts)))
        for side in group.shape:
            count *= side
        own = _WIDTHS.get(group.dtype, 2)
        size = count * (width if group.dtype in _FLOATS and not _SCALES.search(group.pattern) else own)
        if _TOWER.search(group.pattern):
            tower += size
        else:
            text += size
            elements += count
    return Measured(text=text, tower=tower, elements=elements)
