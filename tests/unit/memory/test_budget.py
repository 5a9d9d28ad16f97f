"""What one GPU holds, term by term: which pipeline rank has least room, and what each release counts."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import pytest
from sizing_models import BERT, GEMMA_27B

from modelcar_tui.core.facts import GIB, Fact
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory import overheads
from modelcar_tui.memory.activation import peak_of
from modelcar_tui.memory.budget import Budget, budget_for
from modelcar_tui.memory.kv.plan import plan_for
from modelcar_tui.memory.outcome import verdict
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from support.configs import LLAMA_8B

SEVEN: dict[str, Any] = {**LLAMA_8B, "num_hidden_layers": 7}
MOE: dict[str, Any] = {
    **LLAMA_8B,
    "architectures": ["MixtralForCausalLM"],
    "model_type": "mixtral",
    "hidden_size": 2048,
    "num_hidden_layers": 4,
    "intermediate_size": 1024,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
    "max_position_embeddings": 8192,
}
"""8 experts of 3 x 2,048 x 1,024 weights in each of 4 layers: 201,326,592."""
EXPERTS = 201_326_592
FOUR_BITS = {"quantization_config": {"quant_method": "mxfp4"}}
SEES: dict[str, Any] = {
    "architectures": ["Qwen2_5_VLForConditionalGeneration"],
    "model_type": "qwen2_5_vl",
    "text_config": {**SEVEN, "tie_word_embeddings": False},
    "vision_config": {
        "hidden_size": 1024,
        "depth": 24,
        "num_heads": 16,
        "intermediate_size": 4096,
        "out_hidden_size": 4096,
        "patch_size": 14,
    },
}
SHARED = 24 * (4 * 1024 * 1024 + 3 * 1024 * 4096) + 2 * 4096 * 4096
"""24 layers of queries, keys, values, output and three matrices of MLP; two of the merger."""
BIASES = 24 * (3 * 1024 + 2 * 4096) + 4096
"""They are shared as the outputs that they are added to."""
WHOLE = 24 * (2 * 1024 + 2 * 1024) + 1024 * 3 * 2 * 14 * 14 + 1024 + 4096 + 8192 * 32
"""Norms, biases of what the inputs are shared of, the patches, and a rotary cache."""


def started(
    config: dict[str, Any], *args: str, vllm: str = "0.19.0", gpu: Gpu | str = "H100", **facts: Any
) -> Start:
    wanted = read_engine_args(args, None, vllm)
    assert not wanted.problems
    model = describe_model(
        ModelFacts(config=config, **facts),
        quantization=wanted.quantization,
        dtype=wanted.dtype,
        overrides=wanted.overrides,
    )
    assert isinstance(model, Model), model
    card = gpu_for(gpu, count=8) if isinstance(gpu, str) else gpu
    return start_of(model, card, wanted, profile_for(vllm))


def budget(config: dict[str, Any], *args: str, **how: Any) -> Budget:
    return budget_for(started(config, *args, **how))


def part(found: Budget, label: str) -> float:
    """Bytes of one term of the weights; 0 where it has none."""
    return next((term.value * GIB for term in found.weights.terms if term.label == label), 0.0)


def ranks(found: Budget) -> tuple[int, int]:
    return found.weights.first, found.weights.last


@pytest.mark.parametrize("vllm", ["0.7.3", "0.14.1", "0.19.0", "0.20.0", "0.33.0"])
def test_what_is_left_for_the_cache_is_what_was_asked_for_without_all_else(vllm: str) -> None:
    start = started(LLAMA_8B, "--max-model-len=8192", "--gpu-memory-utilization=0.8", vllm=vllm)
    found = budget_for(start)
    assert found.total == pytest.approx(79.19 * GIB)
    assert found.requested == math.ceil((found.total or 0) * 0.8)
    assert found.fixed == (found.weights_bytes + found.peak.total + found.non_torch + found.graphs_deducted)
    assert found.available == pytest.approx(found.requested - found.fixed, abs=1)
    assert found.non_torch == overheads.non_torch(start) > 0
    assert found.start == overheads.used_at_start(start) > 0
    assert found.peak == peak_of(start, last=True)
    assert found.loading == found.weights_bytes == found.weights.total


@pytest.mark.parametrize(
    ("vllm", "deducted"), [("0.18.0", False), ("0.19.1", False), ("0.20.0", True), ("0.33.0", True)]
)
def test_from_0_20_on_the_graphs_are_estimated_and_taken_from_the_cache(vllm: str, deducted: bool) -> None:
    start = started(LLAMA_8B, vllm=vllm)
    assert budget_for(start).graphs_deducted == (overheads.graphs(start, estimate=True) if deducted else 0.0)


def test_graphs_lie_between_what_two_drivers_keep_of_them() -> None:
    start = started(LLAMA_8B, vllm="0.19.0")
    found = budget_for(start)
    assert found.graphs == overheads.graphs(start, estimate=False)
    assert 0 < found.graphs_least == overheads.graphs(start, estimate=False, least=True) < found.graphs


def test_what_is_told_of_the_cache_replaces_the_sum() -> None:
    assert budget(LLAMA_8B, "--kv-cache-memory-bytes=12345678").available == 12_345_678.0
    blocks = budget(LLAMA_8B, "--num-gpu-blocks-override=100")
    assert blocks.available == 100 * 32 * 16 * 8 * 256 * 2  # blocks x layers x tokens x heads x (K + V) x 2 B
    assert budget(BERT, "--num-gpu-blocks-override=100").available == budget(BERT).available


def test_weights_on_the_cpu_are_not_on_the_gpu_and_adapters_are() -> None:
    whole = budget(LLAMA_8B)
    part_of_it = budget(LLAMA_8B, "--cpu-offload-gb=4")
    assert part_of_it.weights_bytes == whole.weights.total - 4 * GIB
    assert budget(LLAMA_8B, "--cpu-offload-gb=400").weights_bytes == 0.0
    tuned = budget(LLAMA_8B, "--enable-lora")
    assert tuned.adapters > 0
    assert tuned.weights_bytes == tuned.weights.total + tuned.adapters


def test_a_card_of_unknown_memory_has_no_budget_and_all_else_is_known() -> None:
    nameless = Gpu(product="x")
    found = budget(LLAMA_8B, gpu=nameless)
    assert (found.total, found.requested, found.available) == (None, None, None)
    assert found.weights_bytes > 0
    # Of two ranks that one is told which needs more: the one that samples.
    assert ranks(budget(LLAMA_8B, "--pipeline-parallel-size=2", gpu=nameless)) == (16, 32)


@pytest.mark.parametrize(
    ("visible", "label", "total"),
    [
        (70.0, 80.0, 70.0),
        (None, 80.0, 80.0),
        (None, None, None),
        (0.0, 80.0, None),
        (0.5, 80.0, 0.5),
        (99_999.0, 80.0, 99_999.0),
        (1e5, 80.0, None),
    ],
)
def test_the_memory_is_what_vllm_sees_and_else_what_the_label_says(
    visible: float | None, label: float | None, total: float | None
) -> None:
    card = msgspec.structs.replace(
        gpu_for("H100"), visible_gib=Fact(value=visible), memory_gib=Fact(value=label)
    )
    assert budget(LLAMA_8B, gpu=card).total == (None if total is None else total * GIB)


# One request of the whole context.


@pytest.mark.parametrize(
    ("vllm", "padded", "blocks"),
    [("0.13.0", False, 0), ("0.14.0", True, 0), ("0.28.0", True, 0), ("0.29.0", True, 1)],
)
def test_the_check_of_one_request_counts_padding_from_0_14_and_a_block_more_from_0_29(
    vllm: str, padded: bool, blocks: int
) -> None:
    start = started(GEMMA_27B, "--max-model-len=8192", vllm=vllm)
    found = budget_for(start)
    assert found.plan is not None
    assert found.plan == plan_for(start, rank=(0, 62))
    assert found.plan.needed(8192, padded=True) != found.plan.needed(8192, padded=False)
    assert found.needed == found.plan.needed(8192, padded=padded) + blocks * found.plan.block_bytes


def test_a_model_without_a_cache_needs_none() -> None:
    found = budget(BERT)
    assert (found.plan, found.needed) == (None, 0.0)


@pytest.mark.parametrize(
    ("vllm", "pp", "share"),
    [
        ("0.13.0", 2, 1),
        ("0.14.0", 2, 2),
        ("0.16.0", 2, 2),
        ("0.17.0", 2, 1),
        ("0.16.0", 4, 4),
        ("0.16.0", 1, 1),
    ],
)
def test_0_14_to_0_16_asked_each_rank_for_the_cache_of_all_layers(vllm: str, pp: int, share: float) -> None:
    found = budget(LLAMA_8B, f"--pipeline-parallel-size={pp}", "--max-model-len=8192", vllm=vllm)
    each = 8192 * 8 * 256 * 2 * 32 / pp
    assert found.needed == each * share


def test_a_rank_with_more_layers_than_its_share_is_asked_for_all_of_them_too() -> None:
    found = budget(SEVEN, "--pipeline-parallel-size=3", "--max-model-len=8192", vllm="0.16.0")
    assert ranks(found) == (2, 5)
    assert found.needed == pytest.approx(8192 * 8 * 256 * 2 * 7)


# Which rank.


def test_the_rank_with_the_most_layers_has_the_fewest_blocks() -> None:
    """Seven layers on three GPUs are 2, 3 and 2."""
    assert ranks(budget(SEVEN, "--pipeline-parallel-size=3")) == (2, 5)
    assert ranks(budget(SEVEN)) == (0, 7)


def test_the_last_rank_samples_and_may_have_least_room() -> None:
    """1.8 GiB of logits where little else is left."""
    found = budget(SEVEN, "--pipeline-parallel-size=3", "--gpu-memory-utilization=0.07")
    assert ranks(found) == (5, 7)
    assert found.peak.sampler > GIB
    assert ranks(budget(LLAMA_8B, "--pipeline-parallel-size=2")) == (16, 32)


def test_the_first_rank_holds_the_tower_and_may_have_least_room() -> None:
    tight = "--gpu-memory-utilization=0.05"
    found = budget(SEES, "--pipeline-parallel-size=3", tight, "--max-num-seqs=1")
    assert ranks(found) == (0, 2)
    assert found.peak.sampler == 0.0
    blind = budget(SEES, "--pipeline-parallel-size=3", "--max-num-seqs=1", "--language-model-only")
    assert ranks(blind) == (2, 5)


@pytest.mark.parametrize("layers", [4, 6, 8, 10, 12, 14])
def test_of_equal_ranks_the_first_is_told(layers: int) -> None:
    config = {**LLAMA_8B, "num_hidden_layers": layers}
    found = budget(config, "--pipeline-parallel-size=2", "--kv-cache-memory-bytes=1000000000")
    assert ranks(found) == (0, layers // 2)


def test_there_are_no_more_ranks_than_layers() -> None:
    found = budget({**LLAMA_8B, "num_hidden_layers": 2}, "--pipeline-parallel-size=4")
    assert ranks(found) == (1, 2)
    assert found.plan is not None
    assert [group.layers for group in found.plan.groups] == [1]


# How experts and towers are spread.


@pytest.mark.parametrize(
    ("args", "share"),
    [
        ((), 1),
        (("--tensor-parallel-size=2",), 2),
        (("--tensor-parallel-size=2", "--data-parallel-size=2"), 4),
        (("--tensor-parallel-size=2", "--data-parallel-size=2", "--enable-expert-parallel"), 4),
        (("--tensor-parallel-size=2", "--data-parallel-size=4", "--enable-expert-parallel"), 8),
        (("--enable-expert-parallel",), 1),
        # Sixteen GPUs, and one whole expert is the least that each of them holds.
        (("--tensor-parallel-size=2", "--data-parallel-size=8", "--enable-expert-parallel"), 8),
    ],
)
def test_experts_are_shared_by_all_tensor_and_data_parallel_gpus(args: tuple[str, ...], share: int) -> None:
    assert part(budget(MOE, *args), "experts") == pytest.approx(EXPERTS * 2 / share)


def test_expert_parallelism_keeps_each_expert_whole() -> None:
    """Three GPUs of a tensor parallel six hold two of eight experts; cut, each would be a sixth."""
    whole = budget(MOE, "--tensor-parallel-size=16", "--enable-expert-parallel")
    assert part(whole, "experts") == pytest.approx(EXPERTS * 2 / 8)  # no less than one expert
    assert part(budget(MOE, "--tensor-parallel-size=16"), "experts") == pytest.approx(EXPERTS * 2 / 16)


@pytest.mark.parametrize(
    ("args", "share"),
    [
        (("--tensor-parallel-size=2",), 2),
        (("--tensor-parallel-size=2", "--mm-encoder-tp-mode=data"), 1),
        (("--tensor-parallel-size=2", "--language-model-only"), math.inf),
    ],
)
def test_a_tower_is_split_unless_the_arguments_spread_its_work(args: tuple[str, ...], share: float) -> None:
    found = budget(SEES, *args)
    expected = 0 if share == math.inf else 2 * ((SHARED + BIASES) / share + WHOLE)
    assert part(found, "vision or audio tower") == pytest.approx(expected)


@pytest.mark.parametrize("limits", ['{"image": 0, "video": 0}', '{"image": {"count": 0}, "video": 0}'])
def test_a_tower_that_no_prompt_needs_is_not_built(limits: str) -> None:
    found = budget(SEES, f"--limit-mm-per-prompt={limits}")
    assert part(found, "vision or audio tower") == 0
    assert part(budget(SEES, '--limit-mm-per-prompt={"image": 0}'), "vision or audio tower") > 0


def test_without_its_tower_a_model_is_its_text_part_to_the_byte() -> None:
    text = {**SEES["text_config"], "architectures": ["LlamaForCausalLM"]}
    assert budget(SEES, "--language-model-only").weights.total == budget(text).weights.total


@pytest.mark.parametrize(("release", "share"), [("0.19.0", 1), ("0.20.0", 2)])
def test_a_release_may_begin_to_share_a_tower(release: str, share: int) -> None:
    """Pixtral's layers, vllm models/pixtral.py Attention and FeedForward."""
    vision = {"hidden_size": 1024, "num_hidden_layers": 24, "num_attention_heads": 16}
    vision |= {"intermediate_size": 4096, "patch_size": 14, "adapter_bias": False}
    config = {**SEES, "architectures": ["PixtralForConditionalGeneration"], "vision_config": vision}
    found = budget(config, "--tensor-parallel-size=2", vllm=release)
    whole = 24 * 2 * 1024 + 1024 * 3 * 14 * 14 + 1024 + 1024 * 4096 + 4096 * 4096
    layers = 24 * (4 * 1024 * 1024 + 3 * 1024 * 4096)
    assert part(found, "vision or audio tower") == pytest.approx(2 * (layers / share + whole))


