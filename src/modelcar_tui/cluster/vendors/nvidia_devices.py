"""NVIDIA's cards and slices out of ResourceSlices (kubernetes-sigs/dra-driver-nvidia-gpu), and the promise of
them."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.cluster.dra import DraPool
from modelcar_tui.cluster.types import Guarantee, Pool
from modelcar_tui.cluster.vendors.nvidia_cards import Cards
from modelcar_tui.cluster.vendors.nvidia_names import capability, family, name
from modelcar_tui.cluster.vendors.view import Found, View, device_pool, incomplete
from modelcar_tui.hardware import product_named

DRIVER = "gpu.nvidia.com"


def from_devices(view: View, devices: tuple[DraPool, ...], notes: tuple[str, ...]) -> Found:
    """The answer of the ResourceSlices, which beat labels: they know several products on one node."""
    whole = [pool for pool in devices if pool.type != "mig"]
    cards = sum(pool.capacity for pool in whole)
    cards += len({parent for pool in devices for parent in pool.parents})
    labelled = view.labels.get("nvidia.com/gpu.product", "")
    counted = 0 if "-MIG-" in labelled else view.number("nvidia.com/gpu.count") or 0
    physical = max(cards, counted) or None
    pools = tuple(_pool(view, pool, devices, physical) for pool in devices)
    first = pools[devices.index((*whole, *devices)[0])]
    return Found(
        vendor="nvidia",
        product=first.product,
        product_from="dra" if first.product else "",
        family=first.family,
        cc=first.cc,
        physical=physical,
        pools=pools,
        notes=(*notes, *_cautions(devices)),
        why=incomplete(devices),
    )


def _cautions(devices: tuple[DraPool, ...]) -> Iterator[str]:
    if not all(pool.complete for pool in devices):
        yield "ResourceSlices of the newest generation are missing: until they come nothing is handed out"
    if any(pool.shared for pool in devices):
        yield "the driver cuts cards on demand: a card that is partly in use can still give slices"
    if any(pool.several for pool in devices):
        yield "several claims may have the same card at once, each with all of its memory in sight"


def promised(view: View, cards: Cards) -> Pool | None:
    """The pool of whole cards of a node that says it is served by DRA, from its labels alone."""
    mode = view.labels.get("nvidia.com/gpu-operator.resource-allocation.mode", "")
    if mode != "dra" and view.labels.get("nvidia.com/gpu.deploy.dra-driver") != "true":
        return None
    if not cards.count or cards.product is None or not cards.labelled or cards.profile is not None:
        return None
    memory = view.number("nvidia.com/gpu.memory")
    return Pool(
        resource=f"dra:{DRIVER}",
        units=cards.count,
        capacity=cards.count,
        mem_mib=memory,
        mem_guarantee=Guarantee.EXCLUSIVE if memory else Guarantee.UNKNOWN,
        mem_from="dra" if memory else "none",
        asked_for=None,
    )


def _pool(view: View, pool: DraPool, all_of_them: tuple[DraPool, ...], physical: int | None) -> Pool:
    product = name(pool.product) if pool.product else None
    alone = len({one.product for one in all_of_them}) == 1
    labels = view.labels if alone else {}
    known = product_named(product)
    cc = pool.cc or capability(labels) or (known.capability if known else None)
    said = (pool.architecture or "").lower().replace(" ", "-")
    sliced = pool.type == "mig"
    worth = Guarantee.HARD_SLICE if sliced else Guarantee.EXCLUSIVE
    return device_pool(
        pool,
        resource=f"dra:{pool.driver}" + (f"/{pool.profile}" if sliced and pool.profile else ""),
        mem_guarantee=worth,
        mig_profile=pool.profile if sliced else None,
        vendor="nvidia",
        product=product,
        family="ada-lovelace" if said == "ada" else said or family(labels, cc),
        cc=cc,
        physical=physical,
    )
