"""The Kubernetes QA engine against a real API server; what runs Jobs is played (`kubelet.py`), the API is
not."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubelet import Controllers
from server import Account, ApiServer, lost

from modelcar_tui.core.secrets import Secret
from modelcar_tui.demo.kube_objects import NAMESPACES, QUOTAS
from modelcar_tui.kube.connection import connect
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.types import ClusterOptions
from modelcar_tui.qa import cleanup
from modelcar_tui.qa.engines.kube_objects import (
    RUN_LABEL,
    object_name,
    probe_job,
    suite_job,
    suite_secret,
)
from modelcar_tui.qa.engines.kube_options import JobOptions
from modelcar_tui.qa.engines.kubejob import KubeJobRunner
from modelcar_tui.qa.events import QaEvent, Warned
from modelcar_tui.qa.log.spool import Origin, SpoolReader
from modelcar_tui.qa.runner import QaSecrets
from modelcar_tui.qa.types import QaOutcome, QaRequest
from support.roles import rules_of

PASSWORD = "planted-password-of-the-registry"
AUTH = base64.b64encode(f"planted-user:{PASSWORD}".encode()).decode()
SLOW = [f"slow line {number:05d}" for number in range(200)]
ENGINE = tuple(rules_of("qa-job", "events"))
"""All that the engine must have in its namespace."""


class Bench:
    """A namespace of its own, a user with the engine's rights, and those who run Jobs."""

    def __init__(self, server: ApiServer, folder: Path, number: int) -> None:
        self.server, self.folder = server, folder
        self.namespace = f"qa-{number}"
        server.make(NAMESPACES, {"metadata": {"name": self.namespace}})
        self.user: Account = server.account()
        server.grant(self.user, *ENGINE, namespace=self.namespace)
        self.controllers = Controllers(server, self.namespace, folder)
        self.events: list[QaEvent] = []

    def request(self, *models: str, user: Account | None = None, **more: Any) -> QaRequest:
        path = self.folder / "m.yaml"
        items = "".join(
            f"- name: {m}\n  image: oci://registry.redhat.io/rhelai1/modelcar-{m}:1\n" for m in models
        )
        path.write_text(f"model-car:\n{items}")
        return QaRequest(
            run_id="20260821-Run_1",
            image="quay.io/opendatahub/opendatahub-tests:latest",
            manifest_path=str(path),
            kubeconfig_path=str(self.server.kubeconfig(user or self.user)),
            folder=str(self.folder / "run"),
            **more,
        )

    def runner(self, **options: Any) -> KubeJobRunner:
        return KubeJobRunner(JobOptions(namespace=self.namespace, **options), poll_s=0.05)

    async def run(self, request: QaRequest, runner: KubeJobRunner | None = None) -> QaOutcome:
        return await (runner or self.runner()).run(request, QaSecrets(Secret(AUTH)), self.events.append)

    def lines(self, origin: Origin | None = Origin.SUITE) -> list[str]:
        reader = SpoolReader(self.folder / "run" / "qa" / "qa.log")
        return [
            line.text for line in reader.lines(0, reader.count) if origin is None or line.origin is origin
        ]

    def slow(self) -> list[str]:
        return [line for line in self.lines() if line.startswith("slow")]

    def held(self, kind: str) -> list[dict[str, Any]]:
        base = "/apis/batch/v1" if kind == "jobs" else "/api/v1"
        items: list[dict[str, Any]] = self.server.get(f"{base}/namespaces/{self.namespace}/{kind}")["items"]
        return items

    def names(self) -> list[str]:
        """Jobs, Secrets and pods that are there."""
        return [one["metadata"]["name"] for kind in ("jobs", "secrets", "pods") for one in self.held(kind)]


@pytest.fixture
def bench(server: ApiServer, tmp_path: Path) -> Iterator[Bench]:
    made = Bench(server, tmp_path, next(_NUMBERS))
    yield made
    made.controllers.stop()


_NUMBERS = iter(range(1000))


async def eventually(check: Callable[[], object], limit: float = 120) -> None:
    async with asyncio.timeout(limit):
        while not check():
            await asyncio.sleep(0.05)


async def detached(runner: KubeJobRunner, task: asyncio.Task[QaOutcome]) -> None:
    runner.detach = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


