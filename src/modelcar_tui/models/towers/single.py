"""Models of single families whose tower another family knows, behind a projector of their own."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers import audio, more_vision, other_vits, vits
from modelcar_tui.models.towers.encoders import blocks
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import (
    Piece,
    buffer,
    column,
    dense,
    layer_norm,
    replicated,
    row,
    vector,
)
from modelcar_tui.models.towers.projectors import shared_mlp, whole_mlp
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, text_width

_DINO_AND_SIGLIP = ["vit_large_patch14_reg4_dinov2.lvd142m", "vit_so400m_patch14_siglip_224"]


def glm4v(whole: Sizes) -> Iterator[Part]:
    """glm4v.py EVA2CLIPModel, of GLM-4V."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    hidden = vision.need("hidden_size")
    pieces = [*dense(hidden, vision.need("in_channels", default=3) * vision.side("patch_size") ** 2)]
    pieces += [vector((1 + vision.need("num_positions")) * hidden), *blocks(vits.vit_blocks(vision))]
    yield part("vision", pieces, name="vision.transformer")
    inter = whole.need("ffn_hidden_size")
    pieces = [*replicated(text, text, bias=False), layer_norm(text)]
    pieces += [*column(2 * inter, text, bias=False, units=inter), *row(text, inter, bias=False)]
    yield part("vision", pieces, name="vision.linear_proj")
    yield part("vision", [*dense(text, 4 * hidden), vector(2 * text)], name="vision.conv")


def kanana_v(whole: Sizes) -> Iterator[Part]:
    """kanana_v.py: Qwen2-VL's tower without its merger, and two stages of convolutions."""
    vision, told = whole.part("vision_config"), whole.part("projector_config")
    yield part("vision", vits.qwen2_vl(vision, merger=False), name="vision_model", quantized=False)
    inner, hidden = told.need("encoder_hidden_size"), told.need("hidden_size")
    out, depth, layers = told.need("output_hidden_size"), told.need("depth"), told.need("mlp_depth")
    pieces = [vector(told.need("pos_emb_size") * inner)] if told.flag("pos_emb") else []
    pieces += _stage(inner, hidden, depth)
    pieces += _stage(told.need("merge_size") ** 2 * hidden, hidden, depth)
    pieces += [*dense(out, hidden), *dense(out, out, layers - 1)]
    yield part("vision", pieces, name="abstractor")


def _stage(inner: int, hidden: int, depth: int) -> Iterator[Piece]:
    """timm's regnet.py RegStage: bottlenecks whose channels are squeezed to a quarter of their input's."""
    for each in (inner, *[hidden] * (depth - 1)):
        yield from dense(hidden, each, bias=False)
        yield from dense(hidden, 9, bias=False)
        yield from dense(hidden, hidden, bias=False)
        yield layer_norm(hidden, 3)
        squeezed = round(each / 4)
        yield from dense(squeezed, hidden)
        yield from dense(hidden, squeezed)
        if each != hidden:
            yield from dense(hidden, each, bias=False)
            yield layer_norm(hidden)


def bagel(whole: Sizes) -> Iterator[Part]:
    """bagel.py: SigLIP without its last layer, which no checkpoint holds, and positions in 32 bits."""
    if not whole.flag("visual_und", default=True):
        return
    vision, text = whole.part("vit_config"), text_width(whole.given)
    count = vision.need("num_hidden_layers")
    layers = count - 1 if count == 27 else count
    head = vision.flag("vision_use_head")
    yield part("vision", vits.siglip(vision, layers=layers, head=head), name="vit_model")
    pieces = shared_mlp(vision.need("hidden_size"), text, text)
    yield part("vision", pieces, name="connector")
    side = whole.need("vit_max_num_patch_per_side", default=70)
    yield part("vision", [buffer(side * side, text)], name="vit_pos_embed")


