"""One index a model: results of each, resume between and within them, and what ends one ends no other."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcar_tui.qa.effects import job_engine_effects
from modelcar_tui.qa.events import QaProgressed, Warned
from modelcar_tui.qa.log.spool import Origin
from modelcar_tui.qa.suite_facts import branches
from support.job_bench import AUTH, JobBench, eventually


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[JobBench]:
    bench = JobBench(tmp_path, parallel=1)
    yield bench
    bench.cluster.stop()


@pytest.mark.parametrize("parallel", [1, 3])
async def test_each_index_has_its_own_result(parallel: int, bench: JobBench) -> None:
    request = bench.request("granite", "llama--crash", "x-137--exit", "whisper")
    outcome = await bench.run(request, bench.runner(parallel=parallel))
    assert outcome.code == "QA_ERROR:CRASH_LOOP"
    assert outcome.message.startswith(
        "2 of 4 models failed: llama--crash (CRASH_LOOP), x-137--exit (KILLED); llama--crash: "
    ), outcome.message
    assert [(m.model, m.status) for m in outcome.models] == [
        ("granite", "PASSED"),
        ("llama--crash", "ERROR"),
        ("x-137--exit", "ERROR"),
        ("whisper", "PASSED"),
    ]
    assert outcome.counts is not None
    assert (outcome.counts.passed, outcome.counts.errors) == (2, 1)
    # Whichever ran when, the log is in the order of the indexes.
    ours = [line for line in bench.lines(Origin.US) if line.startswith("index")]
    assert ours == [f"index {at} of 4: {m.model}" for at, m in enumerate(outcome.models, 1)]
    last = [event for event in bench.events if isinstance(event, QaProgressed)][-1]
    assert (last.done, last.total, last.passed, last.failed) == (4, 4, 2, 1)
    assert (bench.cluster.jobs, bench.cluster.secrets, bench.cluster.pods) == ({}, {}, {})
    assert await bench.run(request) == outcome, "asked again, nothing runs again"


async def test_objects_are_what_kubernetes_takes(bench: JobBench) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    assert (await bench.run(bench.request("a", "b", model_timeout_s=900.0))).ok
    _, job, secret = bench.cluster.posted
    job["metadata"].pop("uid", None)
    validate.validate(job, "1.31", strict=True)
    spec = job["spec"]
    assert (spec["completionMode"], spec["completions"], spec["parallelism"]) == ("Indexed", 2, 1)
    assert "backoffLimit" not in spec
    assert spec["template"]["spec"]["activeDeadlineSeconds"] == 900 + 600, "with room for a pull"
    assert {"modelcar-0.yaml", "modelcar-1.yaml", "kubeconfig", "env"} <= set(secret["data"])
    one = base64.b64decode(secret["data"]["modelcar-1.yaml"]).decode()
    assert ("name: b" in one, "name: a" in one, "execution_mode" in one) == (True, False, True)
    assert AUTH not in str(job)


async def test_detached_in_any_index_goes_on_there(bench: JobBench) -> None:
    request = bench.request("a--slow", "b--crash", "c--slow")

    def slow() -> list[str]:
        return [line for line in bench.lines(Origin.SUITE) if line.startswith("slow")]

    for lines in (20, 120, 240, 330):
        runner = bench.runner()
        task = asyncio.create_task(bench.run(request, runner))
        await eventually(lambda lines=lines: len(slow()) > lines)
        runner.detach = True
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    outcome = await bench.run(request)
    assert slow() == [f"slow line {number:05d}" for number in range(200)] * 2
    assert [(m.model, m.status) for m in outcome.models] == [
        ("a--slow", "PASSED"),
        ("b--crash", "ERROR"),
        ("c--slow", "PASSED"),
    ]
    assert [line for line in bench.lines(Origin.US) if line.startswith("index")] == [
        "index 1 of 3: a--slow",
        "index 2 of 3: b--crash",
        "index 3 of 3: c--slow",
    ]
    assert sum(posted["kind"] == "Job" for posted in bench.cluster.posted) == 2, "the probe's and ours"


async def test_model_that_hangs_uses_up_its_own_budget_only(bench: JobBench) -> None:
    request = bench.request("a--hang", "b", model_timeout_s=6.0)
    outcome = await bench.run(request, bench.runner(index_start_s=0))
    assert outcome.code == "QA_ERROR:MODEL_TIMEOUT"
    assert [(m.model, m.status) for m in outcome.models if m.model == "b"] == [("b", "PASSED")]


async def test_whole_budget_stops_all_and_says_what_was_not_run(bench: JobBench) -> None:
    outcome = await bench.run(bench.request("a", "b--hang", "c", timeout_s=12.0))
    assert outcome.code == "QA_ERROR:TIMEOUT", (outcome, bench.lines())
    assert "1 were not run" in outcome.message
    assert [(m.model, m.status) for m in outcome.models] == [("a", "PASSED"), ("b--hang", "ERROR"), ("c", "")]
    assert bench.cluster.jobs == {}


async def test_cluster_without_limits_per_index_gets_one_pod(bench: JobBench) -> None:
    bench.cluster.too_old = True
    outcome = await bench.run(bench.request("a", "b"))
    assert outcome.ok
    assert any("too old" in event.text for event in bench.events if isinstance(event, Warned))
    assert bench.cluster.jobs == {}


async def test_single_model_needs_no_index(bench: JobBench) -> None:
    assert (await bench.run(bench.request("a"))).ok
    assert "completionMode" not in bench.cluster.posted[1]["spec"]


def test_more_than_one_at_a_time_is_warned_of() -> None:
    assert not [row for row in job_engine_effects("qa", 1, None) if row.label == "will fail"]
    (fails,) = [row for row in job_engine_effects("qa", 2, branches()["main"]) if row.label == "will fail"]
    assert "standard-model-validation" in fails.text
    assert "--qa-parallel 1" in fails.way_out
    assert "Secret" in job_engine_effects("qa", None, None)[0].text
