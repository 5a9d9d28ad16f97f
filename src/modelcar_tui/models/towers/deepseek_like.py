"""DeepSeek's models that see: towers of fixed sizes, one layer or a few into the language model."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers import other_vits, vits
from modelcar_tui.models.towers.encoders import Blocks, blocks
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import Piece, dense, layer_norm, table, vector
from modelcar_tui.models.towers.projectors import shared_mlp
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, text_width

_CLIP = {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24, "num_attention_heads": 16}
_CLIP |= {"image_size": 224, "patch_size": 14, "num_channels": 3}
_SAM = Blocks(
    hidden=768, inter=3072, heads=12, count=12, whole_attention=True, whole_mlp=True, vllm_layers=False
)
_GLOBAL, _WINDOW, _SIDE = 4, 14, 64
"""Layers of SAM that look at all patches of a side, and the side of the others' windows."""
_QWEN = Blocks(
    hidden=896,
    inter=4864,
    heads=14,
    kv_heads=2,
    count=24,
    gated=True,
    rms=True,
    out_bias=False,
    mlp_bias=False,
    whole_attention=True,
    whole_mlp=True,
    vllm_layers=False,
)


def vl2(whole: Sizes) -> Iterator[Part]:
    """deepseek_vl2.py: timm's SigLIP, whose MLPs alone are shared; all of it is cast to the model's dtype."""
    yield part("vision", other_vits.timm_siglip(384, shared=True), name="vision", quantized=False)
    yield _projector(whole, vectors=2)


def ocr(whole: Sizes) -> Iterator[Part]:
    """deepseek_ocr.py, unlimited_ocr.py: SAM, and CLIP after it."""
    yield part("vision", _sam(1024), name="sam_model")
    clip = Sizes("vision tower", _CLIP)
    yield part("vision", vits.clip(clip, post_norm=False), name="vision_model")
    yield _projector(whole, vectors=2)


def ocr2(whole: Sizes) -> Iterator[Part]:
    """deepseek_ocr2.py: SAM, and Qwen2's layers after it, with queries for two sizes of images."""
    yield part("vision", _sam(_QWEN.hidden), name="sam_model")
    pieces = [*blocks(_QWEN), vector(_QWEN.hidden), table(144 + 256, _QWEN.hidden)]
    yield part("vision", pieces, name="qwen2_model")
    yield _projector(whole, vectors=1)


def v4(whole: Sizes) -> Iterator[Part]:
    """deepseek_v4/common/vision.py, never quantized; a model without its layers reads text alone."""
    count = whole.maybe("vision_n_layers")
    if not count:
        return
    width, text = whole.need("vision_dim", default=1024), text_width(whole.given)
    it = Blocks(
        hidden=width,
        inter=whole.need("vision_inter_dim", default=2816),
        heads=whole.need("vision_n_heads", default=16),
        count=count,
        gated=True,
        rms=True,
        mlp_bias=False,
    )
    patch = 3 * whole.need("vision_patch_size", default=14) ** 2
    pieces = [*dense(width, patch), *blocks(it), vector(width)]
    yield part("vision", pieces, name="vision", data=True, quantized=False)
    merged = width * whole.need("vision_downsample_ratio", default=3) ** 2
    pieces = [*shared_mlp(merged, text, text), Piece(text, count=4, own_width=4)]
    yield part("vision", pieces, name="aligner", data=True, quantized=False)


def _sam(out: int) -> Iterator[Piece]:
    """deepencoder.py ImageEncoderViT: relative positions in every layer, and three convolutions' neck."""
    hidden, dim = _SAM.hidden, _SAM.dim
    yield from dense(hidden, 3 * 16**2)
    yield table(_SIDE**2, hidden)
    yield from blocks(_SAM)
    yield table(2 * (2 * _SIDE - 1) * _GLOBAL, dim)
    yield table(2 * (2 * _WINDOW - 1) * (_SAM.count - _GLOBAL), dim)
    yield from dense(256, hidden, bias=False)
    yield from dense(256, 256 * 9, bias=False)
    yield layer_norm(256, 2)
    yield from dense(512, 256 * 9, bias=False)
    yield from dense(out, 512 * 9, bias=False)


def _projector(whole: Sizes, *, vectors: int) -> Part:
    """deepseek_vl2.py MlpProjector, and the vectors between lines and views."""
    told = whole.part("projector_config")
    kind, inner, out = (
        told.text("projector_type") or "downsample_mlp_gelu",
        told.need("input_dim", default=1152),
        told.need("n_embed", default=2048),
    )
    pieces = [vector(out, vectors)]
    if kind == "linear":
        pieces += dense(out, inner)
    elif kind == "downsample_mlp_gelu":
        between = out * told.need("mlp_ratio", default=1)
        pieces += dense(between, inner * told.need("downsample_ratio", default=2) ** 2)
        pieces += dense(between, between, told.need("depth", default=2) - 2)
        pieces += dense(out, between)
    else:
        raise MissingSizeError(f"a known kind of projector (its projector_type is `{kind}`)")
    return part("vision", pieces, name="projector")
