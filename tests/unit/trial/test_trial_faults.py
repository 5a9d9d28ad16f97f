"""What a cluster may do to a try: each ends it with one line or not at all, and nothing is left behind."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcar_tui.core.log_lines import RawLine
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube import patience
from modelcar_tui.kube.jobs import log as pod_log
from modelcar_tui.trial import TrialEnd, asks, following, keeping, removing, sweep_trials
from support.trial_bench import ARGS, TrialBench, ready

Make = Callable[..., TrialBench]
POD = 'pods "modelcar-try-llama-1f3a-x2x" is forbidden: '
SLOW = "0.05"
"""Seconds between the lines of a start that something happens to."""


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "REFUSED_S", 0.4)
    monkeypatch.setattr(pod_log, "LONGEST_PAUSE_S", 0.2)
    monkeypatch.setattr(removing, "AWAY_S", 1.0)
    monkeypatch.setattr(removing, "GONE_S", 5.0)
    monkeypatch.setattr(following, "REST_S", 2.0)
    monkeypatch.setattr(following, "NODE_EVERY_S", 0.1)


def said(end: TrialEnd) -> str:
    """The one line."""
    assert end.measured is None
    assert end.problem is not None
    line = str(end.problem)
    assert "\n" not in line
    assert end.problem.fix
    return line


@pytest.mark.parametrize(
    ("words", "fix"),
    [
        (
            "exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: 4, limited: 4",
            "oc describe quota",
        ),
        (
            "unable to validate against any security context constraint: [...]",
            "oc adm policy add-scc-to-user",
        ),
        ("maximum memory usage per Container is 8Gi, but limit is 24Gi", "oc describe limitrange"),
        ('violates PodSecurity "restricted:latest": runAsNonRoot != true', "--show-labels"),
    ],
)
async def test_a_pod_that_is_not_admitted_ends_it_at_once(bench: Make, words: str, fix: str) -> None:
    one = bench()
    one.cluster.not_admitted = POD + words
    line = said(await one.run())
    assert words.split(":", maxsplit=1)[0] in line
    assert fix in line
    assert one.nothing_left


@pytest.mark.parametrize(
    ("kind", "status", "words", "fix"),
    [
        ("jobs", 403, 'jobs is forbidden: User "ann" cannot create resource "jobs"', "edit ann -n trials"),
        ("jobs", 403, 'jobs "{name}" is forbidden: exceeded quota: no-jobs', "oc describe quota"),
        ("jobs", 404, 'namespaces "trials" not found', "oc new-project trials"),
        ("jobs", 422, 'Job "{name}" is invalid: spec.template: bad', "names what is wrong"),
        ("jobs", 401, "Unauthorized", "oc login"),
        ("secrets", 403, 'secrets is forbidden: User "ann" cannot create resource "secrets"', "edit ann"),
        ("secrets", 403, 'secrets "{name}" is forbidden: exceeded quota: few, requested: secrets=1', "quota"),
        ("secrets", 500, "etcd is full", "try again"),
    ],
)
async def test_what_the_server_refuses_leaves_nothing(
    bench: Make, kind: str, status: int, words: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = bench()
    one.cluster.refusals["POST", kind] = (status, words)
    assert fix in said(await one.run())
    assert one.nothing_left


@pytest.mark.parametrize(
    ("reason", "message", "fix"),
    [
        ("ErrImagePull", "unauthorized: authentication required", "oc secrets link default"),
        ("ImagePullBackOff", "reading manifest 1 in quay.io/modh/vllm: manifest unknown", "skopeo inspect"),
        ("CreateContainerConfigError", 'secret "hf" not found', "oc get events -n trials"),
    ],
)
async def test_an_image_or_container_that_no_waiting_mends(
    bench: Make, reason: str, message: str, fix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.qa.watch_causes._REFUSED_STAYS_S", 0.1)
    one = bench()
    one.cluster.waiting_reason = (reason, message)
    line = said(await one.run())
    assert message[:20] in line
    assert fix in line
    assert one.nothing_left


async def test_a_registry_that_fails_for_a_moment_is_waited_for(bench: Make) -> None:
    one = bench()
    one.cluster.waiting_reason = ("ErrImagePull", "pinging container registry quay.io: i/o timeout")
    trying = asyncio.create_task(one.run())
    await one.until(lambda: any("i/o timeout" in news.text for news in one.news))
    assert one.news[-1].stage.name == "PULLING"
    one.cluster.waiting_reason = ("", "")
    assert (await trying).measured is not None
    assert one.nothing_left


async def test_no_node_takes_it_in_time(bench: Make) -> None:
    one = bench()
    one.cluster.unschedulable = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    import msgspec

    short = ready()
    short = msgspec.structs.replace(short, plan=msgspec.structs.replace(short.plan, start_s=0.3))
    line = said(await one.run(short))
    assert "Insufficient nvidia.com/gpu" in line
    assert one.stages == ["MAKING", "NODE", "REMOVING"]
    assert one.nothing_left


async def test_a_wait_in_a_queue_does_not_count(bench: Make) -> None:
    import msgspec

    one = bench()
    one.cluster.queue_s = 20.0  # a second of ours
    short = ready(queue="gpus")
    short = msgspec.structs.replace(short, plan=msgspec.structs.replace(short.plan, start_s=0.9))
    assert (await one.run(short)).measured is not None
    assert "QUEUED" in one.stages
    assert one.nothing_left


async def test_files_that_can_not_be_unpacked(bench: Make) -> None:
    one = bench()
    line = said(await one.run(ready(unpack="raise SystemExit('no room in the folder')")))
    assert "no room in the folder" in line
    assert one.nothing_left


async def test_too_late_is_no_measurement(bench: Make) -> None:
    one = bench(FAKE_VLLM_END="hangs", hurry=60.0)
    line = said(await one.run(ready(limit_s=60, start_s=600)))
    assert "did not start within 1 min; it was at: loading the weights" in line
    assert one.nothing_left


@pytest.mark.parametrize("end", ["refuses-dummy", "wants-network", "wants-tokenizer"])
async def test_a_refusal_of_what_only_the_try_has_is_no_measurement(bench: Make, end: str) -> None:
    one = bench(FAKE_VLLM_END=end)
    line = said(await one.run(ready(files={"config.json": b"{}"}, left_out=("tokenizer.json",))))
    assert line.startswith("it could not be tried: ")
    assert one.nothing_left


async def test_a_flag_that_production_has_as_well_is_measured(bench: Make) -> None:
    one = bench(FAKE_VLLM_END="refuses-dummy")
    end = await one.run(ready(args=(*ARGS, "--load-format", "dummy"), own=()))
    assert end.measured is not None
    assert end.measured.outcome == "refused_args"


async def test_a_file_that_is_named_in_passing_is_no_excuse(bench: Make) -> None:
    one = bench(FAKE_VLLM_END="refuses-config")
    end = await one.run(ready(files={"config.json": b"{}"}, left_out=("tokenizer.json",)))
    assert end.measured is not None
    assert end.measured.outcome == "refused_args"
    assert "max_model_len" in end.measured.error


async def test_the_containers_memory_limit_is_named(bench: Make) -> None:
    one = bench(FAKE_VLLM_PACE=SLOW)
    one.cluster.killed_for = "OOMKilled"
    end = await one.run()
    assert end.measured is not None
    assert end.measured.outcome == "died"
    assert "its memory limit of 24Gi" in end.measured.error
    assert one.nothing_left


async def happens(one: TrialBench, what: Callable[[], object], lines: int = 5) -> TrialEnd:
    """A try in the middle of whose start something happens."""
    trying = asyncio.create_task(one.run())
    await one.until(lambda: one.news and one.news[-1].lines >= lines)
    what()
    return await trying


def the_pod(one: TrialBench):  # type: ignore[no-untyped-def]
    return next(iter(one.cluster.pods.values()))


async def test_preempted(bench: Make) -> None:
    one = bench(FAKE_VLLM_PACE=SLOW)
    cluster, why = one.cluster, "preempting to accommodate a higher priority pod"
    end = await happens(one, lambda: cluster.push_away(the_pod(one), "PreemptionByScheduler", why))
    assert "a pod of higher priority took its GPU on node gpu-1" in said(end)
    assert one.nothing_left


async def test_evicted(bench: Make) -> None:
    one = bench(FAKE_VLLM_PACE=SLOW)
    end = await happens(one, lambda: one.cluster.evict(the_pod(one), "The node was low on resource: memory."))
    assert "low on resource: memory" in said(end)
    assert one.nothing_left


@pytest.mark.parametrize("what", ["pod", "job"])
async def test_somebody_deletes_it(bench: Make, what: str) -> None:
    one = bench(FAKE_VLLM_PACE=SLOW)

    def delete() -> None:
        pod = the_pod(one)
        job = one.cluster.jobs[ready().plan.id]
        one.cluster.delete_pod(pod) if what == "pod" else one.cluster.delete_job(job)

    assert "somebody deleted its pod" in said(await happens(one, delete))
    assert one.nothing_left


async def test_a_lost_node(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(removing, "GONE_S", 0.2)
    one = bench(FAKE_VLLM_PACE=SLOW)

    def lose() -> None:
        one.cluster.lost.set()
        one.cluster.objects["/api/v1/nodes/gpu-1"]["status"]["conditions"][0]["status"] = "Unknown"

    end = await happens(one, lose)
    assert "node gpu-1 does not answer any more" in said(end)
    pod = the_pod(one)
    assert len(end.left) == 1
    assert end.left[0].endswith(f"its GPU may not be free; oc delete pod {pod.name} -n trials")
    assert one.kept
    assert "job" not in str(one.cluster.left)


def lines_of(log: Path) -> list[str]:
    """vLLM's own, without the folders of this machine."""
    lines = log.read_text().splitlines()
    return [re.split("/tmp|0.0.0.0:", line)[0] for line in lines if "INFO" in line]


