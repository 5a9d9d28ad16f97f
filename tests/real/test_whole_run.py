"""The whole product at once: `agent` and the dashboard with real podman, over a stub cluster and a
registry."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.registry import DemoRegistry, start_demo_registry
from support.qa_bench import AUTH, PASSWORD, podman

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pty"))
from terminal import Terminal

pytestmark = pytest.mark.real

BIN = Path(sys.executable).parent
LABEL = "io.modelcar-tui.run"
MANIFEST = """\
model-car:
  - name: {name}
    image: oci://registry.redhat.io/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args:
        - --max-model-len=2048
        - --trust-remote-code
"""


class Scene:
    """A cluster, a registry, a container store and a folder."""

    def __init__(self, folder: Path, cluster: StubCluster, registry: DemoRegistry, image: str) -> None:
        self.folder = folder
        self.cluster = cluster
        self.registry = registry
        self.image = image
        self.state = folder / "state"

    def manifest(self, name: str = "granite-3.1-8b-instruct") -> Path:
        path = self.folder / "m.base.yaml"
        path.write_text(MANIFEST.format(name=name))
        return path

    def options(self) -> list[str]:
        return [
            "--kubeconfig",
            str(self.cluster.kubeconfig_path),
            "--state-dir",
            str(self.state),
            "--registries-conf",
            str(self.registry.registries_conf_path),
            "--qa-image",
            self.image,
            "--qa-network",
            "none",
        ]

    def agent(self, *more: str, timeout: float = 110) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [BIN / "agent", *more],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout,
            check=False,
        )

    @property
    def run(self) -> Path:
        (run,) = (self.state / "runs").iterdir()
        return run

    def containers(self) -> list[str]:
        return podman("ps", "-aq", "--filter", f"label={LABEL}={self.run.name}").split()

    def everything(self) -> bytes:
        return b"".join(path.read_bytes() for path in self.state.rglob("*") if path.is_file())


@pytest.fixture
def scene(
    tmp_path: Path, suite_image: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", AUTH)
    cluster, registry = start_stub_cluster(folder=tmp_path), start_demo_registry()
    scene = Scene(tmp_path, cluster, registry, suite_image("main"))
    yield scene
    if (scene.state / "runs").exists():
        for container in scene.containers():
            podman("rm", "--force", "--time=0", container, check=False)
    cluster.stop()
    registry.stop()


def wait_until(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"never: {what}"
        time.sleep(0.05)


def test_go_approved_written_tested_and_no_secret_left(scene: Scene) -> None:
    manifest = scene.manifest()
    before = manifest.read_bytes()
    done = scene.agent("--config", str(manifest), "--approve", "all", *scene.options())
    assert done.returncode == 0, done.stdout + done.stderr
    assert "QA_OK" in done.stdout
    assert "[QA] " in done.stderr
    assert manifest.read_bytes() == before
    assert "trust-remote-code" not in (scene.folder / "m.generated.yaml").read_text()
    info = (scene.run / "info" / "gpu_info.txt").read_text()
    assert "H100" in info
    assert scene.containers() == []
    for secret in (PASSWORD, AUTH, scene.cluster.token):
        assert secret.encode() not in scene.everything()
        assert secret not in done.stdout + done.stderr


def test_failed_suite_is_status_4_with_its_cause(scene: Scene) -> None:
    manifest = str(scene.manifest("granite--crash"))
    done = scene.agent("--config", manifest, "--approve", "all", *scene.options())
    assert done.returncode == 4, done.stdout + done.stderr
    assert "QA_ERROR:" in done.stdout
    assert "CrashLoopBackOff" in done.stdout


def test_dashboard_killed_in_qa_goes_on_with_the_same_container(scene: Scene) -> None:
    manifest = scene.manifest("granite--hang")
    command = [str(BIN / "agent"), "--config", str(manifest), "--approve", "all", *scene.options()]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: scene.state.exists() and bool(_running(scene)), "a container that runs")
        (container,) = scene.containers()
        process.send_signal(signal.SIGKILL)
    assert _running(scene) == [container]
    resumed = [str(BIN / "modelcar-tui"), "--resume", scene.run.name, "--state-dir", str(scene.state)]
    with Terminal(resumed, columns=120, rows=40, env=dict(os.environ)) as terminal:
        terminal.wait_for(lambda text: "Waiting for" in text or "granite--hang" in text, 60)
        wait_until(lambda: b"RunResumed" in (scene.run / "journal.jsonl").read_bytes(), "a resumed run")
        assert scene.containers() == [container]
        terminal.kill(signal.SIGTERM)
        assert terminal.wait_end(90) == 143
    assert b"\x1b[?1049l" in terminal.sent, "the terminal is restored"


def _running(scene: Scene) -> list[str]:
    if not (scene.state / "runs").exists() or not any((scene.state / "runs").iterdir()):
        return []
    return podman("ps", "-q", "--filter", f"label={LABEL}={scene.run.name}").split()


def test_expired_token_is_status_3_and_skips_qa(scene: Scene) -> None:
    config = scene.cluster.kubeconfig_path
    document = json.loads(config.read_text())
    document["users"][0]["user"] = {"token": "sha256~long-gone"}
    config.write_text(json.dumps(document))
    done = scene.agent("--config", str(scene.manifest()), *scene.options())
    assert done.returncode == 3, done.stdout + done.stderr
    assert "oc login" in done.stdout
    assert "QA_SKIPPED:" in done.stdout
    assert "no GPU" not in done.stdout
