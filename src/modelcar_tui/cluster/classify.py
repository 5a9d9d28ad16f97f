"""From a core/v1 Node to what its accelerators are worth. Code decides; what nothing says stays unknown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import msgspec

from modelcar_tui.cluster.dra import DraPool
from modelcar_tui.cluster.lifecycle import LABEL_LIMIT, cautions, taints, unusable
from modelcar_tui.cluster.provider import provider
from modelcar_tui.cluster.types import GpuNode, OtherNode, Pool
from modelcar_tui.cluster.vendors import amd, intel, nvidia, others
from modelcar_tui.cluster.vendors.view import Found, View, unhealthy
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import served, vendors
from modelcar_tui.kube import mebibytes, objects, thousandths, whole

FINDERS: dict[str, Callable[[View], Found | None]] = {
    "nvidia": nvidia.find,
    "amd": amd.find,
    "intel-gaudi": intel.find_gaudi,
    "intel-gpu": intel.find_gpu,
    "ibm-spyre": others.find_spyre,
    "google-tpu": others.find_tpu,
    "aws-neuron": others.find_neuron,
}
"""What reads each vendor's labels and resources; a vendor is one of the table's (`hardware.vendor`)."""
NOT_OFFERED = "card-present-but-not-advertised"
_PCI = "feature.node.kubernetes.io/pci-"
_ARCH = ("kubernetes.io/arch", "beta.kubernetes.io/arch")
_INSTANCE_TYPE = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
_REGION = ("topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region")


def classify(node: objects.Node, dra: tuple[DraPool, ...] = (), platform: str = "") -> GpuNode | OtherNode:
    """What a node offers.

    Args:
        node: as the API server or a file sent it; nothing in it is trusted.
        dra: the node's device pools out of the ResourceSlices.
        platform: the cluster's platform (`AWS`, `VSphere`), where it is known.
    """
    name = clean(node.metadata.name, limit=253) or "(no name)"
    if not dra and not _may_have_any(node):
        return _plain(node, name, platform)
    view = _view(node, dra)
    allocatable = node.status.allocatable or {}
    finders = (*FINDERS.values(), others.find_unknown)
    found = [answer for finder in finders if (answer := finder(view)) is not None]
    if not found:
        return _plain(node, name, platform, _unrecognised(view, ()))
    main, pools, notes = _join(found)
    why = unusable(node) or _none_to_be_had(main, pools)
    vendor = vendors().get(main.vendor)
    return GpuNode(
        name=name,
        vendor=main.vendor,
        product=main.product,
        product_from=main.product_from,
        family=main.family,
        cc=main.cc,
        provider=provider(view.labels, node.spec.provider_id, platform),
        region=_first(view.labels, _REGION),
        instance_type=view.instance_type,
        arch=_first(view.labels, _ARCH),
        physical=main.physical,
        usable=not why,
        why=why,
        notes=(*notes, *cautions(node)),
        scheduler=main.scheduler or (vendor.scheduler if vendor else ""),
        vllm_runtime=served(main.vendor),
        pool=pools,
        memory_mib=mebibytes(allocatable.get("memory")),
        ephemeral_mib=mebibytes(allocatable.get("ephemeral-storage")),
        storage_mib=mebibytes((node.status.capacity or {}).get("ephemeral-storage")),
        cpu_milli=thousandths(allocatable.get("cpu")),
        most_pods=whole(allocatable.get("pods")),
        kubelet=clean(node.status.node_info.kubelet_version, limit=40),
        taints=taints(node),
        unrecognised=_unrecognised(view, pools),
    )


def _none_to_be_had(main: Found, pools: tuple[Pool, ...]) -> str:
    """Why none of the units can be had; empty where some can."""
    if any(pool.units for pool in pools):
        return ""
    return main.why or ("no-healthy-devices" if pools else NOT_OFFERED)


def _first(labels: Mapping[str, str], keys: tuple[str, ...]) -> str | None:
    """What the first of the labels says that says anything."""
    return next((labels[key] for key in keys if labels.get(key)), None)


def _may_have_any(node: objects.Node) -> bool:
    """Whether anything on the node is worth a closer look; most nodes of a large cluster have nothing."""
    status = node.status
    resources = (*(status.allocatable or ()), *(status.capacity or ()))
    return any("/" in name for name in resources) or any(
        key.startswith(_hints()) for key in node.metadata.labels or ()
    )


@cache
def _hints() -> tuple[str, ...]:
    """Beginnings of the label keys that the vendors' files look at."""
    return (_PCI, *(label for vendor in vendors().values() for label in vendor.labels))


