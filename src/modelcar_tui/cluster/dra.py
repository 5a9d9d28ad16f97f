"""Dynamic Resource Allocation: devices that are in ResourceSlices, not in a node's allocatable.

Of each pool only the slices of the highest generation count, and only when all of them are there. Devices
that share counters (dynamic MIG lists every slice that could be cut) are not summed: only the whole cards are.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import groupby

import msgspec

from modelcar_tui.cluster.objects import Attribute, Device, ResourceSlice
from modelcar_tui.cluster.quantity import mebibytes
from modelcar_tui.core.text import clean

_Key = tuple[str, str | None, int | None, str | None]


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
    free: int | None = None
    complete: bool = True
    """False when slices of the pool's newest generation are missing."""
    shared: bool = False
    """The driver may cut these cards on demand; the slices are not listed again."""


def by_node(
    slices: Iterable[ResourceSlice], allocated: Collection[tuple[str, str, str]] | None = None
) -> dict[str, tuple[DraPool, ...]]:
    """The device pools of each node.

    Args:
        slices: every ResourceSlice of the cluster.
        allocated: `(driver, pool, device)` of every allocated device; None when claims could not be listed.
    """
    pools: dict[tuple[str, str, str], list[ResourceSlice]] = {}
    for item in slices:
        if item.spec.node_name:
            pools.setdefault((item.spec.node_name, item.spec.driver, item.spec.pool.name), []).append(item)
    found: dict[str, list[DraPool]] = {}
    for (node, driver, name), seen in pools.items():
        newest = max(part.spec.pool.generation for part in seen)
        parts = [part for part in seen if part.spec.pool.generation == newest]
        complete = len(parts) >= max(part.spec.pool.resource_slice_count for part in parts)
        devices = [device for part in parts for device in part.spec.devices or ()]
        found.setdefault(node, []).extend(_kinds(driver, name, devices, complete=complete, allocated=allocated))
    return {node: tuple(kinds) for node, kinds in found.items()}


def _kinds(
    driver: str,
    pool: str,
    devices: list[Device],
    *,
    complete: bool,
    allocated: Collection[tuple[str, str, str]] | None,
) -> list[DraPool]:
    """Devices that count, grouped by what they are."""
    shared = any(device.consumes_counters for device in devices)
    if shared:
        whole = [device for device in devices if _text(device, "type") != "mig"]
        devices = whole or devices[:0]
    usable = [device for device in devices if not device.taints and _text(device, "type") != "vfio"]
    kinds = []
    for key, group in groupby(sorted(usable, key=lambda device: _sortable(_key(device))), key=_key):
        kind, product, memory, profile = key
        members = list(group)
        taken = None if allocated is None else sum((driver, pool, one.name) in allocated for one in members)
        kinds.append(
            DraPool(
                driver=clean(driver, limit=100), type=kind, product=product, profile=profile, mem_mib=memory,
                architecture=_text(members[0], "architecture"), cc=_capability(members[0]),
                units=len(members), free=None if taken is None else len(members) - taken,
                complete=complete, shared=shared,
            )
        )  # fmt: skip
    return kinds


def _key(device: Device) -> _Key:
    memory = (device.capacity or {}).get("memory")
    profile = _text(device, "profile") or _text(device, "partitionProfile")
    product = _text(device, "productName") or _text(device, "model")
    return (_text(device, "type") or "gpu", product, mebibytes(memory.value) if memory else None, profile)


def _sortable(key: _Key) -> tuple[str, str, int, str]:
    kind, product, memory, profile = key
    return (kind, product or "", -1 if memory is None else memory, profile or "")


def _text(device: Device, name: str) -> str | None:
    attribute: Attribute | None = (device.attributes or {}).get(name)
    value = attribute and (attribute.string or attribute.version)
    return clean(value, limit=100) if value else None


def _capability(device: Device) -> str | None:
    version = _text(device, "cudaComputeCapability") or ""
    parts = version.split(".")
    return ".".join(parts[:2]) if len(parts) > 1 and all(part.isdecimal() for part in parts[:2]) else None
