"""Bytes of a model's weights as its checkpoint stores them: no split, no padding, no kernel's layout."""

from __future__ import annotations

from functools import lru_cache

import msgspec

from modelcar_tui.models.quantization.named_layers import SECOND_COPY, Storage
from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME, Scheme
from modelcar_tui.models.shape import Shape
from modelcar_tui.models.weights import tensors
from modelcar_tui.models.weights.tensors import Weight


def stored_bytes(weight: Weight, scheme: Scheme, width: int) -> float:
    """Bytes of one such matrix with its scales.

    Args:
        scheme: its own.
        width: bytes of an unquantized weight.
    """
    if scheme.bits >= PLAIN_SCHEME.bits:
        return weight.out * weight.inner * (weight.width or width)
    count = scheme.expert_bytes if weight.role == "expert" else scheme.linear_bytes
    return count(weight.out, weight.inner)


@lru_cache(maxsize=512)
def whole_bytes(shape: Shape, storage: Storage, width: int) -> float:
    """Bytes of the checkpoint's text model as the config describes it: no split, padding or caches."""
    total = 0.0
    for first, last, own in storage.runs(0, shape.layers):
        for one, kind, experts, count in tensors.distinct_layers(shape, first, last):
            for weight in tensors.layer_weights(
                one, kind, experts=experts, tp=1, ep=1, release=tensors.STORED
            ):
                if weight.label != SECOND_COPY:
                    plain = msgspec.structs.replace(weight, width=0)
                    size = stored_bytes(plain, own.of(one, weight, experts=experts), width)
                    total += size * weight.count * count
    edge = shape.vocab * shape.hidden * width
    if not (shape.tied or shape.encoder_only):
        head = storage.head
        total += head.linear_bytes(shape.vocab, shape.hidden) if head.bits < PLAIN_SCHEME.bits else edge
    loose = tensors.loose_elements(shape, 1) + sum(part.elements for part in shape.ends)
    return total + edge + (shape.hidden + loose) * width
