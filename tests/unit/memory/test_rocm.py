"""ROCm as a platform: what counts there, by release and image, and that its start is a range."""

from __future__ import annotations

from typing import Any

import pytest

from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory import overheads, rocm
from modelcar_tui.memory.budget import Budget, budget_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from support.configs import LLAMA_8B

RED_HAT = "0.13.0+rhai5"
QWEN_MOE: dict[str, Any] = {
    "architectures": ["Qwen3MoeForCausalLM"],
    "model_type": "qwen3_moe",
    "hidden_size": 2048,
    "head_dim": 128,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "vocab_size": 151936,
    "intermediate_size": 6144,
    "moe_intermediate_size": 768,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "max_position_embeddings": 40960,
    "tie_word_embeddings": False,
}
"""Qwen3-30B-A3B."""


def started(*args: str, vllm: str = RED_HAT, gpu: str = "MI300X", config: dict[str, Any] = LLAMA_8B) -> Start:
    model = describe_model(ModelFacts(config=config), quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    return start_of(model, gpu_for(gpu, count=8), read_engine_args(args, None, vllm), profile_for(vllm))


def budget(*args: str, most: float = 0.5, **what: Any) -> Budget:
    return budget_for(started(*args, **what).at(most))


def estimated(
    *args: str, vllm: str = RED_HAT, gpu: str = "MI300X", config: dict[str, Any] = LLAMA_8B
) -> Estimate:
    facts = ModelFacts(config=config)
    return estimate(facts, gpu_for(gpu, count=8), read_engine_args(args, None, vllm), vllm=vllm)


def beside(found: Budget) -> float:
    """GiB that the allocator keeps and that count with the weights."""
    return next(
        (term.value for term in found.weights.terms if "allocator" in term.label and "kept" in term.label),
        0.0,
    )


def test_padded_experts_count_with_the_weights_until_0_21():
    """48 layers of 432 MiB and the last one's 384; see `test_residue`."""
    assert beside(budget(config=QWEN_MOE)) == pytest.approx(20.25 + 0.375, abs=0.05)


def test_from_0_21_they_lie_beside_the_cache_unseen_and_from_0_27_they_count_again():
    unseen, seen = (budget(config=QWEN_MOE, vllm=f"{release}+rhai1") for release in ("0.26.0", "0.28.0"))
    assert (beside(unseen), unseen.weights.relaid / GIB) == (0.0, pytest.approx(20.25, abs=0.05))
    assert (beside(seen), seen.weights.relaid) == (pytest.approx(20.25, abs=0.05), 0.0)


def test_from_0_30_they_are_copied_back_and_nothing_stays():
    assert beside(budget(config=QWEN_MOE, vllm="0.30.0+rhai1")) == pytest.approx(0.0, abs=0.05)


def test_where_the_image_may_run_aiter_both_layouts_are_the_bounds():
    """AITER's shuffled copies leave 816 + 768 MiB free."""
    least, most = (beside(budget(config=QWEN_MOE, vllm="0.13.0", most=end)) for end in (0.0, 1.0))
    assert (least, most) == (pytest.approx(1584 / 1024, abs=0.05), pytest.approx(20.625, abs=0.05))
    assert any("AITER" in question for question in rocm.questions(started(vllm="0.13.0")))
    assert not any("AITER" in question for question in rocm.questions(started()))


@pytest.mark.parametrize(
    ("vllm", "runs"),
    [
        ("0.13.0", None),
        ("0.13.0+rhai5", False),
        ("0.13.0 with AITER", True),
        ("0.13.0+rhai5 with AITER", True),
        ("0.13.0 without AITER", False),
    ],
)
def test_a_version_tells_whether_aiter_runs(vllm, runs):
    assert rocm.runs_aiter(started(vllm=vllm)) is runs


def test_a_card_that_aiter_has_no_kernels_for_does_not_run_them():
    assert rocm.runs_aiter(started(vllm="0.13.0", gpu="Instinct-MI100")) is False


def fp8(strategy: str) -> dict[str, Any]:
    """Llama-3.1-8B in FP8 with one scale for a matrix (`tensor`) or for each row (`channel`)."""
    weights = {"type": "float", "num_bits": 8, "strategy": strategy}
    group = {"weights": weights, "input_activations": {"type": "float", "num_bits": 8}}
    quantization = {
        "quant_method": "compressed-tensors",
        "format": "float-quantized",
        "config_groups": {"group_0": group},
    }
    return {**LLAMA_8B, "quantization_config": quantization}


def test_fp8_with_one_scale_a_row_leaves_masks():
    """24 MiB for qkv, of which o takes a part, and 112 for gate and up, which hold that of down."""
    assert beside(budget(config=fp8("channel"))) == pytest.approx((24 + 112) / 1024)


def test_fp8_with_one_scale_a_matrix_is_padded():
    """Rows longer by 256 B: 6144 of qkv, 4096 of o, 28672 of gate and up, 4096 of down: 10.5 MiB a layer."""
    assert beside(budget(config=fp8("tensor"))) > 32 * 10.5 / 1024 + 28672 * 4096 / GIB


def test_cards_that_know_ocp_fp8_need_no_masks():
    assert beside(budget(config=fp8("channel"), gpu="Instinct-MI355X")) == 0.0


@pytest.mark.parametrize(
    ("release", "deducted"),
    [
        ("0.20.0", False),
        ("0.25.0 without Model Runner V2", False),
        ("0.26.0 without Model Runner V2", True),
        ("0.26.0", False),
        ("0.28.0", False),
        ("0.29.0", True),
    ],
)
def test_graphs_are_taken_from_the_cache_from_0_26_on_or_0_29_with_model_runner_v2(release, deducted):
    found = budget(vllm=release)
    assert (found.graphs_deducted > 0) is deducted
    assert found.graphs > 0


def test_capture_grows_with_layers_and_not_with_what_is_in_them():
    dense, moe = (
        overheads.graphs(started(config=config), estimate=False) / GIB for config in (LLAMA_8B, QWEN_MOE)
    )
    assert (moe - 0.1) / (dense - 0.1) == pytest.approx(48 / 32)
    assert 32 * 0.062 < dense < 32 * 0.115


@pytest.mark.parametrize(
    ("ranks", "least", "most"),
    [(1, 1.0, 1.4), (2, 1.1, 1.9), (4, 1.25, 2.05), (8, 2.7, 3.9), (3, 1.25, 2.05)],
)
def test_outside_pytorch_lie_hip_and_rccl(ranks, least, most):
    ends = [overheads.non_torch(started(f"-tp={ranks}").at(end)) / GIB for end in (0.0, 1.0)]
    assert ends == pytest.approx([least, most])


def test_every_start_on_rocm_is_a_range_and_the_middle_is_shown():
    found = estimated("--max-model-len=8192")
    assert found.outcome is Outcome.STARTS
    for fact in (found.kv_tokens, found.kv_available_gib, found.weights_gib, found.cuda_graph_gib):
        assert fact.value is not None and fact.low is not None and fact.high is not None
        assert fact.low < fact.value < fact.high
    assert estimated("--max-model-len=8192", gpu="H100").kv_tokens.low is None


def test_where_the_ends_disagree_nobody_is_promised_a_start():
    """Llama-3.1-8B in 16 bits with a utilization that leaves the cache between nothing and half a GiB."""
    sure = estimated("--max-model-len=2048", "--max-num-seqs=8", "--gpu-memory-utilization=0.2")
    assert sure.outcome is Outcome.STARTS
    share = (15.6 + 1.2 + 0.6) / 191.98
    found = estimated("--max-model-len=2048", "--max-num-seqs=8", f"--gpu-memory-utilization={share:.4f}")
    assert found.outcome is Outcome.UNKNOWN
    assert "HIP" in found.why


def test_what_a_smaller_card_and_a_longer_context_need_is_the_surer_end():
    args = ("--max-model-len=8192", "--gpu-memory-utilization=0.9")
    found, model = estimated(*args), ModelFacts(config=LLAMA_8B)
    assert found.required_gib.value is not None
    least, most = (budget_for(started(*args).at(end)).fixed / GIB / 0.9 for end in (0.0, 1.0))
    assert found.required_gib.value > most > least
    assert model.config is not None


def test_mxfp4_experts_are_wider_and_not_swizzled():
    """2880 becomes 2944 both ways: 128 experts of 3 x (2944^2 - 2880^2) numbers of 4.25 bits a layer."""
    config = {
        **QWEN_MOE,
        "hidden_size": 2880,
        "moe_intermediate_size": 2880,
        "quantization_config": {"quant_method": "mxfp4"},
    }
    found = budget(config=config, vllm="0.13.0+rhai1")
    terms = {term.label: term.value for term in found.weights.terms}
    assert terms["wider MXFP4 experts"] == pytest.approx(48 * 128 * 3 * (2944**2 - 2880**2) * 4.25 / 8 / GIB)
    assert terms["experts"] == pytest.approx(48 * 128 * 3 * 2880**2 * 4.25 / 8 / GIB, rel=0.001)
    assert found.weights.relaid == 0.0
    later = budget(config=config, vllm="0.20.0+rhai1").weights.terms
    assert next(term.value for term in later if term.label == "wider MXFP4 experts") == pytest.approx(
        48 * 128 * 3 * (3072**2 - 2880**2) * 4.25 / 8 / GIB
    )


def test_where_the_release_is_open_too_the_lowest_of_all_ends_is_promised():
    facts, args = ModelFacts(config=LLAMA_8B), read_engine_args(("--max-model-len=8192",), None, None)
    found = estimate(facts, gpu_for("MI300X"), args, vllm=None).kv_available_gib
    early = estimate(facts, gpu_for("MI300X"), args, vllm="0.16.0").kv_available_gib
    assert found.low is not None and early.low is not None
    assert found.low <= early.low
