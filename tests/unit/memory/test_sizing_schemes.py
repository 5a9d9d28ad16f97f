"""Quantizations as checkpoints and people describe them, and draft heads."""

from __future__ import annotations

from typing import Any

import pytest
from sizing_models import LLAMA_8B, QWEN_NEXT

from modelcar_tui.hardware.products import gpu_for
from modelcar_tui.memory.estimate import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.storage import scheme_of
from modelcar_tui.vllm.engine_args import engine_args


def size(
    config: dict[str, Any], *args: str, gpu: str = "H100", gpus: int = 1, vllm: str = "0.19.0"
) -> Estimate:
    wanted = engine_args((f"--tensor-parallel-size={gpus}", *args), None, vllm)
    return estimate(ModelFacts(config=config), gpu_for(gpu, count=8), wanted, vllm=vllm)


@pytest.mark.parametrize(
    ("text", "name", "bits"),
    [
        ("fp8_e4m3", "fp8", 8),
        ("float8", "fp8", 8),
        ("modelopt", "fp8", 8),
        ("bitsandbytes 8bit", "bitsandbytes", 8),
        ("bnb-4bit", "bitsandbytes", 4),
        ("experts_int8", "experts_int8", 8),
        ("W4AFP8", "int4", 4),
        ("GPTQ 8-bit", "w8a16", 8),
        ("inc/auto-round int4", "int4", 4),
        ("AWQ int4 g64", "int4", 4),
        ("from checkpoint: mxfp4 experts", "mxfp4", 4),
    ],
)
def test_what_people_call_a_quantization(text, name, bits):
    found = scheme_of(None, None, text)
    assert (found.name, found.bits, found.known) == (name, bits, True)


@pytest.mark.parametrize("text", ["quark", "exl2", "torchao", "somebody's own"])
def test_a_word_that_says_no_bits_is_not_known(text):
    assert not scheme_of(None, None, text).known


@pytest.mark.parametrize(
    ("ignored", "attention", "mixers"),
    [
        (["lm_head"], True, True),
        (["model.layers.3.self_attn*"], False, True),
        (["re:.*self_attn.*", "re:.*linear_attn.*"], False, False),
        (["model.layers.0.self_attn.q_a_proj"], False, True),
        (["model.layers.0.self_attn.indexers_proj", "model.layers.0.self_attn.q_norm"], True, True),
        (["model.layers.0.linear_attn.conv1d", "model.layers.0.linear_attn.in_proj_a"], True, True),
    ],
)
def test_an_ignore_list_means_large_matrices_or_details(ignored, attention, mixers):
    for key in ("ignore", "modules_to_not_convert", "exclude_modules"):
        found = scheme_of({"quant_method": "fp8", key: ignored}, None)
        assert (found.attention, found.mixers) == (attention, mixers)
    nested = scheme_of({"quantization": {"quant_algo": "NVFP4", "exclude_modules": ignored}}, None)
    assert (nested.name, nested.attention, nested.mixers) == ("nvfp4", attention, mixers)


def test_mixed_precision_counts_each_kind_of_layer_by_its_own():
    layers = {
        "model.layers.0.linear_attn.in_proj_qkv": {"quant_algo": "FP8"},
        "model.layers.3.self_attn.q_proj": {"quant_algo": "FP8"},
        "model.layers.0.mlp.gate_proj": {"quant_algo": "W4A16_NVFP4", "group_size": 16},
    }
    mixed = {"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION", "quantized_layers": layers}
    whole = size(
        {**QWEN_NEXT, "quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}}, gpus=2
    )
    found = size({**QWEN_NEXT, "quantization_config": mixed}, gpus=2)
    attention = {term.label: term.value for term in found.weights_gib.terms}["attention"]
    short = {term.label: term.value for term in whole.weights_gib.terms}["attention"]
    assert attention == pytest.approx(short * 8 / 4.5, rel=0.02)


def test_a_draft_head_is_a_layer_and_its_cache_with_bounds():
    plain = size(LLAMA_8B, "--max-model-len=8192")
    head = size(
        LLAMA_8B,
        "--max-model-len=8192",
        '--speculative-config={"method": "eagle3", "num_speculative_tokens": 3}',
    )
    assert head.outcome is Outcome.STARTS
    assert head.weights_gib.value - plain.weights_gib.value == pytest.approx(0.5, abs=0.1)
    assert head.weights_gib.high - head.weights_gib.value == pytest.approx(
        2 * 128256 * 4096 * 2 / 2**30, rel=0.01
    )
    assert head.kv_bytes_per_token.value == plain.kv_bytes_per_token.value * 33 / 32
    own = size(LLAMA_8B, '--speculative-config={"model": "a/draft", "num_speculative_tokens": 3}')
    assert own.outcome is Outcome.UNKNOWN
    assert "draft model" in own.why


def test_a_verdict_that_hangs_on_the_heads_vocabulary_is_unknown():
    config = {**LLAMA_8B, "max_position_embeddings": 8192}
    draft = '--speculative-config={"method": "eagle", "num_speculative_tokens": 2}'
    outcomes = {
        size(config, f"--gpu-memory-utilization={share / 1000}", draft).outcome
        for share in range(200, 300, 2)
    }
    assert outcomes == {Outcome.STARTS, Outcome.UNKNOWN, Outcome.REFUSED_NO_KV}


@pytest.mark.parametrize(
    ("gpu", "length", "outcome"),
    [("TPU-v6e", 2048, Outcome.STARTS), ("Intel Arc Pro B60", 8192, Outcome.UNKNOWN)],
)
def test_other_devices_start_only_what_fits_amply(gpu, length, outcome):
    assert size(LLAMA_8B, f"--max-model-len={length}", gpu=gpu).outcome is outcome


def test_a_block_of_a_quantized_expert_must_not_be_cut():
    """The real refusal of Qwen3 235B in FP8 on eight GPUs; expert parallelism is the way out."""
    config = {
        **LLAMA_8B,
        "architectures": ["Qwen3MoeForCausalLM"],
        "model_type": "qwen3_moe",
        "num_experts": 32,
        "num_experts_per_tok": 8,
        "moe_intermediate_size": 1536,
        "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
    }
    found = size(config, gpus=8)
    assert found.outcome is Outcome.REFUSED_QUANT
    assert "= 192 is not divisible by weight quantization block_n = 128" in found.error
    assert size(config, gpus=4).outcome is Outcome.STARTS
    assert size(config, "--enable-expert-parallel", gpus=8).outcome is Outcome.STARTS
