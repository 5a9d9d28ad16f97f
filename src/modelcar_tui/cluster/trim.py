"""What of an inventory is kept in a report, and which resources it offers."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from modelcar_tui.cluster.serving_types import Profiles
from modelcar_tui.cluster.types import Inventory, Runtime
from modelcar_tui.hardware import asked_resource, served
from modelcar_tui.kube import ClusterOptions

PRODUCT_LABELS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name")
"""By which a pod is pinned to one kind of card."""


def trimmed(
    inventory: Inventory,
    runtime: Runtime | None,
    profiles: Profiles | None = None,
    *,
    options: ClusterOptions,
    runtimes: Iterable[Runtime] = (),
) -> Inventory:
    """Of the nodes' labels only those that pods of the manifest or of a runtime select by, on a tainted node
    those that hardware profiles do, and the product's where there are several: they are too many to keep.

    Args:
        inventory: with all labels.
        runtime: that serves model-cars.
        profiles: of hardware.
        options: with what the manifest's own pods ask for.
        runtimes: those that a manifest may name.
    """
    wanted = options.labels.union(*(one.scheduling.labels for one in (runtime, *runtimes) if one))
    if len({product for node in inventory.nodes for product in node.products}) > 1:
        wanted |= frozenset(PRODUCT_LABELS)
    found = profiles.found if profiles else ()
    wanted |= {key for one in found if one.name in options.profiles for key, _ in one.selector}
    tainted = wanted | {key for profile in found for key, _ in profile.selector}
    nodes = tuple(
        msgspec.structs.replace(node, labels=_chosen(node.labels, tainted if node.taints else wanted))
        if node.labels
        else node
        for node in inventory.nodes
    )
    return msgspec.structs.replace(inventory, nodes=nodes)


def _chosen(labels: dict[str, str], wanted: frozenset[str]) -> dict[str, str]:
    return {key: value for key, value in labels.items() if key in wanted}


def resources(inventory: Inventory) -> frozenset[str]:
    """Resources that pods ask for on usable nodes: of the vendors that OpenShift AI serves, else of all."""
    places = [(node, pool) for node in inventory.nodes if node.usable for pool in node.pool if pool.units]
    own = [(node, pool) for node, pool in places if served(node.card(pool).vendor)]
    names = {pool.resource for _, pool in own or places}
    return frozenset(name for one in names if not (name := asked_resource(one)).startswith("dra:"))
