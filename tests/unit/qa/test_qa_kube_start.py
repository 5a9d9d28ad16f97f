"""Before the suite speaks: what is refused, what is waited for, and by whose clock a run is old."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.kube.errors import answered
from modelcar_tui.qa.engines.kube_ground import Ground, read_ground, remedy, shut_out
from modelcar_tui.qa.engines.kube_refusals import refusal
from modelcar_tui.qa.events import QaStarted
from support.job_bench import NOTHING, JobBench, eventually

OPENSHIFT = "/apis/security.openshift.io/v1"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[JobBench]:
    bench = JobBench(tmp_path)
    yield bench
    bench.cluster.stop()


FORBIDDEN = 'secrets is forbidden: User "dev" cannot create resource "secrets" in API group ""'
REFUSALS = {
    "no right": (403, FORBIDDEN, "FORBIDDEN", "oc adm policy add-role-to-user edit dev -n qa"),
    "quota": (403, 'secrets "x" is forbidden: exceeded quota: few', "QUOTA", "oc describe quota -n qa"),
    "terminating": (
        403,
        "unable to create new content in namespace qa because it is being terminated",
        "NAMESPACE",
        "wait until it is gone",
    ),
    "webhook": (
        403,
        'admission webhook "p.example.test" denied the request: no',
        "WEBHOOK_DENIED",
        "its words say",
    ),
    "policy": (
        403,
        "jobs.batch \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
        "WEBHOOK_DENIED",
        "its words say",
    ),
    "webhook away": (500, 'failed calling webhook "p.example.test": refused', "WEBHOOK", "ask who runs it"),
    "no namespace": (404, 'namespaces "qa" not found', "NAMESPACE", "oc new-project qa"),
    "conflict": (409, "Operation cannot be fulfilled on resourcequotas", "API_CONFLICT", "run again"),
    "too large": (
        413,
        "Request entity too large: limit is 3145728",
        "SECRET_TOO_LARGE",
        "split the manifest",
    ),
    "too long": (422, "data: Too long: must have at most 1048576 bytes", "SECRET_TOO_LARGE", "split the"),
    "invalid": (422, 'Job "x" is invalid: spec.template: Invalid value', "OBJECT_INVALID", "names the field"),
    "malformed": (400, "quantities must match the regular expression", "OBJECT_INVALID", "names the field"),
    "too many": (429, "too many requests, please try again later", "API_BUSY", "in some minutes"),
    "away": (503, "etcdserver: no leader", "CLUSTER_UNREACHABLE", "try again"),
}


@pytest.mark.parametrize("why", REFUSALS)
def test_each_refusal_is_told_as_what_it_is_with_a_next_step(why: str) -> None:
    status, message, code, fix = REFUSALS[why]
    outcome = refusal(answered(status, message, "https://api.example.test:6443"), "qa")
    assert outcome.code == f"QA_ERROR:{code}"
    assert fix in outcome.fix
    if status not in (404, 503):
        assert message in outcome.message


@pytest.mark.parametrize("why", [why for why in REFUSALS if REFUSALS[why][0] not in (500, 503)])
async def test_a_secret_that_is_refused_leaves_nothing_behind(why: str, bench: JobBench) -> None:
    status, message, code, _ = REFUSALS[why]
    bench.cluster.refusals["secrets"] = (status, message)
    outcome = await bench.run(bench.request("granite"))
    assert outcome.code == f"QA_ERROR:{code}"
    assert bench.left == NOTHING


@pytest.mark.parametrize("why", ["no right", "invalid", "too many"])
async def test_a_job_that_is_refused_leaves_nothing_behind(why: str, bench: JobBench) -> None:
    status, message, code, _ = REFUSALS[why]
    bench.cluster.refusals["jobs"] = (status, message)
    assert (await bench.run(bench.request("granite"))).code == f"QA_ERROR:{code}"
    assert bench.left == NOTHING


async def test_what_no_secret_can_hold_is_refused_before_a_job_is_made(bench: JobBench) -> None:
    outcome = await bench.run(bench.request("granite", size=1024 * 1024))
    assert outcome.code == "QA_ERROR:SECRET_TOO_LARGE"
    assert "modelcar.yaml alone has 1,024" in outcome.message
    assert [one["metadata"]["name"] for one in bench.cluster.posted] == ["modelcar-tui-r1-probe"]
    assert bench.left == NOTHING


# Clocks


@pytest.mark.parametrize("clock_s", [-7200.0, 7200.0], ids=["ours is ahead", "ours is behind"])
async def test_a_wrong_clock_of_ours_ends_no_run_and_gives_none_more_time(
    clock_s: float, bench: JobBench
) -> None:
    bench.cluster.clock_s = clock_s
    request = bench.request("granite--slow", timeout_s=60.0, model_timeout_s=60.0, hang_s=60.0)
    outcome = await bench.run(request)
    assert outcome.ok, (outcome, bench.lines())
    assert outcome.seconds is not None
    assert 0 <= outcome.seconds < 60
    hung = msgspec.structs.replace(
        bench.request("granite--hang", timeout_s=4.0), run_id="r2", folder=str(bench.folder / "second")
    )
    outcome = await asyncio.wait_for(bench.run(hung), 60)
    assert outcome.code == "QA_ERROR:TIMEOUT", outcome
    started = [event.began for event in bench.events if isinstance(event, QaStarted)]
    assert all(abs(began - Path(request.manifest_path).stat().st_mtime) < 60 for began in started)


async def test_an_attached_run_is_as_old_as_its_container(bench: JobBench) -> None:
    bench.cluster.clock_s = 7200.0
    request, runner = bench.request("granite--hang", timeout_s=6.0), bench.runner()
    task = asyncio.create_task(bench.run(request, runner))
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    runner.detach = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(6.0)
    began = asyncio.get_running_loop().time()
    assert (await bench.run(request)).code == "QA_ERROR:TIMEOUT"
    assert asyncio.get_running_loop().time() - began < 5.0


async def test_waiting_for_a_queue_and_a_pull_uses_no_budget(bench: JobBench) -> None:
    bench.cluster.queue_s = bench.cluster.pull_s = 3.0
    outcome = await bench.run(bench.request("granite", timeout_s=4.0), bench.runner(queue="models"))
    assert outcome.ok, (outcome, bench.lines())
    assert "waiting in queue models" in bench.phases
    assert "pulling the suite's image" in bench.phases
    assert [event.limit_s for event in bench.events if isinstance(event, QaStarted)] == [4.0]


async def test_a_queue_may_take_longer_than_a_start(bench: JobBench) -> None:
    bench.cluster.queue_s = 5.0
    assert (await bench.run(bench.request("granite"), bench.runner(queue="models", start_s=3))).ok


async def test_a_pod_that_never_starts_ends_the_run_and_says_what_it_waited_for(bench: JobBench) -> None:
    bench.cluster.pending = {"waiting": {"reason": "ContainerCreating"}}
    outcome = await asyncio.wait_for(bench.run(bench.request("granite"), bench.runner(start_s=1)), 30)
    assert outcome.code == "QA_ERROR:NOT_STARTED"
    assert "pulling the suite's image" in outcome.message
    assert bench.left == NOTHING


# What no waiting mends

STUCK = {
    "no constraint": (
        'pods "x" is forbidden: unable to validate against any security context constraint: [...]',
        "SCC",
        "oc adm policy add-scc-to-user nonroot-v2 -z modelcar-qa -n qa",
    ),
    "no account": (
        'pods "x" is forbidden: error looking up service account qa/y: serviceaccount "y" not found',
        "SERVICE_ACCOUNT",
        "oc create serviceaccount default -n qa",
    ),
    "pod security": (
        'pods "x" is forbidden: violates PodSecurity "restricted:latest"',
        "POD_SECURITY",
        "oc get mutatingwebhookconfigurations",
    ),
    "limit range": (
        "maximum memory usage per Container is 1Gi, but limit is 2Gi",
        "LIMITRANGE",
        "oc describe limitrange",
    ),
}


@pytest.mark.parametrize("why", STUCK)
async def test_a_pod_that_is_never_admitted_ends_at_once_with_the_command(why: str, bench: JobBench) -> None:
    bench.cluster.not_admitted, code, fix = STUCK[why]
    outcome = await asyncio.wait_for(bench.run(bench.request("granite")), 30)
    assert outcome.code == f"QA_ERROR:{code}"
    assert bench.cluster.not_admitted in outcome.message
    assert fix in outcome.fix
    assert bench.left == NOTHING


BROKEN = {
    "no login": ("ImagePullBackOff", "unauthorized: access", "SUITE_IMAGE", "--qa-image-pull-secret"),
    "architecture": (
        "ErrImagePull",
        'no image found in image index for architecture "arm64"',
        "SUITE_IMAGE",
        "--qa-arch",
    ),
    "no such image": ("ErrImagePull", "manifest unknown", "SUITE_IMAGE", "--qa-image"),
    "user by name": (
        "CreateContainerConfigError",
        "container has runAsNonRoot and image has non-numeric user (odh)",
        "POD_REFUSED",
        "--qa-run-as",
    ),
    "closed home": ("CreateContainerError", "crun: chdir: Permission denied", "POD_REFUSED", "nonroot-v2"),
}


@pytest.mark.parametrize("why", BROKEN)
@pytest.mark.parametrize("word", ["waiting", "terminated"])
async def test_a_container_that_can_not_be_made_ends_with_what_mends_it(
    why: str, word: str, bench: JobBench
) -> None:
    reason, message, code, fix = BROKEN[why]
    bench.cluster.pending = {word: {"reason": reason, "message": message, "exitCode": 128}}
    outcome = await asyncio.wait_for(bench.run(bench.request("granite")), 30)
    assert outcome.code == f"QA_ERROR:{code}"
    assert message in outcome.message and fix in outcome.fix
    assert bench.left == NOTHING


# The image as the pod's user finds it

CLOSED = b"job-at=/home/odh/opendatahub-tests\njob-uid=1000680000\njob-closed=drwx------. 1000 /home/odh\n"


@pytest.mark.parametrize("account", [None, "suite"])
async def test_an_image_that_shuts_the_pods_user_out_says_what_it_needs(
    account: str | None, bench: JobBench
) -> None:
    bench.cluster.objects[OPENSHIFT] = {}
    bench.cluster.output = CLOSED
    outcome = await bench.run(bench.request("granite"), bench.runner(service_account=account))
    assert outcome.code == "QA_ERROR:POD_REFUSED"
    assert (
        "user 1000680000, who may not enter the image's /home/odh (drwx------, of user 1000)"
        in outcome.message
    )
    name = account or "modelcar-qa"
    assert f"oc adm policy add-scc-to-user nonroot-v2 -z {name} -n qa" in outcome.fix
    assert "--qa-run-as 1000" in outcome.fix
    assert ("oc create serviceaccount" in outcome.fix) is (account is None)
    assert bench.left == NOTHING


async def test_the_pods_user_is_the_namespaces_on_openshift_and_the_images_elsewhere(bench: JobBench) -> None:
    def users() -> list[int | None]:
        jobs = [one for one in bench.cluster.posted if one["kind"] == "Job"]
        return [one["spec"]["template"]["spec"]["securityContext"].get("runAsUser") for one in jobs]

    assert (await bench.run(bench.request("granite"))).ok
    assert users() == [1000, 1000]
    bench.cluster.posted.clear()
    bench.cluster.objects[OPENSHIFT] = {}
    again = msgspec.structs.replace(bench.request("granite"), run_id="r2", folder=str(bench.folder / "b"))
    assert (await bench.run(again)).ok
    assert users() == [None, None]


async def test_an_image_that_can_not_be_asked_is_said_as_podman_says_it(bench: JobBench) -> None:
    bench.cluster.output = b"no shell in here\n"
    assert (await bench.run(bench.request("granite"))).ok
    assert bench.warned == [
        "the image could not be asked which suite it holds; taken for its tag's, or else for the newest"
    ]


async def test_the_suite_writes_its_answers_to_a_place_of_the_pod(bench: JobBench) -> None:
    assert (await bench.run(bench.request("granite"))).ok
    pod = bench.cluster.posted[1]["spec"]["template"]["spec"]
    mounts = {one["name"]: one["mountPath"] for one in pod["containers"][0]["volumeMounts"]}
    tree = bench.cluster.folder / "image"
    assert mounts["snapshots"] == f"{tree}/tests/model_serving/model_runtime/vllm/modelcar/__snapshots__"
    assert pod["containers"][0]["securityContext"]["readOnlyRootFilesystem"] is True


@pytest.mark.parametrize(
    ("text", "ground"),
    [
        ("", Ground()),
        ("job-at=/srv/suite\njob-uid=1000\n", Ground(at="/srv/suite", uid=1000)),
        ("job-at=relative\njob-uid=x\njob-closed=?\n", Ground()),
        ("job-at=/a:b,c\n", Ground()),
    ],
)
def test_odd_words_of_an_image_are_no_facts(text: str, ground: Ground) -> None:
    assert read_ground(text) == ground
    assert shut_out(ground, namespace="qa", account=None) is None


def test_an_image_of_root_alone_has_no_user_to_run_as() -> None:
    assert "--qa-image" in remedy("qa", None, 0)
    assert "add-scc-to-user" not in remedy("qa", None, 0)
