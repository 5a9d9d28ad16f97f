"""Dynamic Resource Allocation: devices that are in ResourceSlices, not in a node's allocatable.

Of each pool only the slices of the highest generation count, and only when all of them are there: until then
the scheduler hands out none of them. Devices that share counters (a driver that cuts cards on demand lists
every slice that could be cut) are not summed: as many are counted as fit into the counters together, the
largest first, which are the whole cards. API: resource.k8s.io/v1; v1beta1's `basic` is read too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from itertools import groupby

import msgspec

from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kube import mebibytes, whole
from modelcar_tui.kube.objects import (
    Attribute,
    CapacityValue,
    Device,
    Expression,
    NodeSelector,
    ResourceClaim,
    ResourceSlice,
)

_Key = tuple[str, str | None, int | None, str | None, bool]
_Name = tuple[str, str, str]
"""Driver, pool and name of a device."""
_Counters = dict[tuple[str, str], int]
"""What is left of a counter by (set, name)."""
_ACCELERATOR = re.compile(r"gpu|tpu|npu|gaudi|neuron|accel", re.IGNORECASE)
_HOST_KEYS = ("kubernetes.io/hostname", "metadata.name")


class DraPool(msgspec.Struct, frozen=True, kw_only=True):
    """Devices of one kind on one node."""

    driver: str
    type: str = "gpu"
    """`gpu`, `mig`, `amdgpu`, ... as the driver says."""
    product: str | None = None
    architecture: str | None = None
    cc: str | None = None
    profile: str | None = None
    mem_mib: int | None = None
    units: int = 0
    capacity: int = 0
    """Devices that are listed; tainted ones and those of an incomplete pool are no units."""
    free: int | None = None
    parents: tuple[str, ...] = ()
    """The cards that slices are cut from."""
    complete: bool = True
    """False when slices of the pool's newest generation are missing."""
    shared: bool = False
    """The driver may cut these cards on demand; the slices are not listed again."""
    several: bool = False
    """Several claims may have the same device (KEP-5075, consumable capacity)."""


def allocated(claims: Iterable[ResourceClaim]) -> frozenset[_Name]:
    """Driver, pool and name of every device that a claim has."""
    return frozenset(
        (one.driver, one.pool, one.device)
        for claim in claims
        if claim.status.allocation is not None
        for one in claim.status.allocation.devices.results or ()
    )


def by_node(
    slices: Iterable[ResourceSlice], held: Collection[_Name] | None = None
) -> dict[str, tuple[DraPool, ...]]:
    """The device pools of each node. Devices that several nodes can reach are left out: see `elsewhere`.

    Args:
        slices: every ResourceSlice of the cluster.
        held: those that are allocated; None when claims could not be listed.
    """
    found: dict[str, list[DraPool]] = {}
    for (driver, name), parts, complete in _pools(slices):
        nodes: dict[str, list[Device]] = {}
        for part in parts:
            for device in part.spec.devices or ():
                if node := _node_of(part, device):
                    nodes.setdefault(node, []).append(device)
        counters = _limits(parts)
        for node, devices in nodes.items():
            kinds = _kinds(driver, name, devices, counters, complete=complete, held=held)
            found.setdefault(node, []).extend(kinds)
    return {node: tuple(kinds) for node, kinds in found.items()}


def elsewhere(slices: Iterable[ResourceSlice]) -> tuple[Problem, ...]:
    """Accelerators that belong to no single node (`allNodes`, a node selector): they are on no node's row."""
    found: dict[str, int] = {}
    for (driver, _), parts, _ in _pools(slices):
        count = sum(not _node_of(part, device) for part in parts for device in part.spec.devices or ())
        if count:
            found[driver] = found.get(driver, 0) + count
    return tuple(
        Problem(
            where="ResourceSlices",
            code="several-nodes",
            what=f"{several(count, 'device')} of {clean(driver, limit=100)} can be had from several nodes: "
            "not counted",
            fix="oc get resourceslices -o yaml",
        )
        for driver, count in found.items()
        if _ACCELERATOR.search(driver)
    )


def _pools(slices: Iterable[ResourceSlice]) -> list[tuple[tuple[str, str], list[ResourceSlice], bool]]:
    """Driver and name of each pool, the slices of its newest generation, and whether all of those are
    there."""
    pools: dict[tuple[str, str], list[ResourceSlice]] = {}
    for item in slices:
        pools.setdefault((item.spec.driver, item.spec.pool.name), []).append(item)
    found = []
    for key, seen in pools.items():
        newest = max(part.spec.pool.generation for part in seen)
        parts = [part for part in seen if part.spec.pool.generation == newest]
        wanted = max(part.spec.pool.resource_slice_count for part in parts)
        found.append((key, parts, len(parts) >= wanted))
    return found


def _node_of(part: ResourceSlice, device: Device) -> str:
    """The one node that has the device; empty when there are several."""
    return (
        device.node_name
        or part.spec.node_name
        or _named(device.node_selector)
        or _named(part.spec.node_selector)
    )


def _named(selector: NodeSelector | None) -> str:
    """The node of a selector that names exactly one."""
    terms = (selector.node_selector_terms if selector else None) or []
    if len(terms) != 1:
        return ""
    expressions: list[Expression] = [*(terms[0].match_fields or ()), *(terms[0].match_expressions or ())]
    for one in expressions:
        if one.key in _HOST_KEYS and one.operator == "In" and one.values and len(one.values) == 1:
            return one.values[0]
    return ""


