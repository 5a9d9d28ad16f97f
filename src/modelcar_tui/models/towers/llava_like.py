"""Models that put CLIP, SigLIP or Pixtral before a language model, up to the layer whose output they take."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.models.towers import projectors, vits
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import (
    Piece,
    buffer,
    column,
    dense,
    layer_norm,
    replicated,
    row,
    shared_table,
    vector,
)
from modelcar_tui.models.towers.sizes import MissingSizeError, Sizes, text_width

_NAME = "vision_tower"


def llava(whole: Sizes) -> Iterator[Part]:
    """llava.py: the projector is shared."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield tower(whole, vision)
    bias = whole.flag("multimodal_projector_bias", default=True)
    yield _projector(projectors.shared_mlp(vision.need("hidden_size"), text, text, bias=bias))


def llava_next(whole: Sizes) -> Iterator[Part]:
    """llava_next.py: layers whose outputs are taken stand side by side, and a row ends an image's lines."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield tower(whole, vision)
    bias = whole.flag("multimodal_projector_bias", default=True)
    width = vision.need("hidden_size") * max(1, len(whole.listing("vision_feature_layer")))
    yield _projector([*projectors.shared_mlp(width, text, text, bias=bias), vector(text)])


def llava_next_video(whole: Sizes) -> Iterator[Part]:
    """llava_next_video.py: the projector is whole."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield tower(whole, vision)
    yield _projector(_plain(whole, vision.need("hidden_size"), text))


def llava_onevision(whole: Sizes) -> Iterator[Part]:
    """llava_onevision.py: the projector is whole, with a row that ends an image's lines."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield tower(whole, vision)
    yield _projector([*_plain(whole, vision.need("hidden_size"), text), vector(text)])


def bee(whole: Sizes) -> Iterator[Part]:
    """bee.py: a norm, and whole layers four times as wide as the language model between."""
    yield from _normed(whole, wider=4)


def r_vl(whole: Sizes) -> Iterator[Part]:
    """rvl.py: a norm and whole layers."""
    yield from _normed(whole, wider=1)


def _normed(whole: Sizes, *, wider: int) -> Iterator[Part]:
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield tower(whole, vision)
    width = vision.need("hidden_size")
    pieces = [layer_norm(width), *projectors.whole_mlp(width, wider * text, text), vector(text)]
    yield _projector(pieces)


def _plain(whole: Sizes, width: int, text: int) -> Iterator[Piece]:
    bias = whole.flag("multimodal_projector_bias", default=True)
    return projectors.whole_mlp(width, text, text, bias=bias)


def mistral3(whole: Sizes) -> Iterator[Part]:
    """mistral3.py, lightonocr.py: patches are merged by a whole layer, the projector is shared."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    width, merge = vision.need("hidden_size"), whole.need("spatial_merge_size", default=2)
    yield tower(whole, vision)
    bias = whole.flag("multimodal_projector_bias")
    pieces = [vector(width), *dense(width, width * merge * merge, bias=False)]
    yield _projector([*pieces, *projectors.shared_mlp(width, text, text, bias=bias)])


