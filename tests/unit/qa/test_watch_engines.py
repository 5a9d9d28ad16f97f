"""The Kubernetes engine tells what it sees in the suite's namespace, and its outcome has it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from support.job_bench import JobBench, eventually
from support.suite_namespace import NAMESPACE
from support.suite_pods import pod, waiting

PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
DENIED = waiting("ErrImagePull", "unauthorized: authentication required")
TEXT = "waiting for the image: unauthorized: authentication required"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[JobBench]:
    bench = JobBench(tmp_path)
    yield bench
    bench.cluster.stop()


async def test_a_model_whose_image_never_comes_is_named_while_the_suite_waits(bench: JobBench) -> None:
    bench.cluster.objects[PODS] = {"items": [pod("granite--hang", init=DENIED)]}
    outcome = await bench.run(bench.request("granite--hang", model_timeout_s=6.0))
    assert bench.seen == [f"granite--hang: {TEXT}"]
    assert outcome.code == "QA_ERROR:MODEL_TIMEOUT"
    assert outcome.cause == f"granite--hang: {TEXT}"
    assert outcome.models[0].cause == "IMAGE_PULL_DENIED"


async def test_what_was_seen_before_a_detach_is_there_after_it_though_the_namespace_is_gone(
    bench: JobBench,
) -> None:
    bench.cluster.objects[PODS] = {"items": [pod("granite--hang", init=DENIED)]}
    runner = bench.runner()
    first = asyncio.create_task(bench.run(bench.request("granite--hang"), runner))
    await eventually(lambda: bench.seen)
    runner.detach = True
    first.cancel()
    with suppress(asyncio.CancelledError):
        await first
    del bench.cluster.objects[PODS]
    outcome = await bench.run(bench.request("granite--hang", model_timeout_s=3.0))
    assert outcome.code == "QA_ERROR:MODEL_TIMEOUT"
    assert outcome.cause == f"granite--hang: {TEXT}"


async def test_a_run_that_passes_is_told_nothing_of_the_cluster(bench: JobBench) -> None:
    bench.cluster.objects[PODS] = {"items": [pod("granite", ready=True)]}
    outcome = await bench.run(bench.request("granite"))
    assert (outcome.ok, bench.seen) == (True, [])
    assert not (bench.folder / "run" / "qa" / "cluster.jsonl").exists()
