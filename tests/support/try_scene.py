"""All that `agent try` needs, on loopback: the demo's cluster with its GPUs, templates and projects, in one
of which Jobs really run (`kube_trials`), the demo's registry with its model-cars, `agent` as a process."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.kube_objects import NAMESPACES
from modelcar_tui.demo.registry import start_demo_registry
from support.kube_trials import TrialCluster
from support.kube_trials_api import REVIEW, TrialHandler
from support.roles import granted
from support.stub_kubelet import Machine

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "docs"))
from doc_server import call_of

NAME = "granite-3.1-8b-instruct"
MANIFEST = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments: {gpu_count: 1, args: [--max-model-len=8192]}
"""
PROJECT = "trials"
PROGRAM = (sys.executable, "-m", "modelcar_tui.agent")


class _Handler(TrialHandler):
    """What is neither a try's nor a right that a test denies is asked of the demo's cluster."""

    server: WholeCluster

    def do_PATCH(self) -> None:
        self._serve()

    def _other(self, path: str, body: Any) -> None:
        cluster = self.server
        if path == REVIEW:
            asked = body["spec"].get("resourceAttributes", {})
            if (asked.get("verb"), asked.get("resource")) in cluster.denied:
                self._answer(201, {**body, "status": {"allowed": False}})
                return
        code, kind, data = cluster.asked_of_demo(self.command, self.path, body)
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class WholeCluster(TrialCluster):
    """The demo's cluster with a project in which Jobs run."""

    def __init__(self, folder: Path, demo: StubCluster, *, machine: Machine) -> None:
        self.demo = demo
        super().__init__(folder, machine=machine, namespace=PROJECT, hurry=20)
        looks = {one.role.removeprefix("modelcar-") for one in granted() if "-look" in one.role}
        self.roles += tuple(sorted(looks))
        self.RequestHandlerClass = _Handler

    def create_job(self, job: Any) -> None:
        """Its pod goes to the first node that the Job names."""
        affinity = job["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
        term, *_ = affinity["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
        self.node = term["matchFields"][0]["values"][0]
        super().create_job(job)

    def asked_of_demo(self, method: str, path: str, body: Any) -> tuple[int, str, bytes]:
        """Status, content type and body of its answer."""
        host, port = self.demo.server.server_address[:2]
        asking = http.client.HTTPConnection(str(host), int(port), timeout=10)
        headers = {"Authorization": f"Bearer {self.demo.token}"}
        asking.request(method, path, json.dumps(body).encode() if body else None, headers)
        answer = asking.getresponse()
        found = answer.status, answer.getheader("Content-Type", "application/json"), answer.read()
        asking.close()
        return found


class Told(NamedTuple):
    """How a process ended; 128 and the signal where one ended it."""

    returncode: int
    stdout: str
    stderr: str


class Begun(NamedTuple):
    """A process that goes on."""

    process: subprocess.Popen[str]
    number: Path

    def signal(self, number: signal.Signals) -> None:
        os.kill(int(self.number.read_text()), number)

    def told(self) -> Told:
        out, err = self.process.communicate(timeout=60)
        return Told(self.process.returncode, out, err)


class TryScene:
    """A cluster, a registry, a manifest, and the folders of an operator. `stop` it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.state = folder / "state"
        self.manifest = folder / "m.base.yaml"
        self.manifest.write_text(MANIFEST)
        self._numbers = itertools.count()
        self.vllm: dict[str, str] = {"FAKE_VLLM_RELEASE": "0.18.0"}
        """Variables of the vLLM that is played."""
        lower = folder / "demo"
        lower.mkdir()
        self._demo = start_stub_cluster(folder=lower, tls=False)
        self._demo.store.put(NAMESPACES, [{"metadata": {"name": PROJECT}, "status": {"phase": "Active"}}])
        self.cluster = WholeCluster(
            folder / "cluster", self._demo, machine=Machine(env=self.vllm, only_paths=("/tmp", "/dev/shm"))
        )
        self._registry = start_demo_registry()
        self.kubeconfig = self.cluster.kubeconfig()

    def stop(self) -> None:
        self.cluster.stop()
        self._demo.stop()
        self._registry.stop()

    def plays(self, end: str = "starts", pace: float = 0.0, **figures: float) -> None:
        """How vLLM's next starts go."""
        self.vllm["FAKE_VLLM_END"], self.vllm["FAKE_VLLM_PACE"] = end, str(pace)
        self.vllm["FAKE_VLLM_FIGURES"] = json.dumps(figures)

    @property
    def outside(self) -> list[str]:
        """Options of each command that looks at the cluster and the registry."""
        conf = str(self._registry.registries_conf_path)
        where = ["--kubeconfig", str(self.kubeconfig), "--registries-conf", conf]
        return [*where, "--state-dir", str(self.state)]

    def words(self, *words: str) -> list[str]:
        """The command line of `agent try` on the manifest."""
        return ["try", str(self.manifest), "--namespace", PROJECT, *self.outside, *words]

    @property
    def environment(self) -> dict[str, str]:
        """Of the operator's processes."""
        return {**os.environ, "MODELCAR_TUI_DATA_DIR": str(self.folder / "data")}

    def agent(self, *words: str) -> Told:
        """`agent` to its end, with nobody at its input."""
        return self.begun(*words).told()

    def begun(self, *words: str) -> Begun:
        """`agent` in a fork of the loaded interpreter, which goes on."""
        number = self.folder / f"pid-{next(self._numbers)}"
        process = subprocess.Popen(
            [sys.executable, "-c", call_of("modelcar_tui.agent"), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**self.environment, "PID_FILE": str(number)},
        )
        return Begun(process, number)

    def until(self, check: Callable[[], object], limit_s: float = 30) -> None:
        limit = time.monotonic() + limit_s
        while not check():
            assert time.monotonic() < limit, self.cluster.asked[-20:]
            time.sleep(0.01)

    @property
    def nothing_left(self) -> bool:
        """Neither on the cluster nor a record here, and nothing runs."""
        records = [*(self.state / "trials").glob("*")]
        return not (self.cluster.left or self.cluster.processes or records)