def pixtral(whole: Sizes) -> Iterator[Part]:
    """pixtral.py, of Mistral's own files: shared since 0.20, with a whole adapter."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.pixtral(vision), name="vision_encoder", cut_since=(0, 20))
    width, merge = vision.need("hidden_size"), vision.need("spatial_merge_size", default=1)
    pieces = [vector(width)] if vision.flag("add_pre_mm_projector_layer_norm") else []
    if vision.text("mm_projector_id") == "patch_merge":
        pieces += replicated(width, width * merge * merge, bias=False)
    bias = vision.flag("adapter_bias", default=True)
    pieces += projectors.whole_mlp(width, text, text, bias=bias, layer=replicated)
    yield part("vision", pieces, name="vision_language_adapter")


def tower(whole: Sizes, vision: Sizes, *, post_norm: bool = False) -> Part:
    """llava.py init_vision_tower_for_llava."""
    layers = _layers_up_to(whole, vision.need("num_hidden_layers"))
    kind = vision.text("model_type") or vision.kind
    if "clip" in kind:
        pieces = vits.clip(vision, layers=layers, post_norm=post_norm)
    elif "siglip" in kind:
        pieces = vits.siglip(vision, layers=layers, post_norm=post_norm)
    elif "pixtral" in kind:
        pieces = vits.pixtral(vision, layers=layers)
    else:
        raise MissingSizeError(f"a known kind of vision tower (its model_type is `{kind}`)")
    return part("vision", pieces, name=_NAME)


def _layers_up_to(whole: Sizes, count: int) -> int:
    """llava.py _get_num_hidden_layers: up to the deepest layer whose output is taken."""
    listed = [layer for layer in whole.listing("vision_feature_layer") if isinstance(layer, int)]
    one = whole.maybe("vision_feature_layer", low=-4096)
    layers = listed or [-2 if one is None else one]
    return max(count + layer + 1 if layer < 0 else layer for layer in layers)


def _projector(pieces: Iterator[Piece] | list[Piece]) -> Part:
    return part("vision", pieces, name="multi_modal_projector")


def gemma3(whole: Sizes) -> Iterator[Part]:
    """gemma3_mm.py: all layers of SigLIP, and a whole matrix with a norm."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.siglip(vision), name=_NAME)
    width = vision.need("hidden_size")
    yield _projector([Piece(width, text), vector(width)])