def version(server: ApiServer) -> tuple[int, int]:
    found = server.get("/version")
    return int(found["major"]), int(found["minor"].rstrip("+"))


def dropped(given: dict[str, Any], kept: dict[str, Any]) -> list[str]:
    """Everything of an object that the server did not keep."""
    found = []
    while path := lost(given, kept):
        found.append(path)
        at: Any = given
        *way, last = path.strip(".").split(".")
        for step in way:
            at = at[step]
        del at[last]
    return found


async def test_what_we_post_is_what_the_server_keeps(bench: Bench) -> None:
    """A dry run of each object: the server validates it all, and drops no field (but those newer than
    itself)."""
    request = bench.request("granite", memory="3Gi")
    options = JobOptions(
        namespace=bench.namespace,
        service_account="suite",
        queue="models",
        run_as=1000,
        pull_secrets=("one",),
        arch="amd64",
        tolerations=("gpu", "dedicated=qa:NoSchedule"),
    )
    suite = suite_job(request, options, ("--x",), {"A": "b"}, "/srv/suite/__snapshots__")
    newer = [".spec.suspend"] if version(bench.server) < (1, 22) else []
    for job in (probe_job(request, options, "echo"), suite):
        path = f"/apis/batch/v1/namespaces/{bench.namespace}/jobs?dryRun=All"
        kept = bench.server.post(path, job)
        assert dropped(json.loads(json.dumps(job)), kept) == newer
        assert kept["spec"]["ttlSecondsAfterFinished"] == 3600
        assert kept["spec"]["template"]["spec"]["restartPolicy"] == "Never"
    suite["metadata"]["uid"] = "9d4dbb7f-8f3a-4f0f-9d6e-000000000000"
    secret = suite_secret(request, options, suite, {"kubeconfig": b"{}"}, {"TOKEN": Secret("x")})
    kept = bench.server.post(f"/api/v1/namespaces/{bench.namespace}/secrets?dryRun=All", secret)
    assert dropped(secret, kept) == []
    assert bench.held("jobs") == []


