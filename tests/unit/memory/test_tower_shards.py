"""Towers, norms and encoders whose shards vLLM takes or refuses, as its own answers have it."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from support import vllm_data

REFUSED = Outcome.REFUSED_QUANT


def size(folder: Path, model: str, scheme: str, tp: int, *args: str, vllm: str = "0.32.0") -> Estimate:
    facts = vllm_data.facts(model, scheme, folder)
    wanted = read_engine_args((f"--tensor-parallel-size={tp}", *args), tp, vllm)
    return estimate(facts, gpu_for(vllm_data.CARD, count=tp), wanted, vllm=vllm)


@pytest.mark.parametrize(
    ("model", "scheme", "tp", "outcome"),
    [
        ("HuggingFaceTB/SmolVLM2-2.2B-Instruct", "fp8-block", 2, REFUSED),
        ("HuggingFaceTB/SmolVLM2-2.2B-Instruct", "fp8-block", 1, Outcome.STARTS),
        ("ibm-granite/granite-vision-4 form", "w4a16", 4, REFUSED),
        ("granite-vision-3.3-2b", "w4a16", 8, REFUSED),
        ("granite-vision-3.3-2b", "none", 8, Outcome.STARTS),
        ("google/gemma-3n-E4B-it", "fp8-block", 4, REFUSED),
        ("lightonai/GTE-ModernColBERT-v1 form", "gptq", 2, Outcome.STARTS),
        ("inclusionAI/Ring-2.5", "none", 8, Outcome.REFUSED_ARGS),
        ("inclusionAI/Ring-2.5", "none", 4, Outcome.STARTS),
    ],
)
def test_a_shard_must_hold_whole_blocks_groups_and_norms(
    model: str, scheme: str, tp: int, outcome: Outcome, tmp_path: Path
) -> None:
    found = size(tmp_path, model, scheme, tp, "--max-model-len=8192")
    assert found.outcome is outcome, found.why
    assert bool(found.error) is (outcome is not Outcome.STARTS)


def test_a_tower_that_is_left_out_is_not_cut(tmp_path: Path) -> None:
    args = ("--max-model-len=8192", '--limit-mm-per-prompt={"image": 0, "video": 0}')
    assert size(tmp_path, "ibm-granite/granite-vision-4 form", "w4a16", 4, *args).outcome is Outcome.STARTS


def test_a_16_bit_cache_must_be_the_pooling_models_own_float16(tmp_path: Path) -> None:
    model, kind = "bge-reranker-v2-m3", "--kv-cache-dtype=bfloat16"
    assert size(tmp_path, model, "none", 1, kind, vllm="0.33.0").outcome is Outcome.REFUSED_ARGS
    assert size(tmp_path, model, "none", 1, kind, vllm="0.32.0").outcome is Outcome.STARTS
    given = size(tmp_path, model, "none", 1, kind, "--dtype=bfloat16", vllm="0.33.0")
    assert given.outcome is Outcome.STARTS


def test_fp8_had_room_for_a_gate_that_nemotrons_experts_lack(tmp_path: Path) -> None:
    model = "nvidia/NVIDIA-Nemotron-3-Ultra-550B-A55B-BF16"
    found = {
        vllm: size(tmp_path, model, "fp8-static", 1, "--max-model-len=8192", vllm=vllm).weights_gib.value or 0
        for vllm in ("0.24.0", "0.28.0")
    }
    assert found["0.24.0"] == pytest.approx(753.78, rel=0.001)
    assert found["0.28.0"] == pytest.approx(513.78, rel=0.001)
