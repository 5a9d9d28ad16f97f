"""What is said of a release that nobody read."""

from __future__ import annotations

import pytest

from modelcar_tui.core.resources import table
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.vllm import architectures
from modelcar_tui.vllm.argument_table import known_arguments
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.name_table import name_table, pipeline_table
from modelcar_tui.vllm.profile import newer_note, profile_for
from modelcar_tui.vllm.quantization_table import quantization_table
from modelcar_tui.vllm.readings import readings
from modelcar_tui.vllm.value_table import capability_table, default_table

NEWEST = readings().read[-1]

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 4096,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "intermediate_size": 14336,
    "vocab_size": 128256,
    "max_position_embeddings": 131072,
}


CARD, SHARE = "NVIDIA-H100-80GB-HBM3", "--gpu-memory-utilization=0.3"
"""Where 0.16, which sorts 1,024 rows of logits, leaves less for the KV cache than the newest release."""


def start(vllm: str | None, gpu: str = "NVIDIA-H100-80GB-HBM3", length: int = 8192, *more: str):
    args = read_engine_args((f"--max-model-len={length}", *more), 1, vllm)
    return estimate(ModelFacts(config=LLAMA), gpu_for(gpu), args, vllm=vllm)


def test_every_table_ends_at_the_same_newest_release() -> None:
    read = table(architectures.__file__, "architectures.json", dict)["read"]
    tables = (pipeline_table(), name_table(), default_table(), capability_table())
    newest = {known_arguments().versions[-1], quantization_table().versions[-1], read[-1]}
    assert newest | {table.read[-1] for table in tables} == {NEWEST}
    assert set(readings().read) <= set(known_arguments().versions)


@pytest.mark.parametrize("vllm", ["0.90.0", "v0.91.0", "1.2.0", "0.90.0.dev1", "0.91.0+rhai2"])
def test_a_release_newer_than_all_that_was_read_has_bounds_and_says_so(vllm: str) -> None:
    found, newest = start(vllm), start(NEWEST)
    assert found.kv_tokens.value == newest.kv_tokens.value
    low, high = found.kv_tokens.low, found.kv_tokens.high
    assert low is not None and high is not None and low < high
    assert any("newer than all that was read" in note for note in found.notes)
    assert found.vllm.endswith("?") and "newer" in newer_note(vllm)


@pytest.mark.parametrize("vllm", ["0.33.0", "0.19.1", "0.11.2+rhai5", "v0.8.5.post1+upstream", "0.33.0rc1"])
def test_a_release_that_was_read_or_lies_between_has_exact_figures(vllm: str) -> None:
    found = start(vllm)
    assert profile_for(vllm).known and found.kv_tokens.low is None
    assert not found.vllm.endswith("?") and not newer_note(vllm)


def test_where_a_newer_release_decides_the_verdict_is_unknown() -> None:
    lengths = range(8192, 65536, 1024)
    newest = [n for n in lengths if start("0.33.0", CARD, n, SHARE).outcome is Outcome.STARTS]
    between = [n for n in newest if start("0.16.0", CARD, n, SHARE).outcome is not Outcome.STARTS]
    assert between
    assert {start("0.91.0", CARD, n, SHARE).outcome for n in between} == {Outcome.UNKNOWN}


def test_what_decides_for_a_newer_release_is_told_of_it_and_not_of_one_that_nobody_stated() -> None:
    lengths = range(8192, 65536, 1024)
    (doubt, *_) = [f for n in lengths if (f := start("0.91.0", CARD, n, SHARE)).outcome is Outcome.UNKNOWN]
    assert doubt.why.startswith(
        f"vLLM 0.91.0 is newer than all that was read: starts with the habits of {NEWEST}"
    )
    assert "version" not in doubt.why


@pytest.mark.parametrize(
    ("vllm", "outcome"),
    [
        ("0.33.0", Outcome.REFUSED_ARCH),
        ("0.18.1", Outcome.UNKNOWN),
        ("0.91.0", Outcome.UNKNOWN),
        (None, Outcome.UNKNOWN),
    ],
)
def test_an_architecture_that_no_release_lists_is_refused_where_its_transformers_was_read(
    vllm: str | None, outcome: Outcome
) -> None:
    facts = ModelFacts(config={**LLAMA, "architectures": ["NobodysForCausalLM"]})
    found = estimate(facts, gpu_for("H100"), read_engine_args(("--max-model-len=8192",), 1, vllm), vllm=vllm)
    assert found.outcome is outcome


@pytest.mark.parametrize(
    ("vllm", "outcome", "said"),
    [
        ("0.23.0", Outcome.STARTS, "are taken"),
        ("0.33.0", Outcome.REFUSED_ARCH, "after 0.23.0, this is 0.33.0"),
        ("0.91.0", Outcome.UNKNOWN, "after 0.23.0; 0.91.0 is newer than all that was read"),
        (None, Outcome.UNKNOWN, "it depends on the vLLM version"),
    ],
)
def test_an_architecture_that_was_dropped_starts_nowhere_else_for_sure(
    vllm: str | None, outcome: Outcome, said: str
) -> None:
    facts = ModelFacts(config={**LLAMA, "architectures": ["MiniMaxText01ForCausalLM"]})
    found = estimate(facts, gpu_for("H100"), read_engine_args(("--max-model-len=8192",), 1, vllm), vllm=vllm)
    assert (found.outcome, said in found.why) == (outcome, True), found.why
