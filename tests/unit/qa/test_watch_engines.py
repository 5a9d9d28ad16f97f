"""The Kubernetes engine tells what it sees in the suite's namespace, and its outcome has it."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.kube_objects import JobOptions
from modelcar_tui.qa.kubejob import KubeJobRunner
from modelcar_tui.qa.runner import QaEvent, QaSecrets, Saw
from modelcar_tui.qa.types import QaOutcome, QaRequest
from support.kube_jobs import Cluster
from support.suite_namespace import NAMESPACE
from support.suite_pods import pod, waiting

AUTH = base64.b64encode(b"planted-user:planted-password").decode()
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
DENIED = waiting("ErrImagePull", "unauthorized: authentication required")
TEXT = "waiting for the image: unauthorized: authentication required"


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "cluster").mkdir()
        self.cluster = Cluster(folder / "cluster")
        self.events: list[QaEvent] = []

    def request(self, *models: str, **more: object) -> QaRequest:
        path = self.folder / "m.yaml"
        items = "".join(f"- name: {m}\n  image: oci://registry.redhat.io/x/modelcar-{m}:1\n" for m in models)
        path.write_text(f"model-car:\n{items}")
        return QaRequest(
            run_id="r1",
            image="x",
            manifest_path=str(path),
            kubeconfig_path=str(self.cluster.kubeconfig()),
            folder=str(self.folder / "run"),
            **more,
        )

    def runner(self) -> KubeJobRunner:
        return KubeJobRunner(JobOptions(namespace="qa"), poll_s=0.05)

    async def run(self, request: QaRequest, runner: KubeJobRunner | None = None) -> QaOutcome:
        return await (runner or self.runner()).run(request, QaSecrets(Secret(AUTH)), self.events.append)

    @property
    def seen(self) -> list[str]:
        return [one.line for event in self.events if isinstance(event, Saw) for one in event.seen]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.cluster.stop()


async def eventually(check: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not check():
            await asyncio.sleep(0.02)


async def test_a_model_whose_image_never_comes_is_named_while_the_suite_waits(bench: Bench) -> None:
    bench.cluster.objects[PODS] = {"items": [pod("granite--hang", init=DENIED)]}
    outcome = await bench.run(bench.request("granite--hang", model_timeout_s=6.0))
    assert bench.seen == [f"granite--hang: {TEXT}"]
    assert outcome.code == "QA_ERROR:MODEL_TIMEOUT"
    assert outcome.cause == f"granite--hang: {TEXT}"
    assert outcome.models[0].cause == "IMAGE_PULL_DENIED"


async def test_what_was_seen_before_a_detach_is_there_after_it_though_the_namespace_is_gone(
    bench: Bench,
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


async def test_a_run_that_passes_is_told_nothing_of_the_cluster(bench: Bench) -> None:
    bench.cluster.objects[PODS] = {"items": [pod("granite", ready=True)]}
    outcome = await bench.run(bench.request("granite"))
    assert (outcome.ok, bench.seen) == (True, [])
    assert not (bench.folder / "run" / "qa" / "cluster.jsonl").exists()
