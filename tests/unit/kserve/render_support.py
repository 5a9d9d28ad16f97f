"""Requests, nodes and runtimes by hand, and what is rendered of them."""

from __future__ import annotations

from typing import Any
from unittest.mock import MagicMock

import msgspec
import yaml

from modelcar_tui.cluster.serving_types import HardwareProfile, KServe, OciMode, Offered
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, Held, Inventory, Pool, Runtime
from modelcar_tui.core.facts import GIB, Fact, Source
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kserve.render_all import Rendered, rendered
from modelcar_tui.kserve.render_release import release_of
from modelcar_tui.kserve.render_request import Request, requests_of
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.scheduling import Scheduling, Toleration
from modelcar_tui.manifest.types import Manifest, ModelCar, Position, ServingArguments
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.verdict.decision import Case, decide
from modelcar_tui.verdict.reports import ConfigurationReport, DecisionReport, ModelRequirements
from support.configs import LLAMA_8B

AT = Position(1, 1)
TAINT = "nvidia.com/gpu=l40s:NoSchedule"
CUDA = Runtime(
    image="quay.io/vllm/vllm-cuda:1",
    name="vllm-cuda-runtime-template",
    version="0.19.0",
    accelerator="nvidia.com/gpu",
    args=("--port=8080", "--model=/mnt/models", "--served-model-name={{.Name}}"),
    environment=(("HF_HOME", "/tmp/hf_home"),),
    serving_runtime="vllm-cuda-runtime",
    template=True,
    command=("python", "-m", "vllm.entrypoints.openai.api_server"),
    port=8080,
)
THERE = msgspec.structs.replace(CUDA, name="mine", serving_runtime="mine", template=False)


def model(
    *args: str, name: str = "granite-3.1-8b", gpus: int = 1, gib: float | None = 15
) -> ModelRequirements:
    car = ModelCar(
        name=name,
        image="oci://quay.io/x/m:1",
        at=AT,
        name_at=AT,
        image_at=AT,
        serving=ServingArguments(gpu_count=gpus, args=args, gpu_count_at=AT),
    )
    size: Fact[int] = Fact()
    if gib is not None:
        size = Fact(value=int(gib * GIB), source=Source.LAYERS, unit="B")
    facts = ImageFacts(
        reference=car.image, size_bytes=size, model=ModelFacts(config=LLAMA_8B, weight_bytes=size)
    )
    return ModelRequirements(car=car, image=facts)


def node(*taints: str, product: str = "NVIDIA-L40S", units: int = 4, **more: Any) -> GpuNode:
    pool = Pool(
        resource=more.pop("resource", "nvidia.com/gpu"),
        units=units,
        free=units,
        mem_mib=more.pop("mem", 46068),
        mem_guarantee=Guarantee.EXCLUSIVE,
    )
    given: dict[str, Any] = {"name": "gpu-0", "cc": "8.9", **more}
    return GpuNode(
        vendor="nvidia",
        product=product,
        cpu_milli=64_000,
        memory_mib=512 * 1024,
        ephemeral_mib=900 * 1024,
        held=Held(),
        most_pods=250,
        taints=taints,
        pool=(pool,),
        **given,
    )


def profile(name: str = "l40s", **more: Any) -> HardwareProfile:
    tolerations = (Toleration(key="nvidia.com/gpu", operator="Exists"),)
    given: dict[str, Any] = {"tolerations": tolerations, **more}
    return HardwareProfile(name=name, namespace="apps", offers=(Offered(resource="nvidia.com/gpu"),), **given)


def cluster(*nodes: GpuNode, runtime: Runtime | None = CUDA, **more: Any) -> AcceleratorReport:
    inventory = Inventory(nodes=nodes, known=True, nodes_seen=len(nodes))
    return AcceleratorReport(access=Access(rung=Rung.OK), inventory=inventory, runtime=runtime, **more)


def decided(models: tuple[ModelRequirements, ...], where: AcceleratorReport) -> DecisionReport:
    manifest = Manifest(path="m.yaml", sha256="0", shape="list", models=tuple(one.car for one in models))
    case = Case(
        configuration=ConfigurationReport(manifest=manifest, models=models),
        cluster=where,
        vllm="0.19.0",
        objective="minimal",
    )
    return decide(case, MagicMock(), compare_s=60.0, arguments_s=60.0)


def asked(
    *models: ModelRequirements, where: AcceleratorReport | None = None, **more: Any
) -> tuple[Request, ...]:
    where = cluster(node()) if where is None else where
    return requests_of(models, where, decided(models, where), vllm="0.19.0", **more)


def render(
    *models: ModelRequirements,
    kind: str = "InferenceService",
    release: str | None = "3.4",
    where: AcceleratorReport | None = None,
    runtime: str = "",
    **more: Any,
) -> Rendered:
    requests = asked(*models, where=where, **more)
    return rendered(requests, kind, release_of(release, None), runtime=runtime)


def documents(made: Rendered) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(made.text))


def tolerating(*tolerations: Toleration) -> Scheduling:
    return Scheduling(tolerations=tolerations)


NATIVE = KServe(oci_mode=OciMode.NATIVE)
