"""Model Runner V2 by its own code, worked out by hand: Llama 3.1 8B, 1,024 sequences, 128,256 words."""

from __future__ import annotations

import pytest

from modelcar_tui.core.facts import GIB, MIB
from modelcar_tui.hardware.product import gpu_for
from modelcar_tui.memory import overheads
from modelcar_tui.memory.activation import peak_of
from modelcar_tui.memory.budget import budget_for
from modelcar_tui.memory.estimator import estimate
from modelcar_tui.memory.graphs import captured, estimated, sizes_of
from modelcar_tui.memory.outcome import headroom_of
from modelcar_tui.memory.sampling import in_words, sampler_bytes, warmup_bytes
from modelcar_tui.memory.start import Start, start_of
from modelcar_tui.memory.types import Outcome
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.profile import profile_for
from support.configs import LLAMA_8B

COPY = 1024 * 128256 * 4
"""The logits in 32 bits."""
H100 = "NVIDIA-H100-80GB-HBM3"


def started(vllm: str, *args: str, gpu: str = H100) -> Start:
    model = describe_model(ModelFacts(config=LLAMA_8B), quantization=None, dtype="auto", overrides=None)
    assert isinstance(model, Model)
    return start_of(model, gpu_for(gpu), read_engine_args(args, None, vllm), profile_for(vllm))


@pytest.mark.parametrize(
    ("vllm", "copies"), [("0.26.0", 1.5), ("0.27.0", 0.5), ("0.32.0", 0.5), ("0.33.0", 3.5)]
)
def test_the_profile_samples_what_it_is_asked(vllm: str, copies: float) -> None:
    start = started(vllm)
    assert sampler_bytes(start) == copies * COPY
    assert f"{copies:g} x 1024 sequences x 128256 x 4 B" in in_words(start)


@pytest.mark.parametrize("vllm", ["0.26.0", "0.28.0", "0.33.0"])
def test_the_warm_up_asks_for_everything(vllm: str) -> None:
    """A prefill of two tokens a sequence; with two drafts a step of three rows a sequence."""
    assert warmup_bytes(started(vllm)) == 3.5 * COPY
    assert warmup_bytes(started(vllm, "--max-num-batched-tokens=1024")) == 3.5 * COPY / 2
    drafts = '--speculative-config={"method": "eagle3", "model": "a/b", "num_speculative_tokens": 2}'
    assert warmup_bytes(started(vllm, drafts)) == 3 * 3.5 * COPY


def test_without_flashinfer_triton_masks_in_place() -> None:
    start = started("0.28.0", gpu="AMD-Instinct-MI300X")
    assert warmup_bytes(start) == 1.5 * COPY + (start.gpu.sms or 132) * 128256 * 4


@pytest.mark.parametrize(("vllm", "counted"), [("0.26.0", False), ("0.27.0", True), ("0.33.0", True)])
def test_the_tables_are_paid_by_the_cache_since_the_whole_card_is_measured(vllm: str, counted: bool) -> None:
    """Counts in 32 bits, and a bit each for prompt and grammar."""
    peak = peak_of(started(vllm), last=True)
    bits = 1024 * 128256 // 32 * 4
    assert peak.tables == COPY + 2 * bits
    assert peak.uncounted == (0 if counted else peak.tables)
    assert ("tables of requests" in [term.label for term in peak.terms]) is counted
    assert sum(term.value or 0 for term in peak.terms) * GIB == pytest.approx(peak.total)


def test_the_other_runner_has_none() -> None:
    peak = peak_of(started("0.26.0 without Model Runner V2"), last=True)
    assert (peak.tables, peak.uncounted, peak.warmup) == (0, 0, peak.sampler)


@pytest.mark.parametrize(("vllm", "deducted"), [("0.25.0", False), ("0.28.0", False), ("0.29.0", True)])
def test_graphs_are_estimated_from_0_29_on(vllm: str, deducted: bool) -> None:
    start = started(vllm)
    found = budget_for(start)
    assert found.graphs > 0
    assert (found.graphs_deducted > 0) is deducted
    assert overheads.non_torch(start) / GIB == pytest.approx(0.25 if deducted else 0.13)


def test_ranks_take_with_their_first_graph_what_the_other_runner_took_while_it_profiled() -> None:
    """A log of four H100 (vllm pull request 48601): 1.54 GiB of activation, 0.6 outside torch, 2.04 of graphs
    and no room for the warm-up, with 248,320 words and 1,024 sequences."""
    alone, ranks = started("0.26.0"), started("0.26.0", "--tensor-parallel-size=4")
    for least, gib in ((True, 0.65), (False, 1.3)):
        parts = overheads.graph_parts(ranks, estimate=False, least=least)
        assert [size / GIB for label, size, _ in parts if label == "NCCL's buffers"] == [gib]
    assert len(overheads.graph_parts(alone, estimate=False)) == len(parts) - 1
    assert overheads.non_torch(ranks) / GIB == pytest.approx(0.55 + 2 * 0.06)
    later = overheads.graph_parts(started("0.29.0", "--tensor-parallel-size=4"), estimate=False)
    assert "NCCL's buffers" not in [label for label, _, _ in later]


def test_the_estimate_captures_all_pieces_and_rounds_whole_steps_up() -> None:
    start = started("0.33.0")
    taken, kept = (sum(size for _, size, _ in of(start, least=False)) for of in (estimated, captured))
    assert taken - kept == pytest.approx((sizes_of(start).count - 1) * 0.6 * MIB)


def test_what_no_figure_has_may_kill_the_warm_up() -> None:
    """Of the same card the other runner is asked for the same and starts."""
    config, card = ModelFacts(config=LLAMA_8B), gpu_for(H100)

    def outcome(vllm: str) -> Outcome:
        args = read_engine_args(("--gpu-memory-utilization=0.97", "--max-model-len=8192"), None, vllm)
        return estimate(config, card, args, vllm=vllm).outcome

    assert outcome("0.26.0 without Model Runner V2") is Outcome.STARTS
    assert outcome("0.26.0") is Outcome.OOM_WARMUP


def test_the_headroom_is_what_its_terms_leave() -> None:
    start = started("0.26.0", "--max-model-len=8192")
    found = budget_for(start)
    held = found.start + found.weights_bytes + found.non_torch + (found.available or 0) + found.graphs
    left = (found.total or 0) - held - found.peak.tables - found.peak.warmup
    assert headroom_of(found) == pytest.approx(left)
    assert found.peak.uncounted == found.peak.tables
