"""Quantizations as checkpoints and people describe them, and draft heads."""

from __future__ import annotations

from typing import Any

import pytest
from sizing_models import QWEN_NEXT

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.memory.weights import BUFFERS
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.models.quantization.listed import storage_for
from modelcar_tui.models.quantization.storage import scheme_of
from modelcar_tui.models.shape import Shape, shape_of
from modelcar_tui.models.weights.tensors import Weight
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from support import vllm_data
from support.configs import LLAMA_8B


def size(
    config: dict[str, Any], *args: str, gpu: str = "H100", gpus: int = 1, vllm: str = "0.19.0"
) -> Estimate:
    wanted = read_engine_args((f"--tensor-parallel-size={gpus}", *args), None, vllm)
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


ATTENTION = Weight("qkv_proj", 64, 64, role="attention")
MIXER, MLP = Weight("in_proj", 64, 64), Weight("gate_up_proj", 64, 64)
EXPERTS = Weight("experts' down", 64, 64, role="expert")


def quantized(config: dict[str, Any], layer: int, *weights: Weight, experts: bool = False) -> list[bool]:
    """Which of these matrices of a layer are stored in fewer bits."""
    shape = shape_of(QWEN_NEXT)
    assert isinstance(shape, Shape)
    storage = storage_for(config, scheme_of(config, None))
    ((_, _, own),) = storage.runs(layer, layer + 1)
    return [own.of(shape, weight, experts=experts).bits < 16 for weight in weights]


@pytest.mark.parametrize(
    ("ignored", "attention", "mixers"),
    [
        (["lm_head"], True, True),
        (["model.layers.3.self_attn*"], False, True),
        (["model.language_model.layers.3.self_attn.q_proj"], False, True),
        (["re:.*self_attn.*", "re:.*linear_attn.*"], False, False),
        (["model.layers.4.self_attn*", "model.layers.30.linear_attn*"], True, True),
        (["model.layers.3.self_attn.indexers_proj", "model.layers.3.self_attn.q_norm"], True, True),
        (["model.layers.3.linear_attn.conv1d", "model.layers.3.linear_attn.in_proj_a"], True, True),
        (["*self_attn*"], False, True),
        (["model.layers.3*"], False, False),
    ],
)
def test_an_ignore_list_names_matrices_of_a_layer(ignored, attention, mixers):
    for method, key in (("modelopt", "ignore"), ("modelopt", "exclude_modules")):
        config = {"quant_method": method, "quant_algo": "NVFP4", key: ignored}
        assert quantized(config, 3, ATTENTION, MIXER) == [attention, mixers]
    nested = {"quantization": {"quant_algo": "NVFP4", "exclude_modules": ignored}}
    assert quantized(nested, 3, ATTENTION, MIXER) == [attention, mixers]


@pytest.mark.parametrize(
    ("method", "ignored", "attention"),
    [
        ("fp8", ["model.layers.3.self_attn.q_proj"], False),
        ("fp8", ["self_attn"], True),
        ("awq", ["self_attn"], False),
        ("awq", ["model.layers.5.self_attn"], True),
    ],
)
def test_each_method_reads_its_list_in_its_own_way(method, ignored, attention):
    config = {"quant_method": method, "bits": 4, "group_size": 64, "modules_to_not_convert": ignored}
    assert quantized(config, 3, ATTENTION) == [attention]


