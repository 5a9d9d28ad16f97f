"""Single matrices of single families, as vLLM 0.32.0 builds them on its meta device."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.models.class_defaults import left_out, ties
from modelcar_tui.models.config import Reader
from modelcar_tui.models.encoder_ends import ends_of
from modelcar_tui.models.expert_layers import moe_flags
from modelcar_tui.models.families import family_of
from modelcar_tui.models.rope import ropes_of
from modelcar_tui.models.shape import Shape, shape_of
from modelcar_tui.models.towers.part import held_bytes
from modelcar_tui.models.weights import tensors
from support import vllm_data

ROWS = [
    # (model, layers' kind, experts, GPUs, label, rows, columns)
    ("kimi-linear-48b", "state", True, 8, "experts' down", 256 * 2304, 256),
    ("granite-4.0-h-small", "state", True, 4, "in_proj", 4384, 4096),
    ("mamba-codestral-7b", "state", False, 8, "in_proj", 2320, 4096),
    ("mamba-codestral-7b", "state", False, 8, "conv", 1280, 5),
    ("moonshotai/Moonlight-16B-A3B", "mla", True, 8, "q_b_proj", 384, 1536),
    ("FalconForCausalLM", "full", False, 1, "qkv_proj", 4672, 4544),
    ("ApertusForCausalLM", "full", False, 2, "up_proj", 7168, 4096),
    ("LagunaForCausalLM", "full", True, 2, "attention gate", 24, 2048),
    ("HYV4ForCausalLM", "mla", True, 4, "attention gate", 2048, 2816),
    ("Zamba2ForCausalLM", "full", False, 4, "adapter up", 5120, 128),
    ("HrmTextForCausalLM", "full", False, 2, "qkv_proj", 3072, 1536),
    ("deepseek-ai/DeepSeek-V4-Pro", "", True, 1, "o_a_proj", 16384, 4096),
    ("google/gemma-3n-E4B text", "full", False, 8, "laurel", 8, 2048),
]


def shape_named(model: str) -> Shape:
    found = shape_of(vllm_data.config_of(model, "none"))
    assert isinstance(found, Shape)
    return found


def weights_of(model: str, kind: str, experts: bool, tp: int) -> dict[str, tensors.Weight]:
    shape = shape_named(model)
    found = {
        weight.label: weight
        for one, layer_kind, has, _ in tensors.distinct_layers(shape, 0, shape.layers)
        if has is experts and layer_kind == (kind or layer_kind)
        for weight in tensors.layer_weights(one, layer_kind, experts=has, tp=tp, ep=1)
    }
    assert found, model
    return found


@pytest.mark.parametrize(("model", "kind", "experts", "tp", "label", "rows", "columns"), ROWS)
def test_a_matrix_has_the_size_that_vllm_gives_it(
    model: str, kind: str, experts: bool, tp: int, label: str, rows: int, columns: int
) -> None:
    weight = weights_of(model, kind, experts, tp)[label]
    assert (weight.out, weight.inner) == (rows, columns)


def test_kimis_experts_are_padded_from_0_27_on() -> None:
    shape = shape_named("kimi-linear-48b")
    parts = {
        release: next(
            weight.inner
            for weight in tensors.layer_weights(shape, "state", experts=True, tp=8, ep=1, release=release)
            if weight.label == "experts' down"
        )
        for release in ((0, 24), (0, 27))
    }
    assert parts == {(0, 24): 128, (0, 27): 256}
    alone = tensors.layer_weights(shape, "state", experts=True, tp=1, ep=1)
    assert next(weight.inner for weight in alone if weight.label == "experts' down") == 1024


def test_layers_that_share_keys_have_no_matrix_for_them_from_0_30_on() -> None:
    shape = shape_named("google/gemma-3n-E4B text")
    sharing = next(one for one, *_ in tensors.distinct_layers(shape, 34, 35))
    rows = [
        next(iter(tensors.layer_weights(sharing, "full", experts=False, tp=8, ep=1, release=release))).out
        for release in ((0, 28), (0, 30))
    ]
    assert sharing.shares_kv
    assert rows == [768, 256]


def test_deepseek_v4_compresses_each_layer_by_its_own_ratio() -> None:
    shape = shape_named("deepseek-ai/DeepSeek-V4-Flash")
    rows = [
        [
            weight.out
            for weight in tensors.layer_weights(one, kind, experts=has, tp=8, ep=1)
            if weight.label == "compressor"
        ]
        for one, kind, has, _ in (next(tensors.distinct_layers(shape, at, at + 1)) for at in (0, 2, 3))
    ]
    assert rows == [[], [2048, 512], [1024]]


@pytest.mark.parametrize(
    ("config", "with_experts"),
    [
        ({"first_k_dense_replace": 1, "moe_layer_freq": 2}, {2, 4}),
        ({"decoder_sparse_step": 2}, {1, 3, 5}),
        ({"interleave_moe_layer_step": 3}, {2, 5}),
        ({"moe_layer_start_index": 2, "moe_layer_interval": 1}, {2, 3, 4, 5}),
        ({"moe_layer_start_index": [3, 1]}, {1, 2, 3, 4, 5}),
        ({"num_dense_layers": 4}, {4, 5}),
        ({"mlp_only_layers": [0, 5]}, {1, 2, 3, 4}),
        ({"expert_layer_period": 2, "expert_layer_offset": 1}, {1, 3, 5}),
        ({"mlp_layer_types": ["dense", *["sparse"] * 5]}, {1, 2, 3, 4, 5}),
        ({"moe_layer_freq": [0, 1, 0, 1, 0, 1]}, {1, 3, 5}),
        ({"moe_layers_enum": "3,4"}, {3, 4}),
        ({"hybrid_override_pattern": "ME*-ME"}, {1, 5}),
        ({}, {0, 1, 2, 3, 4, 5}),
    ],
    ids=str,
)
def test_each_family_says_in_its_own_way_which_layers_hold_experts(
    config: dict[str, Any], with_experts: set[int]
) -> None:
    flags = moe_flags(Reader(config), family_of(""), 6)
    assert {index for index, flag in enumerate(flags) if flag} == with_experts


def test_a_rope_for_pictures_counts_four_times_the_positions_until_0_32_for_qwen_3() -> None:
    rope = {"rope_type": "default", "mrope_section": [24, 20, 20]}
    text = {"model_type": "qwen3_vl_text", "hidden_size": 64, "num_hidden_layers": 1, "vocab_size": 128}
    text |= {"num_attention_heads": 4, "head_dim": 128, "max_position_embeddings": 1000, "rope_scaling": rope}
    shape = shape_of(text)
    assert isinstance(shape, Shape)
    assert [shape.ropes.held(release) for release in ((0, 31), (0, 32))] == [4 * 256_000, 256_000]
    elder = shape_of({**text, "model_type": "qwen2_vl_text"})
    assert isinstance(elder, Shape)
    assert [elder.ropes.held(release) for release in ((0, 31), (0, 32))] == [4 * 256_000] * 2


def test_gemma_4s_full_layers_have_a_wider_rope_of_their_own() -> None:
    shape = shape_named("Gemma4ForCausalLM")
    assert [(one.rows, one.dim) for one in shape.ropes.caches] == [(131072, 512), (131072, 256)]


def test_what_a_config_leaves_out_is_its_classs_and_what_it_denies_is_not() -> None:
    moonlight = vllm_data.config_of("moonshotai/Moonlight-16B-A3B", "none")
    assert left_out(moonlight)["q_lora_rank"] == 1536
    assert "q_lora_rank" not in left_out({**moonlight, "q_lora_rank": None})
    assert "hidden_size" not in left_out({"model_type": "llama"})
    assert left_out({"model_type": "nobody-knows"}) == {}


def test_a_composites_own_word_ties_its_language_model() -> None:
    text = {"text_config": {"model_type": "mistral", "tie_word_embeddings": False}}
    assert ties({"model_type": "mistral3", **text}) is True  # its class's
    assert ties({"model_type": "mistral3", "tie_word_embeddings": False, **text}) is False
    assert ties({"model_type": "mistral", "tie_word_embeddings": True}) is None


@pytest.mark.parametrize(
    ("arch", "told", "tp", "mib"),
    [
        ("JinaForRanking", {"hidden_size": 1024}, 8, 1.5),
        ("VoyageQwen3BidirectionalEmbedModel", {"hidden_size": 1024, "num_labels": 2048}, 8, 4.0),
        ("Qwen2ForRewardModel", {"hidden_size": 896, "num_labels": 1}, 2, 1.5347),
    ],
)
def test_a_decoder_that_pools_may_have_matrices_after_its_layers(
    arch: str, told: dict[str, Any], tp: int, mib: float
) -> None:
    ends = ends_of(Reader(told), arch, told["hidden_size"], 151936)
    assert held_bytes(ends, tp, 2, (0, 32)) / 2**20 == pytest.approx(mib, abs=1e-4)


@pytest.mark.parametrize(
    ("config", "caches"),
    [
        ({"model_type": "internlm2"}, [(8192, 128)]),
        ({"model_type": "glm_ocr_text", "max_position_embeddings": 4096}, [(4096, 64)]),
        (
            {"model_type": "plamo3", "max_position_embeddings": 4096, "rope_local_theta": 10000},
            [(4096, 128), (4096, 128)],
        ),
        ({"model_type": "falcon_mamba"}, []),
    ],
    ids=str,
)
def test_ropes_are_those_that_vllm_makes_of_what_is_said_and_of_what_is_not(
    config: dict[str, Any], caches: list[tuple[int, int]]
) -> None:
    read = Reader(config)
    family = family_of(config["model_type"])
    found = ropes_of(read, family, (128, 128), ("full", "sliding")).caches
    assert [(one.rows, one.dim) for one in found] == caches