def openvla(whole: Sizes) -> Iterator[Part]:
    """openvla.py: timm's DINOv2 and SigLIP side by side, and three layers on both."""
    if whole.listing("timm_model_ids") != _DINO_AND_SIGLIP:
        raise MissingSizeError("the two vision towers that vLLM knows")
    dino, siglip = other_vits.TIMM_DINO, other_vits.TIMM_SIGLIP
    yield part("vision", other_vits.timm_dino(), name="vision_backbone", quantized=False)
    yield part("vision", other_vits.timm_siglip(224), name="vision_backbone", quantized=False)
    text, width = text_width(whole.given), dino.hidden + siglip.hidden
    yield part("vision", [*shared_mlp(width, 4 * width, text), *replicated(text, text)], name="projector")


def bailing_vl(whole: Sizes) -> Iterator[Part]:
    """bailing_moe_v3_vl.py: Qwen3-VL's tower, whose merger has no weights, and a shared projector."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.qwen3_vl(vision, deepstack=False, merger=False), name="visual", data=True)
    merged = vision.need("hidden_size") * vision.need("spatial_merge_size", default=2) ** 2
    yield part("vision", shared_mlp(merged, text, text), name="linear_proj")


def minimax_vl(whole: Sizes) -> Iterator[Part]:
    """minimax_m3/common/vision_tower.py: CLIP's layers on cubes of patches, and two shared projectors."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    hidden, told = vision.need("hidden_size"), vision.part("img_token_compression_config")
    patch = vision.need("num_channels", default=3) * vision.side("patch_size") ** 2
    frames, merge = (
        told.need("temporal_patch_size", default=2),
        told.need("spatial_merge_size", default=2) ** 2,
    )
    pieces = [*dense(hidden, patch * frames, bias=False), layer_norm(hidden)]
    name = "vision_tower.vision_model"
    yield part("vision", [*pieces, *blocks(vits.vit_blocks(vision))], name=name, data=True)
    between = whole.need("projector_hidden_size", default=text)
    pieces = [*shared_mlp(hidden, between, text), *shared_mlp(text * merge, between, text)]
    yield part("vision", pieces, name="vision_tower.multi_modal_projector", data=True)


def llava_onevision2(whole: Sizes) -> Iterator[Part]:
    """llava_onevision2.py, which takes no quantization."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    hidden = vision.need("hidden_size")
    patch = vision.need("num_channels", default=3) * vision.side("patch_size") ** 2
    pieces = [*dense(hidden, patch, bias=False), layer_norm(hidden, 2), *blocks(vits.vit_blocks(vision))]
    merged = hidden * vision.need("spatial_merge_size", default=2) ** 2
    pieces += shared_mlp(merged, merged, text)
    yield part("vision", pieces, name="visual", data=True, quantized=False)


def fuyu(whole: Sizes) -> Iterator[Part]:
    """fuyu.py: patches go through one layer."""
    patch = whole.need("num_channels", default=3) * whole.side("patch_size", 30) ** 2
    yield part("vision", column(text_width(whole.given), patch), name="vision_embed_tokens")


def minicpmo(whole: Sizes) -> Iterator[Part]:
    """minicpmo.py: MiniCPM-V, and Whisper's encoder, transformers' own, behind it."""
    yield from more_vision.minicpmv(whole)
    heard, text = whole.part("audio_config"), text_width(whole.given)
    yield part("audio", audio.whisper(heard, whole=True), name="apm", quantized=False)
    width = heard.need("encoder_ffn_dim") // 4
    yield part("audio", whole_mlp(width, text, text), name="audio_projection_layer")


def moss_transcribe(whole: Sizes) -> Iterator[Part]:
    """moss_transcribe_diarize.py: Whisper's encoder, and layers on joined frames."""
    heard, text = whole.part("audio_config"), text_width(whole.given)
    yield part("audio", audio.whisper(heard, whole=False), name="whisper_encoder")
    joined = whole.need("adaptor_input_dim")
    yield part("audio", [*whole_mlp(joined, text, text), layer_norm(text)], name="vq_adaptor")
