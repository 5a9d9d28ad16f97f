"""Other vendors' rules for the KV cache, as their plug-ins' sources have them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from modelcar_tui.core.facts import GIB, Fact
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.budget import budget_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.platforms import Room, cache_factor, room_for
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from support.configs import LLAMA_8B

WEIGHTS = 14.99
"""GiB of Llama-3.1-8B in 16 bits."""


def started(card: str, *args: str, config: dict[str, Any] = LLAMA_8B, total: float | None = None) -> Start:
    model = describe_model(ModelFacts(config=config), quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    gpu = gpu_for(card)
    if total:
        gpu = msgspec.structs.replace(gpu, visible_gib=Fact(value=total, unit="GiB"))
    return start_of(model, gpu, read_engine_args(args, None, "0.19.0"), profile_for("0.19.0"))


def room(card: str, *args: str, **what: Any) -> Room:
    start = started(card, *args, **what)
    budget = budget_for(start)
    assert budget.total is not None
    return room_for(start, budget, budget.total)


def test_gaudi_cuts_a_share_of_what_the_weights_leave_and_keeps_a_tenth_for_graphs():
    """The log of Gaudi 2 in the plug-in's documentation: 94.62 GiB, 15.4 in use, 64.17 GiB of KV cache. What
    the runtime takes at most is from it."""
    least, most = room("Gaudi2", "--gpu-memory-utilization=0.9", total=94.62).left
    assert most / GIB == pytest.approx((94.62 - WEIGHTS) * 0.9 * 0.9, abs=0.02)
    assert least / GIB < 64.17 < most / GIB


def test_gaudi_keeps_nothing_for_graphs_in_eager_mode():
    eager = room("Gaudi2", "--gpu-memory-utilization=0.9", "--enforce-eager", total=94.62)
    assert eager.left[1] / GIB == pytest.approx((94.62 - WEIGHTS) * 0.9, abs=0.02)


def test_a_tpu_takes_what_is_in_use_from_its_share_and_profiles_nothing():
    least, most = room("TPU-v6e", "--gpu-memory-utilization=0.9").left
    assert most / GIB == pytest.approx(31.25 * 0.9 - WEIGHTS, abs=0.02)
    assert 0 < (most - least) / GIB < 1.0


@pytest.mark.parametrize(("width", "factor"), [(64, 1.0), (96, 128 / 96), (128, 1.0), (160, 256 / 160)])
def test_a_tpu_pads_heads_to_128_but_for_those_of_64(width, factor):
    start = started("TPU-v6e", config={**LLAMA_8B, "head_dim": width})
    assert cache_factor(start) == (factor, factor)
    assert cache_factor(started("Gaudi3", config={**LLAMA_8B, "head_dim": width})) == (1.0, 1.0)


def test_spyre_lays_the_cache_out_for_a_full_batch():
    few, many = room("Spyre", "--max-model-len=8192", "--max-num-seqs=16").needed
    assert (few / GIB, many / GIB) == (1.0, 16.0)


def test_a_number_of_blocks_that_is_given_is_the_cache():
    found = room("Spyre", "--max-model-len=8192", "--num-gpu-blocks-override=1024")
    assert found.left[0] == found.left[1] == 1024 * 16 * 128 * 1024


def test_the_shown_cache_lies_in_the_middle_of_its_bounds_and_its_terms_lead_to_it():
    gpu = gpu_for("Gaudi3")
    args = read_engine_args(("--max-model-len=8192",), None, "0.19.0")
    found = estimate(ModelFacts(config=LLAMA_8B), gpu, args, vllm="0.19.0")
    left = found.kv_available_gib
    assert found.outcome is Outcome.STARTS
    assert left.value is not None and left.low is not None and left.high is not None
    assert left.value == pytest.approx((left.low + left.high) / 2)
    assert sum(term.value for term in left.terms) == pytest.approx(left.value)
    tokens = found.kv_tokens
    assert tokens.value is not None and tokens.low is not None
    assert tokens.low == pytest.approx(left.low * GIB / (128 * 1024), rel=1e-3)
    assert tokens.value == pytest.approx(left.value * GIB / (128 * 1024), rel=1e-3)


def test_a_processor_s_cache_is_what_its_environment_gives():
    gpu = Gpu(product="EPYC", vendor="cpu", memory_gib=Fact(value=256.0), visible_gib=Fact(value=256.0))
    args = read_engine_args(("--max-model-len=8192",), None, "0.19.0")
    found = estimate(ModelFacts(config=LLAMA_8B), gpu, args, vllm="0.19.0")
    assert found.outcome is Outcome.UNKNOWN
    assert "VLLM_CPU_KVCACHE_SPACE" in found.why


@pytest.mark.parametrize(("card", "asks"), [("TPU-v6e", True), ("Gaudi3", False), ("Spyre", False)])
def test_only_who_asks_for_a_share_of_the_whole_device_has_one(card, asks):
    args = read_engine_args(("--max-model-len=8192", "--max-num-seqs=8"), None, "0.19.0")
    found = estimate(ModelFacts(config=LLAMA_8B), gpu_for(card), args, vllm="0.19.0")
    assert found.requested_gib.known is asks
    assert found.longest_context.low is None
