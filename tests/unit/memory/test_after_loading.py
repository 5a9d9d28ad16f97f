"""What a model takes once vLLM has loaded it, beside its parameters: padding, a step's buffers, no orders."""

from __future__ import annotations

from typing import Any

import pytest
from kv_kit import SMALL, started
from sizing_models import DEEPSEEK_LITE

from modelcar_tui.core.facts import GIB
from modelcar_tui.memory.budget import budget_for
from modelcar_tui.memory.weights import BUFFERS, PADDING
from modelcar_tui.models.known import known_models
from modelcar_tui.models.shape import Shape, shape_of
from support import vllm_data

NANO = known_models().models["nemotron-3-nano-30b-a3b"]
KIMI = known_models().models["kimi-k2.5"]
VL = known_models().models["qwen3-vl-30b-a3b"]
V32 = known_models().models["deepseek-v3.2"]
PRO: dict[str, Any] = vllm_data.config_of("deepseek-ai/DeepSeek-V4-Pro", "none")
TENSORS = {"quant_method": "modelopt", "quantization": {"quant_algo": "FP8"}}
H200 = "NVIDIA-H200"
WORKSPACE = 128 * 2**20


def held(config: dict[str, Any], label: str, *args: str, vllm: str, gpu: str = H200) -> float:
    """Bytes on a GPU under a label."""
    weights = budget_for(started(config, *args, vllm=vllm, gpu=gpu)).weights
    return sum((term.value or 0.0) * GIB for term in weights.terms if term.label == label)


def test_experts_without_a_gate_are_padded_to_128_for_flashinfer() -> None:
    """23 layers of 128 experts of 2 x 2,688 x 1,856 bytes: 64 more in each."""
    fp8 = {**NANO, "quantization_config": TENSORS}
    assert held(fp8, PADDING, vllm="0.17.1") == pytest.approx(23 * 128 * 2 * 2688 * 64)
    assert held(fp8, PADDING, vllm="0.16.0") == 0
    assert held(fp8, PADDING, vllm="0.18.0", gpu="NVIDIA-L40S") == 0
    assert held(NANO, PADDING, vllm="0.18.0") == 0


def test_a_part_that_is_whole_already_is_not_padded() -> None:
    """Super's 2,688 are 21 x 128; two GPUs have 1,344 each, 64 short of 11."""
    known = known_models().models["nemotron-3-super-120b-a12b"]
    fp8 = {**known, "quantization_config": TENSORS}
    assert held(fp8, PADDING, vllm="0.18.0") == 0
    two = held(fp8, PADDING, "--tensor-parallel-size=2", vllm="0.18.0")
    assert two == pytest.approx(40 * 512 * 2 * 1024 * 64)


def test_marlin_frees_the_order_of_experts_that_are_not_ordered() -> None:
    """60 layers of 384 experts: 8 bytes for each of 7,168 inputs and of 2,048 / 8 of the way down."""

    def ordered(by: str | None) -> dict[str, Any]:
        told = KIMI["quantization_config"]
        group = told["config_groups"]["group_0"]
        weights = {**group["weights"], "actorder": by}
        return {
            **KIMI,
            "quantization_config": {**told, "config_groups": {"g": {**group, "weights": weights}}},
        }

    args = "--tensor-parallel-size=8"
    plain = held(ordered(None), "experts", args, vllm="0.18.0")
    order = 60 * 384 * 8 * (7168 + 256)
    assert held(ordered("group"), "experts", args, vllm="0.18.0") - plain == pytest.approx(order)
    assert held(ordered(None), "experts", args, vllm="0.18.0", gpu="AMD-Instinct-MI300X") - plain == (
        pytest.approx(order)
    )
    assert held(ordered("group"), "experts", args, vllm="0.30.0") == pytest.approx(plain)


def test_what_inner_layers_of_a_tower_put_out_is_kept_for_a_step() -> None:
    """Three of them, 2,048 wide in 16 bits."""
    asked = ("--max-num-batched-tokens=4096",)
    assert held(VL, BUFFERS, *asked, vllm="0.19.0") == 3 * 4096 * 2048 * 2
    assert held(VL, BUFFERS, *asked, '--limit-mm-per-prompt={"image":0,"video":0}', vllm="0.19.0") == 0
    plain = {**VL, "vision_config": {**VL["vision_config"], "deepstack_visual_indexes": []}}
    assert held(plain, BUFFERS, *asked, vllm="0.19.0") == 0