def test_a_shared_expert_has_names_of_its_own():
    config = {"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["*.mlp.shared_experts*"]}
    assert quantized(config, 3, MLP, EXPERTS, experts=True) == [False, True]
    assert quantized(config, 3, MLP) == [True]


def test_attention_beside_a_shared_expert_keeps_its_names():
    names = ["model.layers.3.self_attn.q_proj", "model.layers.3.self_attn.k_proj"]
    config = {"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": names}
    assert quantized(config, 3, ATTENTION, MLP, experts=True) == [False, True]


def test_gptq_names_what_it_quantizes_or_leaves_alone():
    config = {"quant_method": "gptq", "bits": 4, "group_size": 128}
    chosen = {**config, "modules_in_block_to_quantize": [["mlp.gate_proj", "mlp.up_proj"]]}
    assert quantized(chosen, 3, ATTENTION, MLP, EXPERTS) == [False, True, True]
    dynamic = {**config, "dynamic": {r"-:.*\.self_attn\..*": {}}}
    assert quantized(dynamic, 3, ATTENTION, MLP) == [False, True]


def test_an_expression_that_could_take_long_is_left_out():
    config = {"quant_method": "compressed-tensors", "ignore": ["re:(.*)*self_attn", "re:(", "re:.*.*.*.*.*"]}
    assert quantized({**config, "format": "float-quantized"}, 3, ATTENTION) == [True]


def test_groups_of_one_checkpoint_have_their_own_targets():
    def group(bits: int, *targets: str) -> dict[str, Any]:
        return {"targets": list(targets), "weights": {"num_bits": bits, "type": "int", "group_size": 32}}

    config = {"quant_method": "compressed-tensors", "format": "pack-quantized"}
    both = {**config, "config_groups": {"a": group(4, "Linear"), "b": group(8, "re:.*self_attn.*")}}
    shape = shape_of(QWEN_NEXT)
    assert isinstance(shape, Shape)
    ((_, _, own),) = storage_for(both, scheme_of(both, None)).runs(0, 1)
    assert [own.of(shape, each, experts=False).bits for each in (ATTENTION, MLP)] == [8, 4]
    alone = {**config, "config_groups": {"b": group(8, "re:.*self_attn.*")}}
    assert quantized(alone, 3, ATTENTION, MLP) == [True, False]


def test_mixed_precision_counts_each_kind_of_layer_by_its_own():
    fp8, nvfp4 = {"quant_algo": "FP8"}, {"quant_algo": "W4A16_NVFP4", "group_size": 16}
    layers = {
        f"model.layers.{index}.{name}": kind
        for index in range(QWEN_NEXT["num_hidden_layers"])
        for name, kind in (
            ("linear_attn.in_proj_qkv", fp8),
            ("self_attn.q_proj", fp8),
            ("self_attn.o_proj", fp8),
            ("mlp.experts.0.gate_proj", nvfp4),
            ("mlp.experts.7.down_proj", nvfp4),
        )
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
    assert outcomes == {Outcome.STARTS, Outcome.UNKNOWN, Outcome.REFUSED_KV, Outcome.REFUSED_NO_KV}


@pytest.mark.parametrize(
    ("gpu", "length", "outcome"),
    [
        ("TPU-v6e", 2048, Outcome.STARTS),
        ("Intel Arc Pro B60", 8192, Outcome.STARTS),
        ("Intel Arc Pro B60", 32768, Outcome.UNKNOWN),
        ("Intel Arc Pro B60", 65536, Outcome.REFUSED_KV),
    ],
)
def test_other_devices_start_only_what_fits_amply(gpu, length, outcome):
    config = {**LLAMA_8B, "max_position_embeddings": 131072}
    assert size(config, f"--max-model-len={length}", gpu=gpu).outcome is outcome


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


@pytest.mark.parametrize(("tp", "held"), [(8, 102.1811), (16, 68.8963)])
def test_shards_of_deepseek_v4s_experts_are_rounded_up_to_whole_tiles_and_blocks(tp, held):
    """vLLM's parts in 0.24 and 0.32: 3,072 over 16 GPUs are 192, and routed and shared experts hold 256."""
    config = vllm_data.config_of("deepseek-ai/DeepSeek-V4-Pro", "none")
    args = read_engine_args((f"--tensor-parallel-size={tp}", "--max-model-len=8192"), tp, "0.32.0")
    found = estimate(ModelFacts(config=config), gpu_for("H200", count=tp), args, vllm="0.32.0")
    assert found.outcome is Outcome.STARTS
    parts = sum(term.value or 0.0 for term in found.weights_gib.terms if term.label != BUFFERS)
    assert 1 <= parts / held < 1.002


@pytest.mark.parametrize(
    ("method", "ignored", "tower", "projector"),
    [
        ("compressed-tensors", ["lm_head"], 8, 8),
        ("compressed-tensors", ["re:.*visual.*"], 16, 8),
        ("compressed-tensors", ["re:.*multi_modal_projector.*"], 8, 16),
        ("fp8", ["model.visual.blocks.0.attn.qkv", "model.layers.0.self_attn.q_proj"], 16, 8),
        ("fp8", ["model.layers.0.self_attn.q_proj"], 8, 8),
        ("modelopt", ["lm_head"], 8, 8),
        ("modelopt", ["model.visual*"], 16, 8),
        ("awq", ["lm_head"], 16, 16),
    ],
)
def test_a_tower_has_the_scheme_unless_it_is_named(method, ignored, tower, projector):
    group = {
        "targets": ["Linear"],
        "weights": {"num_bits": 8, "type": "float", "strategy": "channel"},
        "input_activations": {"num_bits": 8, "type": "float"},
    }
    key = "ignore" if method in ("compressed-tensors", "modelopt") else "modules_to_not_convert"
    config = {"quant_method": method, "quant_algo": "FP8", "config_groups": {"all": group}, key: ignored}
    storage = storage_for(config, scheme_of(config, None))
    assert storage.of_part("visual").bits == tower
    assert storage.of_part("multi_modal_projector").bits == projector
    assert (
        storage_for({"quant_method": "modelopt"}, scheme_of(config, None)).of_part("vision_tower").bits == 16
    )


@pytest.mark.parametrize(
    ("model_type", "told", "flag", "short"),
    [
        ("deepseek_v4", "fp4", None, True),
        ("deepseek_v4", "", None, True),
        ("deepseek_v4", "fp8", None, False),
        ("deepseek_ref", "fp4", None, False),
        ("deepseek_ref", "fp4", "deepseek_v4_fp8", True),
    ],
)
def test_fp8_checkpoints_of_deepseek_v4_alone_hold_experts_in_4_bits(
    model_type: str, told: str, flag: str | None, short: bool
) -> None:
    config = vllm_data.config_of("deepseek-ai/DeepSeek-V4-Flash", "none") | {"model_type": model_type}
    facts = ModelFacts(config={**config, "expert_dtype": told})
    model = describe_model(facts, quantization=flag, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    assert model.scheme.short_experts is short


def test_what_is_said_of_gemma_4s_mlps_is_not_said_of_its_experts() -> None:
    facts = ModelFacts(config=vllm_data.config_of("nvidia/Gemma-4-26B-A4B-NVFP4", "none"))
    model = describe_model(facts, quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    ((_, _, own),) = model.storage.runs(3, 4)
    assert [own.of(model.shape, each, experts=True).bits for each in (MLP, EXPERTS)] == [16, 4]


def test_kimi_k3s_mxfp4_is_its_experts_alone() -> None:
    facts = ModelFacts(config=vllm_data.config_of("moonshotai/Kimi-K3", "none"))
    model = describe_model(facts, quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    ((_, _, own),) = model.storage.runs(3, 4)
    latent, expert = Weight("latent projections", 7168, 7168), Weight("experts' down", 8, 8, role="expert")
    assert [own.of(model.shape, each, experts=True).bits for each in (latent, expert)] == [16, 4]
