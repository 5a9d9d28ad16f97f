"""Figures that are derived pass every check that the verdict makes: what is stated starts, a step beyond it
does not. Held over public configs, releases and cards, by the same function that makes the verdict."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.memory.what_if import knobs, smallest_tp
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm.arguments.engine_args import EngineArgs, read_engine_args
from support import vllm_data
from support.configs import LLAMA_8B

RELEASES = ("0.11.0", "0.16.0", "0.19.0", "0.24.0", "0.28.0", "0.32.0", None)
CARDS = ("NVIDIA-L4", "NVIDIA-H100-80GB-HBM3", "NVIDIA-H200")
ARGUMENTS = (
    ("--max-model-len=8192",),
    (),
    ("--max-model-len=32768", "--gpu-memory-utilization=0.95"),
    ("--max-num-seqs=32", "--tensor-parallel-size=4"),
    ("--enforce-eager", "--tensor-parallel-size=2"),
    ("--pipeline-parallel-size=2", "--gpu-memory-utilization=0.8"),
)
QWEN_HYBRID: dict[str, Any] = {
    "architectures": ["Qwen3_5ForConditionalGeneration"],
    "model_type": "qwen3_5",
    "text_config": {
        "model_type": "qwen3_5_text",
        "hidden_size": 5120,
        "num_hidden_layers": 64,
        "num_attention_heads": 24,
        "num_key_value_heads": 4,
        "head_dim": 256,
        "intermediate_size": 17408,
        "vocab_size": 248320,
        "max_position_embeddings": 262144,
        "full_attention_interval": 4,
        "linear_conv_kernel_dim": 4,
        "linear_key_head_dim": 128,
        "linear_num_key_heads": 16,
        "linear_num_value_heads": 48,
        "linear_value_head_dim": 128,
        "mamba_ssm_dtype": "float32",
        "dtype": "bfloat16",
    },
}


def questions(release: str | None) -> Iterator[tuple[str, ModelFacts, Gpu, tuple[str, ...]]]:
    """The public configs, each with another card and other arguments."""
    rows = vllm_data.lines("configs.jsonl")
    for index, row in enumerate(rows):
        gpu = gpu_for(CARDS[index % len(CARDS)], count=8)
        arguments = ARGUMENTS[index // len(CARDS) % len(ARGUMENTS)]
        yield row["id"], ModelFacts(config=row["config"]), gpu, arguments


@cache
def derived(release: str | None) -> tuple[tuple[str, ModelFacts, Gpu, tuple[str, ...], Estimate], ...]:
    """The questions with their answers."""
    return tuple(
        (name, model, gpu, args, estimate(model, gpu, read_engine_args(args, None, release), vllm=release))
        for name, model, gpu, args in questions(release)
    )


def of_size(gpu: Gpu, gib: float) -> Gpu:
    size: Fact[float] = Fact(value=gib, unit="GiB", source=Source.OPERATOR)
    return msgspec.structs.replace(gpu, memory_gib=size, visible_gib=size)


def outcome(model: ModelFacts, gpu: Gpu, args: EngineArgs, release: str | None) -> Outcome:
    return estimate(model, gpu, args, vllm=release, derive=False).outcome


def longer(args: EngineArgs, length: int) -> EngineArgs:
    return msgspec.structs.replace(args, max_model_len=length)


@pytest.mark.parametrize("release", RELEASES)
def test_the_smallest_card_starts_it_and_one_with_a_hundredth_less_does_not(release):
    wrong, asked = [], 0
    for name, model, gpu, arguments, answer in derived(release):
        args = read_engine_args(arguments, None, release)
        least = answer.required_gib.value
        if least is None:
            continue
        asked += 1
        at = outcome(model, of_size(gpu, least), args, release)
        below = outcome(model, of_size(gpu, least * 0.99), args, release)
        if at is not Outcome.STARTS or below is Outcome.STARTS:
            wrong.append((name, arguments, least, at, below))
    assert wrong == []
    assert asked >= 30


@pytest.mark.parametrize("release", RELEASES)
def test_the_longest_context_starts_and_one_token_more_does_not(release):
    wrong, asked = [], 0
    for name, model, gpu, arguments, answer in derived(release):
        args = read_engine_args(arguments, None, release)
        longest = answer.longest_context.value
        if longest is None:
            continue
        asked += 1
        at = outcome(model, gpu, longer(args, longest), release) if longest else Outcome.STARTS
        beyond = outcome(model, gpu, longer(args, longest + 1), release)
        if at is not Outcome.STARTS or beyond is Outcome.STARTS:
            wrong.append((name, arguments, longest, at, beyond))
    assert wrong == []
    assert asked >= 30


@pytest.mark.parametrize("release", RELEASES)
def test_the_smallest_tensor_parallel_size_starts_and_no_smaller_one_does(release):
    wrong, found = [], 0
    for name, model, gpu, arguments in questions(release):
        args = msgspec.structs.replace(read_engine_args(arguments, None, release), tp=1)
        size = smallest_tp(model, gpu, args, vllm=release)
        if size is None:
            continue
        found += 1
        outcomes = [
            outcome(model, gpu, msgspec.structs.replace(args, tp=one), release) for one in range(1, size + 1)
        ]
        if outcomes[-1] is not Outcome.STARTS or Outcome.STARTS in outcomes[:-1]:
            wrong.append((name, arguments, size, outcomes))
    assert wrong == []
    assert found >= 20


def test_a_hybrid_that_its_sequences_keep_from_starting_has_one_true_size():
    """Its states want more than its context does: on 0.28 the smallest card is far above the KV cache's.

    A page is a state of 3 x 10,240 x 2 B and 48 x 128 x 128 x 4 B in blocks of 784 tokens, and a block id has
    16 of them: 1,024 sequences hold 49.0 GiB, 90 % of the card hold them and all else.
    """
    model = ModelFacts(config=QWEN_HYBRID)
    args = read_engine_args(("--max-model-len=132000", "--gpu-memory-utilization=0.90"), None, "0.28.0")
    h100 = gpu_for("NVIDIA-H100-80GB-HBM3")
    found = estimate(model, h100, args, vllm="0.28.0")
    assert found.outcome is Outcome.REFUSED_ARGS
    assert "graphs can't be captured" in found.why
    least = found.required_gib
    assert least.value is not None
    fixed = sum(term.value for term in least.terms[:4])
    assert least.value == pytest.approx((fixed + 1024 * 16 * 784 * 4096 / 2**30) / 0.9, abs=0.01)
    assert outcome(model, of_size(h100, least.value), args, "0.28.0") is Outcome.STARTS
    for smaller in (69, 71.8, 73, 76, 90, 110, least.value * 0.99):
        assert outcome(model, of_size(h100, smaller), args, "0.28.0") is not Outcome.STARTS
    assert "sequences" in least.terms[-1].note


def test_a_card_that_starts_it_is_never_smaller_than_the_smallest():
    for name, _, gpu, _, found in derived("0.28.0"):
        if found.outcome is Outcome.STARTS and gpu.visible_gib.value is not None:
            assert found.required_gib.value is not None, name
            assert found.required_gib.value <= gpu.visible_gib.value, name


def test_no_card_is_large_enough_where_the_cache_is_fixed_too_small():
    args = read_engine_args(("--kv-cache-memory-bytes=1000000",), None, "0.28.0")
    found = estimate(ModelFacts(config=LLAMA_8B), gpu_for("H100"), args, vllm="0.28.0").required_gib
    assert found.value is None
    assert "no size" in found.note and "KV cache" in found.note


def test_a_context_that_nothing_bounds_is_not_a_number():
    mamba = {
        "architectures": ["MambaForCausalLM"],
        "model_type": "mamba",
        "hidden_size": 2560,
        "num_hidden_layers": 64,
        "intermediate_size": 5120,
        "state_size": 16,
        "conv_kernel": 4,
        "vocab_size": 50280,
    }
    args = read_engine_args((), None, "0.28.0")
    found = estimate(ModelFacts(config=mamba), gpu_for("H100"), args, vllm="0.28.0").longest_context
    assert found.value is None
    assert "no bound" in found.note


def test_where_nothing_starts_the_longest_context_says_why():
    args = read_engine_args(("--gpu-memory-utilization=0.2",), None, "0.28.0")
    found: Estimate = estimate(ModelFacts(config=LLAMA_8B), gpu_for("H100"), args, vllm="0.28.0")
    assert found.longest_context.value == 0
    assert found.why in found.longest_context.note


def test_of_two_values_with_the_same_gain_only_the_milder_is_offered():
    plain = read_engine_args(("--max-model-len=8192",), None, "0.33.0")
    for name, model, gpu, _ in questions("0.32.0"):
        offered = [knob for knob in knobs(model, gpu, plain, vllm="0.33.0") if "num-seqs" in knob.flag]
        gains = [(knob.outcome, round(knob.gained_gib or 0.0, 2)) for knob in offered]
        assert len(set(gains)) == len(gains), name
