"""What DeepSeek V4 takes while vLLM profiles, beside what other models take."""

from __future__ import annotations

from typing import Any

import pytest
from kv_kit import SMALL, started

from modelcar_tui.core.facts import GIB, MIB
from modelcar_tui.memory.activation import Peak
from modelcar_tui.memory.compressed_peak import with_compressed
from support import vllm_data

PRO: dict[str, Any] = vllm_data.config_of("deepseek-ai/DeepSeek-V4-Pro", "none")
KERNELS = 3.9
"""Measured: three logs."""


def added(*args: str, sampler: float = 0.0, config: dict[str, Any] = PRO) -> dict[str, float]:
    """GiB beside a peak whose sampler takes so many bytes."""
    start = started(config, "--tensor-parallel-size=8", *args, vllm="0.20.2", gpu="NVIDIA-H200")
    bare = Peak(total=1.0, sampler=sampler, warmup=0.0, terms=(), tables=0.0, uncounted=0.0)
    found = with_compressed(bare, start)
    terms = {term.label: term.value or 0.0 for term in found.terms}
    assert found.total - 1.0 == pytest.approx(sum(terms.values()) * GIB)
    return terms


def test_a_long_context_has_room_for_the_keys_of_forty() -> None:
    """800,000 x 40 / 4 keys of 132 B."""
    found = added("--max-model-len=800000", "--max-num-batched-tokens=512", sampler=8.0 * GIB)
    assert found == {
        "compressed attention's workspace": pytest.approx(8_000_000 * 132 / GIB),
        "compressed attention's kernels": KERNELS,
    }


def test_a_short_one_has_room_for_the_latents_of_four_requests() -> None:
    """4 x (8,192 / 4 + 128 + 8,192) latents of 512 numbers in 16 bits are more than 81,920 keys."""
    found = added("--max-model-len=8192", "--max-num-batched-tokens=8192", sampler=8.0 * GIB)
    assert found["compressed attention's workspace"] == pytest.approx(4 * (2048 + 128 + 8192) * 1024 / GIB)


def test_the_forward_pass_counts_where_it_is_more_than_the_samplers_run() -> None:
    """512 MiB of logits; of a token four streams of 7,168 numbers in 8 B, and 64 + 16 heads of 512."""
    asked = ("--max-model-len=8192", "--max-num-batched-tokens=8192")
    whole = 512 * MIB + 8192 * (8 * 4 * 7168 + 2 * 512 * (64 + 16))
    assert added(*asked)["streams and queries"] == pytest.approx(whole / GIB)
    assert added(*asked, sampler=GIB)["streams and queries"] == pytest.approx(whole / GIB - 1)
    assert "streams and queries" not in added(*asked, sampler=4.0 * GIB)


def test_another_models_peak_stays_as_it_is() -> None:
    assert added(config=SMALL) == {}
