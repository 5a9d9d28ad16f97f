"""A try from the operator's word to its end, on a stub cluster whose kubelet really starts a stand-in for
vLLM."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from support.stub_pod import DIGEST
from support.trial_bench import TrialBench, ready

Make = Callable[..., TrialBench]


RELEASES = ("0.8.0", "0.9.2", "0.10.0", "0.11.2", "0.13.0", "0.18.0", "0.24.0", "0.33.0")


@pytest.mark.parametrize("release", RELEASES)
async def test_a_start_is_measured_in_each_release(bench: Make, release: str) -> None:
    one = bench(FAKE_VLLM_RELEASE=release)
    end = await one.run()
    assert end.problem is None
    assert end.measured is not None
    assert (end.measured.outcome, end.measured.vllm) == ("starts", release)
    assert end.measured.figures["kv_tokens"] == 354_624
    assert end.measured.figures["weights_gib"] == pytest.approx(15.27, abs=0.01)
    assert end.measured.runtime_digest == DIGEST
    assert end.measured.args == ready().basis.args
    assert end.left == ()
    assert end.seconds > 0
    assert one.nothing_left
    assert one.stages[0] == "MAKING"
    assert one.stages[-2:] == ["STARTING", "REMOVING"]
    assert one.news[-1].figures == end.measured.figures
    assert one.news[-1].lines == len(Path(end.log).read_text().splitlines())
    assert Path(end.log).stat().st_mode & 0o777 == 0o600


ENDS = {
    "refuses-kv": "refused_kv",
    "refuses-no-kv": "refused_no_kv",
    "refuses-args": "refused_args",
    "refuses-memory": "refused_free_memory",
    "oom-load": "oom_load",
    "oom-warmup": "oom_warmup",
    "dies": "died",
}


@pytest.mark.parametrize(
    ("how", "release"),
    [(how, RELEASES[(at + half) % len(RELEASES)]) for at, how in enumerate(ENDS) for half in (0, 4)],
)
async def test_a_refusal_is_measured_in_vllms_own_words(bench: Make, how: str, release: str) -> None:
    one = bench(FAKE_VLLM_RELEASE=release, FAKE_VLLM_END=how)
    end = await one.run()
    assert end.problem is None
    assert end.measured is not None
    assert (end.measured.outcome, end.measured.vllm or release) == (ENDS[how], release)
    assert end.measured.error
    assert "\n" not in end.measured.error
    assert one.nothing_left
