"""The sampler's share of the profile: 9.5 copies of the logits where PyTorch sorts, 3.5 elsewhere."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.core.facts import GIB, Fact
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.open_questions import open_questions
from modelcar_tui.memory.sampling import QUESTION, sampler_bytes
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from support.configs import LLAMA_8B

SORTED = 9.5 * 1024 * 128256 * 4 / GIB
LEAN = (3.5 * 1024 + 132) * 128256 * 4 / GIB


def started(vllm: str, *args: str, gpu: str = "NVIDIA-H100-80GB-HBM3") -> Start:
    model = describe_model(ModelFacts(config=LLAMA_8B), quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    return start_of(model, gpu_for(gpu), read_engine_args(args, None, vllm), profile_for(vllm))


@pytest.mark.parametrize(
    ("vllm", "gib"),
    [
        ("0.11.0+rhai2", SORTED),
        ("0.11.0 (upstream image)", LEAN),
        ("0.11.2+rhai1", SORTED),
        ("0.16.0", SORTED),
        ("0.17.0", LEAN),
        ("0.24.0 without Model Runner V2", LEAN),
    ],
)
def test_the_build_decides_who_samples(vllm: str, gib: float) -> None:
    start = started(vllm)
    assert sampler_bytes(start) / GIB == pytest.approx(gib)
    assert open_questions(start) == ()


@pytest.mark.parametrize("vllm", ["0.9.2", "0.10.2", "0.11", "0.11.x", "0.11.0rc2", "0.11.0+cu128"])
def test_a_build_that_nobody_told_takes_the_hungrier_bound(vllm: str) -> None:
    start = started(vllm)
    assert sampler_bytes(start) / GIB == pytest.approx(SORTED)
    assert sampler_bytes(start.at(0.0)) / GIB == pytest.approx(LEAN)
    assert open_questions(start) == (QUESTION,)


def test_the_environment_settles_it() -> None:
    off, on = started("0.10.2 without the FlashInfer sampler"), started("0.16.0 with the FlashInfer sampler")
    assert sampler_bytes(off.at(0.0)) / GIB == pytest.approx(SORTED)
    assert open_questions(off) == ()
    assert sampler_bytes(on) / GIB == pytest.approx(LEAN)


@pytest.mark.parametrize(("vllm", "gib"), [("0.7.3", SORTED), ("0.7.3 with the FlashInfer sampler", LEAN)])
def test_the_engine_before_v1_sorts_unless_it_is_asked_not_to(vllm: str, gib: float) -> None:
    start = started(vllm, "--max-num-seqs=1024")
    assert sampler_bytes(start) / GIB == pytest.approx(gib)


@pytest.mark.parametrize(
    ("vllm", "mode", "gib"),
    [
        ("0.11.0+upstream", "processed_logits", SORTED),
        ("0.11.0+upstream", "raw_logits", LEAN),
        ("0.19.0", "processed_logits", LEAN),
        ("0.19.0", "processed_logprobs", LEAN + 1024 * 128256 * 4 / GIB),
    ],
)
def test_flashinfer_returns_no_processed_logits(vllm: str, mode: str, gib: float) -> None:
    start = started(vllm, f"--logprobs-mode={mode}")
    assert sampler_bytes(start) / GIB == pytest.approx(gib)


def test_rocm_does_not_ask_for_flashinfer() -> None:
    start = started("0.11.0+upstream", gpu="AMD-Instinct-MI300X")
    assert sampler_bytes(start) == 9.5 * 1024 * 128256 * 4
    assert QUESTION not in open_questions(started("0.10.2", gpu="AMD-Instinct-MI300X"))


def test_a_drafter_has_a_dummy_run_of_its_own_beside_it() -> None:
    start = started("0.16.0")
    drafting = msgspec.structs.replace(start, args=msgspec.structs.replace(start.args, speculative=True))
    assert sampler_bytes(drafting) - sampler_bytes(start) == pytest.approx(2 * 1024 * 128256 * 4)


def test_what_does_not_sample_leaves_nothing_open() -> None:
    start = started("0.10.2")
    pooled = msgspec.structs.replace(start, args=msgspec.structs.replace(start.args, pooling=True))
    assert open_questions(pooled) == ()


def test_fewer_than_eight_sequences_are_sorted_without_a_row_a_multiprocessor() -> None:
    assert sampler_bytes(started("0.19.0", "--max-num-seqs=6")) == 9.5 * 6 * 128256 * 4


@pytest.mark.parametrize(("vllm", "shown"), [("0.10.2", "sorts"), ("0.11.0", "lean")])
def test_the_verdict_is_open_where_the_build_decides(vllm: str, shown: str) -> None:
    """Llama 3.1 8B with 1,024 sequences on an H100: 2.87 GiB between both samplers. What is shown of a bare
    number is the sort's, but of 0.11.0, which is its image's."""
    card, facts = gpu_for("NVIDIA-H100-80GB-HBM3"), ModelFacts(config=LLAMA_8B)

    def sized(build: str, share: float) -> tuple[Outcome, Fact[float]]:
        args = read_engine_args(("--max-model-len=8192", f"--gpu-memory-utilization={share}"), None, build)
        found = estimate(facts, card, args, vllm=build)
        return found.outcome, found.kv_available_gib

    builds = (vllm, f"{vllm} (upstream image)", f"{vllm} without FlashInfer sampler")
    bare, lean, sorts = (sized(build, 0.4) for build in builds)
    ends = {"lean": lean[1].value, "sorts": sorts[1].value}
    assert bare[1].value == ends[shown]
    assert (bare[1].low, bare[1].high) == (ends["sorts"], ends["lean"])
    assert [found[0] for found in (bare, lean, sorts)] == [Outcome.STARTS] * 3
    tight = [sized(build, 0.26)[0] for build in builds]
    assert tight == [Outcome.UNKNOWN, Outcome.STARTS, Outcome.REFUSED_KV]
