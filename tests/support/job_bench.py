"""One run of the Kubernetes engine against an API server whose Jobs run the stand-in."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.engines.kube_options import JobOptions
from modelcar_tui.qa.engines.kubejob import KubeJobRunner
from modelcar_tui.qa.events import QaEvent, QaProgressed, QaSaw, Warned
from modelcar_tui.qa.image import IMAGE
from modelcar_tui.qa.log.spool import Origin, SpoolReader
from modelcar_tui.qa.runner import QaSecrets
from modelcar_tui.qa.types import QaOutcome, QaRequest
from support.kube_jobs import Cluster

AUTH = base64.b64encode(b"planted-user:planted-password").decode()


class JobBench:
    """Args:
    folder: all that the run keeps lies in it.
    options: of each runner, unless a test gives others.
    """

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        (folder / "cluster").mkdir()
        self.cluster = Cluster(folder / "cluster")
        self.events: list[QaEvent] = []
        self._options = options

    def runner(self, **options: Any) -> KubeJobRunner:
        return KubeJobRunner(JobOptions(namespace="qa", **(self._options | options)), poll_s=0.05)

    def request(self, *models: str, size: int = 0, **more: Any) -> QaRequest:
        """For these models; the manifest is `size` bytes longer than it must be."""
        path = self.folder / "m.yaml"
        items = "".join(f"- name: {m}\n  image: oci://registry.redhat.io/x/modelcar-{m}:1\n" for m in models)
        rest = "default:\n  execution_mode: sequential\n"
        path.write_text(f"model-car:\n{items}{rest}" + f"# {'x' * size}\n" * bool(size))
        fields: dict[str, Any] = {"image": f"{IMAGE}:latest", **more}
        return QaRequest(
            run_id="r1",
            manifest_path=str(path),
            kubeconfig_path=str(self.cluster.kubeconfig()),
            folder=str(self.folder / "run"),
            **fields,
        )

    async def run(self, request: QaRequest, runner: KubeJobRunner | None = None) -> QaOutcome:
        return await (runner or self.runner()).run(request, QaSecrets(Secret(AUTH)), self.events.append)

    def lines(self, origin: Origin | None = None) -> list[str]:
        """The spool's, of one origin or all."""
        reader = SpoolReader(self.folder / "run" / "qa" / "qa.log")
        return [
            line.text for line in reader.lines(0, reader.count) if origin is None or line.origin is origin
        ]

    @property
    def phases(self) -> list[str]:
        return [event.phase for event in self.events if isinstance(event, QaProgressed)]

    @property
    def warned(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Warned)]

    @property
    def seen(self) -> list[str]:
        return [one.line for event in self.events if isinstance(event, QaSaw) for one in event.seen]

    @property
    def left(self) -> tuple[list[str], list[str], list[str]]:
        """Jobs, Secrets and pods on the cluster."""
        return sorted(self.cluster.jobs), sorted(self.cluster.secrets), sorted(self.cluster.pods)


NOTHING: tuple[list[str], list[str], list[str]] = ([], [], [])


async def eventually(check: Callable[[], object]) -> None:
    """Wait until it holds, a minute at most."""
    async with asyncio.timeout(60):
        while not check():
            await asyncio.sleep(0.02)
