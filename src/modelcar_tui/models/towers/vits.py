"""Vision transformers: stem, layers and last norms of each kind (vllm model_executor/models)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from modelcar_tui.models.towers.encoders import Blocks, blocks, position_ids, rope_cache
from modelcar_tui.models.towers.pieces import (
    Piece,
    buffer,
    column,
    dense,
    layer_norm,
    row,
    table,
    unbuilt,
    vector,
)
from modelcar_tui.models.towers.sizes import Sizes

_QUANTIZABLE = 64


def siglip(
    vision: Sizes, *, layers: int | None = None, post_norm: bool = True, head: bool = False, ids: bool = True
) -> Iterator[Piece]:
    """siglip.py SiglipVisionTransformer, and those built like it (idefics2_vision_model.py).

    Args:
        layers: those that are built, if not all.
        head: the attention pooling head of the embedding model.
        ids: numbers of the positions are kept as a buffer, and MLPs of odd widths stay unquantized, as in
            siglip.py; idefics2_vision_model.py does neither.
    """
    hidden, patch = vision.need("hidden_size"), vision.side("patch_size")
    positions = (vision.side("image_size", default=0) // patch) ** 2 if vision.maybe("image_size") else 0
    positions = vision.maybe("num_patches") or positions
    yield from dense(hidden, vision.need("num_channels", default=3) * patch * patch)
    yield table(positions, hidden)
    for piece in vit_layers(vision, layers):
        yield _whole_mlp(piece, hidden, vision.need("intermediate_size")) if ids else piece
    yield from [layer_norm(hidden)] if post_norm else unbuilt([layer_norm(hidden)])
    if ids:
        yield position_ids(positions)
    if head:
        yield from _pooling_head(vision, hidden)


def _whole_mlp(piece: Piece, hidden: int, inter: int) -> Piece:
    """The MLP's layers are not quantized where a side is no multiple of 64 (siglip.py SiglipMLP)."""
    odd = hidden % _QUANTIZABLE or inter % _QUANTIZABLE
    return replace(piece, linear=False) if odd and inter in (piece.out, piece.inner) else piece


def vit_layers(vision: Sizes, layers: int | None) -> Iterator[Piece]:
    """The first `layers`; the others only stand in the checkpoint."""
    yield from blocks(vit_blocks(vision, layers=layers))
    if layers is not None:
        yield from unbuilt(blocks(vit_blocks(vision, layers=vision.need("num_hidden_layers") - layers)))


def vit_blocks(vision: Sizes, *, layers: int | None = None) -> Blocks:
    """Two-matrix layers with biases everywhere, of the usual names in config.json."""
    return Blocks(
        hidden=vision.need("hidden_size"),
        inter=vision.need("intermediate_size"),
        heads=vision.need("num_attention_heads", "num_heads"),
        count=vision.need("num_hidden_layers") if layers is None else layers,
    )


def _pooling_head(vision: Sizes, hidden: int) -> Iterator[Piece]:
    yield vector(hidden)
    yield from dense(3 * hidden, hidden)
    yield from dense(hidden, hidden)
    yield layer_norm(hidden)
    inter = vision.need("intermediate_size")
    yield from column(inter, hidden)
    yield from row(hidden, inter)


