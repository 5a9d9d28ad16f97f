"""Models of single families that see: a tower of their own kind, a projector of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelcar_tui.models.config import Reader, text_part
from modelcar_tui.models.towers import other_vits, projectors, vits
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

_SIDE, _MOMENTS = 70, 36_000
"""Positions that MiniCPM-V's resamplers keep, along a side and in time."""
_PACKED = 32768
"""Positions that Keye keeps for packed images, and doesn't use."""
_TIMED = 4.5
"""The version of MiniCPM-V that sees films."""


def lfm2_vl(whole: Sizes) -> Iterator[Part]:
    """lfm2_vl.py: SigLIP 2 and a whole projector on shuffled patches."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", other_vits.siglip2(vision), name="vision_tower")
    inner = vision.need("hidden_size") * whole.need("downsample_factor", default=2) ** 2
    between, bias = (
        whole.need("projector_hidden_size", default=2560),
        whole.flag("projector_bias", default=True),
    )
    pieces = [layer_norm(inner)] if whole.flag("projector_use_layernorm", default=True) else []
    pieces += projectors.whole_mlp(inner, between, text, bias=bias)
    yield part("vision", pieces, name="multi_modal_projector")


def isaac(whole: Sizes) -> Iterator[Part]:
    """isaac.py: SigLIP 2 and a shared projector on shuffled patches."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", other_vits.siglip2(vision), name="vision_embedding", data=True)
    shuffle = vision.maybe("pixel_shuffle_scale_factor") or whole.need("pixel_shuffle_scale", default=1)
    inner = vision.need("hidden_size") * shuffle**2
    pieces = projectors.shared_mlp(inner, 4 * inner, text, bias=False)
    yield part("vision", pieces, name="vision_embedding.linear")


def kimi_vl(whole: Sizes) -> Iterator[Part]:
    """kimi_vl.py: MoonViT and a whole projector on merged patches."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", other_vits.moonvit(vision), name="vision_tower", data=True, quantized=False)
    width = vision.need("hidden_size", default=1152)
    pieces = [layer_norm(width), *projectors.whole_mlp(4 * width, 4 * width, text)]
    yield part("vision", pieces, name="multi_modal_projector")


def ernie_vl(whole: Sizes) -> Iterator[Part]:
    """ernie45_vl.py."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", other_vits.ernie(vision), name="vision_model")
    inner = whole.need("pixel_hidden_size", default=vision.need("embed_dim", "hidden_size"))
    pieces = other_vits.ernie_resampler(whole, inner, text)
    yield part("vision", pieces, name="resampler_model", quantized=False)


def aria(whole: Sizes) -> Iterator[Part]:
    """aria.py: idefics2's tower, queries that attend to it, a shared projector."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.siglip(vision, ids=False, post_norm=False), name="vision_tower")
    width = vision.need("hidden_size")
    queries = whole.need("max_value_projector_patch_to_query_dict", default=256)
    pieces = [Piece(queries, width), *dense(width, width, 3, bias=False), layer_norm(width, 3)]
    pieces += [*dense(3 * width, width), *dense(width, width, 2)]
    pieces += projectors.shared_mlp(width, text, text, bias=False)
    yield part("vision", pieces, name="multi_modal_projector")


def step_vl(whole: Sizes) -> Iterator[Part]:
    """step_vl.py, step3p7.py: the perception encoder and one layer whose outputs are shared."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", other_vits.perception(vision), name="vision_model")
    pieces = column(text, 4 * vision.need("width"), bias=whole.flag("projector_bias"))
    yield part("vision", pieces, name="vit_large_projector")


