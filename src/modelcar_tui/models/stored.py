"""Bytes of a model's weights as its checkpoint stores them: no split, no padding, no kernel's layout."""

from __future__ import annotations

from functools import lru_cache

from modelcar_tui.models import tensors
from modelcar_tui.models.scheme import Scheme
from modelcar_tui.models.shape import Shape
from modelcar_tui.models.tensors import Weight

STATE_PARTS = frozenset(
    {
        "in_proj",
        "out_proj",
        "conv",
        "x_proj",
        "dt_proj",
        "A and D",
        "decay and gate down",
        "decay and gate up",
    }
)
"""Labels of the weights of state-space mixers."""


def stored_bytes(weight: Weight, scheme: Scheme, width: int) -> float:
    """Bytes of one such matrix with its scales; `width`: bytes of an unquantized weight."""
    if weight.role == "plain" or weight.inner == 1 or (scheme.bits >= 16 and not scheme.attention_as):
        return weight.out * weight.inner * width
    if weight.role == "expert":
        return scheme.expert_bytes(weight.out, weight.inner)
    own = scheme.of_attention() if weight.role == "attention" else scheme
    if weight.label in STATE_PARTS:
        own = scheme.of_mixers()
    if own.bits >= 16 or (scheme.experts_only and weight.role == "linear"):
        return weight.out * weight.inner * width
    return own.linear_bytes(weight.out, weight.inner)


@lru_cache(maxsize=512)
def whole_bytes(shape: Shape, scheme: Scheme, width: int) -> float:
    """Bytes of the checkpoint's text model as the config describes it: no split, padding or caches."""
    total = 0.0
    for one, kind, experts, count in tensors.distinct(shape, 0, shape.layers):
        for weight in tensors.layer(one, kind, experts=experts, tp=1, ep=1):
            if weight.label != "absorbed kv_b":
                total += stored_bytes(weight, scheme, width) * weight.count * count
    edge = shape.vocab * shape.hidden * width
    if not (shape.tied or shape.encoder_only):
        total += scheme.linear_bytes(shape.vocab, shape.hidden) if scheme.head else edge
    return total + edge + shape.hidden * width + tensors.loose(shape, 1) * width
