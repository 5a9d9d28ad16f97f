"""A try whose process is killed (kill -9) at each of its steps: the next start's sweep removes everything,
and so does the cluster itself where nobody comes back."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.trial import sweep_trials
from support.trial_bench import TrialBench

Make = Callable[..., TrialBench]
Kill = Callable[..., int]
ROOT = Path(__file__).parents[3]
STEPS = [
    ("POST", "jobs", 1),
    ("POST", "secrets", 1),
    ("POST", "secrets", 2),
    ("GET", "pods", 1),
    ("GET", "log", 1),
    ("GET", "jobs", 2),
    ("DELETE", "jobs", 1),
    ("DELETE", "pods", 1),
]


@pytest.fixture(scope="module")
def kill() -> Iterator[Kill]:
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT / "tests")))
    server = subprocess.Popen(
        [sys.executable, str(ROOT / "tests" / "support" / "trial_killed.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    assert server.stdin is not None
    assert server.stdout is not None

    def one(bench: TrialBench, method: str, kind: str, count: int, **more: Any) -> int:
        told = {"folder": str(bench.state), "kubeconfig": str(bench.cluster.kubeconfig()), **more}
        server.stdin.write(json.dumps({**told, "method": method, "kind": kind, "count": count}) + "\n")
        server.stdin.flush()
        return int(server.stdout.readline())

    yield one
    server.stdin.close()
    server.wait(10)


@pytest.mark.parametrize(
    ("step", "after"), [(STEPS[0], False), (("DELETE", "jobs", 1), False), *((step, True) for step in STEPS)]
)
async def test_the_next_start_removes_what_is_left(
    bench: Make, kill: Kill, step: tuple[str, str, int], after: bool
) -> None:
    one = bench()
    one.cluster.collects = False  # so that it is the sweep that does it
    assert kill(one, *step, after=after) == -9
    there = step[0] == "POST" and (after or step != STEPS[0])
    assert bool(one.cluster.left) or not there
    assert one.kept
    async with one.client() as client:
        lines = await sweep_trials(client, folder=one.state)
        assert not there or lines
        assert await sweep_trials(client, folder=one.state) == ()
    await one.until(lambda: one.nothing_left)


@pytest.mark.parametrize("step", [("POST", "jobs", 1), ("POST", "secrets", 2), ("GET", "log", 1)])
async def test_the_cluster_removes_it_where_nobody_comes_back(
    bench: Make, kill: Kill, step: tuple[str, str, int]
) -> None:
    one = bench(hurry=200.0)
    limits = {"limit_s": 200, "start_s": 100, "alive_s": 40, "ttl_s": 20}
    assert kill(one, *step, after=True, ready=limits) == -9
    assert one.cluster.left
    await one.until(lambda: not one.cluster.left and not one.cluster.processes)


async def test_a_record_of_another_cluster_stays(bench: Make, kill: Kill) -> None:
    one, other = bench(), bench()
    assert kill(one, "POST", "secrets", 1, after=True) == -9
    async with other.client() as client:
        assert await sweep_trials(client, folder=one.state) == ()
    assert one.kept
    assert one.cluster.left


async def test_what_has_the_name_and_not_the_label_is_left(bench: Make, kill: Kill) -> None:
    one = bench()
    assert kill(one, "POST", "secrets", 2, after=True) == -9
    for held in (one.cluster.jobs, one.cluster.secrets):
        for each in held.values():
            each["metadata"]["labels"] = {}
    for pod in one.cluster.pods.values():
        pod.labels = {}
    async with one.client() as client:
        assert await sweep_trials(client, folder=one.state) == ()
    assert len(one.cluster.left) == 4


async def test_records_that_another_hand_wrote_are_left(bench: Make) -> None:
    one = bench()
    trials = one.state / "trials"
    trials.mkdir(parents=True)
    for name, text in (("a.json", "{"), ("b.json", "[]"), ("c.json", '{"id": "other"}')):
        trials.joinpath(name).write_text(text)
    async with one.client() as client:
        assert await sweep_trials(client, folder=one.state) == ()
    assert {"a.json", "b.json", "c.json"} <= set(one.kept)
