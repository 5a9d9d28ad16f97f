"""An inventory out of a file: what `kubectl get nodes -o json` (or yaml) wrote, with pods and slices if
any."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from modelcar_tui.cluster import dra
from modelcar_tui.cluster.classify import classify, cleaned_labels
from modelcar_tui.cluster.device_classes import served
from modelcar_tui.cluster.free import Queue, Usage, add_pods, with_free
from modelcar_tui.cluster.profiles import Accelerator, Hardware, of_accelerator, of_hardware
from modelcar_tui.cluster.scale import MachineSet, scale_up
from modelcar_tui.cluster.serving_types import HardwareProfile, Profiles
from modelcar_tui.cluster.types import GpuNode, Inventory, OtherNode
from modelcar_tui.core.counting import several
from modelcar_tui.core.decode import convert, decode
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.kube import json_documents, looks_like_json, objects, parse, read_bytes

T = TypeVar("T", bound=msgspec.Struct)
_FIX = "save one with: kubectl get nodes -o json > nodes.json"


class _Outer(msgspec.Struct):
    """An object of which only its kind matters, or a list whose items are decoded one by one."""

    kind: str = ""
    items: list[msgspec.Raw] | None = None
    metadata: msgspec.Raw = msgspec.Raw()
    status: msgspec.Raw = msgspec.Raw()


class _Status(msgspec.Struct, frozen=True):
    """meta/v1 Status: a refusal that was saved instead of a list."""

    message: str = ""


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What a file tells."""

    inventory: Inventory
    profiles: Profiles | None = None
    """Of hardware; None where there are none in the file."""


class _Reader:
    """Takes objects in any order; pods are added up at once and not kept."""

    def __init__(self) -> None:
        self.nodes: dict[str, objects.Node] = {}
        self.twice: set[str] = set()
        self.refusal = ""
        """What a server said instead of nodes."""
        self.slices: list[objects.ResourceSlice] = []
        self.claims: list[objects.ResourceClaim] = []
        self.classes: list[objects.DeviceClass] = []
        self.sets: list[MachineSet] = []
        self.profiles: list[HardwareProfile] = []
        self.usage: Usage = {}
        self.queue = Queue()
        self.kinds: set[str] = set()
        self._known: set[tuple[str, bytes]] = set()

    def take(self, kind: str, item: msgspec.Raw | dict[str, Any]) -> None:
        """One object."""
        self.kinds.add(kind)
        match kind:
            case "Node":
                node = _typed(objects.Node, item)
                name = node.metadata.name or f"(no name {len(self.nodes)})"
                if name in self.nodes:
                    self.twice.add(name)
                self.nodes[name] = node
            case "Pod":
                pod = _typed(objects.Pod, item)
                add_pods(self.usage, (pod,))
                self.queue.add((pod,))
            case "ResourceSlice":
                part = _typed(objects.ResourceSlice, item)
                if self._new(kind, msgspec.json.encode(part)):
                    self.slices.append(part)
            case "ResourceClaim":
                self.claims.append(_typed(objects.ResourceClaim, item))
            case "DeviceClass":
                self.classes.append(_typed(objects.DeviceClass, item))
            case "Status":
                self.refusal = clean(_typed(_Status, item).message, limit=200)
            case "HardwareProfile":
                self._profile(of_hardware(_typed(Hardware, item)))
            case "AcceleratorProfile":
                self._profile(of_accelerator(_typed(Accelerator, item)))
            case "MachineSet":
                found = _typed(MachineSet, item)
                if self._new(kind, msgspec.json.encode(found)):
                    self.sets.append(found)

    def _new(self, kind: str, whole: bytes) -> bool:
        """Whether what is added up was not there before: a file may be put together of several answers."""
        key = (kind, whole)
        if key in self._known:
            return False
        self._known.add(key)
        return True

    def _profile(self, profile: HardwareProfile | None) -> None:
        self.profiles += [profile] if profile is not None else []

    def devices(self) -> dict[str, tuple[dra.DraPool, ...]]:
        """The device pools of each node."""
        held = dra.allocated(self.claims) if "ResourceClaim" in self.kinds else None
        return dra.by_node(self.slices, held)