@pytest.mark.parametrize(
    ("vllm", "gpu", "joined"),
    [("0.16.0", H200, 0), ("0.18.0", H200, 4096 * 16 * 576 * 2), ("0.18.0", "NVIDIA-B200", 0)],
)
def test_sparse_attention_keeps_a_steps_choice_and_on_hopper_its_queries(
    vllm: str, gpu: str, joined: int
) -> None:
    """2,048 indices in 32 bits; 128 / 8 heads of 512 + 64 in 16 bits."""
    args = ("--tensor-parallel-size=8", "--max-num-batched-tokens=4096")
    backends = (2 if gpu == "NVIDIA-B200" else 1) * WORKSPACE
    assert held(V32, BUFFERS, *args, vllm=vllm, gpu=gpu) == 4096 * 2048 * 4 + joined + backends


@pytest.mark.parametrize(
    ("vllm", "gpu", "workspaces"),
    [
        ("0.11.0", H200, 0),
        ("0.11.2", H200, 1),
        ("0.11.2", "NVIDIA-A100-SXM4-80GB", 1),
        ("0.24.0", "NVIDIA-B200", 2),
        ("0.26.0", "NVIDIA-B200", 1),
        ("0.26.0", H200, 0),
        ("0.18.0", "AMD-Instinct-MI300X", 0),
    ],
)
def test_mlas_backends_allocate_as_they_are_looked_at(vllm: str, gpu: str, workspaces: int) -> None:
    """FlashInfer's on each of NVIDIA's cards, CUTLASS's on Blackwell."""
    assert held(DEEPSEEK_LITE, BUFFERS, vllm=vllm, gpu=gpu) == workspaces * WORKSPACE
    assert held(SMALL, BUFFERS, vllm=vllm, gpu=gpu) == 0


def test_an_indexers_key_is_quantized_before_it_is_one_matrix_with_its_weights() -> None:
    """61 layers of 128 x 7,168, a byte each with a scale for 128 x 128; then two."""
    args = "--tensor-parallel-size=8"
    count, scales = 61 * 128 * 7168, 61 * 7168 // 128 * 4
    early, late = (held(V32, "attention", args, vllm=vllm) for vllm in ("0.19.0", "0.20.0"))
    assert early - late == count + scales
    routers = [held(V32, "norms, routers, biases", args, vllm=vllm) for vllm in ("0.19.0", "0.20.0")]
    assert routers[1] - routers[0] == 2 * count


def test_deepseek_v4_keeps_a_steps_streams_for_a_draft() -> None:
    """Four of 7,168 in 16 bits, and 1,024 indices in 32 bits."""
    args = ("--tensor-parallel-size=8", "--max-num-batched-tokens=512")
    assert held(PRO, BUFFERS, *args, vllm="0.20.2") == 512 * (4 * 7168 * 2 + 1024 * 4)


def test_bitsandbytes_scales_stay_nested_before_0_9_2() -> None:
    """Of 64 weights a byte and 4 / 256 of one; whole they are 4 bytes."""
    fields = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_use_double_quant": True}
    nested = {**SMALL, "quantization_config": fields}
    single = {**SMALL, "quantization_config": {**fields, "bnb_4bit_use_double_quant": False}}
    weights = 8 * 3 * 1024 * 2048
    assert held(nested, "MLP", vllm="0.9.1") == pytest.approx(weights * (0.5 + (1 + 4 / 256) / 64))
    whole = weights * (0.5 + 4 / 64)
    assert held(nested, "MLP", vllm="0.9.2") == pytest.approx(whole)
    assert held(single, "MLP", vllm="0.9.1") == pytest.approx(whole)


def test_every_kind_of_qwen3_vl_keeps_it_wherever_its_config_says_so() -> None:
    """In `thinker_config`, or under a name of its own; what the file leaves out, its class has."""
    configs = {row["id"]: row["config"] for row in vllm_data.lines("configs.jsonl")}
    for name in (
        "Qwen/Qwen3-Omni-30B-A3B-Thinking",
        "nvidia/Cosmos3 form",
        "OpenSearch-AI/Ops-Colqwen3-4B",
        "CohereCompassForConditionalGeneration",
    ):
        shape = shape_of(configs[name])
        assert isinstance(shape, Shape) and shape.deepstack == 3, name
    flat = shape_of(configs["Qwen/Qwen3.5-27B"])
    assert isinstance(flat, Shape) and flat.deepstack == 0
