"""Ovis: a tower's patches are led to a vocabulary of pictures, whose embeddings the language model reads."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers import vits
from modelcar_tui.models.towers.encoders import Blocks, blocks
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import Piece, dense, layer_norm, table, vector
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, text_width

_OLD_INDICATORS, _INDICATORS = 5, 4
"""Rows of the vocabulary that no patch leads to."""


def ovis(whole: Sizes) -> Iterator[Part]:
    """ovis.py, of 1.6 and 2."""
    told = whole.part("visual_tokenizer_config")
    vision, words = told.part("backbone_config"), told.need("vocab_size")
    kind = vision.text("model_type")
    if kind.startswith("aimv2"):
        pieces = _aimv2(vision)
    elif kind.startswith("siglip"):
        pieces = vits.siglip(vision)
    else:
        raise MissingSizeError(f"a known kind of vision tower (its model_type is `{kind}`)")
    yield part("vision", pieces, name="visual_tokenizer.backbone")
    inner = vision.need("hidden_size") * told.need("hidden_stride", default=1) ** 2
    yield _vocabulary(whole, words, words - _OLD_INDICATORS, inner)


def ovis2_5(whole: Sizes) -> Iterator[Part]:
    """ovis2_5.py: SigLIP of rotary positions."""
    vision, words = whole.part("vit_config"), whole.need("visual_vocab_size")
    width, patch = vision.need("hidden_size"), vision.side("patch_size")
    pieces = [*dense(width, vision.need("num_channels", default=3) * patch * patch)]
    if vision.flag("preserve_original_pe"):
        pieces.append(table(vision.maybe("num_patches") or (vision.side("image_size") // patch) ** 2, width))
    pieces += [*blocks(vits.vit_blocks(vision)), layer_norm(width)]
    yield part("vision", pieces, name="visual_tokenizer.vit", data=True)
    inner = width * vision.need("hidden_stride", default=2) ** 2
    yield _vocabulary(whole, words, words - _INDICATORS, inner)


def _vocabulary(whole: Sizes, words: int, led: int, inner: int) -> Part:
    text = text_width(whole.given)
    pieces = [*dense(led, inner, bias=False), layer_norm(led), table(words, text)]
    return part("vision", pieces, name="visual_tokenizer.head", quantized=False)


def _aimv2(vision: Sizes) -> Iterator[Piece]:
    """aimv2.py AIMv2Model without its last norm."""
    hidden, patch = vision.need("hidden_size"), vision.side("patch_size")
    yield from dense(hidden, vision.need("num_channels", default=3) * patch * patch)
    yield vector(hidden)
    yield table((vision.side("image_size") // patch) ** 2, hidden)
    bias = vision.flag("mlp_bias")
    yield from blocks(
        Blocks(
            hidden=hidden,
            inter=vision.need("intermediate_size"),
            heads=vision.need("num_attention_heads"),
            count=vision.need("num_hidden_layers"),
            gated=True,
            rms=True,
            qkv_bias=vision.flag("qkv_bias"),
            out_bias=bias,
            mlp_bias=bias,
        )
    )