def read_snapshot(path: Path | str) -> Snapshot:
    """What a file of Kubernetes objects tells: a NodeList, a List, a single Node, or several documents.

    Pods make `free` known, ResourceSlices the devices of DRA, MachineSets what could be added, profiles of
    hardware which taints may be tolerated.

    Raises:
        UserError: the file can't be read or holds no node; one line.
    """
    path = Path(path)
    where = clean(str(path))
    data = read_bytes(path, what="the inventory")
    reader = _Reader()
    for kind, item in _objects(data, where):
        reader.take(kind, item)
    if not reader.nodes:
        seen = ", ".join(sorted(clean(kind, limit=40) for kind in reader.kinds if kind)[:5])
        what = "there is no Node in it" + (f" (only {seen})" if seen else "")
        if reader.refusal:
            what = f"it holds a server's refusal, no nodes: {reader.refusal}"
        raise UserError(Problem(where=where, what=what, fix=_FIX, code="inventory"))
    pods = "Pod" in reader.kinds
    devices = reader.devices()
    gpus: list[GpuNode] = []
    others: list[OtherNode] = []
    for node in reader.nodes.values():
        found = classify(node, devices.get(node.metadata.name, ()))
        if isinstance(found, GpuNode):
            found = served(found, reader.classes)
            found = msgspec.structs.replace(found, labels=cleaned_labels(node))
            gpus.append(with_free(found, reader.usage) if pods else found)
        else:
            others.append(found)
    problems = dra.elsewhere(reader.slices)
    if reader.twice:
        names = ", ".join(clean(name, limit=60) for name in sorted(reader.twice)[:3])
        nodes = several(len(reader.twice), "node is", "nodes are")
        what = f"{nodes} in it more than once ({names}): the last one counts"
        problems += (Problem(where=where, what=what, fix="", code="node-twice"),)
    if gpus and not pods:
        fix = "add the pods to the file: kubectl get nodes,pods -A -o json"
        what = "there are no pods in it: how many GPUs are free is unknown"
        problems += (Problem(where=where, what=what, fix=fix, code="no-pods"),)
    inventory = Inventory(
        nodes=tuple(gpus),
        others=tuple(others),
        origin=where,
        at=path.stat().st_mtime,
        nodes_seen=len(reader.nodes),
        problems=problems,
        scale_up=scale_up(reader.sets),
        waiting=reader.queue.waiting(gpus),
    )
    told = bool({"HardwareProfile", "AcceleratorProfile"} & reader.kinds)
    return Snapshot(inventory=inventory, profiles=Profiles(found=tuple(reader.profiles)) if told else None)


def _objects(data: bytes, where: str) -> list[tuple[str, msgspec.Raw | dict[str, Any]]]:
    """Every object with its kind. JSON is decoded object by object: a large cluster's pods are 250 MB."""
    if looks_like_json(data):
        with suppress(msgspec.MsgspecError, RecursionError):
            return [found for document in json_documents(data) for found in _raw(document, "")]
    documents = parse(data, where=where, what="the inventory")
    return [found for document in documents for found in _items(document, "")]


def _raw(data: msgspec.Raw, kind: str) -> Iterator[tuple[str, msgspec.Raw | dict[str, Any]]]:
    if bytes(memoryview(data)[:64]).lstrip()[:1] == b"[":
        for item in decode(data, list[msgspec.Raw]):
            yield from _raw(item, kind)
        return
    outer = decode(data, _Outer)
    own = outer.kind or kind
    if outer.items is not None and (own.endswith("List") or not own):
        for item in outer.items:
            yield from _raw(item, own.removesuffix("List") or "Node")
    elif own or (memoryview(outer.metadata) and memoryview(outer.status)):
        yield own or "Node", data


def _items(document: object, kind: str) -> Iterator[tuple[str, msgspec.Raw | dict[str, Any]]]:
    """The same for what is decoded already; the items of a typed list carry no kind of their own."""
    if isinstance(document, list):
        for item in document:
            yield from _items(item, kind)
    elif isinstance(document, dict):
        own = document.get("kind")
        own = own if isinstance(own, str) else kind
        if isinstance(document.get("items"), list) and (own.endswith("List") or not own):
            for item in document["items"]:
                yield from _items(item, own.removesuffix("List") or "Node")
        elif own or (isinstance(document.get("metadata"), dict) and "status" in document):
            yield own or "Node", document


def _typed(kind: type[T], item: msgspec.Raw | dict[str, Any]) -> T:
    try:
        return decode(item, kind) if isinstance(item, msgspec.Raw) else convert(item, kind)
    except (msgspec.ValidationError, RecursionError):
        value = msgspec.json.decode(item) if isinstance(item, msgspec.Raw) else item
        return objects.salvage(kind, value)
