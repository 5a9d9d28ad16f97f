"""Molmo: CLIP's or SigLIP's layers, attention that pools four patches, a gated projector."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers.encoders import Blocks, blocks
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import Piece, column, dense, layer_norm, row, table, vector
from modelcar_tui.models.towers.sizes import Sizes, text_width

_NAME = "vision_backbone"
_MORE_TOKENS = 128
_CLIP_LAYERS = Blocks(hidden=1024, inter=4096, heads=16, count=23)
_TAKEN = 2
"""Layers of the first Molmo's tower whose outputs are joined."""


def molmo(whole: Sizes) -> Iterator[Part]:
    """molmo.py: a tower of fixed sizes."""
    text, width = text_width(whole.given), _CLIP_LAYERS.hidden
    pieces = [vector(width), table(577, width), *dense(width, 3 * 14**2, bias=False), layer_norm(width)]
    pieces += [*blocks(_CLIP_LAYERS), *_pooling(width, _TAKEN * width, _CLIP_LAYERS.heads)]
    inter = whole.need("intermediate_size") // 2
    yield part("vision", [*pieces, *_projector(width, inter, text), vector(2 * _TAKEN * width)], name=_NAME)
    yield _more_tokens(_MORE_TOKENS, text)


def molmo2(whole: Sizes) -> Iterator[Part]:
    """molmo2.py: layers up to the deepest whose output is taken."""
    vision, adapter = whole.part("vit_config"), whole.part("adapter_config")
    width, count = vision.need("hidden_size", default=1152), vision.need("num_hidden_layers", default=27)
    listed = [one for one in adapter.listing("vit_layers") if isinstance(one, int)] or [-3, -9]
    heads = vision.need("num_attention_heads", default=16)
    layers = Blocks(
        hidden=width,
        inter=vision.need("intermediate_size", default=4304),
        heads=heads,
        kv_heads=vision.need("num_key_value_heads", default=heads),
        head_dim=vision.need("head_dim", default=72),
        count=max(layer + count if layer < 0 else layer for layer in listed) + 1,
    )
    pieces = [*dense(width, 3 * vision.side("image_patch_size", 14) ** 2), *blocks(layers)]
    pieces.append(table(vision.need("image_num_pos", default=577), width))
    out, inter = adapter.need("hidden_size", default=1152), adapter.need("intermediate_size", default=18944)
    pieces += _pooling(out, len(listed) * width, adapter.need("num_attention_heads", default=16))
    text = adapter.need("text_hidden_size", default=text_width(whole.given))
    yield part("vision", [*pieces, *_projector(out, inter, text)], name=_NAME)
    more = whole.part("text_config").maybe("additional_vocab_size")
    yield _more_tokens(_MORE_TOKENS if more is None else more, text_width(whole.given))


def _pooling(width: int, inner: int, heads: int) -> Iterator[Piece]:
    yield from column(3 * width, inner, units=heads)
    yield from row(width, width)


def _projector(width: int, inter: int, text: int) -> Iterator[Piece]:
    yield from column(2 * inter, width, bias=False, units=inter)
    yield from row(text, inter, bias=False)


def _more_tokens(count: int, text: int) -> Part:
    """Rows of the token embedding that the output matrix does not have."""
    return part("vision", [Piece(count, text, cut="out")], name="embed_tokens", always=True, quantized=False)