@pytest.mark.parametrize(
    ("vllm", "gpu", "factor"),
    [
        ("0.10.2", "H100", 1.0),  # Marlin everywhere
        ("0.11.0", "H100", 1.0653),
        ("0.16.0", "H100", 1.0653),
        ("0.17.0", "H100", 1.09),
        ("0.19.0", "H100", 1.09),
        ("0.19.0", "H200", 1.09),
        ("0.19.0", "B200", 1.09),
        ("0.11.0", "A100", 1.0),
        ("0.19.0", "L40S", 1.0),  # capability 8.9: Marlin
    ],
)
def test_mxfp4_experts_are_laid_out_as_the_release_and_the_card_want(
    vllm: str, gpu: str, factor: float
) -> None:
    """4.25 bits a weight; Triton's layout takes more, Marlin's, on cards before Hopper and in 0.10, does
    not."""
    found = budget({**MOE, **FOUR_BITS}, vllm=vllm, gpu=gpu)
    assert part(found, "experts") == pytest.approx(EXPERTS * 4.25 / 8 * factor, rel=1e-4)


def test_a_card_of_unknown_capability_is_none_before_hopper() -> None:
    card = msgspec.structs.replace(gpu_for("A100"), compute_capability=None)
    found = budget({**MOE, **FOUR_BITS}, gpu=card)
    assert part(found, "experts") == pytest.approx(EXPERTS * 4.25 / 8 * 1.09, rel=1e-4)