async def test_a_log_that_breaks_in_the_middle_of_lines_loses_and_doubles_none(bench: Make) -> None:
    one = bench(FAKE_VLLM_PACE="0.01")
    one.cluster.cut_logs_after = 5
    end = await one.run()
    assert end.measured is not None
    assert end.measured.figures["kv_tokens"] == 354_624
    told, other = (lines_of(Path(each.log)) for each in (end, await bench().run()))
    assert told == other
    assert one.cluster.cut_logs_after > 5


@pytest.mark.parametrize("fault", ["away", "confused", "expired"])
async def test_a_server_that_comes_back_ends_nothing(bench: Make, fault: str) -> None:
    one = bench(FAKE_VLLM_PACE="0.02")
    event = getattr(one.cluster, fault)

    def blink() -> None:
        event.set()
        asyncio.get_running_loop().call_later(0.3, event.clear)

    end = await happens(one, blink)
    assert end.measured is not None
    assert end.measured.outcome == "starts"
    assert one.nothing_left


@pytest.mark.parametrize(("fault", "words"), [("expired", "oc login"), ("confused", "edit somebody")])
async def test_rights_that_end_for_good_leave_a_record_for_the_sweep(
    bench: Make, fault: str, words: str
) -> None:
    one = bench(FAKE_VLLM_PACE=SLOW)
    event = getattr(one.cluster, fault)
    end = await happens(one, event.set)
    assert words in said(end)
    assert any("oc delete job modelcar-try-llama-1f3a -n trials" in line for line in end.left)
    assert one.kept
    event.clear()
    async with one.client() as client:
        lines = await sweep_trials(client, folder=one.state)
    assert "removed what an interrupted try left in namespace trials: job modelcar-try-llama-1f3a" in lines[0]
    await one.until(lambda: one.nothing_left)


