"""Nemotron's models that see and hear: RADIO or SigLIP, whole layers on shuffled patches, Parakeet."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers import audio, vits
from modelcar_tui.models.towers.encoders import Blocks, blocks
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import Piece, dense, layer_norm, table, vector
from modelcar_tui.models.towers.projectors import whole_mlp
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, text_width

_VITS = {"small": (384, 12, 6), "base": (768, 12, 12), "large": (1024, 24, 16), "huge": (1280, 32, 16)}
"""Width, layers and heads of timm's `vit_<size>_patch16_224`; the MLP is four times as wide."""


def nano_vl(whole: Sizes) -> Iterator[Part]:
    """nemotron_vl.py LlamaNemotronVLChatModel: transformers' RADIO, and a projector in between."""
    yield part("vision", _radio(whole.part("vision_config"), whole_layers=True), name="vision_model")
    merged = whole.need("vit_hidden_size") * _shuffled(whole)
    between = whole.need("projector_hidden_size")
    pieces = [layer_norm(merged), *whole_mlp(merged, between, text_width(whole.given))]
    yield part("vision", pieces, name="mlp1")


def nano_vl_v2(whole: Sizes) -> Iterator[Part]:
    """nano_nemotron_vl.py: vLLM's own RADIO, never quantized, a projector without biases, Parakeet."""
    yield part("vision", _radio(whole.part("vision_config")), name="vision_model", quantized=False)
    text, width = text_width(whole.given), whole.need("vit_hidden_size")
    merged = width * _shuffled(whole)
    between = whole.need("projector_hidden_size")
    pieces = [vector(merged), *whole_mlp(merged, between, text, bias=False)]
    if whole.part("llm_config").maybe("num_nextn_predict_layers"):
        pieces.append(layer_norm(width))
    yield part("vision", pieces, name="mlp1")
    if whole.has("sound_config"):
        sound = whole.part("sound_config")
        yield part("audio", audio.parakeet(sound), name="sound_encoder", quantized=False)
        bias, width = sound.flag("projection_bias"), sound.need("hidden_size")
        wide = sound.need("projection_hidden_size")
        yield part("audio", [vector(width), *whole_mlp(width, wide, text, bias=bias)])


def embed_vl(whole: Sizes) -> Iterator[Part]:
    """nemotron_vl.py LlamaNemotronVLForEmbedding and its reranker: SigLIP."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.siglip(vision), name="vision_model")
    merged = vision.need("hidden_size") * _shuffled(whole)
    yield part("vision", [layer_norm(merged), *whole_mlp(merged, text, text)], name="mlp1")


def _shuffled(whole: Sizes) -> int:
    """Patches of one token."""
    return round(1 / max(1e-3, whole.number("downsample_ratio", default=0.5))) ** 2


def _radio(vision: Sizes, *, whole_layers: bool = False) -> Iterator[Piece]:
    """radio.py RadioInternVisionModel: positions of the largest image, tokens, registers."""
    told = vision.part("args")
    hidden, count, heads = _sizes(told.text("model"))
    patch = vision.side("patch_size", 16)
    yield from dense(hidden, 3 * patch * patch, bias=False)
    frames = vision.need("video_temporal_patch_size", default=1)
    if frames > 1:
        yield from dense(hidden, 3 * patch * patch * frames, bias=False)
    yield table(round(told.need("cpe_max_size", default=2048) / patch) ** 2, hidden)
    yield table(_tokens(told), hidden)
    yield from blocks(
        Blocks(
            hidden=hidden,
            inter=4 * hidden,
            heads=heads,
            count=count,
            scales=2,
            whole_attention=whole_layers,
            whole_mlp=whole_layers,
            vllm_layers=not whole_layers,
        )
    )


def _sizes(model: str) -> tuple[int, int, int]:
    found = _VITS.get(model.removeprefix("vit_").removesuffix("_patch16_224"))
    if found is None:
        raise MissingSizeError(f"a known size of RADIO (its model is `{model}`)")
    return found


def _tokens(told: Sizes) -> int:
    """Of classes, padded by registers."""
    teachers = {one.get("name") for one in told.listing("teachers") if isinstance(one, dict)}
    classes = len(teachers) if told.flag("cls_token_per_teacher") else 1
    step = told.maybe("register_multiple")
    return classes + (step - classes % step if step else 0)
