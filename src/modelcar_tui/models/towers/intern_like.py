"""InternVL and its cousins: pixels are shuffled, then led through whole layers."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec.structs import replace

from modelcar_tui.models.towers import vits
from modelcar_tui.models.towers.encoders import attention, besides_attention
from modelcar_tui.models.towers.part import Part, part
from modelcar_tui.models.towers.pieces import layer_norm
from modelcar_tui.models.towers.projectors import whole_mlp
from modelcar_tui.models.towers.sizes import Sizes, text_width


def intern_s1(whole: Sizes) -> Iterator[Part]:
    """interns1.py: InternVL as transformers writes it."""
    vision = whole.part("vision_config")
    yield part("vision", vits.intern_s1_vit(vision), name="vision_tower", quantized=False)
    yield _projector(whole, vision, "multi_modal_projector")


def internvl_chat(whole: Sizes) -> Iterator[Part]:
    """internvl.py."""
    vision = whole.part("vision_config")
    yield from _tower(whole, vision)
    yield _projector(whole, vision, "mlp1")


def nvlm(whole: Sizes) -> Iterator[Part]:
    """nvlm_d.py: seven more heads, so that eight GPUs can share them, and a projector without biases."""
    vision, text = whole.part("vision_config"), text_width(whole.given)
    yield from _tower(whole, vision, more_heads=7)
    merged, inter = _merged(whole, vision), whole.part("llm_config").need("intermediate_size")
    yield part("vision", [layer_norm(merged), *whole_mlp(merged, inter, text, bias=False)], name="mlp1")


def _tower(whole: Sizes, vision: Sizes, *, more_heads: int = 0) -> Iterator[Part]:
    """Up to the layer whose output is taken; attention that the GPUs can't share is whole."""
    count, chosen = vision.need("num_hidden_layers"), whole.maybe("select_layer", low=-4096)
    chosen = -1 if chosen is None else chosen
    it = vits.intern_blocks(vision, count + chosen + 1 if chosen < 0 else chosen + 1)
    if more_heads:
        heads = it.heads + more_heads
        it = replace(it, heads=heads, head_dim=it.dim, qk_norm=2 * heads * it.dim if it.qk_norm else 0)
    yield part("vision", vits.intern_stem(vision), name="vision_model.embeddings")
    yield part("vision", attention(it), name="vision_model", data=True, heads=it.heads)
    yield part("vision", besides_attention(it), name="vision_model", data=True)


def _merged(whole: Sizes, vision: Sizes) -> int:
    return vision.need("hidden_size") * int(1 / max(1e-3, whole.number("downsample_ratio", default=0.5))) ** 2


def _projector(whole: Sizes, vision: Sizes, name: str) -> Part:
    text = text_width(whole.given)
    merged = _merged(whole, vision)
    return part("vision", [layer_norm(merged), *whole_mlp(merged, text, text)], name=name)
