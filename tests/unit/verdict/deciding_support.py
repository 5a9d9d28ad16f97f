"""Models, nodes and clusters by hand, and the verdict on them."""

from __future__ import annotations

from typing import Any

from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Guarantee, Inventory, Pool
from modelcar_tui.core.facts import Fact
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.types import ModelCar, Position, ServingArguments
from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.reports import ModelRequirements, ModelVerdict
from support.configs import LLAMA_8B

AT = Position(1, 1)


def model(
    *args: str, gpus: int = 1, config: dict[str, Any] | None = LLAMA_8B, **facts: Fact[Any]
) -> ModelRequirements:
    car = ModelCar(
        name="m",
        image="oci://quay.io/x/m:1",
        at=AT,
        name_at=AT,
        image_at=AT,
        serving=ServingArguments(gpu_count=gpus, args=args, gpu_count_at=AT if gpus > 1 else None),
    )
    return ModelRequirements(
        car=car, image=ImageFacts(reference=car.image, model=ModelFacts(config=config, **facts))
    )


def node(
    name: str,
    product: str,
    units: int,
    free: int | None = -1,
    *,
    mem: int | None = None,
    usable: bool = True,
    guarantee: Guarantee = Guarantee.EXCLUSIVE,
    resource: str = "nvidia.com/gpu",
    cc: str | None = None,
) -> GpuNode:
    pool = Pool(
        resource=resource,
        units=units,
        free=units if free == -1 else free,
        mem_mib=mem,
        mem_guarantee=guarantee,
    )
    return GpuNode(
        name=name,
        vendor="nvidia",
        product=product,
        cc=cc,
        pool=(pool,),
        usable=usable,
        why="" if usable else "cordoned",
        stated=True,
    )


def h100(name: str = "h", units: int = 8, free: int | None = -1, **more: Any) -> GpuNode:
    return node(name, "H100-80GB-HBM3", units, free, mem=81559, cc="9.0", **more)


def t4(name: str = "t", units: int = 4, free: int | None = -1, **more: Any) -> GpuNode:
    return node(name, "Tesla-T4", units, free, mem=15360, cc="7.5", **more)


def cluster_of(*nodes: GpuNode, **inventory: Any) -> AcceleratorReport:
    told: dict[str, Any] = {"known": True, "nodes_seen": len(nodes), **inventory}
    return AcceleratorReport(access=Access(rung=Rung.OK), inventory=Inventory(nodes=nodes, **told))


def decide(
    what: ModelRequirements, *nodes: GpuNode, vllm: str | None = "0.19.0", **inventory: Any
) -> ModelVerdict:
    report = cluster_of(*nodes, **inventory)
    return decide_model(what, report, candidates(report), vllm)


SHORT = "--max-model-len=8192"
