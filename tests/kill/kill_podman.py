"""Whole runs with real podman and the fake suite in a container, killed while QA works, and resumed."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kill_headless import Killed
from kill_judge import Came, came, counted, differences, runs_in
from kill_points import Point

from support import containers
from support.qa_bench import AUTH, PASSWORD, podman

LABEL = "io.modelcar-tui.run"
MANIFEST = b"""\
model-car:
  - name: granite--slow
    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args:
        - --max-model-len=2048
        - --trust-remote-code
"""
PHASES = ("asked", "probing", "staged", "created", "lines", "later")
"""From the consent to the middle of the suite's log."""
_LIMIT_S = 100.0


class Site:
    """A folder for one run at a time, the parts that it asks, and what podman has of it."""

    def __init__(self, folder: Path, parts: Path) -> None:
        self.rooms = folder / "podman"
        self._parts = parts
        self._image = containers.suite_image()

    def lay_out(self) -> None:
        """The folder as it is before the run; no container of an earlier one."""
        for container in self.containers():
            podman("rm", "--force", "--time=0", container, check=False)
        shutil.rmtree(self.rooms, ignore_errors=True)
        self.rooms.mkdir(parents=True)
        (self.rooms / "a.base.yaml").write_bytes(MANIFEST)

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """A process of `agent`; what it says is in the folder."""
        command = [sys.executable, "-m", "modelcar_tui.agent", *words, "--no-llm", "--format", "json"]
        own = {"HOME": str(self.rooms), "XDG_CACHE_HOME": str(self.rooms / "cache")}
        env = {**os.environ, **own, "OCI_REGISTRY_PULL_SECRET": AUTH}
        with (self.rooms / "out").open("ab") as out:
            state = ["--state-dir", str(self.rooms / "state")]
            return subprocess.Popen(
                [*command, *state], stdout=out, stderr=out, env=env, start_new_session=True
            )

    def first(self) -> subprocess.Popen[bytes]:
        """Start the run."""
        manifest = ["--config", str(self.rooms / "a.base.yaml"), "--approve", "all"]
        parts = ["--kubeconfig", str(self._parts / "kubeconfig")]
        parts += ["--registries-conf", str(self._parts / "registries.conf")]
        return self.start(*manifest, *parts, "--qa-image", self._image, "--qa-network", "none")

    @property
    def run(self) -> Path | None:
        """The run's folder."""
        return next(iter(runs_in(self.rooms)), None)

    def containers(self) -> list[str]:
        """Those of this run, in any state."""
        if (run := self.run) is None:
            return []
        return podman("ps", "-aq", "--filter", f"label={LABEL}={run.name}").split()

    def created(self) -> int:
        """How many there were in all."""
        events = podman("events", "--stream=false", "--filter", "event=create", "--format", "json")
        told: list[dict[str, Any]] = [json.loads(line) for line in events.splitlines() if line]
        run = self.run
        return sum(run is not None and one.get("Attributes", {}).get(LABEL) == run.name for one in told)

    def reached(self, phase: str) -> bool:
        """Whether the run has come so far."""
        run = self.run
        if run is None:
            return False
        log = run / "qa" / "qa.log"
        size = log.stat().st_size if log.exists() else 0
        return {
            "asked": lambda: counted(run)["ConsentGiven"] > 0,
            "probing": log.exists,
            "staged": (run / "qa" / "stage" / "modelcar.yaml").exists,
            "created": lambda: bool(self.containers()),
            "lines": lambda: size > 3000,
            "later": lambda: size > 7000,
        }[phase]()

    def left(self) -> list[str]:
        """What must not stay when a run is over."""
        run = self.run
        wrong = [f"a container stays: {one}" for one in self.containers()]
        if run is not None and (run / "qa" / "stage").exists():
            wrong.append("what was lent to the container stays")
        for path in self.rooms.rglob("*"):
            if path.is_file() and (AUTH.encode() in (held := path.read_bytes()) or PASSWORD.encode() in held):
                wrong.append(f"the pull secret is in {path.name}")
        return wrong


def undisturbed(site: Site) -> Came:
    """A run to its end."""
    site.lay_out()
    return came(site.first().wait(_LIMIT_S), site.rooms)


def killed_in(site: Site, phase: str, later_s: float, plain: Came, *, group: bool = False) -> Killed:
    """Killed in a phase of QA, with `group` together with the podman that it asks, and resumed to its end."""
    began = time.monotonic()
    site.lay_out()
    process = site.first()
    _until(lambda: site.reached(phase) or process.poll() is not None, phase)
    time.sleep(later_s)
    if process.poll() is None:
        (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
    killed = process.wait() == -signal.SIGKILL
    wrong = []
    if killed:
        status = site.start("--resume", "last").wait(_LIMIT_S)
        wrong = differences(came(status, site.rooms), plain) + site.left()
        if (created := site.created()) != 1:
            wrong.append(f"{created} containers were created")
    seconds = round(time.monotonic() - began, 2)
    return Killed("podman", (Point(phase, round(later_s, 2)),), int(killed), tuple(wrong), seconds)


def _until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + _LIMIT_S
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError(f"never: {what}")
        time.sleep(0.02)
