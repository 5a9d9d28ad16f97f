"""One index a model: results of each, resume between and within them, and what ends one ends no other."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.effects import job_effects
from modelcar_tui.qa.kube_options import JobOptions
from modelcar_tui.qa.kubejob import KubeJobRunner
from modelcar_tui.qa.runner import Progressed, QaEvent, QaSecrets, Warned
from modelcar_tui.qa.spool import Origin, SpoolReader
from modelcar_tui.qa.suite_facts import branches
from modelcar_tui.qa.types import QaOutcome, QaRequest
from support.kube_jobs import Cluster

AUTH = base64.b64encode(b"planted-user:planted-password").decode()


class Bench:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "cluster").mkdir()
        self.cluster = Cluster(folder / "cluster")
        self.events: list[QaEvent] = []

    def runner(self, parallel: int = 1, **more: Any) -> KubeJobRunner:
        return KubeJobRunner(JobOptions(namespace="qa", parallel=parallel, **more), poll_s=0.05)

    def request(self, *models: str, **more: object) -> QaRequest:
        path = self.folder / "m.yaml"
        items = "".join(f"- name: {m}\n  image: oci://registry.redhat.io/x/modelcar-{m}:1\n" for m in models)
        path.write_text(f"model-car:\n{items}default:\n  execution_mode: sequential\n")
        return QaRequest(
            run_id="r1",
            image="x",
            manifest_path=str(path),
            kubeconfig_path=str(self.cluster.kubeconfig()),
            folder=str(self.folder / "run"),
            **more,
        )

    async def run(self, request: QaRequest, runner: KubeJobRunner | None = None) -> QaOutcome:
        return await (runner or self.runner()).run(request, QaSecrets(Secret(AUTH)), self.events.append)

    def lines(self, origin: Origin | None = Origin.SUITE) -> list[str]:
        reader = SpoolReader(self.folder / "run" / "qa" / "qa.log")
        return [
            line.text for line in reader.lines(0, reader.count) if origin is None or line.origin is origin
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.cluster.stop()


async def eventually(check: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not check():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("parallel", [1, 3])
async def test_each_index_has_its_own_result(parallel: int, bench: Bench) -> None:
    request = bench.request("granite", "llama--oom", "x-137--exit", "whisper")
    outcome = await bench.run(request, bench.runner(parallel))
    assert outcome.code == "QA_ERROR:CUDA_OOM"
    assert outcome.message.startswith(
        "2 of 4 models did not pass: llama--oom (CUDA_OOM), x-137--exit (KILLED); llama--oom: "
    ), outcome.message
    assert [(m.model, m.status) for m in outcome.models] == [
        ("granite", "PASSED"),
        ("llama--oom", "FAILED"),
        ("x-137--exit", "ERROR"),
        ("whisper", "PASSED"),
    ]
    assert outcome.counts is not None
    assert (outcome.counts.passed, outcome.counts.failed) == (2, 1)
    # Whichever ran when, the log is in the order of the indexes.
    ours = [line for line in bench.lines(Origin.US) if line.startswith("index")]
    assert ours == [f"index {at} of 4: {m.model}" for at, m in enumerate(outcome.models, 1)]
    last = [event for event in bench.events if isinstance(event, Progressed)][-1]
    assert (last.done, last.total, last.passed, last.failed) == (4, 4, 2, 1)
    assert (bench.cluster.jobs, bench.cluster.secrets, bench.cluster.pods) == ({}, {}, {})
    assert await bench.run(request) == outcome, "asked again, nothing runs again"


async def test_objects_are_what_kubernetes_takes(bench: Bench) -> None:
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


async def test_detached_in_any_index_goes_on_there(bench: Bench) -> None:
    request = bench.request("a--slow", "b--oom", "c--slow")

    def slow() -> list[str]:
        return [line for line in bench.lines() if line.startswith("slow")]

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
        ("b--oom", "FAILED"),
        ("c--slow", "PASSED"),
    ]
    assert [line for line in bench.lines(Origin.US) if line.startswith("index")] == [
        "index 1 of 3: a--slow",
        "index 2 of 3: b--oom",
        "index 3 of 3: c--slow",
    ]
    assert sum(posted["kind"] == "Job" for posted in bench.cluster.posted) == 2, "the probe's and ours"


async def test_model_that_hangs_uses_up_its_own_budget_only(bench: Bench) -> None:
    request = bench.request("a--hang", "b", model_timeout_s=6.0)
    outcome = await bench.run(request, bench.runner(index_start_s=0))
    assert outcome.code == "QA_ERROR:MODEL_TIMEOUT"
    assert [(m.model, m.status) for m in outcome.models if m.model == "b"] == [("b", "PASSED")]


async def test_whole_budget_stops_all_and_says_what_was_not_run(bench: Bench) -> None:
    outcome = await bench.run(bench.request("a", "b--hang", "c", timeout_s=12.0))
    assert outcome.code == "QA_ERROR:TIMEOUT", (outcome, bench.lines(None))
    assert "1 were not run" in outcome.message
    assert [(m.model, m.status) for m in outcome.models] == [("a", "PASSED"), ("b--hang", "ERROR"), ("c", "")]
    assert bench.cluster.jobs == {}


async def test_cluster_without_limits_per_index_gets_one_pod(bench: Bench) -> None:
    bench.cluster.too_old = True
    outcome = await bench.run(bench.request("a", "b"))
    assert outcome.ok
    assert any("too old" in event.text for event in bench.events if isinstance(event, Warned))
    assert bench.cluster.jobs == {}


async def test_single_model_needs_no_index(bench: Bench) -> None:
    assert (await bench.run(bench.request("a"))).ok
    assert "completionMode" not in bench.cluster.posted[1]["spec"]


def test_more_than_one_at_a_time_is_warned_of() -> None:
    assert "WARNING" not in "".join(job_effects("qa", 1, None))
    assert "standard-model-validation" in "".join(job_effects("qa", 2, branches()["main"]))
    assert "Secret" in job_effects("qa", None, None)[0]
