"""Weights counted from a config.json alone agree with the published totals, or are not stated."""

from __future__ import annotations

import pytest

from modelcar_tui.models.count import count_parameters

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "tie_word_embeddings": False,
}
GRANITE = {
    "architectures": ["GraniteForCausalLM"],
    "model_type": "granite",
    "hidden_size": 4096,
    "num_hidden_layers": 40,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 12800,
    "vocab_size": 49155,
    "tie_word_embeddings": True,
}


@pytest.mark.parametrize(("config", "published"), [(LLAMA, 8_030_261_248), (GRANITE, 8_170_848_256)])
def test_published_totals(config: dict[str, object], published: int) -> None:
    assert count_parameters(config) == pytest.approx(published, rel=1e-4)


@pytest.mark.parametrize("config", [{}, {"architectures": ["Whatever"]}, {"hidden_size": "many"}])
def test_what_is_not_described_is_unknown(config: dict[str, object]) -> None:
    assert count_parameters(config) is None
