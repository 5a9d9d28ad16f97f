"""Models of the Qwen VL line, and others whose tower merges its own patches: no projector of their own."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.config import Reader, text_part
from modelcar_tui.models.towers import audio, vits
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import (
    Piece,
    buffer,
    column,
    dense,
    layer_norm,
    replicated,
    row,
    table,
    vector,
)
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, text_width

_NAME = "visual"
_VECTOR = ("embed_dim", "dims", "dim", "projection_dim", "colbert_dim")
"""What late interaction's models call the width of their vectors."""
LLAMA4 = {
    "hidden_size": 1408,
    "intermediate_size": 5632,
    "num_hidden_layers": 34,
    "num_attention_heads": 16,
    "num_channels": 3,
    "image_size": 336,
    "patch_size": 14,
    "pixel_shuffle_ratio": 0.5,
    "projector_input_dim": 4096,
    "projector_output_dim": 4096,
    "vision_output_dim": 4096,
}
"""The tower of Scout and of Maverick."""
_CUT = (0, 15)
"""The release whose Qwen3 sound encoder is shared."""


def qwen2_vl(whole: Sizes) -> Iterator[Part]:
    """qwen2_vl.py."""
    yield part("vision", vits.qwen2_vl(whole.part("vision_config")), name=_NAME, data=True)


def qwen2_5_vl(whole: Sizes) -> Iterator[Part]:
    """qwen2_5_vl.py."""
    yield part("vision", vits.qwen2_5_vl(whole.part("vision_config")), name=_NAME, data=True)


def qwen3_vl(whole: Sizes) -> Iterator[Part]:
    """qwen3_vl.py, qwen3_5.py."""
    yield part("vision", vits.qwen3_vl(whole.part("vision_config")), name=_NAME, data=True)


def late(whole: Sizes) -> Iterator[Part]:
    """colqwen3.py: Qwen3-VL's tower, and a layer in 32 bits that makes the vectors."""
    yield from qwen3_vl(whole)
    out = whole.maybe(*_VECTOR)
    if out:
        yield part("vision", [_vectors(whole, out)], name="custom_text_proj", always=True)


def late_3_5(whole: Sizes) -> Iterator[Part]:
    """colqwen3_5.py: the same with a bias."""
    yield from qwen3_vl(whole)
    out = whole.need(*_VECTOR, default=128)
    pieces = [_vectors(whole, out), Piece(out, own_width=4)]
    yield part("vision", pieces, name="custom_text_proj", always=True)


def _vectors(whole: Sizes, out: int) -> Piece:
    return Piece(out, text_width(whole.given), own_width=4)


def qwen2_5_omni(whole: Sizes) -> Iterator[Part]:
    """qwen2_5_omni_thinker.py: transformers' sound encoder is whole."""
    thinker = whole.part("thinker_config")
    yield part("audio", audio.qwen2_omni_audio(thinker.part("audio_config")), name="audio_tower")
    yield part("vision", vits.qwen2_5_vl(thinker.part("vision_config")), name=_NAME)


def qwen3_omni(whole: Sizes) -> Iterator[Part]:
    """qwen3_omni_moe_thinker.py."""
    thinker = whole.part("thinker_config")
    yield part(
        "audio",
        audio.qwen3_audio(thinker.part("audio_config")),
        name="audio_tower",
        cut_since=_CUT,
        quantized=False,
    )
    yield part("vision", vits.qwen3_vl(thinker.part("vision_config")), name=_NAME)


def qwen3_asr(whole: Sizes) -> Iterator[Part]:
    """qwen3_asr.py: nothing of it is quantized."""
    heard = whole.part("thinker_config") if whole.has("thinker_config") else whole
    pieces = audio.qwen3_audio(heard.part("audio_config"))
    yield part("audio", pieces, name="audio_tower", cut_since=_CUT, quantized=False)