def _plain(node: objects.Node, name: str, platform: str, unrecognised: tuple[str, ...] = ()) -> OtherNode:
    labels = node.metadata.labels or {}
    kind, arch = _first(labels, _INSTANCE_TYPE), _first(labels, _ARCH)
    why = unusable(node)
    return OtherNode(
        name=name,
        provider=provider(labels, node.spec.provider_id, platform),
        instance_type=clean(kind, limit=LABEL_LIMIT) if kind else None,
        arch=clean(arch, limit=LABEL_LIMIT) if arch else None,
        usable=not why,
        why=why,
        ephemeral_mib=mebibytes((node.status.allocatable or {}).get("ephemeral-storage")),
        unrecognised=unrecognised,
    )


def cleaned_labels(node: objects.Node) -> dict[str, str]:
    """The node's labels, fit to be shown."""
    return {
        clean(key, limit=LABEL_LIMIT): clean(value, limit=LABEL_LIMIT)
        for key, value in (node.metadata.labels or {}).items()
    }


def _unrecognised(view: View, pools: tuple[Pool, ...]) -> tuple[str, ...]:
    """Extended resources that are in no pool; other names of what a pool counts are left out."""
    counted = {pool.resource for pool in pools}
    vendors = {name.partition("/")[0] for name in counted}
    return tuple(
        sorted(
            name
            for name, units in view.units.items()
            if units
            and name not in counted
            and name.partition("/")[0] not in vendors
            and not name.partition("/")[0].endswith("kubernetes.io")
        )
    )


def _view(node: objects.Node, dra: tuple[DraPool, ...]) -> View:
    labels = cleaned_labels(node)
    return View(
        labels=labels,
        units=_extended(node.status.allocatable),
        capacity=_extended(node.status.capacity),
        annotations=node.metadata.annotations or {},
        instance_type=_first(labels, _INSTANCE_TYPE),
        dra=dra,
    )


def _extended(quantities: Mapping[str, objects.Quantity] | None) -> dict[str, int]:
    """The extended resources: names with a domain other than Kubernetes' own."""
    found = {}
    for name, quantity in (quantities or {}).items():
        if "/" in name and (number := whole(quantity)) is not None and number >= 0:
            found[clean(name, limit=LABEL_LIMIT)] = number
    return found


def _join(found: list[Found]) -> tuple[Found, tuple[Pool, ...], tuple[str, ...]]:
    """Cards of several vendors in one node: each pool tells its own, and the main vendor's name the node."""
    known = [one for one in found if not one.unknown]
    aliases: tuple[str, ...] = ()
    if any(one.pools for one in known):
        # Another vendor's or scheduler's names that we don't know say nothing that could be used.
        aliases = tuple(
            f"{pool.resource} is not counted" for one in found if one.unknown for pool in one.pools
        )
        found = known
    main = max(found, key=_weight)
    rest = [one for one in found if one is not main]
    pools = tuple(_stamped(pool, one) for one in (main, *rest) for pool in one.pools)
    also = tuple(
        f"also has {one.vendor} {one.product or 'cards'}" + ("" if one.pools else ", not offered")
        for one in rest
    )
    return main, pools, (*main.notes, *unhealthy(main.pools), *also, *aliases)


def _weight(one: Found) -> tuple[bool, bool, int]:
    """What makes a vendor's cards a node's main ones: some to be had, and a runtime for them; their number
    comes last, for shares of built-in graphics are many."""
    units = sum(pool.units for pool in one.pools)
    return bool(units), served(one.vendor), units


def _stamped(pool: Pool, one: Found) -> Pool:
    """The pool with its vendor's cards, where it does not know better."""
    if pool.vendor:
        return pool
    return msgspec.structs.replace(
        pool, vendor=one.vendor, product=one.product, family=one.family, cc=one.cc, physical=one.physical
    )
