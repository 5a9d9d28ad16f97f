"""Facts from several sources put together: the most trusted that is known wins, the source stays visible."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.models import ModelFacts

T = TypeVar("T")
_BASE_BYTES = 8_000_000
"""What the base image (ubi-micro) and tokenizer files weigh beside the weights."""


def first_known(*facts: Fact[T]) -> Fact[T]:
    """The first fact with a value, else the first that says why there is none."""
    return next((fact for fact in facts if fact.known), next((fact for fact in facts if fact.note), facts[0]))


def complete(model: ModelFacts, guess: ModelFacts, size: Fact[int]) -> ModelFacts:
    """`model` with its gaps filled: from the image's size, then from catalog and name."""
    bits = first_known(model.bits, guess.bits)
    weight_bytes = first_known(model.weight_bytes, _weights_of_image(size))
    by_size = _parameters_of_bytes(weight_bytes, bits)
    parameters = first_known(model.parameters, _unless_contradicted(guess.parameters, by_size), by_size)
    return msgspec.structs.replace(
        model,
        parameters=parameters,
        weight_bytes=first_known(weight_bytes, guess.weight_bytes),
        bits=bits,
        quantization_name=first_known(model.quantization_name, guess.quantization_name),
    )


def _weights_of_image(size: Fact[int]) -> Fact[int]:
    """An image is its weights and a little more; compressed layers may hide up to a quarter."""
    if size.value is None or size.value <= 2 * _BASE_BYTES:
        return Fact(note=size.note, unit="B")
    return Fact(
        value=size.value - _BASE_BYTES,
        source=Source.LAYERS,
        at=size.at,
        unit="B",
        note="size of the image without its base layer",
        low=size.value * 0.9,
        high=size.value * 1.28,
    )


def _parameters_of_bytes(weights: Fact[int], bits: Fact[int]) -> Fact[int]:
    """Bytes / (bits / 8). Embeddings and scales of a quantized model stay wider, so the truth is lower."""
    if weights.value is None or not bits.value:
        return Fact(note="bytes or bits of the weights unknown", unit="parameters")
    value = weights.value * 8 / bits.value
    low, high = (
        (weights.low or weights.value) * 8 / bits.value,
        (weights.high or weights.value) * 8 / bits.value,
    )
    return Fact(
        value=round(value),
        source=Source.LAYERS,
        at=weights.at,
        unit="parameters",
        note=f"bytes of the weights / {bits.value} bit ({bits.source})",
        low=low * (0.65 if bits.value < 16 else 0.98),
        high=high * (2 if bits.guess else 1),
    )


def _unless_contradicted(guess: Fact[int], by_size: Fact[int]) -> Fact[int]:
    """The publisher's figure beats a figure from bytes, a figure from a name only where the bytes agree."""
    if guess.value is None or by_size.value is None or guess.source is not Source.NAME:
        return guess
    low, high = by_size.low or 0, by_size.high or float("inf")
    return (
        guess if (guess.low or 0) <= high and (guess.high or float("inf")) >= low else Fact(note=guess.note)
    )