def exaone4_5(whole: Sizes) -> Iterator[Part]:
    """exaone4_5.py: Qwen2.5-VL's tower with fewer KV heads."""
    vision = whole.part("vision_config")
    kv_heads = vision.need("num_key_value_heads", "num_kv_heads")
    yield part("vision", vits.qwen2_5_vl(vision, kv_heads=kv_heads), name=_NAME, data=True)


def glm4v(whole: Sizes) -> Iterator[Part]:
    """glm4_1v.py."""
    yield part("vision", vits.glm4v(whole.part("vision_config")), name=_NAME, data=True)


def glm_ocr(whole: Sizes) -> Iterator[Part]:
    """glm_ocr.py."""
    inter = Reader(text_part(whole.given), whole.given).integer("intermediate_size")
    if inter is None:
        raise MissingSizeError("intermediate_size of its text part")
    yield part("vision", vits.glm_ocr(whole.part("vision_config"), inter), name=_NAME, data=True)


def kimi_k25(whole: Sizes) -> Iterator[Part]:
    """kimi_k25.py: MoonViT in three dimensions, whole where its heads can't be shared, and whole layers."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    heads = vision.need("vt_num_attention_heads", "num_attention_heads", default=16)
    yield part(
        "vision", vits.moonvit3d(vision), name="vision_tower", data=True, heads=heads, heads_since=(0, 26)
    )
    width = vision.need("vt_hidden_size", "hidden_size", default=1152)
    merged = width * 4
    pieces = [layer_norm(width), *replicated(merged, merged), *replicated(text, merged)]
    yield part("vision", pieces, name="mm_projector")


def kimi_k3(whole: Sizes) -> Iterator[Part]:
    """kimi_k3/nvidia/model.py: MoonViT with an attention of its own width, and whole layers after it."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    hidden, inner = vision.need("vt_hidden_size"), vision.need("qkv_hidden_size")
    heads, count = vision.need("vt_num_attention_heads"), vision.need("vt_num_hidden_layers")
    wide, patch = vision.need("vt_intermediate_size"), vision.side("patch_size")
    pieces = [
        *dense(hidden, 3 * patch * patch, bias=False),
        table(vision.need("init_pos_emb_height") * vision.need("init_pos_emb_width"), hidden),
        buffer(vision.need("init_pos_emb_time", default=4), hidden),
        *column(3 * inner, hidden, count, bias=False, units=heads),
        *row(hidden, inner, count, bias=False),
        *column(wide, hidden, count, bias=False),
        *row(hidden, wide, count, bias=False),
        vector(hidden, 2 * count + 1),
    ]
    yield part("vision", pieces, name="vision_tower", data=True, heads=heads, quantized=False)
    merged = vision.need("mm_hidden_size") * 4
    ends = [*dense(merged, merged, bias=False), *dense(text, merged, bias=False), vector(text)]
    yield part("vision", ends, name="mm_projector", quantized=False)


def llama4(whole: Sizes) -> Iterator[Part]:
    """mllama4.py; a file without a vision part means the tower of both published models."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    if not whole.has("vision_config"):
        vision = Sizes("vision_config", LLAMA4)
    yield part("vision", vits.llama4_vision(vision), name="vision_model", data=True)
    pieces = column(text, vision.need("vision_output_dim"), bias=False)
    yield part("vision", pieces, name="multi_modal_projector")


def muse_glimmer(whole: Sizes) -> Iterator[Part]:
    """muse_glimmer.py: the adapter is whole."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    heads = vision.need("num_attention_heads")
    yield part("vision", vits.muse_vision(vision), name="vision_encoder", heads=heads, quantized=False)
    inner, wide = vision.need("output_dim", default=6144), vision.need("adapter_dim", default=4096)
    pieces = [*dense(wide, inner, bias=False), *dense(wide, wide, bias=False), *dense(text, wide, bias=False)]
    yield part("vision", pieces, name="vision_adapter")