def paligemma(whole: Sizes) -> Iterator[Part]:
    """paligemma.py: all layers of SigLIP, and a whole layer."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.siglip(vision), name=_NAME)
    yield _projector(dense(vision.need("projection_dim", default=text), vision.need("hidden_size")))


def colpali(whole: Sizes) -> Iterator[Part]:
    """colpali.py: PaliGemma, and a layer in 32 bits that makes the vectors."""
    inner = whole.part("vlm_config") if whole.has("vlm_config") else whole
    yield from paligemma(inner)
    out = whole.need("embedding_dim", default=128)
    yield _projector([Piece(out, text_width(inner.given), own_width=4)])


def cohere2_vision(whole: Sizes) -> Iterator[Part]:
    """cohere2_vision.py: its projector gates, so its second layer takes half."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.siglip(vision), name=_NAME)
    inner = vision.need("hidden_size") * whole.need("downsample_factor", default=2) ** 2
    between = whole.need("alignment_intermediate_size", default=36864)
    yield _projector([*column(between, inner, units=between // 2), *row(text, between // 2)])


def aya_vision(whole: Sizes) -> Iterator[Part]:
    """aya_vision.py: the projector is whole and gates."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield tower(whole, vision, post_norm=True)
    inner = vision.need("hidden_size") * whole.need("downsample_factor", default=2) ** 2
    between = whole.need("alignment_intermediate_size", default=text)
    pieces = [layer_norm(inner), *dense(between, inner), *dense(text, between // 2)]
    yield _projector(pieces)


def idefics3(whole: Sizes) -> Iterator[Part]:
    """idefics3.py, smolvlm.py: idefics2's tower and one layer on shuffled patches."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.siglip(vision, ids=False), name="model.vision_model")
    inner = vision.need("hidden_size") * whole.need("scale_factor", default=2) ** 2
    yield part("vision", replicated(text, inner, bias=False), name="model.connector")


def blip2(whole: Sizes) -> Iterator[Part]:
    """blip2.py: a tower of its own kind, a transformer of queries, one layer."""
    vision, queries = whole.part("vision_config"), whole.part("qformer_config")
    yield part("vision", vits.blip2_vision(vision), name="vision_model")
    width = queries.need("hidden_size", default=768)
    pieces = [vector(whole.need("num_query_tokens", default=32) * width)]
    pieces += projectors.qformer(queries, vision.need("hidden_size"))
    yield part("vision", [*pieces, *dense(text_width(whole.given), width)], name="qformer")


def minicpmv4_6(whole: Sizes) -> Iterator[Part]:
    """minicpmv4_6.py: windows of four patches are merged inside of the tower, then again after it."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.siglip(vision, ids=False), name="vpm", data=True)
    hidden, inter = vision.need("hidden_size"), vision.need("intermediate_size")
    heads = vision.need("num_attention_heads")
    merger = [*column(3 * hidden, hidden, units=heads), *row(hidden, hidden)]
    merger += [layer_norm(hidden), layer_norm(4 * hidden)]
    merger += projectors.whole_mlp(4 * hidden, 4 * inter, hidden)
    yield part("vision", merger, name="vit_merger", data=True)
    times = whole.need("merger_times", default=1)
    pieces = [layer_norm(4 * hidden, times), *dense(4 * hidden, 4 * hidden, times)]
    pieces += [*dense(hidden, 4 * hidden, times - 1), *dense(text, 4 * hidden)]
    yield part("vision", pieces, name="merger")


def paddleocr(whole: Sizes) -> Iterator[Part]:
    """paddleocr_vl.py: SigLIP with rotary positions, and whole layers on merged patches."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield part("vision", vits.siglip(vision), name="visual")
    width, merge = vision.need("hidden_size"), vision.need("spatial_merge_size", default=2) ** 2
    pieces = [layer_norm(width), *projectors.whole_mlp(width * merge, width * merge, text)]
    yield part("vision", pieces, name="mlp_AR")


def cosmos3_edge(whole: Sizes) -> Iterator[Part]:
    """cosmos3_edge.py: flattened patches, and a shared projector.

    Up to 0.32 its sizes are `projector_config`'s alone; of a config.json without it the newer reading counts.
    """
    vision, told = whole.part("vision_config"), whole.part("projector_config")
    yield part("vision", vits.siglip_packed(vision), name="visual", data=True)
    width, out = told.need("input_hidden_size"), told.need("out_hidden_size")
    if "projector_config" not in whole.given:
        width, out = vision.need("hidden_size"), text_width(whole.given)
    inner = width * told.need("spatial_merge_size", default=2) ** 2
    norm = layer_norm(inner if told.flag("use_postshuffle_norm") else width)
    between = told.need("merger_intermediate_size", default=11520)
    yield part(
        "vision", [norm, *projectors.shared_mlp(inner, between, out)], name="visual.projector", data=True
    )


def clip(whole: Sizes) -> Iterator[Part]:
    """clip.py CLIPEmbeddingModel: what stands around the text's layers, and the vision tower."""
    text, vision = whole.part("text_config"), whole.part("vision_config")
    hidden, out = text.need("hidden_size"), whole.need("projection_dim", default=512)
    positions = text.need("max_position_embeddings", default=77)
    pieces = [shared_table(positions, hidden), layer_norm(hidden), Piece(out, hidden)]
    yield part("vision", pieces, name="text_projection", always=True)
    yield part("vision", vits.clip(vision), name="vision_model")
    yield part("vision", [Piece(out, vision.need("hidden_size"))], name="visual_projection")


def siglip(whole: Sizes) -> Iterator[Part]:
    """siglip.py SiglipEmbeddingModel: what stands around the text's layers, and the vision tower."""
    text, vision = whole.part("text_config"), whole.part("vision_config")
    hidden = text.need("hidden_size")
    positions = text.need("max_position_embeddings", default=64)
    pieces = [shared_table(positions, hidden), layer_norm(hidden), buffer(positions, width=8)]
    pieces += dense(text.need("projection_size", default=hidden), hidden)
    yield part("vision", pieces, name="text_model.head", always=True)
    head = vision.flag("vision_use_head", default=True)
    yield part("vision", vits.siglip(vision, head=head), name="vision_model")
