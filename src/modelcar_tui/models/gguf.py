"""A GGUF header's metadata in the words of a config.json."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMES = {
    "embedding_length": "hidden_size",
    "block_count": "num_hidden_layers",
    "attention.head_count": "num_attention_heads",
    "attention.head_count_kv": "num_key_value_heads",
    "attention.key_length": "head_dim",
    "feed_forward_length": "intermediate_size",
    "expert_feed_forward_length": "moe_intermediate_size",
    "expert_count": "num_experts",
    "expert_used_count": "num_experts_per_tok",
    "context_length": "max_position_embeddings",
    "vocab_size": "vocab_size",
    "attention.sliding_window": "sliding_window",
}
_TYPES = {
    "qwen3moe": "qwen3_moe",
    "gpt-oss": "gpt_oss",
    "phi3": "phi3",
    "gemma2": "gemma2",
    "gemma3": "gemma3_text",
}


def config_of_gguf(metadata: Mapping[str, Any]) -> dict[str, Any] | None:
    """What a config.json would say; None where the header names no architecture."""
    family = metadata.get("general.architecture")
    if not isinstance(family, str) or not family:
        return None
    found: dict[str, Any] = {"model_type": _TYPES.get(family, family)}
    for name, ours in _NAMES.items():
        value = metadata.get(f"{family}.{name}")
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            found[ours] = value
    return found