def step3_vl(whole: Sizes) -> Iterator[Part]:
    """step3_vl.py: two convolutions, and one whole layer."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", other_vits.step3(vision), name="vision_model", data=True)
    hidden, wide = vision.need("hidden_size"), vision.need("output_hidden_size", default=4096)
    pieces = [*dense(wide, 4 * hidden), *dense(2 * wide, 9 * wide)]
    pieces += dense(text, 2 * wide, bias=whole.flag("projector_bias"))
    yield part("vision", pieces, name="vit_large_projector")


def dots_ocr(whole: Sizes) -> Iterator[Part]:
    """dots_ocr.py."""
    vision = whole.part("vision_config")
    out = vision.need("hidden_size", default=text_width(whole.given))
    yield part("vision", other_vits.dots(vision), name="vision_tower", data=True)
    merger = other_vits.dots_merger(vision, out)
    yield part("vision", merger, name="vision_tower.merger", data=True, quantized=False)


def keye(whole: Sizes) -> Iterator[Part]:
    """keye.py, keye_vl1_5.py: SigLIP with rotary positions and a shared projector."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    width = vision.need("hidden_size")
    yield part("vision", [*vits.siglip(vision), table(_PACKED, width)], name="visual")
    merged = 4 * width
    joined = whole.text("model_type") != "Keye"
    pieces = [layer_norm(merged if joined else width), *projectors.shared_mlp(merged, merged, text)]
    yield part("vision", pieces, name="mlp_AR")


def granite4_vision(whole: Sizes) -> Iterator[Part]:
    """granite4_vision.py: a small query transformer for each layer of the tower that is taken."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.siglip(vision, post_norm=False), name="vision_tower")
    width = vision.need("hidden_size")
    taken = len(whole.listing("deepstack_layer_map")) + 4
    rate = re.fullmatch(r"(\d{1,3})/(\d{1,3})", whole.text("downsample_rate") or "4/8")
    if rate is None:
        raise MissingSizeError("downsample_rate of its config")
    query, window = int(rate[1]), int(rate[2])
    each = [layer_norm(width, 2), *replicated(width, width, 8), layer_norm(width, 3)]
    each += [*replicated(3072, width), *replicated(width, 3072)]
    each += [Piece(query**2, width), Piece(window**2, width), *dense(text, width)]
    yield part("vision", [*_times(each, taken), vector(text)], name="projectors")


def _times(pieces: list[Piece], count: int) -> Iterator[Piece]:
    return (Piece(one.out, one.inner, one.count * count, one.cut, one.units, one.linear) for one in pieces)


def modernvbert(whole: Sizes) -> Iterator[Part]:
    """colmodernvbert.py: all of SigLIP, and one layer on shuffled patches."""
    vision = whole.part("vision_config")
    yield part("vision", vits.siglip(vision), name="vision_model")
    inner = vision.need("hidden_size") * whole.need("pixel_shuffle_factor", default=4) ** 2
    yield part("vision", dense(text_width(whole.given), inner, bias=False), name="connector")


def jina_vl(whole: Sizes) -> Iterator[Part]:
    """jina_vl.py: Qwen2-VL's tower, and a scorer in 32 bits."""
    yield part("vision", vits.qwen2_vl(whole.part("vision_config")), name="visual", data=True)
    text = text_width(whole.given)
    labels = Reader(text_part(whole.given), whole.given).integer("num_labels", high=4096) or 1
    pieces = [*column(text, text), *row(labels, text)]
    wide = (Piece(one.out, one.inner, one.count, one.cut, own_width=4) for one in pieces)
    yield part("vision", wide, name="score", always=True)


def hcx_vision2(whole: Sizes) -> Iterator[Part]:
    """hyperclovax_vision_v2.py: Qwen2.5-VL's tower and one whole layer."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.qwen2_5_vl(vision), name="visual")
    yield part("vision", dense(text, vision.need("out_hidden_size")), name="mm_projector")


def minicpmv(whole: Sizes) -> Iterator[Part]:
    """minicpmv.py: idefics2's tower, and queries that attend to it; 4.5 keeps positions in time besides."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    count = vision.need("num_hidden_layers")
    layers = count - 1 if whole.flag("drop_vision_last_layer", default=True) else count
    yield part("vision", vits.siglip(vision, ids=False, layers=layers), name="vpm", data=True)
    pieces = [Piece(whole.need("query_num", default=64), text), layer_norm(text, 3), Piece(text, text)]
    pieces += [*replicated(text, vision.need("hidden_size"), bias=False), *dense(3 * text, text)]
    pieces += [*dense(text, text), buffer(_SIDE**2, text, width=0)]
    if whole.number("version", default=0) >= _TIMED:
        pieces.append(buffer(_MOMENTS, text, width=0))
    yield part("vision", pieces, name="resampler")