def clip(vision: Sizes, *, layers: int | None = None, post_norm: bool = True) -> Iterator[Piece]:
    """clip.py CLIPVisionTransformer."""
    hidden, patch = vision.need("hidden_size"), vision.side("patch_size")
    positions = (vision.side("image_size") // patch) ** 2 + 1
    yield vector(hidden)
    yield from dense(hidden, vision.need("num_channels", default=3) * patch * patch, bias=False)
    yield table(positions, hidden)
    yield position_ids(positions)
    yield layer_norm(hidden)
    yield from vit_layers(vision, layers)
    yield from [layer_norm(hidden)] if post_norm else unbuilt([layer_norm(hidden)])


def blip2_vision(vision: Sizes) -> Iterator[Piece]:
    """blip.py BlipVisionModel."""
    hidden, patch = vision.need("hidden_size"), vision.side("patch_size")
    yield vector(hidden)
    yield table((vision.side("image_size") // patch) ** 2 + 1, hidden)
    yield from dense(hidden, 3 * patch * patch)
    yield from blocks(vit_blocks(vision))
    yield layer_norm(hidden)


def pixtral(vision: Sizes, *, layers: int | None = None) -> Iterator[Piece]:
    """pixtral.py PixtralHFVisionModel."""
    hidden, patch, heads = (
        vision.need("hidden_size"),
        vision.side("patch_size"),
        vision.need("num_attention_heads"),
    )
    yield from dense(hidden, vision.need("num_channels", default=3) * patch * patch, bias=False)
    yield vector(hidden)
    yield from blocks(
        Blocks(
            hidden=hidden,
            inter=vision.need("intermediate_size"),
            heads=heads,
            head_dim=vision.maybe("head_dim") or 0,
            count=vision.need("num_hidden_layers") if layers is None else layers,
            gated=True,
            rms=True,
            qkv_bias=False,
            out_bias=False,
            mlp_bias=False,
        )
    )


def intern_stem(vision: Sizes) -> Iterator[Piece]:
    """intern_vit.py InternVisionEmbeddings."""
    hidden, patch = vision.need("hidden_size"), vision.side("patch_size")
    yield vector(hidden)
    yield from dense(hidden, 3 * patch * patch)
    yield table((vision.side("image_size") // patch) ** 2 + 1, hidden)


def intern_blocks(vision: Sizes, layers: int) -> Blocks:
    """intern_vit.py InternVisionEncoderLayer."""
    hidden = vision.need("hidden_size")
    return Blocks(
        hidden=hidden,
        inter=vision.need("intermediate_size"),
        heads=vision.need("num_attention_heads"),
        count=layers,
        rms=vision.text("norm_type") == "rms_norm",
        qkv_bias=vision.flag("qkv_bias", default=False),
        qk_norm=2 * hidden if vision.flag("qk_normalization", default=True) else 0,
        scales=2,
    )


def intern_s1_vit(vision: Sizes) -> Iterator[Piece]:
    """interns1_vit.py InternS1VisionModel: attention in PyTorch's layers, the MLP in vLLM's."""
    hidden = vision.need("hidden_size")
    patches = vision.area("image_size") // vision.area("patch_size")
    yield vector(hidden, 2 if vision.flag("use_mask_token") else 1)
    yield from dense(hidden, vision.need("num_channels", default=3) * vision.area("patch_size"))
    if vision.flag("use_absolute_position_embeddings", default=True):
        yield table(patches + 1, hidden)
    bias = vision.flag("attention_bias")
    yield from blocks(
        Blocks(
            hidden=hidden,
            inter=vision.need("intermediate_size"),
            heads=vision.need("num_attention_heads"),
            count=vision.need("num_hidden_layers"),
            rms=vision.text("norm_type") == "rms_norm",
            qkv_bias=bias,
            qk_norm=2 * hidden if vision.flag("use_qk_norm") else 0,
            scales=2,
            whole_attention=True,
            vllm_layers=False,
        )
    )
    if not vision.flag("use_mean_pooling", default=True):
        yield layer_norm(hidden)


def qwen2_vl(vision: Sizes, *, merger: bool = True) -> Iterator[Piece]:
    """qwen2_vl.py Qwen2VisionTransformer with its merger."""
    hidden, heads = vision.need("embed_dim"), vision.need("num_heads")
    yield from _patches(vision, hidden, bias=False)
    inter = int(hidden * vision.number("mlp_ratio", default=4))
    yield from blocks(Blocks(hidden=hidden, inter=inter, heads=heads, count=vision.need("depth")))
    if merger:
        yield layer_norm(hidden)
        yield from _merger(vision, hidden, vision.need("hidden_size"))
    yield from rope_cache(hidden // heads)


def qwen2_5_vl(vision: Sizes, *, kv_heads: int = 0) -> Iterator[Piece]:
    """qwen2_5_vl.py Qwen2_5_VisionTransformer with its merger."""
    hidden, heads = vision.need("hidden_size"), vision.need("num_heads")
    yield from _patches(vision, hidden, bias=False)
    yield from blocks(
        Blocks(
            hidden=hidden,
            inter=vision.need("intermediate_size"),
            heads=heads,
            kv_heads=kv_heads,
            count=vision.need("depth"),
            gated=True,
            rms=True,
        )
    )
    yield vector(hidden)
    yield from _merger(vision, hidden, vision.need("out_hidden_size"))
    yield from rope_cache(hidden // heads)


def qwen3_vl(vision: Sizes, *, deepstack: bool = True, merger: bool = True) -> Iterator[Piece]:
    """qwen3_vl.py Qwen3_VisionTransformer with its mergers."""
    hidden, heads = vision.need("hidden_size"), vision.need("num_heads")
    yield from _patches(vision, hidden, bias=True)
    yield table(vision.need("num_position_embeddings"), hidden)
    inter = vision.need("intermediate_size")
    yield from blocks(Blocks(hidden=hidden, inter=inter, heads=heads, count=vision.need("depth")))
    wide = hidden * vision.need("spatial_merge_size", default=2) ** 2
    deep = len(vision.listing("deepstack_visual_indexes")) if deepstack else 0
    yield layer_norm(hidden)
    if deep:
        yield layer_norm(wide, deep)
    if merger:
        yield from column(wide, wide, 1 + deep)
        yield from row(vision.need("out_hidden_size"), wide, 1 + deep)
    yield from rope_cache(hidden // heads)


def glm4v(vision: Sizes) -> Iterator[Piece]:
    """glm4_1v.py Glm4vVisionTransformer with its merger."""
    hidden, heads = vision.need("hidden_size"), vision.need("num_heads")
    wide = vision.need("out_hidden_size")
    yield from _patches(vision, hidden, bias=True)
    yield from blocks(_glm_blocks(vision, hidden, heads, wide))
    positions = (vision.side("image_size") // vision.side("patch_size")) ** 2
    yield table(positions, hidden)
    yield position_ids(positions)
    yield vector(2 * hidden)
    yield from _glm_merger(vision, hidden, wide, vision.need("intermediate_size"))
    yield from rope_cache(hidden // heads)


def glm_ocr(vision: Sizes, text_inter: int) -> Iterator[Piece]:
    """glm_ocr.py GlmOcrVisionTransformer; the merger is as wide as the language model's MLP."""
    hidden, heads = vision.need("hidden_size"), vision.need("num_heads")
    yield from _patches(vision, hidden, bias=True)
    it = _glm_blocks(vision, hidden, heads, vision.need("intermediate_size"), bias=True, normed=True)
    yield from blocks(it)
    yield vector(hidden)
    yield from _glm_merger(vision, hidden, vision.need("out_hidden_size"), text_inter)
    yield from rope_cache(hidden // heads)


def _glm_blocks(
    vision: Sizes, hidden: int, heads: int, inter: int, *, bias: bool = False, normed: bool = False
) -> Blocks:
    return Blocks(
        hidden=hidden,
        inter=inter,
        heads=heads,
        count=vision.need("depth"),
        gated=True,
        rms=True,
        qkv_bias=bias,
        out_bias=bias,
        mlp_bias=bias,
        qk_norm=2 * (hidden // heads) if normed else 0,
    )


def _glm_merger(vision: Sizes, hidden: int, wide: int, inter: int) -> Iterator[Piece]:
    merge = vision.need("spatial_merge_size", default=2)
    yield from column(wide, wide, bias=False)
    yield layer_norm(wide)
    yield from column(2 * inter, wide, bias=False, units=inter)
    yield from row(wide, inter, bias=False)
    yield from dense(wide, hidden * merge * merge)


def _patches(vision: Sizes, hidden: int, *, bias: bool) -> Iterator[Piece]:
    channels = vision.need("in_channels", "in_chans", default=3)
    size = channels * vision.need("temporal_patch_size", default=2) * vision.side("patch_size") ** 2
    yield from dense(hidden, size, bias=bias)


def _merger(vision: Sizes, hidden: int, out: int) -> Iterator[Piece]:
    wide = hidden * vision.need("spatial_merge_size", default=2) ** 2
    yield from column(wide, wide)
    yield from row(out, wide)


def moonvit3d(vision: Sizes) -> Iterator[Piece]:
    """kimi_k25_vit.py MoonViT3dPretrainedModel."""
    hidden, patch = vision.need("vt_hidden_size", "hidden_size"), vision.side("patch_size")
    yield from dense(hidden, 3 * patch * patch)
    height, width = (vision.need(f"init_pos_emb_{side}", f"pos_emb_{side}") for side in ("height", "width"))
    yield table(height * width, hidden)
    yield buffer(vision.need("init_pos_emb_time", "pos_emb_time", default=4), hidden)
    yield from blocks(
        Blocks(
            hidden=hidden,
            inter=vision.need("vt_intermediate_size", "intermediate_size"),
            heads=vision.need("vt_num_attention_heads", "num_attention_heads"),
            count=vision.need("vt_num_hidden_layers", "num_hidden_layers"),
        )
    )
    yield layer_norm(hidden)


def llama4_vision(vision: Sizes) -> Iterator[Piece]:
    """mllama4.py Llama4VisionModel with its adapter."""
    hidden, patch = vision.need("hidden_size"), vision.side("patch_size")
    heads, positions = vision.need("num_attention_heads"), (vision.side("image_size") // patch) ** 2 + 1
    yield vector(hidden)
    yield table(positions, hidden)
    yield from column(hidden, 3 * patch * patch, bias=False)
    yield layer_norm(hidden, 2)
    yield from blocks(vit_blocks(vision))
    shuffled = int(vision.need("intermediate_size"))
    yield from column(vision.need("projector_input_dim"), shuffled, bias=False)
    yield from row(vision.need("projector_output_dim"), vision.need("projector_input_dim"), bias=False)
    yield buffer(positions, hidden // heads // 2, width=8)


def muse_vision(vision: Sizes) -> Iterator[Piece]:
    """muse_glimmer.py MuseGlimmerVisionEncoder: the MLP is PyTorch's."""
    hidden = vision.need("hidden_size")
    patch = vision.need("patch_temporal", default=2) * 3 * vision.side("patch_size") ** 2
    yield table(vision.need("pos_emb_height") * vision.need("pos_emb_width"), hidden)
    yield from dense(hidden, patch, bias=False)
    yield layer_norm(hidden, 2)
    it = vit_blocks(vision)
    yield from blocks(
        Blocks(
            hidden=it.hidden,
            inter=it.inter,
            heads=it.heads,
            count=it.count,
            whole_mlp=True,
            vllm_layers=False,
        )
    )


def siglip_packed(vision: Sizes) -> Iterator[Piece]:
    """Siglip whose patches come flattened, without a buffer of positions (cosmos3_edge.py)."""
    hidden = vision.need("hidden_size")
    yield from dense(hidden, vision.need("num_channels", default=3) * vision.side("patch_size") ** 2)
    yield table(vision.need("num_patches", default=256), hidden)
    yield from blocks(vit_blocks(vision))
    yield layer_norm(hidden)
