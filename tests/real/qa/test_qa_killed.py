"""The process that drives QA is killed with SIGKILL, anywhere; the next one goes on."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import msgspec
import pytest

from modelcar_tui.qa.engines.sweep import sweep_stale_secrets
from modelcar_tui.qa.types import QaRequest
from support.qa_bench import AUTH, TOKEN, Bench, eventually, podman

pytestmark = pytest.mark.real

DRIVER = Path(__file__).parents[2] / "support" / "qa_driver.py"


async def driver(bench: Bench, request: QaRequest) -> asyncio.subprocess.Process:
    child = await asyncio.create_subprocess_exec(
        sys.executable, str(DRIVER), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.DEVNULL
    )
    assert child.stdin is not None
    given = {"request": msgspec.to_builtins(request), "secret": AUTH, "probes": str(bench.probes)}
    child.stdin.write(json.dumps(given).encode())
    child.stdin.close()
    return child


async def kill(child: asyncio.subprocess.Process) -> None:
    os.kill(child.pid, signal.SIGKILL)
    await child.wait()


PHASES = {
    "probing": lambda bench: (bench.run_folder / "qa" / "qa.log").exists(),
    "collecting": lambda bench: (bench.run_folder / "qa" / "collect").exists(),
    "staged": lambda bench: (bench.stage / "modelcar.yaml").exists(),
    "created": lambda bench: bench.containers() != [],
    "running": lambda bench: bench.spooled() > 40,
}


@pytest.mark.parametrize("phase", PHASES)
async def test_killed_driver_loses_and_doubles_nothing(phase: str, bench: Bench) -> None:
    request = bench.request("granite--slow")
    child = await driver(bench, request)
    await eventually(lambda: PHASES[phase](bench))
    await kill(child)
    outcome = await bench.run(request)
    assert outcome.ok, (outcome, bench.lines(None))
    slow = [line for line in bench.lines() if line.startswith("slow")]
    assert slow == [f"slow line {number:05d}" for number in range(200)]
    created = podman(
        "events", "--stream=false", "--filter", f"container={bench.name}", "--filter", "event=create"
    )
    assert len(created.splitlines()) == 1
    assert bench.containers() == []
    assert not bench.stage.exists()


async def test_killed_again_and_again(bench: Bench) -> None:
    request = bench.request("granite--slow")
    for lines in (20, 60, 100, 140):
        child = await driver(bench, request)
        await eventually(lambda lines=lines: bench.spooled() > lines)
        await kill(child)
        assert len(bench.containers()) == 1
    outcome = await bench.run(request)
    assert outcome.ok
    slow = [line for line in bench.lines() if line.startswith("slow")]
    assert slow == [f"slow line {number:05d}" for number in range(200)]


async def test_lent_secrets_of_a_killed_run_are_swept(bench: Bench) -> None:
    request = bench.request("granite--hang")
    child = await driver(bench, request)
    await eventually(lambda: any("Waiting for" in line for line in bench.lines()))
    runs = bench.run_folder.parent
    assert await sweep_stale_secrets(runs) == []
    await kill(child)
    assert await sweep_stale_secrets(runs) == [], "the running container still needs them"
    assert TOKEN in (bench.stage / "kubeconfig").read_text()
    podman("kill", bench.name)
    await eventually(lambda: bench.containers("--filter", "status=running") == [])
    assert await sweep_stale_secrets(runs) == [bench.stage]
    assert not bench.stage.exists()
    outcome = await bench.run(request)
    assert outcome.code == "QA_ERROR:KILLED"
    assert any("Waiting for" in line for line in bench.lines())


async def test_run_that_ended_while_nobody_looked_is_judged_by_what_it_did(bench: Bench) -> None:
    request = bench.request("granite")
    child = await driver(bench, request)
    await eventually(lambda: bench.containers() != [])
    await kill(child)
    await eventually(lambda: bench.containers("--filter", "status=exited") != [])
    outcome = await bench.run(msgspec.structs.replace(request, timeout_s=0.001))
    assert outcome.ok, outcome
