"""Calls of a try that make and read fail in their turn, once or for good: one line, nothing left that is
not said, no exception."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from modelcar_tui.kube import client as kube_client
from modelcar_tui.kube import patience
from modelcar_tui.kube.jobs import log as pod_log
from modelcar_tui.trial import asks, following, removing, sweep_trials
from support.trial_bench import TrialBench

Make = Callable[..., TrialBench]
CALLS = {
    "make the job": r"POST .*/jobs",
    "make a secret": r"POST .*/secrets",
    "look at the node": r"GET .*/nodes/.*",
    "read the log": r"GET .*/log",
}
UNANSWERED = 2


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REFUSED_S", 0.1)
    monkeypatch.setattr(pod_log, "LONGEST_PAUSE_S", 0.1)
    monkeypatch.setattr(removing, "AWAY_S", 0.2)
    monkeypatch.setattr(removing, "GONE_S", 0.5)
    monkeypatch.setattr(asks, "AWAY_S", 0.2)
    monkeypatch.setattr(following, "REST_S", 0.3)
    monkeypatch.setattr(following, "SETTLE_S", 0.3)
    monkeypatch.setattr(kube_client, "TRIES", 1)


def failing(one: TrialBench, call: str, status: int, *, once: bool) -> list[str]:
    """Let that call fail; what failed."""
    failed: list[str] = []

    def fault(method: str, path: str) -> int:
        asked = f"{method} {path}"
        if not re.fullmatch(CALLS[call], asked) or (once and failed):
            return 0
        failed.append(asked)
        return status

    one.cluster.fault = fault
    return failed


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(("status", "once"), [(UNANSWERED, True), (403, False)])
async def test_a_call_that_fails_leaves_nothing_unsaid(
    bench: Make, call: str, status: int, once: bool
) -> None:
    one = bench()
    failed = failing(one, call, status, once=once)
    end = await one.run()
    assert failed
    assert (end.problem is None) is not (end.measured is None)
    assert "\n" not in str(end.problem)
    assert all("; oc delete " in line and "\n" not in line for line in end.left)
    one.cluster.fault = lambda method, path: 0
    if one.cluster.left:
        left = " ".join(end.left)
        jobs = [name for kind, name in (each.split("/") for each in one.cluster.left) if kind == "job"]
        assert one.kept
        assert all(name in left for name in jobs) or one.cluster.processes == 0
    async with one.client() as client:
        await sweep_trials(client, folder=one.state)
    await one.until(lambda: one.nothing_left)
