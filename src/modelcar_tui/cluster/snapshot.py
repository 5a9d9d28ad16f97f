"""An inventory out of a file: what `kubectl get nodes -o json` (or yaml) wrote, with pods and slices if any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from modelcar_tui.cluster import dra, objects
from modelcar_tui.cluster.classify import classify
from modelcar_tui.cluster.files import read_documents
from modelcar_tui.cluster.free import Usage, add_pods, with_free
from modelcar_tui.cluster.scale import MachineSet, scale_up
from modelcar_tui.cluster.types import GpuNode, Inventory, OtherNode
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean

T = TypeVar("T", bound=msgspec.Struct)
_FIX = "save one with: kubectl get nodes -o json > nodes.json"


def read_inventory(path: str | Path) -> Inventory:
    """The inventory in a file of Kubernetes objects: a NodeList, a List, a single Node, or several documents.

    Pods make `free` known, ResourceSlices the devices of DRA, MachineSets what could be added.

    Raises:
        UserError: the file can't be read or holds no node; one line.
    """
    path = Path(path)
    kinds: dict[str, list[dict[str, Any]]] = {}
    for document in read_documents(path, what="the inventory"):
        for kind, item in _items(document, ""):
            kinds.setdefault(kind, []).append(item)
    nodes = kinds.get("Node", [])
    if not nodes:
        seen = ", ".join(sorted(clean(kind, limit=40) for kind in kinds if kind)[:5])
        what = "there is no Node in it" + (f" (only {seen})" if seen else "")
        raise UserError(Problem(where=clean(str(path)), what=what, fix=_FIX, code="inventory"))
    pods = "Pod" in kinds
    claims = {
        (one.driver, one.pool, one.device)
        for claim in _typed(objects.ResourceClaim, kinds.get("ResourceClaim", []))
        if claim.status.allocation is not None
        for one in claim.status.allocation.devices.results or ()
    }
    slices = _typed(objects.ResourceSlice, kinds.get("ResourceSlice", []))
    devices = dra.by_node(slices, claims if "ResourceClaim" in kinds else None)
    usage: Usage = {}
    add_pods(usage, _typed(objects.Pod, kinds.get("Pod", [])))
    gpus: list[GpuNode] = []
    others: list[OtherNode] = []
    for node in _typed(objects.Node, nodes):
        found = classify(node, devices.get(node.metadata.name, ()))
        if isinstance(found, GpuNode):
            gpus.append(with_free(found, usage) if pods else found)
        else:
            others.append(found)
    problems: tuple[Problem, ...] = ()
    if gpus and not pods:
        fix = "add the pods to the file: kubectl get nodes,pods -A -o json"
        what = "there are no pods in it: how many GPUs are free is unknown"
        problems = (Problem(where=clean(str(path)), what=what, fix=fix, code="no-pods"),)
    return Inventory(
        nodes=tuple(gpus), others=tuple(others), origin=clean(str(path)), at=path.stat().st_mtime,
        nodes_seen=len(nodes), problems=problems,
        scale_up=scale_up(_typed(MachineSet, kinds.get("MachineSet", []))),
    )  # fmt: skip


def _items(document: object, kind: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object with its kind; the items of a typed list carry none of their own."""
    if isinstance(document, list):
        for item in document:
            yield from _items(item, kind)
    elif isinstance(document, dict):
        own = document.get("kind")
        own = own if isinstance(own, str) else kind
        if isinstance(document.get("items"), list) and (own.endswith("List") or not own):
            for item in document["items"]:
                yield from _items(item, own.removesuffix("List") or "Node")
        else:
            yield own or "Node", document


def _typed(kind: type[T], items: list[dict[str, Any]]) -> Iterator[T]:
    for item in items:
        try:
            yield msgspec.convert(item, kind)
        except (msgspec.ValidationError, RecursionError):
            yield objects.salvage(kind, item)
