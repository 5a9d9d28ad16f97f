"""Gemma 3n, Gemma 4 and EmbeddingGemma 2: transformers' own towers, whole on every GPU."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers import audio
from modelcar_tui.models.towers.encoders import Blocks, blocks
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import (
    Piece,
    column,
    layer_norm,
    replicated,
    row,
    shared_table,
    table,
    vector,
)
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, text_width

_MOBILENET = {"mobilenetv5_300m_enc": 294_126_912}
"""Weights of timm's encoder of that name, which has no sizes in config.json."""


def gemma4(whole: Sizes) -> Iterator[Part]:
    """gemma4_mm.py, embedding_gemma2.py, diffusion_gemma.py."""
    text = text_width(whole.given)
    if whole.has("vision_config"):
        vision = whole.part("vision_config")
        yield part("vision", _vision(vision), name="vision_tower")
        yield _embedder("vision", vision, text)
    if whole.has("audio_config"):
        heard = whole.part("audio_config")
        yield part("audio", audio.gemma4_audio(heard), name="audio_tower")
        yield _embedder("audio", heard, text)


def _embedder(kind: str, sized: Sizes, text: int) -> Part:
    width = sized.need("output_proj_dims", "hidden_size")
    pieces = replicated(text, width, bias=False)
    return part("audio" if kind == "audio" else "vision", pieces, name=f"embed_{kind}")


def _vision(vision: Sizes) -> Iterator[Piece]:
    hidden, heads = vision.need("hidden_size"), vision.need("num_attention_heads")
    patch = vision.side("patch_size")
    yield table(2 * vision.need("position_embedding_size", default=10240), hidden)
    yield Piece(hidden, 3 * patch * patch, linear=True)
    dim = vision.need("head_dim", default=hidden // heads)
    yield from blocks(
        Blocks(
            hidden=hidden,
            inter=vision.need("intermediate_size"),
            heads=heads,
            kv_heads=vision.need("num_key_value_heads", default=heads),
            head_dim=dim,
            count=vision.need("num_hidden_layers"),
            gated=True,
            rms=True,
            qkv_bias=False,
            out_bias=False,
            mlp_bias=False,
            qk_norm=2 * dim,
            norms=4,
            whole_attention=True,
            whole_mlp=True,
        )
    )
    if vision.flag("standardize"):
        yield vector(2 * hidden)


def gemma4_unified(whole: Sizes) -> Iterator[Part]:
    """gemma4_unified.py: patches go straight into the language model."""
    if not whole.has("vision_config"):
        raise MissingSizeError("what it sees with, and vLLM doesn't start without a vision_config")
    vision, text = whole.part("vision_config"), text_width(whole.given)
    patch = 3 * vision.need("model_patch_size", default=48) ** 2
    wide = vision.need("mm_embed_dim")
    pieces = [layer_norm(patch), *column(wide, patch), layer_norm(wide, 2)]
    pieces.append(table(2 * vision.need("mm_posemb_size"), wide))
    yield part("vision", pieces, name="vision_embedder")
    yield _embedder("vision", vision, text)
    if whole.has("audio_config"):
        yield _embedder("audio", whole.part("audio_config"), text)


def gemma3n(whole: Sizes) -> Iterator[Part]:
    """gemma3n_mm.py."""
    text = text_width(whole.given)
    vision, heard = whole.part("vision_config"), whole.part("audio_config")
    name = vision.text("architecture") or "mobilenetv5_300m_enc"
    if name not in _MOBILENET:
        raise MissingSizeError(f"sizes of its vision tower `{name}`")
    yield part("vision", [vector(_MOBILENET[name])], name="vision_tower")
    yield part("vision", _tokens(vision, text), name="embed_vision")
    yield part("audio", audio.gemma3n_audio(heard), name="audio_tower")
    yield part("audio", _tokens(heard, text), name="embed_audio")


def _tokens(sized: Sizes, text: int) -> Iterator[Piece]:
    width = sized.need("hidden_size")
    yield shared_table(sized.need("vocab_size", default=128), width)
    yield vector(2 * width)
    yield from row(text, width, bias=False)
