"""Which shards hold whole blocks and groups, by release, as create_weights of vLLM's methods checks them."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.advice.finding import Stops
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import read_engine_args

QWEN_3_MOE: dict[str, Any] = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "intermediate_size": 6144,
    "moe_intermediate_size": 768,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "torch_dtype": "bfloat16",
}
QWEN_VL: dict[str, Any] = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "model_type": "qwen2_5_vl",
    "hidden_size": 3584,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
    "intermediate_size": 18944,
    "vocab_size": 152064,
    "max_position_embeddings": 128000,
    "torch_dtype": "float16",
    "vision_config": {
        "hidden_size": 1280,
        "depth": 32,
        "intermediate_size": 3420,
        "model_type": "qwen2_5_vl",
    },
}
AWQ = {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": True}
BLOCKS = {"quant_method": "fp8", "weight_block_size": [128, 128]}


def grouped(size: int | None, actorder: str | None = None) -> dict[str, Any]:
    """Compressed-tensors' W4A16 of one scale for `size` weights; None: for a whole channel."""
    strategy = "group" if size else "channel"
    weights = {
        "num_bits": 4,
        "type": "int",
        "strategy": strategy,
        "group_size": size,
        "symmetric": True,
        "actorder": actorder,
    }
    group = {"targets": ["Linear"], "weights": weights, "input_activations": None}
    return {
        "quant_method": "compressed-tensors",
        "format": "pack-quantized",
        "config_groups": {"group_0": group},
    }


def refused(config: dict[str, Any], raw: dict[str, Any], vllm: str, *args: str) -> bool:
    """What lint and estimate say of it, which is the same."""
    facts, gpu = ModelFacts(config=config | {"quantization_config": raw}), gpu_for("NVIDIA-H200", count=8)
    engine = read_engine_args((*args, "--max-model-len=4096"), None, vllm)
    found = estimate(facts, gpu, engine, vllm=vllm).outcome is Outcome.REFUSED_QUANT
    at = Position(1, 1)
    serving = ServingArguments(gpu_count=engine.tp, args=args)
    car = ModelCar(name="m", image="oci://x/y:1", serving=serving, at=at, name_at=at, image_at=at)
    linted = [one.code for one in lint_model(car, vllm=vllm, facts=facts) if one.stops is Stops.SERVER]
    assert (linted == ["tensor-parallel"]) is found
    return found


@pytest.mark.parametrize(
    ("raw", "vllm", "args", "answer"),
    [
        (grouped(128), "0.24.0", ("--tensor-parallel-size=8",), True),
        (grouped(128), "0.33.0", ("--tensor-parallel-size=4",), True),
        (grouped(128), "0.33.0", ("--tensor-parallel-size=2",), False),
        (grouped(128), "0.33.0", ("--tensor-parallel-size=8", "--enable-expert-parallel"), False),
        (grouped(128), "0.23.0", ("--tensor-parallel-size=8",), False),
        (grouped(32), "0.33.0", ("--tensor-parallel-size=8",), False),
        (grouped(None), "0.33.0", ("--tensor-parallel-size=8",), False),
        (grouped(128, "group"), "0.29.0", ("--tensor-parallel-size=8",), False),
        (grouped(128, "group"), "0.30.0", ("--tensor-parallel-size=8",), True),
        (BLOCKS, "0.28.0", ("--tensor-parallel-size=8",), True),
        (BLOCKS, "0.28.0", ("--tensor-parallel-size=8", "--enable-expert-parallel"), False),
        (BLOCKS, "0.32.0", ("--tensor-parallel-size=8",), False),
    ],
)
def test_an_experts_shard_holds_whole_blocks_and_groups(
    raw: dict[str, Any], vllm: str, args: tuple[str, ...], answer: bool
) -> None:
    assert refused(QWEN_3_MOE, raw, vllm, *args) is answer


SMALL: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 896,
    "num_hidden_layers": 24,
    "num_attention_heads": 14,
    "num_key_value_heads": 2,
    "intermediate_size": 5120,
    "vocab_size": 151936,
    "max_position_embeddings": 32768,
    "torch_dtype": "float16",
}


@pytest.mark.parametrize(
    ("raw", "tp", "answer"),
    [(AWQ, 2, True), (AWQ, 1, False), (grouped(128), 2, True), (grouped(64), 2, False)],
)
def test_the_attentions_output_layer_holds_whole_groups(raw: dict[str, Any], tp: int, answer: bool) -> None:
    """Asked of vLLM 0.24.0, 0.28.0 and 0.32.0 with such a config.json: refused while the model is built."""
    for vllm in ("0.24.0", "0.28.0", "0.32.0"):
        assert refused(SMALL, raw, vllm, f"--tensor-parallel-size={tp}") is answer


def test_expert_parallelism_is_named_only_where_it_helps() -> None:
    gpu, args = (
        gpu_for("NVIDIA-H200", count=8),
        read_engine_args(("--tensor-parallel-size=8",), None, "0.33.0"),
    )
    odd = QWEN_3_MOE | {"moe_intermediate_size": 704}
    for config, helps in ((QWEN_3_MOE, True), (odd, False)):
        facts = ModelFacts(config=config | {"quantization_config": grouped(128)})
        assert ("--enable-expert-parallel" in estimate(facts, gpu, args, vllm="0.33.0").why) is helps


@pytest.mark.parametrize(
    ("raw", "vllm", "answer"),
    [
        (AWQ, "0.8.5", True),
        (AWQ, "0.11.0", True),
        (AWQ, "0.11.1", False),
        (AWQ | {"modules_to_not_convert": ["visual"]}, "0.8.5", False),
    ],
)
def test_a_tower_is_taken_for_awq_where_nothing_says_that_it_is_not(
    raw: dict[str, Any], vllm: str, answer: bool
) -> None:
    assert refused(QWEN_VL, raw, vllm) is answer


@pytest.mark.parametrize(("card", "answer"), [("NVIDIA-H200", True), ("AMD_Instinct_MI300X_OAM", False)])
def test_a_whole_layer_must_hold_whole_groups_with_nvidias_kernels_alone(card: str, answer: bool) -> None:
    """An MLP of 40 x 128 + 32: Conch takes it (vllm kernels/linear/mixed_precision/conch.py)."""
    config = QWEN_3_MOE | {"architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "num_experts": 0}
    facts = ModelFacts(config=config | {"intermediate_size": 5152, "quantization_config": grouped(128)})
    found = estimate(facts, gpu_for(card, count=1), read_engine_args((), 1, "0.33.0"), vllm="0.33.0")
    assert (found.outcome is Outcome.REFUSED_QUANT) is answer