async def test_an_api_server_that_stays_away(bench: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asks, "AWAY_S", 0.3)
    one = bench(FAKE_VLLM_PACE=SLOW)
    end = await happens(one, one.cluster.away.set)
    said(end)
    assert end.left
    assert one.kept


async def test_a_log_that_may_not_be_read(bench: Make) -> None:
    one = bench(FAKE_VLLM_PACE=SLOW)
    one.cluster.refusals["GET", "log"] = (
        403,
        'pods "x" is forbidden: User "ann" cannot get resource "pods/log"',
    )
    line = said(await one.run())
    assert line.startswith("its log can't be read: ")
    assert "edit ann -n trials" in line
    assert one.nothing_left


async def test_what_can_not_be_removed_is_said_with_its_command(bench: Make) -> None:
    one = bench()
    one.cluster.refusals["DELETE", "jobs"] = (403, 'User "ann" cannot delete resource "jobs"')
    end = await one.run()
    assert end.measured is not None
    assert [line.rpartition("; ")[2] for line in end.left] == [
        "oc delete job modelcar-try-llama-1f3a -n trials"
    ]
    assert one.kept
    one.cluster.refusals.clear()
    async with one.client() as client:
        assert await sweep_trials(client, folder=one.state)
        assert await sweep_trials(client, folder=one.state) == ()
    await one.until(lambda: one.nothing_left)


