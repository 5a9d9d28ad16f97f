"""What published quantizations list, by the names of their checkpoints."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.memory.cases import model_of
from modelcar_tui.models.known import known_model, known_models
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.models.public import public_model
from modelcar_tui.models.quantization.named_layers import Rule, Storage
from modelcar_tui.models.quantization.scheme import PLAIN_SCHEME


def model(facts: Any) -> Model:
    found = describe_model(facts, quantization=None, dtype="auto", overrides=None)
    assert isinstance(found, Model), found
    return found


def test_each_list_names_a_known_model_and_a_scheme_of_the_table() -> None:
    for name in known_models().lists:
        known = known_model(name)
        assert known is not None, name
        assert known.quantization == known_models().lists[name]
        found = public_model(name)
        assert found is not None
        assert model(found.facts).scheme.known, name
        assert model(found.facts).usual is None, name


def test_a_list_is_heard_by_the_full_name_alone() -> None:
    listed = public_model("nvidia/DeepSeek-V3.2-NVFP4")
    other = public_model("someone/DeepSeek-V3.2-NVFP4")
    assert listed is not None and other is not None
    assert model(listed.facts).usual is None
    assert model(other.facts).usual is not None


def test_its_attention_is_left_but_for_the_way_out() -> None:
    """DeepSeek V3.2's q_a, q_b, kv_a, kv_b and indexer; o_proj is in 4 bits, and so are its experts."""
    found = public_model("nvidia/DeepSeek-V3.2-NVFP4")
    assert found is not None
    own = model(found.facts)
    ((_, _, layer),) = own.storage.runs(3, 4)
    bits = {
        weight.label: layer.of(own.shape, weight, experts=True).bits
        for weight in _weights(own)
        if weight.role in ("attention", "expert", "linear")
    }
    left = {"q_a and kv_a", "q_b_proj", "kv_b_proj", "indexer's q_b"}
    assert {label for label, size in bits.items() if size == 16} == left
    assert {label for label, size in bits.items() if size == 4} >= {"o_proj", "gate_up_proj", "experts' down"}


def _weights(own: Model) -> list[Any]:
    from modelcar_tui.models.weights import tensors

    return list(tensors.layer_weights(own.shape, "mla", experts=True, tp=1, ep=1))


def test_a_case_of_that_name_hears_it_only_with_that_models_sizes() -> None:
    config = {"hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128, "vocab_size": 129280}
    told = {"model": "nvidia/DeepSeek-V3.2-NVFP4", "config": {**config, "quantization": "nvfp4 (modelopt)"}}
    assert "quantization_config" in (model_of(told).config or {})
    told["config"]["num_hidden_layers"] = 60
    assert "quantization_config" not in (model_of(told).config or {})


@pytest.mark.parametrize("name", sorted(known_models().lists))
def test_patterns_stand_for_layers_as_the_rules_read_them(name: str) -> None:
    """One for what a list says of each layer."""
    told = known_models().lists[name]
    inner = told.get("quantization", told)
    patterns = next(
        inner[key] for key in ("exclude_modules", "ignore", "modules_to_not_convert") if key in inner
    )
    assert patterns
    assert all(isinstance(pattern, str) and pattern for pattern in patterns)
    assert sum("layers.*" in pattern for pattern in patterns) < 10


def test_some_publishers_fp8_is_always_in_blocks() -> None:
    for name in ("Qwen/Qwen3-Next-80B-A3B-Instruct-FP8", "zai-org/GLM-4.5-FP8", "MiniMaxAI/MiniMax-M2.5-FP8"):
        found = public_model(name)
        assert found is not None
        assert model(found.facts).scheme.block == 128
        assert model(found.facts).usual is None


def test_what_is_published_in_few_bits_under_the_models_own_name_is_known_to_be() -> None:
    for name, bits in (("moonshotai/Kimi-K2-Thinking", 4), ("mistralai/Ministral-3-8B-Instruct-2512", 8)):
        found = public_model(name)
        assert found is not None
        assert model(found.facts).scheme.bits == bits
    other = public_model("mistralai/Ministral-3-8B-Instruct-2512-BF16")
    assert other is not None
    assert model(other.facts).scheme.bits == 16


def test_nvidias_words_mean_its_own_tool() -> None:
    by_nvidia = public_model("nvidia/Llama-3.3-70B-Instruct-FP8")
    by_others = public_model("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic")
    assert by_nvidia is not None and by_others is not None
    assert model(by_nvidia.facts).scheme.ids == ("modelopt-fp8",)
    assert model(by_nvidia.facts).scheme.scale_bytes == 0
    assert model(by_others.facts).scheme.scale_bytes == 4


def test_public_models_have_the_towers_that_logs_show() -> None:
    """Ministral 3 14B: 0.82 GiB beside its text (logged 0.81); Maverick's 1.6 on one GPU."""
    sizes = {}
    for name in ("ministral-3-14b", "llama-4-maverick-17b-128e"):
        shape = model(public_model(name).facts).shape  # type: ignore[union-attr]
        assert shape.tower is not None and not shape.tower.missing
        sizes[name] = shape.tower.elements * 2 / 2**30
    assert sizes == {
        "ministral-3-14b": pytest.approx(0.82, abs=0.01),
        "llama-4-maverick-17b-128e": pytest.approx(1.62, abs=0.05),
    }
    coder = public_model("RedHatAI/Qwen3-Coder-Next-FP8-dynamic")
    assert coder is not None
    assert model(coder.facts).shape.experts_at == (True,) * 48


def test_a_pattern_that_no_layer_can_fit_keeps_layers_alike() -> None:
    """`mtp.layers.0*` has a digit and names no decoder layer, so all 60 are read as one."""
    found = public_model("nvidia/Qwen3.5-397B-A17B-NVFP4")
    assert found is not None
    own = model(found.facts)
    assert len(list(own.storage.runs(0, own.shape.layers))) == 1


def test_a_pattern_with_a_digit_that_layers_can_fit_parts_them() -> None:
    parted = Storage(PLAIN_SCHEME, [Rule("model.layers.*7.mlp*")])
    assert len(list(parted.runs(0, 9))) > 1
    assert len(list(Storage(PLAIN_SCHEME, [Rule("mtp.layers.0*"), Rule("model.visual.3*")]).runs(0, 9))) == 1
