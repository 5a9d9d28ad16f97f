"""A QA run against the fake suite in a real container: its folder, its request, what podman knows of it."""

from __future__ import annotations

import asyncio
import base64
import os
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.engines.podman import PodmanRunner, name_of
from modelcar_tui.qa.engines.staging import LABEL
from modelcar_tui.qa.events import QaEvent, QaLogGrew
from modelcar_tui.qa.log.spool import Origin, SpoolReader
from modelcar_tui.qa.runner import QaSecrets
from modelcar_tui.qa.types import QaOutcome, QaRequest

PASSWORD = "planted-password-of-the-registry"
AUTH = base64.b64encode(f"planted-user:{PASSWORD}".encode()).decode()
TOKEN = "sha256~planted-token-of-the-kubeconfig"


class Bench:
    """One run's folder, request and what podman knows of it."""

    def __init__(self, folder: Path, kubeconfig: Path, image: Callable[..., str]) -> None:
        self.folder = folder
        self.image = image
        self.kubeconfig = kubeconfig
        self.run_id = f"t{uuid.uuid4().hex[:10]}"
        self.probes = folder / "cache" / "probes.json"
        self.events: list[QaEvent] = []

    @property
    def run_folder(self) -> Path:
        return self.folder / "runs" / self.run_id

    def manifest(self, *models: str, host: str = "registry.redhat.io") -> Path:
        path = self.folder / "modelcar.yaml"
        items = "".join(f"  - name: {m}\n    image: oci://{host}/rhelai1/modelcar-{m}:1.5\n" for m in models)
        path.write_text(f"model-car:\n{items}")
        return path

    def request(self, *models: str, branch: str = "main", user: str = "odh", **more: object) -> QaRequest:
        self.run_folder.mkdir(parents=True, exist_ok=True)
        return QaRequest(
            run_id=self.run_id,
            image=str(more.pop("image", None) or self.image(branch, user=user)),
            manifest_path=str(self.manifest(*models)),
            kubeconfig_path=str(self.kubeconfig),
            folder=str(self.run_folder),
            network=str(more.pop("network", "none")),
            **more,
        )

    def runner(self, **more: object) -> PodmanRunner:
        return PodmanRunner(probes=self.probes, **{"grace_s": 1.0, **more})

    async def run(self, request: QaRequest, runner: PodmanRunner | None = None) -> QaOutcome:
        return await (runner or self.runner()).run(request, self.secrets(), self.events.append)

    @staticmethod
    def secrets() -> QaSecrets:
        return QaSecrets(Secret(AUTH))

    def lines(self, origin: Origin | None = Origin.SUITE) -> list[str]:
        reader = SpoolReader(self.run_folder / "qa" / "qa.log")
        return [
            line.text for line in reader.lines(0, reader.count) if origin is None or line.origin is origin
        ]

    def spooled(self) -> int:
        return SpoolReader(self.run_folder / "qa" / "qa.log").count

    def grew(self) -> int:
        return max((event.lines for event in self.events if isinstance(event, QaLogGrew)), default=0)

    def containers(self, *more: str) -> list[str]:
        return podman("ps", "-aq", "--filter", f"label={LABEL}={self.run_id}", *more).split()

    @property
    def name(self) -> str:
        return name_of(self.request_stub)

    @property
    def request_stub(self) -> QaRequest:
        return QaRequest(run_id=self.run_id, image="", manifest_path="")

    @property
    def stage(self) -> Path:
        return self.run_folder / "qa" / "stage"


async def eventually(check: Callable[[], object], limit_s: float = 60.0) -> None:
    """Wait until `check()` is true."""
    async with asyncio.timeout(limit_s):
        while not check():
            await asyncio.sleep(0.02)


def podman(*args: str, check: bool = True) -> str:
    """Run podman, without the planted secret: a test beside it searches every podman process for one."""
    env = {name: value for name, value in os.environ.items() if name != "OCI_REGISTRY_PULL_SECRET"}
    return subprocess.run(["podman", *args], env=env, check=check, capture_output=True, text=True).stdout