def test_only_tritons_mxfp4_kernel_keeps_no_workspace() -> None:
    def keeps(found: Budget) -> bool:
        return "experts' workspace" in {term.label for term in found.peak.terms}

    assert keeps(budget(MOE))
    assert not keeps(budget({**MOE, **FOUR_BITS}))
    assert keeps(budget({**MOE, **FOUR_BITS}, gpu="A100"))
    assert keeps(budget(MOE, gpu="A100"))


# Loading.


@pytest.mark.parametrize(
    ("vllm", "args", "config", "factor"),
    [
        ("0.13.0", ("--quantization=fp8",), {}, 2),
        ("0.14.0", ("--quantization=fp8",), {}, 1),
        ("0.13.0", (), {}, 1),
        ("0.13.0", (), {"quantization_config": {"quant_method": "fp8"}}, 1),
        ("0.13.0", ("--quantization=fp8",), {"quantization_config": {"quant_method": "fp8"}}, 1),
        ("0.13.0", ("--quantization=bitsandbytes",), {}, 1),
    ],
)
def test_before_0_14_weights_were_whole_until_they_were_quantized(
    vllm: str, args: tuple[str, ...], config: dict[str, Any], factor: float
) -> None:
    found = budget({**LLAMA_8B, **config}, *args, vllm=vllm)
    assert found.loading == pytest.approx(found.weights_bytes * factor)


