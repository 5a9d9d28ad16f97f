"""The podman engine with real containers that play the suite."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import time
from pathlib import Path

import pytest

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.effects import ANY_ANSWER, NOT_TESTED
from modelcar_tui.qa.engines.follow import following
from modelcar_tui.qa.engines.podman_cli import Podman
from modelcar_tui.qa.events import QaProgressed, QaStarted, Warned, WentSilent
from modelcar_tui.qa.log.spool import Origin
from modelcar_tui.qa.runner import QaSecrets
from modelcar_tui.qa.store import load_probe
from modelcar_tui.qa.types import QaCounts
from support.qa_bench import Bench, eventually, podman

pytestmark = pytest.mark.real


@pytest.mark.parametrize("branch", ["3.2", "3.4ea1", "main"])
async def test_each_branch_gets_options_and_secret_that_it_takes(branch: str, bench: Bench) -> None:
    request = bench.request("granite-3.1-8b", "whisper", branch=branch, runtime_image="quay.io/modh/vllm:1")
    outcome = await bench.run(request)
    assert outcome.code == "QA_OK", (outcome, bench.lines(None))
    assert outcome.counts == QaCounts(passed=2)
    assert outcome.exit_status == 0
    assert bench.containers() == []
    assert not bench.stage.exists()
    started = [event for event in bench.events if isinstance(event, QaStarted)]
    assert [event.attached for event in started] == [False]
    assert bench.grew() == bench.spooled()
    last = [event for event in bench.events if isinstance(event, QaProgressed)][-1]
    assert (last.done, last.total, last.passed) == (2, 2, 2)


async def test_tests_are_listed_before_and_what_is_left_out_is_said(bench: Bench) -> None:
    request = bench.request("granite", "whisper")
    path = Path(request.manifest_path)
    path.write_text(path.read_text() + "  - name: nameless\n")
    outcome = await bench.run(request)
    assert outcome.ok, (outcome, bench.lines(None))
    said = [event.text for event in bench.events if isinstance(event, Warned)]
    assert said == ["the suite will test 2 of 3 models; it leaves out nameless"]
    stages = [event for event in bench.events if isinstance(event, QaProgressed) and event.phase == "staging"]
    assert stages[0].total == 2
    assert not (bench.run_folder / "qa" / "collect").exists()


async def test_manifest_without_a_test_ends_before_anything_is_lent(bench: Bench) -> None:
    request = bench.request("granite")
    image = "oci://registry.redhat.io/x/y:1"
    Path(request.manifest_path).write_text(f"model-car:\n  - image: {image}\n    gpu_count: 1\n")
    outcome = await bench.run(request)
    assert outcome.code == "QA_ERROR:NO_TESTS"
    assert bench.containers() == []
    assert bench.lines() == []
    assert not bench.stage.exists()


async def test_outcome_says_that_the_suite_reads_no_model_s_arguments(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite", image=bench.image("3.2", sources="2.23")))
    assert outcome.code == "QA_OK", (outcome, bench.lines(None))
    untested = f"{NOT_TESTED}: this says nothing of the approved arguments"
    assert outcome.message == f"1 passed; {untested}; {ANY_ANSWER}"
    assert outcome.namespaces == ("raw-model-validation", "serverless-model-validation")
    said = [event.text for event in bench.events if isinstance(event, Warned)]
    assert NOT_TESTED in said
    kept = load_probe(bench.run_folder / "qa")
    assert kept is not None and kept.probed and not kept.facts.reads_arguments


async def test_release_without_the_test_is_refused_before_anything_is_pulled(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite", image="quay.io/opendatahub/opendatahub-tests:2.25"))
    assert outcome.code == "QA_ERROR:NO_TESTS"
    assert outcome.fix.endswith("--qa-image quay.io/opendatahub/opendatahub-tests:2.24")
    assert bench.lines(None) == []


async def test_what_is_waited_for_before_the_start_is_said_with_how_long(bench: Bench) -> None:
    await bench.run(bench.request("granite"))
    phases = [event.phase for event in bench.events if isinstance(event, QaProgressed)]
    assert "asking the image which suite it holds (seconds)" in phases
    assert "asking the suite for its tests (seconds; 180 at most)" in phases


async def test_image_whose_user_is_root(bench: Bench) -> None:
    assert (await bench.run(bench.request("granite", user="root"))).ok


async def test_finished_run_is_not_run_again(bench: Bench) -> None:
    request = bench.request("granite")
    first = await bench.run(request)
    bench.events.clear()
    assert await bench.run(request) == first
    assert await bench.runner().attach(request, bench.secrets(), bench.events.append) == first
    assert bench.events == []


async def test_nothing_to_attach_to(bench: Bench) -> None:
    assert await bench.runner().attach(bench.request("granite"), bench.secrets(), bench.events.append) is None


@pytest.mark.parametrize(
    ("models", "code"),
    [
        (("granite", "llama--crash"), "CRASH_LOOP"),
        (("llama--quota",), "QUOTA"),
        (("x--sanity",), "DSC_NOT_READY"),
        (("x-5--exit",), "NO_TESTS"),
        (("x-137--exit",), "KILLED"),
    ],
)
async def test_ways_to_fail_are_told_apart(models: tuple[str, ...], code: str, bench: Bench) -> None:
    outcome = await bench.run(bench.request(*models))
    assert outcome.code == f"QA_ERROR:{code}", (outcome, bench.lines(None))
    assert outcome.fix
    assert bench.containers() == []


async def test_expired_token_is_named(bench: Bench) -> None:
    bench.kubeconfig.write_text(bench.kubeconfig.read_text().replace("sha256~", "expired-token~"))
    outcome = await bench.run(bench.request("granite"))
    assert (outcome.code, outcome.exit_status) == ("QA_ERROR:TOKEN_EXPIRED", 3)


async def test_all_skipped_is_not_a_pass(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite", accelerator="cpu_x86"))
    assert outcome.code == "QA_ERROR:NONE_RAN"
    assert outcome.message.startswith("0 ran")


async def test_hostile_lines_are_harmless_and_whole(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite--big"))
    assert outcome.ok
    lines = bench.lines()
    assert any(line.startswith("xxxx") and line.endswith("…") for line in lines)
    assert "progress done" in lines
    assert "osc" in lines
    assert any("bad utf-8" in line for line in lines)
    assert not any("\x1b" in line for line in lines)


async def test_silent_hang_ends_by_the_clock(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite--hang", timeout_s=8.0, silence_s=0.5))
    assert outcome.code == "QA_ERROR:TIMEOUT"
    assert "waiting for pods (granite--hang)" in outcome.message
    assert any(isinstance(event, WentSilent) for event in bench.events)
    assert bench.containers() == []
    assert not bench.stage.exists()


@pytest.mark.parametrize(
    ("limit", "code"), [({"hang_s": 8.0}, "HANG"), ({"model_timeout_s": 1.0}, "MODEL_TIMEOUT")]
)
async def test_other_limits(limit: dict[str, float], code: str, bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite--hang", **limit), bench.runner(grace_s=20.0))
    assert outcome.code == f"QA_ERROR:{code}"
    assert any("Delete Namespace" in line for line in bench.lines()), "the suite was let clean up"
    assert outcome.leftovers == ()


async def test_a_stop_ends_every_model_that_is_left_and_takes_all_back(bench: Bench) -> None:
    request = bench.request("granite", "llama--hang", "phi--hang", "whisper--hang", timeout_s=8.0)
    outcome = await bench.run(request, bench.runner(grace_s=20.0))
    assert outcome.code == "QA_ERROR:TIMEOUT"
    assert "(llama--hang)" in outcome.message
    assert [(m.model, m.status) for m in outcome.models] == [
        ("granite", "PASSED"),
        ("llama--hang", "ERROR"),
        ("phi--hang", "ERROR"),
        ("whisper--hang", "ERROR"),
    ]
    assert any("Delete Namespace" in line for line in bench.lines())
    assert outcome.leftovers == ()


async def test_flood_loses_nothing_and_the_loop_lives(bench: Bench) -> None:
    gaps: list[float] = []

    async def tick() -> None:
        # CPU time of this thread: what others do on the machine does not count.
        before = time.thread_time()
        while True:
            await asyncio.sleep(0.01)
            now = time.thread_time()
            gaps.append(now - before)
            before = now

    ticker = asyncio.create_task(tick())
    outcome = await bench.run(bench.request("granite--flood"))
    ticker.cancel()
    assert outcome.ok
    flood = [line for line in bench.lines() if line.startswith("flood line")]
    assert len(flood) == 200_000
    assert [int(line[11:18]) for line in flood] == list(range(200_000))
    gaps.sort()
    assert gaps[int(len(gaps) * 0.95)] < 0.1


async def test_cancel_stops_and_removes_within_its_limit(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--hang")))
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    began = time.monotonic()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert time.monotonic() - began < 60, "the suite would sleep for an hour"
    assert bench.containers() == []
    assert not bench.stage.exists()


async def test_detached_run_goes_on_and_is_attached_to(bench: Bench) -> None:
    request, runner = bench.request("granite--slow"), bench.runner()
    task = asyncio.create_task(bench.run(request, runner))
    await eventually(lambda: any(line.startswith("slow line 00020") for line in bench.lines()))
    runner.detach = True
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert len(bench.containers("--filter", "status=running")) == 1
    bench.events.clear()
    # The secret that it was started with is not needed to go on.
    outcome = await bench.runner().attach(
        request, QaSecrets(Secret("no pull secret at all")), bench.events.append
    )
    assert outcome is not None
    assert outcome.ok
    assert [event.attached for event in bench.events if isinstance(event, QaStarted)] == [True]
    slow = [line for line in bench.lines() if line.startswith("slow")]
    assert slow == [f"slow line {number:05d}" for number in range(200)]
    assert bench.containers() == []


async def test_container_that_somebody_removes(bench: Bench) -> None:
    task = asyncio.create_task(bench.run(bench.request("granite--hang")))
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    podman("rm", "--force", "--time=0", bench.name)
    outcome = await task
    assert outcome.code in ("QA_ERROR:CONTAINER_LOST", "QA_ERROR:KILLED")
    assert not bench.stage.exists()


async def test_only_one_process_drives_a_run(bench: Bench) -> None:
    request = bench.request("granite--hang")
    task = asyncio.create_task(bench.run(request))
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    assert (await bench.run(request)).code == "QA_ERROR:BUSY"
    assert len(bench.containers()) == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_podman_missing_failing_or_without_the_image(bench: Bench) -> None:
    request = bench.request("granite")
    missing = await bench.run(request, bench.runner(program="no-such-podman"))
    assert (missing.code, missing.fix) == ("QA_ERROR:RUNTIME_NOT_FOUND", "sudo dnf install podman")
    broken = bench.folder / "podman"
    broken.write_text("#!/bin/sh\necho 'Error: cannot connect to storage' >&2\nexit 125\n")
    broken.chmod(0o755)
    failing = await bench.run(request, bench.runner(program=str(broken)))
    assert failing.code == "QA_ERROR:PODMAN_FAILED"
    assert failing.message == "cannot connect to storage"
    absent = await bench.run(bench.request("granite", image="localhost/no-such-image:1", pull="never"))
    assert absent.code == "QA_ERROR:SUITE_IMAGE"
    assert absent.fix == "podman pull localhost/no-such-image:1"


async def test_failed_pull_shows_podmans_own_words(bench: Bench) -> None:
    outcome = await bench.run(bench.request("granite", image="127.0.0.1:1/suite:1"))
    assert outcome.code == "QA_ERROR:SUITE_IMAGE"
    assert "refused" in outcome.message
    assert any("127.0.0.1:1" in line for line in bench.lines(Origin.US))


async def test_logs_command_gives_the_same_lines_as_the_file(bench: Bench) -> None:
    request, runner = bench.request("granite--slow"), bench.runner()
    task = asyncio.create_task(bench.run(request, runner))
    await eventually(lambda: bench.containers() != [])
    got = []
    async with following(Podman(), bench.name, "") as follower:
        while follower.more():
            got += [line.data.decode() for line in follower.read()]
            await asyncio.sleep(0.01)
        got += [line.data.decode() for line in follower.finish()]
    await task
    assert [line for line in got if line.startswith("slow")] == [
        f"slow line {number:05d}" for number in range(200)
    ]


async def test_full_disk_is_said_and_leaves_nothing_running(bench: Bench, tmp_path: Path) -> None:
    request = bench.request("granite--flood")
    small = bench.run_folder / "qa"
    small.mkdir(mode=0o700)
    if os.system(f"mount -t tmpfs -o size=256k,mode=700 tmpfs {small}") != 0:
        pytest.skip("no right to mount a small file system")
    try:
        outcome = await bench.run(request)
        assert outcome.code == "QA_ERROR:DISK"
        assert "No space left" in outcome.message
        assert bench.containers() == []
        assert not bench.stage.exists()
    finally:
        os.system(f"umount {small}")


async def test_image_is_pulled_first_and_the_pull_is_in_the_log(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is not installed (apt-get install docker-registry)")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    config = tmp_path / "registry.yml"
    config.write_text(
        f"version: 0.1\nstorage: {{filesystem: {{rootdirectory: {tmp_path}/registry}}}}\n"
        f"http: {{addr: '{address}'}}\n"
    )
    conf = tmp_path / "registries.conf"
    conf.write_text(f"[[registry]]\nlocation = '{address}'\ninsecure = true\n")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(conf))
    server = await asyncio.create_subprocess_exec(
        "docker-registry",
        "serve",
        str(config),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    image = f"{address}/suite:1"
    try:
        await eventually(lambda: _listens(address))
        podman("tag", bench.image("3.4ea1"), image)
        podman("push", "--quiet", image)
        podman("rmi", image)
        outcome = await bench.run(bench.request("granite", image=image))
        assert outcome.ok, bench.lines(None)
        assert any(
            isinstance(event, QaProgressed) and event.phase == "pulling image" for event in bench.events
        )
        assert any("Writing manifest" in line for line in bench.lines(Origin.US))
        assert any("test session starts" in line for line in bench.lines())
    finally:
        podman("rmi", "--force", image, check=False)
        server.terminate()
        await server.wait()


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0
