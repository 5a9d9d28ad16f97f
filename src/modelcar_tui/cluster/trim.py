"""What of an inventory is kept in a report, and which resources it offers."""

from __future__ import annotations

import msgspec

from modelcar_tui.cluster.serving_types import Profiles
from modelcar_tui.cluster.types import Inventory, Runtime
from modelcar_tui.hardware import asked_resource, served

PRODUCT_LABELS = ("nvidia.com/gpu.product", "amd.com/gpu.product-name")
"""By which a pod is pinned to one kind of card."""


def trimmed(inventory: Inventory, runtime: Runtime | None, profiles: Profiles | None = None) -> Inventory:
    """Of the nodes' labels only those that the runtime's pod selects by, on a tainted node those that
    hardware profiles do, and the product's where there are several: they are too many to keep."""
    wanted = runtime.scheduling.labels if runtime else frozenset[str]()
    if len({product for node in inventory.nodes for product in node.products}) > 1:
        wanted |= frozenset(PRODUCT_LABELS)
    found = profiles.found if profiles else ()
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
