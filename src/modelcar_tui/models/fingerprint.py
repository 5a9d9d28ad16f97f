"""Whether two images hold the same model, as far as its memory goes."""

from __future__ import annotations

import hashlib

import msgspec

from modelcar_tui.models.facts import ModelFacts


def model_fingerprint(facts: ModelFacts) -> str:
    """Sixteen hexadecimal digits of what decides about a model's memory in its own files: config.json, the
    quantization beside it, processors; empty where there is no config.json."""
    if facts.config is None:
        return ""
    told = (facts.config, facts.quantization, facts.processors)
    return hashlib.sha256(msgspec.json.encode(told, order="sorted")).hexdigest()[:16]
