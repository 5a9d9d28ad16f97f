"""One run of the real suite: under `PodmanRunner`, as the product runs it, against the stub."""

from __future__ import annotations

import asyncio
import base64
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa import QaOutcome, QaRequest, QaSecrets
from modelcar_tui.qa.engines import PodmanRunner
from modelcar_tui.qa.events import QaEvent, QaProgressed, QaStarted, Warned
from modelcar_tui.qa.suite_facts import IMAGE
from suite_judge.cluster import Cluster
from suite_judge.environment import USER
from suite_judge.openshift import served
from suite_judge.scenarios import Scenario
from suite_judge.source import Suite

TOKEN = "sha256~a-token-that-no-cluster-knows"
LOGIN = "judge:a-password-that-no-registry-knows"
_KUBECONFIG = """apiVersion: v1
kind: Config
current-context: judge
clusters: [{{name: judge, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: judge, user: {{token: "{token}"}}}}]
contexts: [{{name: judge, context: {{cluster: judge, user: judge}}}}]
"""


class Ran(NamedTuple):
    """What a run gave."""

    scenario: Scenario
    outcome: QaOutcome
    events: tuple[QaEvent, ...]
    seconds: float
    raw: Path
    """conmon's own file: the two streams apart, with times."""
    log: Path
    """What we kept of it."""

    @property
    def models_named(self) -> tuple[str, ...]:
        """Models that were named while they ran, in order."""
        named = (event.model for event in self.events if isinstance(event, QaProgressed) and event.model)
        return tuple(dict.fromkeys(named))

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the operator was warned of."""
        return tuple(event.text for event in self.events if isinstance(event, Warned))


def run(suite: Suite, scenario: Scenario, folder: Path) -> Ran:
    """Run the suite once; its logs lie in `folder` afterwards."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    run_folder = folder / "run"
    run_folder.mkdir(exist_ok=True)
    manifest = folder / "modelcar.yaml"
    manifest.write_text("model-car:\n" + "".join(_item(model) for model in scenario.models))
    raw = folder / "container.log"
    events: list[QaEvent] = []

    def told(event: QaEvent) -> None:
        events.append(event)
        if isinstance(event, QaStarted):
            _keep(event.container, raw)

    for path in (suite.folder, *suite.folder.rglob("*")):
        if os.geteuid() == 0 and path.lstat().st_uid != USER:
            os.lchown(path, USER, USER)
    began = time.monotonic()
    with served(Cluster(**scenario.cluster)) as port:
        kubeconfig = folder / "kubeconfig"
        kubeconfig.write_text(_KUBECONFIG.format(port=port, token=TOKEN))
        request = QaRequest(
            run_id=f"judge-{os.getpid()}-{scenario.name}",
            image=f"{IMAGE}:{suite.branch}",
            manifest_path=str(manifest),
            kubeconfig_path=str(kubeconfig),
            timeout_s=scenario.timeout_s,
            folder=str(run_folder),
            network="host",
            pull="never",
        )
        runner = PodmanRunner(grace_s=scenario.grace_s, probes=folder.parent / "probes.json")
        secret = Secret(base64.b64encode(LOGIN.encode()).decode())
        outcome = asyncio.run(runner.run(request, QaSecrets(secret), told))
    return Ran(scenario, outcome, tuple(events), time.monotonic() - began, raw, run_folder / "qa" / "qa.log")


def _keep(container: str, raw: Path) -> None:
    """A second name for conmon's file, which goes with the container."""
    shown = "{{.HostConfig.LogConfig.Path}}"
    told = subprocess.run(
        ["podman", "inspect", f"--format={shown}", container], check=False, capture_output=True, text=True
    )
    if path := told.stdout.strip():
        raw.unlink(missing_ok=True)
        os.link(path, raw)


def _item(model: str) -> str:
    return (
        f"  - name: {model}\n    image: oci://registry.redhat.io/rhelai1/modelcar-{model}:1.5\n"
        "    serving_arguments: {args: [--max-model-len=1024], gpu_count: 1}\n"
    )