def _kinds(
    driver: str,
    pool: str,
    devices: list[Device],
    counters: _Counters,
    *,
    complete: bool,
    held: Collection[_Name] | None,
) -> list[DraPool]:
    """Devices that count, grouped by what they are."""
    devices = [device for device in devices if _text(device, "type") != "vfio"]
    shared = any(device.consumes_counters for device in devices)
    if not shared:
        devices = _uncut(devices)
    counters = {**_largest(devices), **counters}
    taken = None
    left = dict(counters)
    if held is not None:
        taken = {device.name for device in devices if (driver, pool, device.name) in held}
        _take((device for device in devices if device.name in taken), left)
    if shared:
        devices = _together(devices, counters)
    kinds = []
    for key, group in groupby(sorted(devices, key=lambda device: _sortable(_key(device))), key=_key):
        kind, product, memory, profile, several = key
        members = list(group)
        usable = [one for one in members if complete and not _tainted(one)]
        kinds.append(
            DraPool(
                driver=clean(driver, limit=100),
                type=kind,
                product=product,
                profile=profile,
                mem_mib=memory,
                architecture=_text(members[0], "architecture"),
                cc=_capability(members[0]),
                units=len(usable),
                capacity=len(members),
                free=_free(usable, taken, left),
                parents=tuple(sorted(_parents(members))),
                complete=complete,
                shared=shared,
                several=several,
            )
        )
    return kinds


def _uncut(devices: list[Device]) -> list[Device]:
    """Without the cards that listed slices are cut from: a card and its slices are not both there."""
    cut = _parents(devices)
    return [
        device
        for device in devices
        if _parent(device) or not cut & {_text(device, "uuid"), _text(device, "pciAddr")}
    ]


def _parent(device: Device) -> str | None:
    """The card that a slice is cut from: by NVIDIA's driver, by AMD's."""
    return _text(device, "parentUUID") or _text(device, "parentPciAddr")


def _parents(devices: list[Device]) -> set[str]:
    return {parent for device in devices if (parent := _parent(device))}


def _free(devices: list[Device], taken: Collection[str] | None, left: _Counters) -> int | None:
    """How many of the devices no claim has, and counters have room for; None where that is not known, as
    when a claim has one of those that several may have."""
    if taken is None or any(one.allow_multiple_allocations and one.name in taken for one in devices):
        return None
    return sum(one.name not in taken and _fits(one, left) for one in devices)


def _limits(parts: list[ResourceSlice]) -> _Counters:
    """What the pool's counter sets hold."""
    groups = (group for part in parts for group in part.spec.shared_counters or ())
    return _amounts((group.name, group.counters or {}) for group in groups)


def _uses(device: Device) -> _Counters:
    return _amounts((use.counter_set, use.counters or {}) for use in device.consumes_counters or ())


def _amounts(sets: Iterable[tuple[str, Mapping[str, CapacityValue]]]) -> _Counters:
    return {
        (of, name): amount
        for of, counters in sets
        for name, value in counters.items()
        if (amount := whole(value.value)) is not None
    }


def _largest(devices: list[Device]) -> _Counters:
    """The most that one device takes of each counter: its limit where the set itself is not listed."""
    found: _Counters = {}
    for device in devices:
        for key, amount in _uses(device).items():
            found[key] = max(found.get(key, 0), amount)
    return found


def _fits(device: Device, left: _Counters) -> bool:
    return all(amount <= left.get(key, 0) for key, amount in _uses(device).items())


def _take(devices: Iterable[Device], left: _Counters) -> None:
    for device in devices:
        for key, amount in _uses(device).items():
            left[key] = left.get(key, 0) - amount


def _together(devices: list[Device], counters: _Counters) -> list[Device]:
    """Those that fit into the counters together: whole cards first, of each kind the largest."""
    left, found = dict(counters), []
    for device in sorted(devices, key=lambda one: (_text(one, "type") == "mig", -(_key(one)[2] or 0))):
        if _fits(device, left):
            _take([device], left)
            found.append(device)
    return found


def _tainted(device: Device) -> bool:
    """Whether a taint keeps pods away; the effect `None` only informs."""
    return any(taint.effect != "None" for taint in device.taints or ())


def _key(device: Device) -> _Key:
    capacity = device.capacity or (device.basic.capacity if device.basic else None) or {}
    memory = capacity.get("memory")
    profile = _text(device, "profile") or _text(device, "partitionProfile")
    product = _text(device, "productName") or _text(device, "model")
    return (
        _text(device, "type") or "gpu",
        product,
        mebibytes(memory.value) or None if memory else None,
        profile,
        bool(device.allow_multiple_allocations),
    )


def _sortable(key: _Key) -> tuple[str, str, int, str, bool]:
    kind, product, memory, profile, several = key
    return (kind, product or "", -1 if memory is None else memory, profile or "", several)


def _text(device: Device, name: str) -> str | None:
    attributes = device.attributes or (device.basic.attributes if device.basic else None) or {}
    attribute: Attribute | None = attributes.get(name)
    value = attribute and (attribute.string or attribute.version)
    return clean(value, limit=100) if value else None


def _capability(device: Device) -> str | None:
    version = _text(device, "cudaComputeCapability") or ""
    parts = version.split(".")
    return ".".join(parts[:2]) if len(parts) > 1 and all(part.isdecimal() for part in parts[:2]) else None