async def test_a_run_and_nothing_left(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite", "llama--crash"))
    assert outcome.code == "QA_ERROR:CRASH_LOOP", (outcome, bench.lines(None))
    assert outcome.counts is not None
    assert (outcome.counts.passed, outcome.counts.errors, outcome.exit_status) == (1, 1, 1)
    await eventually(lambda: not bench.names())


async def test_what_we_delete_ourselves_and_what_we_leave_to_the_collector(bench: Bench) -> None:
    bench.controllers.collects = False
    assert (await bench.run(bench.request("granite"))).ok
    assert (bench.held("jobs"), bench.held("secrets")) == ([], [])
    pods = bench.held("pods")
    assert pods
    for pod in pods:
        [owner] = pod["metadata"]["ownerReferences"]
        assert owner["kind"] == "Job"
    bench.controllers.collects = True
    await eventually(lambda: not bench.names())


async def test_the_secret_is_owned_by_the_job(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--slow")))
    await eventually(bench.slow)
    [job] = [one for one in bench.held("jobs") if one["metadata"]["name"] == object_name("20260821-Run_1")]
    [secret] = bench.held("secrets")
    [owner] = secret["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Job", job["metadata"]["uid"])
    assert secret["immutable"] is True
    assert secret["metadata"]["labels"][RUN_LABEL] == job["metadata"]["labels"][RUN_LABEL]
    needles = (PASSWORD, AUTH, bench.user.token)
    seen = (
        json.dumps([bench.held("jobs"), bench.held("pods")])
        + "\n".join(bench.lines(None))
        + repr(bench.events)
    )
    assert not [needle for needle in needles if needle in seen]
    # The collector alone clears up after a Job that somebody else deletes.
    path = f"/apis/batch/v1/namespaces/{bench.namespace}/jobs/{job['metadata']['name']}"
    bench.server.api.delete(path, params={"propagationPolicy": "Background"})
    await eventually(lambda: not bench.held("secrets"))
    assert not (await task).ok


async def test_a_log_that_is_cut_again_and_again_is_whole(bench: Bench) -> None:
    bench.controllers.cut_logs_after = 7
    assert (await bench.run(bench.request("granite--slow"))).ok
    assert bench.slow() == SLOW
    asked = [query for query in bench.controllers.log_queries if "timestamps" in query]
    assert len(asked) > 4
    assert "sinceTime" not in asked[0]
    assert all("sinceTime" in query and query["follow"] == "true" for query in asked[1:])


async def test_an_api_server_that_dies_and_comes_back(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--slow")))
    await eventually(lambda: len(bench.slow()) > 20)
    await asyncio.to_thread(bench.server.restart)
    outcome = await task
    assert outcome.ok, (outcome, bench.lines(None))
    assert bench.slow() == SLOW


async def test_a_detached_job_is_found_again(bench: Bench) -> None:
    request = bench.request("granite--slow")
    uids = set()
    for lines in (20, 60):
        runner = bench.runner()
        task = asyncio.create_task(bench.run(request, runner))
        await eventually(lambda lines=lines: len(bench.slow()) > lines)
        await detached(runner, task)
        [job] = bench.held("jobs")
        uids.add(job["metadata"]["uid"])
        assert len(bench.held("secrets")) == 1
    assert (await bench.run(request)).ok
    assert bench.slow() == SLOW
    assert len(uids) == 1
    await eventually(lambda: not bench.names())


async def test_a_job_whose_maker_died_before_the_secret(bench: Bench) -> None:
    request, runner = bench.request("granite"), bench.runner()
    bench.controllers.starts = True
    task = asyncio.create_task(bench.run(request, runner))
    await eventually(lambda: bench.held("secrets"))
    await detached(runner, task)
    for one in bench.held("secrets"):
        bench.server.api.delete(f"/api/v1/namespaces/{bench.namespace}/secrets/{one['metadata']['name']}")
    assert (await bench.run(request)).ok


async def test_cancel_deletes_job_and_secret(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--hang")))
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (bench.held("jobs"), bench.held("secrets")) == ([], [])
    await eventually(lambda: not bench.names())


async def test_a_hang_ends_by_the_clock(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite--hang", timeout_s=20.0))
    assert outcome.code == "QA_ERROR:TIMEOUT"
    assert (bench.held("jobs"), bench.held("secrets")) == ([], [])


async def test_a_pod_that_somebody_deletes(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--hang")))
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    [pod] = [one for one in bench.held("pods") if "probe" not in one["metadata"]["name"]]
    bench.controllers.starts = False
    bench.server.api.delete(f"/api/v1/namespaces/{bench.namespace}/pods/{pod['metadata']['name']}")
    outcome = await asyncio.wait_for(task, 300)
    assert outcome.code in ("QA_ERROR:CONTAINER_LOST", "QA_ERROR:INTERRUPTED", "QA_ERROR:KILLED"), outcome


async def test_an_image_that_can_not_be_pulled_ends_at_once(bench: Bench) -> None:
    bench.controllers.waiting = {
        "waiting": {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
    }
    outcome = await bench.run(bench.request("granite"))
    assert outcome.code == "QA_ERROR:SUITE_IMAGE"
    assert "Back-off" in outcome.message
    assert (bench.held("jobs"), bench.held("secrets")) == ([], [])


async def test_pods_of_a_job_of_the_same_name_that_was_deleted(bench: Bench) -> None:
    """The collector takes its time: the pod of a cancelled run is still there when the run is made anew."""
    bench.controllers.collects = False
    task = asyncio.create_task(bench.run(bench.request("granite--hang")))
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [one for one in bench.held("pods") if "probe" not in one["metadata"]["name"]]
    outcome = await asyncio.wait_for(bench.run(bench.request("granite", "llama--crash")), 200)
    assert outcome.code == "QA_ERROR:CRASH_LOOP", (outcome, bench.lines(None))


async def test_left_overs_are_deleted_by_their_uid(bench: Bench) -> None:
    """What the suite left: looked at, judged by its age, deleted; one that was made anew meanwhile is not."""
    spaces = ["standard-model-validation"]
    bench.server.make(NAMESPACES, {"metadata": {"name": spaces[0]}})
    made = {kind: f"/api/v1/namespaces/{spaces[0]}/{kind}" for kind in ("secrets", "configmaps")}
    for path in made.values():
        for name in ("left", "renewed"):
            bench.server.post(path, {"metadata": {"name": name}})
    user = bench.server.account()
    resources = ["secrets", "configmaps", "namespaces"]
    bench.server.grant(user, {"apiGroups": [""], "resources": resources, "verbs": ["get", "delete"]})
    options = ClusterOptions(kubeconfig=str(bench.server.kubeconfig(user)))
    names = ["Secret/left", "ConfigMap/left", "Secret/renewed", "Secret/never-made"]
    now = time.time()
    async with connect(find_credentials(options), options) as api:
        old = await cleanup.find_leftovers(api, names, run_id="r", began=now + 1000, ended=now + 2000)
        assert not [one for one in old if one.ours], old
        found = await cleanup.find_leftovers(api, names, run_id="r", began=now - 60, ended=now)
        assert [one.name for one in found if one.ours] == ["left", "left", "renewed"], found
        bench.server.api.delete(f"{made['secrets']}/renewed")
        bench.server.post(made["secrets"], {"metadata": {"name": "renewed"}})
        told = await cleanup.delete_leftovers(api, found)
        assert [line.partition(":")[0] for line in told] == ["deleted", "deleted", "not deleted"], told
        assert bench.server.api.get(f"{made['secrets']}/renewed").status_code == 200
        assert bench.server.api.get(f"{made['secrets']}/left").status_code == 404
        space = await cleanup.find_leftovers(
            api, [f"Namespace/{spaces[0]}"], run_id="r", began=now - 60, ended=now
        )
        assert (await cleanup.delete_leftovers(api, space))[0].startswith("deleted: Namespace")
        # No controller empties it here: it stays, and says that it is going.
        again = await cleanup.find_leftovers(
            api, [f"Namespace/{spaces[0]}"], run_id="r", began=now - 60, ended=now
        )
        assert [(one.ours, "deleted already" in one.kept) for one in again] == [(False, True)]


async def test_a_pod_that_is_never_made_says_why(bench: Bench) -> None:
    """Quotas and policies refuse pods, not Jobs; what the controller says of it is told as it waits."""
    reader = {"apiGroups": [""], "resources": ["events"], "verbs": ["list"]}
    bench.server.grant(bench.user, reader, namespace=bench.namespace)
    bench.controllers.refusal = 'pods "x" is forbidden: exceeded quota: gpu, requested: pods=1'
    task = asyncio.create_task(bench.run(bench.request("granite")))
    await eventually(lambda: any("exceeded quota: gpu" in line for line in bench.lines(None)))
    bench.controllers.refusal = ""
    assert (await task).ok
    assert sum("exceeded quota: gpu" in line for line in bench.lines(None)) == 1


# Rights


def without(resource: str, verb: str) -> list[dict[str, list[str]]]:
    rules = []
    for rule in ENGINE:
        verbs = [one for one in rule["verbs"] if not (rule["resources"] == [resource] and one == verb)]
        if verbs:
            rules.append({**rule, "verbs": verbs})
    return rules


@pytest.mark.parametrize(
    ("resource", "verb"),
    [
        ("jobs", "create"),
        ("jobs", "get"),
        ("secrets", "create"),
        ("pods", "get"),
        ("pods", "list"),
        ("pods/log", "get"),
    ],
)
async def test_each_right_is_needed(bench: Bench, resource: str, verb: str) -> None:
    """One right fewer, and the run is refused with the server's words, and leaves nothing."""
    poor = bench.server.account()
    bench.server.grant(poor, *without(resource, verb), namespace=bench.namespace)
    outcome = await asyncio.wait_for(bench.run(bench.request("granite", user=poor)), 300)
    assert outcome.code == "QA_ERROR:FORBIDDEN", outcome
    assert f'cannot {verb} resource "{resource}"' in outcome.message
    assert "{" not in outcome.message
    assert bench.namespace in outcome.fix
    await eventually(lambda: not bench.names())


async def test_a_secret_that_is_too_large_for_the_server_is_told_so_and_leaves_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without our own look at the size the server's words say the same."""
    monkeypatch.setattr("modelcar_tui.qa.engines.kube_make.SECRET_LIMIT", 2**40)
    request = bench.request("granite")
    with Path(request.manifest_path).open("a") as file:
        file.write(f"# {'x' * 1024 * 1024}\n")
    outcome = await bench.run(request)
    assert outcome.code == "QA_ERROR:SECRET_TOO_LARGE", outcome
    await eventually(lambda: not bench.names())


async def test_a_job_that_the_server_takes_for_invalid_is_told_so(bench: Bench) -> None:
    outcome = await bench.run(
        bench.request("granite"), bench.runner(pull_secrets=("Not_A_Name",), arch="a b")
    )
    assert outcome.code == "QA_ERROR:OBJECT_INVALID", outcome
    assert "nodeSelector" in outcome.message
    assert bench.names() == []


async def test_secrets_are_read_to_go_on_with_a_run(bench: Bench) -> None:
    poor = bench.server.account()
    bench.server.grant(poor, *without("secrets", "get"), namespace=bench.namespace)
    request, runner = bench.request("granite--slow", user=poor), bench.runner()
    task = asyncio.create_task(bench.run(request, runner))
    await eventually(bench.slow)
    await detached(runner, task)
    outcome = await bench.run(request)
    assert outcome.code == "QA_ERROR:FORBIDDEN", outcome
    assert 'cannot get resource "secrets"' in outcome.message


async def test_stopping_deletes_the_pod(bench: Bench) -> None:
    """Without the right to delete pods a run that hangs is ended all the same: its Job is deleted."""
    poor = bench.server.account()
    bench.server.grant(poor, *without("pods", "delete"), namespace=bench.namespace)
    request = bench.request("granite--hang", user=poor, timeout_s=20.0)
    outcome = await asyncio.wait_for(bench.run(request), 300)
    assert outcome.code == "QA_ERROR:TIMEOUT"
    await eventually(lambda: not bench.names())


@pytest.mark.parametrize("resource", ["jobs", "secrets"])
async def test_what_may_not_be_deleted_is_left_to_others(bench: Bench, resource: str) -> None:
    """Without the right to delete the run ends well, and the TTL (or the owner) clears up."""
    poor = bench.server.account()
    bench.server.grant(poor, *without(resource, "delete"), namespace=bench.namespace)
    assert (await bench.run(bench.request("granite", user=poor))).ok
    left = bench.held("jobs")
    if resource == "jobs":
        assert all(job["spec"]["ttlSecondsAfterFinished"] == 3600 for job in left)
        assert left
    else:
        await eventually(lambda: not bench.names())


async def test_refusals_are_named(bench: Bench) -> None:
    stranger = bench.server.account()
    outcome = await bench.run(bench.request("granite", user=stranger))
    assert (outcome.code, bench.namespace in outcome.fix) == ("QA_ERROR:FORBIDDEN", True)
    outcome = await bench.run(
        bench.request("granite", user=bench.server.admin), KubeJobRunner(JobOptions(namespace="not-there"))
    )
    assert outcome.code == "QA_ERROR:NAMESPACE", outcome
    assert "oc new-project not-there" in outcome.fix
    wrong = Account("wrong")
    assert (await bench.run(bench.request("granite", user=wrong))).code == "QA_ERROR:TOKEN_EXPIRED"


async def test_a_quota_is_not_a_matter_of_rights(bench: Bench) -> None:
    hard = {"count/jobs.batch": "0"}
    meta = {"name": "no-jobs", "namespace": bench.namespace}
    made = bench.server.make(QUOTAS, {"metadata": meta, "spec": {"hard": hard}})
    path = f"/api/v1/namespaces/{bench.namespace}/resourcequotas/no-jobs/status"
    bench.server.put(path, {**made, "status": {"hard": hard, "used": {"count/jobs.batch": "0"}}})
    await eventually(
        lambda: (
            bench.server.api.post(
                f"/apis/batch/v1/namespaces/{bench.namespace}/jobs?dryRun=All",
                json=probe_job(bench.request("granite"), JobOptions(namespace=bench.namespace), "true"),
            ).status_code
            == 403
        )
    )
    outcome = await bench.run(bench.request("granite"))
    assert outcome.code == "QA_ERROR:QUOTA", outcome
    assert "exceeded quota" in outcome.message


async def test_many_models_on_a_server_without_indexed_jobs(bench: Bench) -> None:
    """It drops what it does not know; that is noticed, said, and all models run in one pod."""
    if version(bench.server) >= (1, 29):
        pytest.fail("this server knows indexed Jobs: test them here instead")
    outcome = await bench.run(bench.request("granite", "llama"), bench.runner(parallel=1))
    assert outcome.ok, (outcome, bench.lines(None))
    assert outcome.counts is not None
    assert outcome.counts.passed == 2
    assert [event for event in bench.events if isinstance(event, Warned) and "too old" in event.text]
    await eventually(lambda: not bench.names())