@pytest.mark.parametrize("stage", ["MAKING", "NODE", "PULLING", "STARTING", "REMOVING"])
@pytest.mark.parametrize("times", [1, 2])
async def test_cancelled_at_any_stage_it_removes_all(bench: Make, stage: str, times: int) -> None:
    one = bench(FAKE_VLLM_PACE=SLOW if stage == "STARTING" else "0")
    one.cluster.pull_s = 0.3 if stage == "PULLING" else 0.0
    one.cluster.unschedulable = "0/3 nodes are available" if stage == "NODE" else ""
    trying = asyncio.create_task(one.run())
    await one.until(lambda: stage in one.stages)
    for _ in range(times):
        trying.cancel()
        await asyncio.sleep(0)
    with pytest.raises(asyncio.CancelledError):
        await trying
    await one.until(lambda: one.nothing_left)


async def test_two_tries_at_once(bench: Make) -> None:
    one = bench()
    ends = await asyncio.gather(one.run(ready("try-a")), one.run(ready("try-b")))
    assert all(end.measured is not None for end in ends)
    assert one.nothing_left


async def test_the_same_try_is_driven_once(bench: Make) -> None:
    one = bench(FAKE_VLLM_PACE=SLOW)
    first = asyncio.create_task(one.run())
    await one.until(lambda: "STARTING" in one.stages)
    assert "another process drives this try" in str((await one.run()).problem)
    async with one.client() as client:
        assert await sweep_trials(client, folder=one.state) == ()
    assert (await first).measured is not None


async def test_another_cards_node_is_what_is_measured(bench: Make) -> None:
    one = bench()
    labels = {"nvidia.com/gpu.product": "NVIDIA-H100-80GB-HBM3", "nvidia.com/gpu.memory": "81559"}
    one.cluster.objects["/api/v1/nodes/gpu-1"]["metadata"]["labels"] = labels
    measured = (await one.run()).measured
    assert measured is not None
    assert (measured.gpu, measured.memory_mib) == ("NVIDIA-H100-80GB-HBM3", 81559)


async def test_somebody_elses_job_is_left_alone(bench: Make) -> None:
    one = bench()
    theirs = {"metadata": {"name": ready().plan.id, "uid": "u", "labels": {}}, "spec": {"suspend": True}}
    one.cluster.jobs[ready().plan.id] = theirs
    assert "somebody else's Job" in said(await one.run())
    assert one.cluster.left == [f"job/{ready().plan.id}"]
    assert not one.kept


async def test_a_disk_that_takes_no_record_makes_nothing(bench: Make) -> None:
    one = bench()
    one.folder.joinpath("state").write_text("a file stands there")
    said(await one.run())
    assert not any(asked.startswith("POST") for asked in one.cluster.asked)


async def test_a_log_keeps_no_secret_and_no_more_than_its_limit(
    bench: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MOST", 1000)
    monkeypatch.setattr(keeping, "END", 400)
    one = bench()
    one.redact.add("/mnt-planted-secret")
    end = await one.run(ready(args=(*ARGS, "--served-model-name=/mnt-planted-secret")))
    assert end.measured is not None
    assert end.measured.figures["kv_tokens"] == 354_624
    kept = Path(end.log).read_text()
    assert len(kept) < 1600
    assert "[the log goes on" in kept
    assert "lines are left out here" in kept
    assert not kept.splitlines()[-1].startswith("[")
    assert "planted" not in kept + str(one.news)


def test_the_end_of_a_long_log_of_a_try_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error that ended vLLM stands in its last lines."""
    monkeypatch.setattr(keeping, "MOST", 1000)
    monkeypatch.setattr(keeping, "END", 400)
    log = keeping.TrialLog(tmp_path / "a.log", Redactor())
    for at in range(5000):
        log.take(RawLine(f"line {at}".encode(), 0.0))
    log.take(RawLine(b"ValueError: no room for the KV cache", 0.0))
    log.close()
    lines = (tmp_path / "a.log").read_text().splitlines()
    assert lines[0] == "line 0"
    assert lines[-1] == "ValueError: no room for the KV cache"
    (gap,) = [line for line in lines if "left out here" in line]
    left_out = int(gap.split()[0].strip("[").replace(",", ""))
    assert left_out + len(lines) - 2 == 5001
    assert (tmp_path / "a.log").stat().st_size < 1600
