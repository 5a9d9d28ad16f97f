"""The demo's cluster and registry, on whose node the Job of a try really runs: what `t` needs.

python -m support.trial_dashboard FOLDER    # serves until Ctrl-C; FOLDER/command holds the dashboard's
"""

from __future__ import annotations

import http.client
import re
import shlex
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

from modelcar_tui.core import resources
from modelcar_tui.demo import registry_blobs
from modelcar_tui.demo.kube import start_stub_cluster, write_kubeconfig
from modelcar_tui.demo.kube_scenarios import Scenario
from modelcar_tui.demo.registry import DemoRegistry, start_demo_registry
from support.kube_trials import TrialCluster
from support.kube_trials_api import TOKEN, TrialHandler
from support.stub_kubelet import Machine

NODE = "gpu-a100-mig-0"
_OURS = re.compile(r"/namespaces/([\w-]+)/(jobs|secrets|events|pods)(?:/([^/]+))?(/log)?$")
_TRIED = "modelcar-try-"


class _Front(TrialHandler):
    """What belongs to tries is served here, all else by the demo's cluster."""

    server: _Joined

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        match = _OURS.search(parts.path)
        if match is not None and self._of_a_try(match, parts.query):
            with self.server.lock:
                self.server.namespace = match[1]
            super()._serve()
            return
        size = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(size) if size else None
        inner = self.server.demo
        headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        line = http.client.HTTPConnection("127.0.0.1", urlsplit(inner.url).port, timeout=30)
        try:
            line.request(self.command, self.path, body, {**headers, "Authorization": f"Bearer {inner.token}"})
            answer = line.getresponse()
            data = answer.read()
        finally:
            line.close()
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.headers.get("Content-Type", "application/json"))
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _of_a_try(self, match: re.Match[str], query: str) -> bool:
        kind, name = match[2], match[3] or ""
        if kind in ("jobs", "events"):
            return True
        if kind == "secrets":
            return self.command != "GET" or name.startswith(_TRIED)
        return name in self.server.pods or "controller-uid" in query or name.startswith(_TRIED)


class _Joined(TrialCluster):
    """The stub of tries in front of the demo's cluster."""

    def __init__(self, folder: Path, scenario: Scenario | None, *, machine: Machine, hurry: float) -> None:
        inner = folder / "demo"
        inner.mkdir(parents=True)
        self.demo = start_stub_cluster(scenario, folder=inner, tls=False)
        super().__init__(folder / "cluster", machine=machine, hurry=hurry, node=NODE)
        self.RequestHandlerClass = _Front

    def stop(self) -> None:
        super().stop()
        self.demo.stop()


def _registry(conf: Path) -> DemoRegistry:
    """The demo's, whose tokenizers have the digests of their bytes: a try reads them whole."""
    usual = registry_blobs._HASHED_WHOLE
    registry_blobs._HASHED_WHOLE = 16 * 2**20
    try:
        return start_demo_registry(registries_conf=conf)
    finally:
        registry_blobs._HASHED_WHOLE = usual


class TrialDashboard:
    """A cluster, a registry, and the command of a dashboard that finds both. `stop` it.

    Args:
        folder: everything lies in it; the manifest is the demo's sample.
        scenario: the demo's cluster by default.
        hurry: how much faster the cluster's time runs.
        env: what the stand-in for vLLM hears (`fake_vllm`).
    """

    def __init__(
        self, folder: Path, scenario: Scenario | None = None, *, hurry: float = 20.0, **env: str
    ) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.cluster = _Joined(folder, scenario, machine=Machine(env=env, only_paths=("/tmp",)), hurry=hurry)
        self.registry = _registry(self.registries_conf)
        write_kubeconfig(self.kubeconfig, self.cluster.url, {"token": TOKEN}, namespace="team-a")
        self.manifest = folder / "models.base.yaml"
        sample = resources.samples() / "sample_modelcar_config.base.yaml"
        self.manifest.write_bytes(sample.read_bytes())
        (folder / "settings.yaml").write_text("")

    @property
    def kubeconfig(self) -> Path:
        return self.folder / "kubeconfig"

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def env(self) -> dict[str, str]:
        """Whose measurements, caches and settings count."""
        return {
            "MODELCAR_TUI_DATA_DIR": str(self.folder / "data"),
            "MODELCAR_TUI_CACHE_DIR": str(self.folder / "cache"),
            "MODELCAR_TUI_CONFIG": str(self.folder / "settings.yaml"),
        }

    def command(self, *more: str) -> list[str]:
        """The dashboard's."""
        options = ("--kubeconfig", str(self.kubeconfig), "--registries-conf", str(self.registries_conf))
        return self.program(str(self.manifest), *options, *more)

    def program(self, *words: str) -> list[str]:
        """Any command line of ours, with this folder's state."""
        return [sys.executable, "-m", "modelcar_tui.cli", *words, "--state-dir", str(self.state)]

    @property
    def registries_conf(self) -> Path:
        return self.folder / "registries.conf"

    @property
    def nothing_left(self) -> bool:
        """Neither objects, nor records, nor processes of a try."""
        kept = list((self.state / "trials").glob("*.json"))
        return not (self.cluster.left or self.cluster.processes or kept)

    def stop(self) -> None:
        self.cluster.stop()
        self.registry.stop()


def _main(folder: str, *env: str) -> None:
    words = dict(one.split("=", 1) for one in env)
    bench = TrialDashboard(Path(folder), hurry=float(words.pop("HURRY", "1")), **words)
    variables = [f"{name}={value}" for name, value in bench.env.items()]
    (bench.folder / "command").write_text(shlex.join(["env", *variables, *bench.command()]) + "\n")
    sys.stdout.write(f"{bench.folder / 'command'}\n")
    sys.stdout.flush()
    try:
        while True:
            time.sleep(5)
            sys.stdout.write(f"{bench.cluster.left} {bench.cluster.processes}\n")
            sys.stdout.flush()
    except KeyboardInterrupt:
        bench.stop()


if __name__ == "__main__":
    _main(*sys.argv[1:])