# What the caches of all layers have in common.


@pytest.mark.parametrize(("vllm", "refused"), [("0.23.0", True), ("0.24.0", False)])
def test_caches_that_share_no_pool_leave_no_plan_but_the_reason(vllm: str, refused: bool) -> None:
    """MiMo V2 with sliding layers of six heads and full ones of four."""
    unequal = {
        **LLAMA_8B,
        "model_type": "mimo_v2_flash",
        "num_attention_heads": 12,
        "num_key_value_heads": 4,
        "n_routed_experts": 0,
        "head_dim": 128,
        "v_head_dim": 128,
        "swa_num_key_value_heads": 6,
        "sliding_window": 128,
        "hybrid_layer_pattern": [1, 1, 1, 0] * 8,
    }
    found = budget(unequal, vllm=vllm)
    assert (found.plan is None, bool(found.unpooled), found.needed == 0.0) == (refused, refused, refused)
    assert (found.available or 0) > 0


@pytest.mark.parametrize("config", [LLAMA_8B, BERT], ids=["with a cache", "without"])
def test_a_pool_of_all_layers_needs_no_reason(config: dict[str, Any]) -> None:
    assert budget(config).unpooled == ""


def test_a_cache_in_eight_bits_needs_half_as_much() -> None:
    """8,192 tokens x 32 layers x 8 heads x (128 + 128) numbers."""
    asked = "--max-model-len=8192"
    assert budget(LLAMA_8B, asked).needed == 8192 * 32 * 8 * 256 * 2
    assert budget(LLAMA_8B, asked, "--kv-cache-dtype=fp8").needed == 8192 * 32 * 8 * 256


def test_what_only_the_drivers_share_of_the_graphs_decides_is_unknown() -> None:
    """A KV cache between what both clusters' estimates leave, and a card that only the hungrier one fills."""
    start = started(LLAMA_8B, "--max-model-len=8192", vllm="0.22.0")
    found = budget_for(start)
    apart = found.graphs_deducted - found.deducted_least
    assert apart > 0.3 * GIB
    tight = msgspec.structs.replace(found, available=found.needed - apart / 2)
    assert verdict(start, tight)[0] is Outcome.UNKNOWN
    assert verdict(start, msgspec.structs.replace(found, available=found.needed - apart * 2))[0] is (
        Outcome.REFUSED_KV
    )
    held = found.start + found.weights_bytes + found.non_torch + found.peak.warmup
    total = found.total or 0.0
    full = msgspec.structs.replace(found, available=total - held - (found.graphs + found.graphs_least) / 2)
    outcome, why, _ = verdict(start, full)
    assert outcome is Outcome.UNKNOWN
    assert "driver" in why
    fuller = msgspec.structs.replace(found, available=total - held - found.graphs_least + 0.1 * GIB)
    assert verdict(start, fuller)[0] is Outcome.OOM_WARMUP
