"""A try that is ready to be made, and a cluster on which it runs."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
import tarfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube import Client, ClusterOptions, connect, find_credentials
from modelcar_tui.models import MeasuredStart
from modelcar_tui.trial import PreparedTrial, TrialEnd, TrialNews, TrialPlan, run_trial
from support.kube_trials import TrialCluster
from support.stub_kubelet import Machine

FILES = {"config.json": b'{"architectures": ["LlamaForCausalLM"]}', "tokenizer.json": b"{}"}
ARGS = ("--model=/mnt/models", "--port=8080", "--max-model-len=8192")
OWN = ("--load-format=dummy",)
IMAGE = "quay.io/modh/vllm@sha256:" + "5e" * 32
_UNPACK = (
    "import io, pathlib, tarfile\n"
    "data = b''.join(p.read_bytes() for p in sorted(pathlib.Path('/lent').glob('part-*')))\n"
    "tarfile.open(fileobj=io.BytesIO(data)).extractall('/mnt/models')\n"
)


def packed(files: dict[str, bytes]) -> bytes:
    found = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=found, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return found.getvalue()


def ready(
    trial: str = "modelcar-try-llama-1f3a",
    *,
    namespace: str = "trials",
    limit_s: int = 60,
    start_s: int = 60,
    queue: str = "",
    files: dict[str, bytes] | None = None,
    unpack: str = _UNPACK,
    args: tuple[str, ...] = ARGS,
    own: tuple[str, ...] = OWN,
    left_out: tuple[str, ...] = (),
    alive_s: int = 120,
    ttl_s: int = 600,
) -> PreparedTrial:
    """The objects as the plan of a try makes them."""
    labels = {"io.modelcar-tui/trial": trial, "app.kubernetes.io/managed-by": "modelcar-tui"}
    data = packed(FILES if files is None else files)
    half = len(data) // 2 + 1
    parts = {f"{trial}-{at}": data[at * half : (at + 1) * half] for at in range(2)}
    lent = [
        {"secret": {"name": name, "items": [{"key": "part", "path": f"part-{at}"}]}}
        for at, name in enumerate(parts)
    ]
    http = {"path": "/health", "port": 8080}
    main = {
        "name": "vllm",
        "image": IMAGE,
        "command": ["python", "-m", "vllm.entrypoints.openai.api_server"],
        "args": [*args, *own],
        "env": [{"name": "HF_HUB_OFFLINE", "value": "1"}],
        "resources": {"limits": {"nvidia.com/gpu": "1", "memory": "24Gi"}},
        "startupProbe": {"httpGet": http, "periodSeconds": 2, "failureThreshold": max(limit_s // 2, 1)},
        "livenessProbe": {"tcpSocket": {"port": 1}, "periodSeconds": alive_s // 2, "failureThreshold": 2},
        "volumeMounts": [{"name": "model", "mountPath": "/mnt/models", "readOnly": True}],
    }
    init = {
        "name": "files",
        "image": IMAGE,
        "command": ["python3", "-c", unpack],
        "volumeMounts": [
            {"name": "lent", "mountPath": "/lent"},
            {"name": "model", "mountPath": "/mnt/models"},
        ],
    }
    pod = {
        "restartPolicy": "Never",
        "automountServiceAccountToken": False,
        "terminationGracePeriodSeconds": 5,
        "initContainers": [init],
        "containers": [main],
        "volumes": [{"name": "lent", "projected": {"sources": lent}}, {"name": "model", "emptyDir": {}}],
    }
    spec: dict[str, Any] = {
        "backoffLimit": 0,
        "ttlSecondsAfterFinished": ttl_s,
        "activeDeadlineSeconds": start_s + limit_s,
        "suspend": bool(queue),
        "template": {"metadata": {"labels": labels}, "spec": pod},
    }
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": trial, "namespace": namespace, "labels": labels},
        "spec": spec,
    }
    secrets = tuple(
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": name, "namespace": namespace, "labels": labels},
            "data": {"part": base64.b64encode(part).decode()},
        }
        for name, part in parts.items()
    )
    return PreparedTrial(
        plan=TrialPlan(
            id=trial,
            model="llama",
            namespace=namespace,
            image=IMAGE,
            gpus=1,
            resource="nvidia.com/gpu",
            product="NVIDIA-L40S",
            limit_s=limit_s,
            start_s=start_s,
            queue=queue,
            args=(*args, *own),
            left_out=tuple((name, "it is too large") for name in left_out),
            files=tuple((name, len(value)) for name, value in (FILES if files is None else files).items()),
        ),
        job=job,
        secrets=secrets,
        basis=MeasuredStart(
            id="",
            at=0.0,
            model="llama",
            fingerprint="0123456789abcdef",
            gpu="NVIDIA-L40S",
            memory_mib=46068,
            args=args,
            outcome="unknown",
        ),
        port=8080,
    )


class TrialBench:
    """A cluster, and tries on it. `stop` it."""

    def __init__(self, folder: Path, *, hurry: float = 20.0, **env: str) -> None:
        self.folder = folder
        self.cluster = TrialCluster(folder / "cluster", machine=Machine(env=env), hurry=hurry)
        self.news: list[TrialNews] = []
        self.redact = Redactor()

    @property
    def state(self) -> Path:
        return self.folder / "state"

    @property
    def log(self) -> Path:
        return self.state / "logs" / "vllm.log"

    @property
    def kept(self) -> list[str]:
        """Records and locks on the disk."""
        return sorted(path.name for path in (self.state / "trials").glob("*"))

    @property
    def nothing_left(self) -> bool:
        """Neither on the cluster nor on the disk, and nothing runs."""
        return not (self.cluster.left or self.cluster.processes or self.kept)

    async def until(self, check: Callable[[], object], limit_s: float = 20) -> None:
        async with asyncio.timeout(limit_s):
            while not check():
                await asyncio.sleep(0.01)

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Client]:
        options = ClusterOptions(kubeconfig=str(self.cluster.kubeconfig()))
        async with connect(find_credentials(options), options) as client:
            yield client

    async def run(self, prepared: PreparedTrial | None = None) -> TrialEnd:
        async with self.client() as client:
            return await run_trial(
                prepared or ready(),
                client,
                self.news.append,
                folder=self.state,
                log=self.log,
                redact=self.redact,
                poll_s=0.02,
            )

    @property
    def stages(self) -> list[str]:
        """Each once, in order."""
        return [stage.name for stage in dict.fromkeys(news.stage for news in self.news)]

    def stop(self) -> None:
        self.cluster.stop()
