"""The Kubernetes engine against an API server whose Jobs really run the fake suite."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.core.secrets import Secret
from modelcar_tui.demo.kube_certificates import Authority
from modelcar_tui.kube import login
from modelcar_tui.kube.jobs import Cursor
from modelcar_tui.qa.engines.kube_objects import QUEUE_LABEL, object_name
from modelcar_tui.qa.engines.kube_options import JobOptions
from modelcar_tui.qa.engines.kubejob import KubeJobRunner
from modelcar_tui.qa.events import QaEvent, QaStarted, Warned
from modelcar_tui.qa.log.spool import Origin, SpoolReader
from modelcar_tui.qa.runner import QaSecrets
from modelcar_tui.qa.types import QaOutcome, QaRequest
from support.kube_jobs import TOKEN, Cluster
from support.tunnel import tunnel

PASSWORD = "planted-password-of-the-registry"
AUTH = base64.b64encode(f"planted-user:{PASSWORD}".encode()).decode()
OPTIONS = JobOptions(namespace="qa", service_account="suite", queue=None)


class Bench:
    def __init__(self, folder: Path, tls: ssl.SSLContext | None = None) -> None:
        self.folder = folder
        self.cluster = Cluster(folder / "cluster", tls=tls)
        self.kubeconfig = self.cluster.kubeconfig
        self.events: list[QaEvent] = []

    def request(self, *models: str, **more: object) -> QaRequest:
        path = self.folder / "m.yaml"
        items = "".join(
            f"- name: {m}\n  image: oci://registry.redhat.io/rhelai1/modelcar-{m}:1\n" for m in models
        )
        path.write_text(f"model-car:\n{items}")
        return QaRequest(
            run_id="20260821-Run_1",
            image="quay.io/opendatahub/opendatahub-tests:latest",
            manifest_path=str(path),
            kubeconfig_path=str(self.kubeconfig()),
            folder=str(self.folder / "run"),
            **more,
        )

    async def run(self, request: QaRequest, runner: KubeJobRunner | None = None) -> QaOutcome:
        runner = runner or KubeJobRunner(OPTIONS, poll_s=0.05)
        return await runner.run(request, QaSecrets(Secret(AUTH)), self.events.append)

    def lines(self, origin: Origin | None = Origin.SUITE) -> list[str]:
        reader = SpoolReader(self.folder / "run" / "qa" / "qa.log")
        return [
            line.text for line in reader.lines(0, reader.count) if origin is None or line.origin is origin
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    (tmp_path / "cluster").mkdir()
    bench = Bench(tmp_path)
    yield bench
    bench.cluster.stop()


@pytest.fixture
def far_bench(tmp_path: Path) -> Iterator[tuple[Bench, Path]]:
    """A bench behind TLS whose certificate is for `inside.test`, and the PEM of its authority."""
    (tmp_path / "cluster").mkdir()
    authority = Authority(tmp_path)
    made = authority.issue("server", hosts=("inside.test",))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.certificate, made.key)
    bench = Bench(tmp_path, context)
    yield bench, authority.path
    bench.cluster.stop()


async def eventually(check: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not check():
            await asyncio.sleep(0.02)


SLOW = [f"slow line {number:05d}" for number in range(200)]


def slow(bench: Bench) -> list[str]:
    return [line for line in bench.lines() if line.startswith("slow")]


async def test_job_runs_the_suite_and_everything_goes(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite", "llama--crash"))
    assert outcome.code == "QA_ERROR:CRASH_LOOP", (outcome, bench.lines(None))
    assert outcome.counts is not None
    assert (outcome.counts.passed, outcome.counts.errors, outcome.exit_status) == (1, 1, 1)
    assert (bench.cluster.jobs, bench.cluster.secrets, bench.cluster.pods) == ({}, {}, {})
    started = [event for event in bench.events if isinstance(event, QaStarted)]
    assert [event.container for event in started] == ["job/modelcar-tui-20260821-run-1 in qa"]
    assert await bench.run(bench.request("granite", "llama--crash")) == outcome


async def test_objects_are_what_kubernetes_takes(bench: Bench) -> None:
    validate = pytest.importorskip("kubernetes_validate")
    options = JobOptions(namespace="qa", service_account="suite", queue="models")
    await bench.run(bench.request("granite", memory="3Gi"), KubeJobRunner(options, poll_s=0.05))
    assert [posted["kind"] for posted in bench.cluster.posted] == ["Job", "Job", "Secret"]
    for posted in bench.cluster.posted:
        posted["metadata"].pop("uid", None)
        validate.validate(posted, "1.31", strict=True)
    _, job, secret = bench.cluster.posted
    assert job["metadata"]["labels"][QUEUE_LABEL] == "models"
    assert job["spec"]["suspend"] is True
    pod = job["spec"]["template"]["spec"]
    assert (pod["serviceAccountName"], pod["restartPolicy"]) == ("suite", "Never")
    assert pod["containers"][0]["resources"]["limits"]["memory"] == "3Gi"
    assert secret["metadata"]["ownerReferences"][0]["kind"] == "Job"


async def test_secrets_are_in_the_secret_only(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite--leak"))
    assert outcome.ok
    _, job, secret = bench.cluster.posted
    wrapped = base64.b64encode(
        json.dumps({"auths": {"registry.redhat.io": {"auth": AUTH}}}).encode()
    ).decode()
    needles = (PASSWORD, AUTH, TOKEN, wrapped, AUTH[8:40])
    assert AUTH in base64.b64decode(secret["data"]["env"]).decode()
    for text in (
        json.dumps(job),
        "\n".join(bench.lines(None)),
        repr(bench.events),
        "\n".join(bench.cluster.log),
    ):
        assert not [needle for needle in needles if needle in text]
    for path in (bench.folder / "run").rglob("*"):
        if path.is_file():
            assert not [needle for needle in needles if needle.encode() in path.read_bytes()], path


async def test_log_that_is_cut_again_and_again_is_whole(bench: Bench) -> None:
    bench.cluster.cut_logs_after = 7
    outcome = await bench.run(bench.request("granite--slow"))
    assert outcome.ok
    assert slow(bench) == SLOW
    assert sum("log?" in line for line in bench.cluster.log) > 4


async def test_api_server_that_is_away_for_a_while(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--slow")))
    await eventually(lambda: len(slow(bench)) > 20)
    bench.cluster.away.set()
    bench.cluster.cut_logs_after = 1
    await eventually(lambda: sum("log?" in line for line in bench.cluster.log) > 2)
    bench.cluster.cut_logs_after = 0
    bench.cluster.away.clear()
    assert (await task).ok
    assert slow(bench) == SLOW


async def test_api_server_that_has_just_started_refuses_for_a_while(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--slow")))
    await eventually(lambda: len(slow(bench)) > 20)
    bench.cluster.confused.set()
    bench.cluster.cut_logs_after = 1
    before = len(bench.cluster.log)
    await eventually(lambda: len(bench.cluster.log) > before + 3)
    bench.cluster.cut_logs_after = 0
    bench.cluster.confused.clear()
    assert (await task).ok
    assert slow(bench) == SLOW


async def test_right_that_is_taken_away_for_good_ends_the_run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.kube.patience.REFUSED_S", 0.5)
    task = asyncio.create_task(bench.run(bench.request("granite--slow")))
    await eventually(lambda: len(slow(bench)) > 20)
    bench.cluster.confused.set()
    bench.cluster.cut_logs_after = 1
    assert (await asyncio.wait_for(task, 30)).code == "QA_ERROR:FORBIDDEN"


async def test_quota_is_not_a_matter_of_rights(bench: Bench) -> None:
    bench.cluster.quota = True
    outcome = await bench.run(bench.request("granite"))
    assert outcome.code == "QA_ERROR:QUOTA"
    assert "oc describe quota -n qa" in outcome.fix


async def test_detached_job_goes_on_and_is_found_by_its_name(bench: Bench) -> None:
    request, runner = bench.request("granite--slow"), KubeJobRunner(OPTIONS, poll_s=0.05)
    for lines in (20, 60, 100):
        task = asyncio.create_task(bench.run(request, runner))
        await eventually(lambda lines=lines: len(slow(bench)) > lines)
        runner.detach = True
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert list(bench.cluster.jobs) == [object_name(request.run_id)]
    assert (await bench.run(request)).ok
    assert slow(bench) == SLOW
    assert sum(posted["kind"] == "Job" for posted in bench.cluster.posted) == 2
    assert bench.cluster.jobs == {}


async def test_job_whose_maker_died_before_the_secret(bench: Bench) -> None:
    request = bench.request("granite--slow")
    runner = KubeJobRunner(OPTIONS, poll_s=0.05)
    task = asyncio.create_task(bench.run(request, runner))
    await eventually(lambda: len(slow(bench)) > 5)
    runner.detach = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    bench.cluster.secrets.clear()
    assert (await bench.run(request)).ok
    assert slow(bench) == SLOW


async def test_job_that_ended_while_nobody_looked_is_judged_by_what_it_did(bench: Bench) -> None:
    request, runner = bench.request("granite"), KubeJobRunner(OPTIONS, poll_s=0.05)
    task = asyncio.create_task(bench.run(request, runner))
    await eventually(lambda: object_name(request.run_id) in bench.cluster.jobs)
    runner.detach = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    # The Secret may not have been made yet: the next run does, and the pod waits for it.
    ended = {"conditions": [{"type": "Complete", "status": "True"}]}
    bench.cluster.jobs[object_name(request.run_id)]["status"] = ended
    assert (await bench.run(msgspec.structs.replace(request, timeout_s=0.001))).ok


async def test_cancel_deletes_job_and_secret(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--hang")))
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (bench.cluster.jobs, bench.cluster.secrets, bench.cluster.pods) == ({}, {}, {})


async def test_silent_hang_ends_by_the_clock(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite--hang", timeout_s=2.0))
    assert outcome.code == "QA_ERROR:TIMEOUT"
    assert bench.cluster.jobs == {}


async def test_pod_that_somebody_deletes(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--hang")))
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    with bench.cluster.lock:
        [pod] = bench.cluster.pods.values()
        bench.cluster.delete("pods", pod.name)
    assert (await task).code == "QA_ERROR:CONTAINER_LOST"


async def test_image_that_can_not_be_pulled_ends_at_once(bench: Bench) -> None:
    bench.cluster.pending = {"waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}}
    outcome = await bench.run(bench.request("granite"))
    assert outcome.code == "QA_ERROR:SUITE_IMAGE"
    assert "Back-off" in outcome.message
    assert (bench.cluster.jobs, bench.cluster.secrets) == ({}, {})


async def test_refusals_are_named(bench: Bench) -> None:
    request = bench.request("granite")
    other = await bench.run(request, KubeJobRunner(JobOptions(namespace="other")))
    assert other.code == "QA_ERROR:FORBIDDEN"
    assert "other" in other.fix
    path = Path(str(request.kubeconfig_path))
    path.write_text(path.read_text().replace(TOKEN, "sha256~another"))
    assert (await bench.run(request)).code == "QA_ERROR:TOKEN_EXPIRED"
    path.write_text(path.read_text().replace("127.0.0.1:", "127.0.0.1:1/"))
    assert (await bench.run(request)).code == "QA_ERROR:CLUSTER_UNREACHABLE"


async def test_the_cluster_is_reached_as_its_kubeconfig_says(far_bench: tuple[Bench, Path]) -> None:
    """Through a proxy, with the certificate of another name: as the nodes were read before."""
    bench, authority = far_bench
    trust = {"certificate-authority": str(authority), "tls-server-name": "inside.test"}
    with tunnel() as proxy:
        bench.kubeconfig = lambda: bench.cluster.kubeconfig(**trust, **{"proxy-url": proxy.url})
        outcome = await bench.run(bench.request("granite--slow"))
    assert outcome.ok, outcome
    assert slow(bench) == SLOW
    assert set(proxy.asked) == {bench.cluster.url.removeprefix("https://")}
    lent = json.loads(base64.b64decode(bench.cluster.posted[-1]["data"]["kubeconfig"]))
    assert lent["clusters"][0]["cluster"]["tls-server-name"] == "inside.test"
    del trust["tls-server-name"]
    bench.kubeconfig = lambda: bench.cluster.kubeconfig(**trust)
    other = msgspec.structs.replace(
        bench.request("granite"), run_id="other", folder=str(bench.folder / "other")
    )
    refused = await bench.run(other)
    assert refused.code == "QA_ERROR:CLUSTER_UNREACHABLE"
    assert "its certificate is for another name" in refused.message


async def test_a_plug_in_is_asked_anew_when_its_token_ends(
    far_bench: tuple[Bench, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(login, "_SOONEST_S", 0.0)
    bench, authority = far_bench
    plugin, asked = bench.folder / "get-token", bench.folder / "asked"
    kind = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    given = json.dumps({**kind, "status": {"token": TOKEN, "expirationTimestamp": "2026-01-01T00:00:00Z"}})
    plugin.write_text(f"#!/bin/sh\necho x >> {asked}\necho '{given}'\n")
    plugin.chmod(0o755)
    spec = {"apiVersion": kind["apiVersion"], "command": "../get-token", "interactiveMode": "Never"}
    trust = {"certificate-authority": str(authority), "tls-server-name": "inside.test"}
    bench.kubeconfig = lambda: bench.cluster.kubeconfig({"exec": spec}, **trust)
    outcome = await bench.run(bench.request("granite--slow"))
    assert outcome.ok, outcome
    assert slow(bench) == SLOW
    assert len(asked.read_text().split()) > 1
    assert any(isinstance(event, Warned) and "the token from" in event.text for event in bench.events)
    lent = json.loads(base64.b64decode(bench.cluster.posted[-1]["data"]["kubeconfig"]))
    assert lent["users"][0]["user"] == {"token": TOKEN}


def test_cursor_goes_on_among_lines_of_one_time() -> None:
    log = [(1.5, "a"), (2.0, "b"), (2.0, "c"), (2.0, "d"), (3.25, "e")]
    for cut in range(len(log) + 1):
        cursor = Cursor()
        cursor.connect()
        had = [text for at, text in log[:cut] if cursor.is_new(at)]
        cursor.connect()
        had += [text for at, text in log if at >= int(cursor.last) and cursor.is_new(at)]
        assert had == ["a", "b", "c", "d", "e"]
    assert Cursor(1795473715.8).since == {"sinceTime": "2026-11-23T22:41:55Z"}
