"""Vision transformers of single families, each with sizes of its own naming (vllm model_executor/models)."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from modelcar_tui.models.towers.encoders import Blocks, blocks
from modelcar_tui.models.towers.pieces import (
    Piece,
    buffer,
    column,
    dense,
    layer_norm,
    row,
    table,
    vector,
)
from modelcar_tui.models.towers.sizes import Sizes
from modelcar_tui.models.towers.vits import vit_blocks


def siglip2(vision: Sizes) -> Iterator[Piece]:
    """lfm2_siglip2.py, isaac.py: patches flattened, a table of positions."""
    hidden = vision.need("hidden_size")
    patch = vision.need("num_channels", default=3) * vision.side("patch_size") ** 2
    yield from dense(hidden, patch)
    yield table(vision.need("num_patches", default=256), hidden)
    yield from blocks(vit_blocks(vision))
    yield layer_norm(hidden)


def moonvit(vision: Sizes) -> Iterator[Piece]:
    """moonvit.py MoonVitPretrainedModel."""
    hidden = vision.need("hidden_size", default=1152)
    yield from dense(hidden, 3 * vision.side("patch_size", 14) ** 2)
    yield table(
        vision.need("init_pos_emb_height", default=64) * vision.need("init_pos_emb_width", default=64), hidden
    )
    yield from blocks(
        Blocks(
            hidden=hidden,
            inter=vision.need("intermediate_size", default=4304),
            heads=vision.need("num_attention_heads", default=16),
            count=vision.need("num_hidden_layers", default=27),
        )
    )
    yield layer_norm(hidden)


def ernie(vision: Sizes) -> Iterator[Piece]:
    """ernie45_vl.py Ernie4_5_VisionTransformer."""
    hidden = vision.need("embed_dim", "hidden_size")
    yield from dense(
        hidden, vision.need("in_channels", default=3) * vision.side("patch_size") ** 2, bias=False
    )
    inter = int(hidden * vision.number("mlp_ratio", default=4))
    inter = vision.maybe("intermediate_size") or inter
    heads = vision.need("num_heads")
    yield from blocks(Blocks(hidden=hidden, inter=inter, heads=heads, count=vision.need("depth")))
    yield layer_norm(hidden)


def ernie_resampler(whole: Sizes, inner: int, out: int) -> Iterator[Piece]:
    """ernie45_vl.py VariableResolutionResamplerModel: every layer shares its outputs."""
    wide = inner * whole.need("spatial_conv_size", default=2) ** 2
    long = wide * whole.need("temporal_conv_size", default=2)
    yield from column(wide, wide, 2)
    yield layer_norm(wide)
    if whole.flag("use_temporal_conv", default=True):
        yield from column(wide, long)
        yield from column(wide, wide)
        yield layer_norm(wide)
    yield from column(out, wide)
    yield vector(out)


def perception(vision: Sizes) -> Iterator[Piece]:
    """step_vl.py PerceptionEncoder with its two convolutions."""
    width, layers, heads = vision.need("width"), vision.need("layers"), vision.need("heads")
    patch, image = vision.side("patch_size"), vision.side("image_size")
    token = vision.flag("use_cls_token")
    yield from dense(width, 3 * patch * patch, bias=False)
    yield layer_norm(
        width, vision.flag("use_ln_pre", default=True) + vision.flag("use_ln_post", default=True)
    )
    yield from blocks(
        Blocks(
            hidden=width,
            inter=int(width * vision.number("mlp_ratio", default=4)),
            heads=heads,
            count=layers,
            scales=2
            if vision.maybe("ls_init_value") is not None or vision.number("ls_init_value", default=-1) >= 0
            else 0,
        )
    )
    yield from dense(2 * width, 9 * width)
    yield from dense(4 * width, 18 * width)
    if token:
        yield vector(width)
    if vision.flag("use_abs_posemb", default=True):
        yield table(token + (image // patch) ** 2, width)
    dim = width // max(1, heads)
    yield buffer((token + (image // patch) ** 2) * layers, dim)


def step3(vision: Sizes) -> Iterator[Piece]:
    """step3_vl.py Step3VisionTransformer."""
    hidden, patch = vision.need("hidden_size"), vision.side("patch_size")
    positions = (vision.side("image_size") // patch) ** 2 + 1
    yield vector(hidden)
    yield from dense(hidden, vision.need("num_channels", default=3) * patch * patch)
    yield table(positions, hidden)
    yield from blocks(vit_blocks(vision))


def dots(vision: Sizes) -> Iterator[Piece]:
    """dots_ocr.py DotsVisionTransformer."""
    hidden, bias = vision.need("embed_dim"), vision.flag("use_bias")
    yield from dense(hidden, vision.need("num_channels", default=3) * vision.side("patch_size") ** 2)
    yield vector(hidden)
    yield from blocks(
        Blocks(
            hidden=hidden,
            inter=vision.need("intermediate_size"),
            heads=vision.need("num_attention_heads"),
            count=vision.need("num_hidden_layers"),
            gated=True,
            rms=True,
            qkv_bias=bias,
            out_bias=bias,
            mlp_bias=bias,
        )
    )
    if vision.flag("post_norm", default=True):
        yield vector(hidden)


def dots_merger(vision: Sizes, out: int) -> Iterator[Piece]:
    """dots_ocr.py PatchMerger."""
    hidden = vision.need("embed_dim")
    wide = hidden * vision.need("spatial_merge_size", default=2) ** 2
    yield layer_norm(hidden)
    yield from column(wide, wide)
    yield from row(out, wide)


TIMM_SIGLIP = Blocks(hidden=1152, inter=4304, heads=16, count=27, whole_attention=True, vllm_layers=False)
"""timm's vit_so400m_patch14_siglip_*."""
TIMM_DINO = Blocks(
    hidden=1024,
    inter=4096,
    heads=16,
    count=24,
    scales=2,
    whole_attention=True,
    whole_mlp=True,
    vllm_layers=False,
)
"""timm's vit_large_patch14_reg4_dinov2."""


def timm_siglip(image: int, *, shared: bool = False) -> Iterator[Piece]:
    """timm's vision_transformer.py VisionTransformer with its pooling head.

    Args:
        shared: the GPUs share the MLPs.
    """
    it = replace(TIMM_SIGLIP, whole_mlp=not shared)
    hidden = it.hidden
    yield from dense(hidden, 3 * 14**2)
    yield table((image // 14) ** 2, hidden)
    yield from blocks(it)
    yield layer_norm(hidden)
    yield vector(hidden)
    yield from dense(hidden, hidden, 2)
    yield from dense(2 * hidden, hidden)
    yield layer_norm(hidden)
    one, other = (column, row) if shared else (dense, dense)
    yield from one(it.inter, hidden)
    yield from other(hidden, it.inter)


def timm_dino() -> Iterator[Piece]:
    """timm's vision_transformer.py VisionTransformer with four registers, for images of 224 pixels."""
    hidden = TIMM_DINO.hidden
    yield from dense(hidden, 3 * 14**2)
    yield table((224 // 14) ** 2, hidden)
    yield vector(5 * hidden)
    yield from blocks(TIMM_DINO)
    yield layer_norm(hidden)
