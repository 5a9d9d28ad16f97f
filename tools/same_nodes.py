"""Answers about nodes: every flavour of the tests as the inventory tells it, and the verdict on it."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, partial
from typing import Any

import msgspec
from cluster_support import as_node, expanded, flavour_file, more_flavours
from compatibility_support import LLAMA, car

from modelcar_tui.cluster import accelerator_rows, dra
from modelcar_tui.cluster.classify import classify
from modelcar_tui.cluster.scale import MachineSet, scale_up
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Inventory
from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.image.types import ImageFacts
from modelcar_tui.kube import objects
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.models import ModelFacts
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.deciding import decide_model
from modelcar_tui.verdict.reports import ModelRequirements
from same_models import QUANTIZATIONS
from same_text import Item, Named, item, number

RELEASE = "0.19.1"


def nodes() -> Iterator[Named]:
    """The pools of every flavour, as the classifier and as `agent accelerator` tell them."""
    for node in _nodes():
        yield node["metadata"]["name"], partial(_node, node)
    yield "resource slices", _slices
    yield "machine sets", _machine_sets


def _node(node: dict[str, Any]) -> Item:
    found = classify(msgspec.convert(node, objects.Node))
    report = _report(node)
    if not isinstance(found, GpuNode):
        return item({"node": found, "rows": accelerator_rows(report)}, "no accelerator")
    pools = ", ".join(f"{pool.units} x {pool.resource} {pool.mem_mib or '-'}" for pool in found.pool)
    return item(
        {"node": found, "rows": accelerator_rows(report)}, f"{found.vendor} {found.product or '-'}: {pools}"
    )


def _slices() -> Item:
    slices = [
        msgspec.convert(one["object"], objects.ResourceSlice) for one in flavour_file()["resource_slices"]
    ]
    found = dra.by_node(slices, {("gpu.nvidia.com", "gpu-node-1", "gpu-0")})
    return item(found, ", ".join(f"{name} {len(pools)}" for name, pools in sorted(found.items())))


def _machine_sets() -> Item:
    found = scale_up([msgspec.convert(one["object"], MachineSet) for one in flavour_file()["machine_sets"]])
    return item(found, ", ".join(f"{more.could_add_gpus} {more.product}" for more in found))


def verdicts() -> Iterator[Named]:
    """Every flavour as a cluster of one node: its units as the estimate takes them, two models' verdicts."""
    for node in _nodes():
        yield node["metadata"]["name"], partial(_verdict, node)


def _verdict(node: dict[str, Any]) -> Item:
    report = _report(node)
    kinds = candidates(report)
    found = [decide_model(model, report, kinds, RELEASE) for model in _wanted()]
    memory = " ".join(number(kind.gpu.memory_gib.value, 1) for kind in kinds)
    words = " ".join(f"{one.model} {one.verdict}" for one in found)
    return item({"units": [kind.gpu for kind in kinds], "verdicts": found}, f"{words} ({memory})")


@cache
def _wanted() -> tuple[ModelRequirements, ...]:
    """A model in 16 bits on one unit, and one in FP8 on two."""
    count: Fact[int] = Fact(value=8_030_261_248, source=Source.HEADERS)
    return tuple(
        ModelRequirements(
            car=car("--max-model-len=8192", name=name, gpus=gpus),
            image=ImageFacts(
                reference="oci://quay.io/x/y:1",
                model=ModelFacts(config=dict(LLAMA), parameters=count, quantization=quantization),
            ),
        )
        for name, gpus, quantization in (("bf16", 1, None), ("fp8", 2, QUANTIZATIONS["fp8-ct"]))
    )


def _report(node: dict[str, Any]) -> AcceleratorReport:
    found = classify(msgspec.convert(node, objects.Node))
    if isinstance(found, GpuNode):
        inventory = Inventory(nodes=(found,), nodes_seen=1)
    else:
        inventory = Inventory(others=(found,), nodes_seen=1)
    return AcceleratorReport(access=Access(rung=Rung.OK), inventory=inventory)


@cache
def _nodes() -> tuple[dict[str, Any], ...]:
    return (*map(as_node, flavour_file()["nodes"]), *map(expanded, more_flavours()))
