"""NVIDIA: GPU Feature Discovery's labels, MIG, time slicing, MPS, vGPU, HAMi, Volcano, GKE, Karpenter, DRA.

A unit's memory is taken from a label where nothing contradicts it. That a unit is a whole card needs evidence
(the labels of sharing, the product's suffix, or a count of cards): without any, memory stays unknown. More
units than cards are shares, of unknown worth where no label says how they are shared.
Key names and their meaning: NVIDIA/k8s-device-plugin, internal/lm.
"""

from __future__ import annotations

import re

import msgspec

from modelcar_tui.cluster.types import Guarantee, Pool
from modelcar_tui.cluster.vendors.nvidia_cards import CLOUD_PREFIXES, GKE, Cards, cards_of
from modelcar_tui.cluster.vendors.nvidia_devices import DRIVER, from_devices, promised
from modelcar_tui.cluster.vendors.nvidia_names import KOORDINATOR, OTHER_NAMES, kind
from modelcar_tui.cluster.vendors.view import Found, View, worth
from modelcar_tui.core.counting import several
from modelcar_tui.hardware import mig_profiles, product_named

_RESOURCE = re.compile(r"nvidia\.com/(?:gpu|mig-[0-9a-z.+-]+)(?:\.shared)?")
_MIG = re.compile(r"nvidia\.com/(mig-(?P<profile>[0-9a-z.+-]+?))(?:\.shared)?")
_VOLCANO = "volcano.sh/"
_RENAMED = re.compile(r"volcano\.sh/v?gpu-number|k8s\.amazonaws\.com/vgpu")
"""Units that are counted as cards or shares of them: Volcano's, AWS' virtual GPU plug-in's."""
_BUSY_MIG = ("pending", "rebooting")
_DONE_UPGRADE = ("", "upgrade-done", "unknown")
_SHARING = {"time-slicing": "time-slicing", "time-sharing": "time-slicing", "mps": "mps", "none": "none"}


def find(view: View) -> Found | None:
    """What the node says of NVIDIA cards, or None when there are none."""
    resources = view.offered(_RESOURCE)
    others = _other_names(view)
    devices = view.devices(DRIVER)
    if not (resources or devices or others or _present(view)):
        return None
    notes = _notes(view)
    if devices and not resources:
        return from_devices(view, devices, notes)
    cards = cards_of(view)
    pools = _pools(view, cards, resources)
    notes += _told(view, cards, pools)
    if cards.several:
        return Found(vendor="nvidia", physical=cards.count, pools=pools, notes=notes)
    product = cards.product if pools or cards.product_from in ("label", "annotation") else None
    family, cc = kind(product, view.labels)
    return Found(
        vendor="nvidia",
        product=product,
        product_from=cards.product_from if product else "",
        family=family,
        cc=cc,
        physical=_physical(view, cards, pools),
        pools=pools,
        notes=notes,
        why="" if pools or not others else "other-names-only",
        scheduler="volcano" if any(pool.resource.startswith(_VOLCANO) for pool in pools) else "",
    )


def _pools(view: View, cards: Cards, resources: list[str]) -> tuple[Pool, ...]:
    """What is offered: the vendor's resources, else a scheduler's count of cards, else devices to come."""
    offered = [_pool(view, cards, resource) for resource in resources]
    offered = offered or [view.pool(resource) for resource in view.offered(_RENAMED)]
    if not offered and (promise := promised(view, cards)) is not None:
        return (promise,)
    return tuple(_as_shares(view, cards, pool) for pool in offered)


def _other_names(view: View) -> list[str]:
    """What other schedulers measure its cards by."""
    hundredths = view.labels.get("node.koordinator.sh/gpu-vendor", "nvidia") == "nvidia"
    return [*view.offered(OTHER_NAMES), *(view.offered(KOORDINATOR) if hundredths else ())]


def _present(view: View) -> bool:
    labels = view.labels
    return (
        labels.get("nvidia.com/gpu.present") == "true"
        or bool(view.pci("10de"))
        or labels.get("cloud.google.com/gke-accelerator", "").startswith("nvidia")
        or "nvidia.com/gpu.product" in labels
    )


def _pool(view: View, cards: Cards, resource: str) -> Pool:
    match = _MIG.fullmatch(resource)
    prefix = f"nvidia.com/{match[1]}" if match else "nvidia.com/gpu"
    if match:
        cut: str | None = match["profile"]
        memory, origin = view.number(f"{prefix}.memory"), "label"
        if memory is None:
            memory, origin = _slice_mib(cards, match["profile"]), "model-table"
        sharing = _sharing(view, prefix)
        if sharing == "none" and (resource.endswith(".shared") or _beyond(view, cards, resource)):
            sharing = ""
    else:
        cut = cards.profile
        memory, origin = _gpu_memory(view, cards)
        sharing = _gpu_sharing(view, cards, resource)
    factor = view.number(f"{prefix}.replicas") or (
        None if match else view.number(GKE + "gke-max-shared-clients-per-gpu")
    )
    memory, guarantee = _worth(memory, sharing, factor, cut)
    return view.pool(resource, mig_profile=cut or None, **worth(memory, guarantee, origin))


def _beyond(view: View, cards: Cards, resource: str) -> int:
    """How many slices GPU Feature Discovery counted, where more units are offered: it was not told that those
    are shares. 0 where there are no more."""
    match = _MIG.fullmatch(resource)
    if match:
        counted = view.number(f"nvidia.com/{match[1]}.count")
    else:
        counted = cards.count if cards.labelled and cards.profile else None
    units = view.capacity.get(resource, view.units.get(resource, 0))
    return counted if counted and units > counted else 0


def _worth(
    memory: int | None, sharing: str, factor: int | None, cut: str | None
) -> tuple[int | None, Guarantee]:
    """Memory of one unit and what it is worth."""
    if not memory:
        return None, Guarantee.UNKNOWN
    if sharing == "time-slicing":
        return memory, Guarantee.NONE
    if sharing == "mps":
        return (memory // factor, Guarantee.HARD_SHARE) if factor else (None, Guarantee.UNKNOWN)
    if sharing != "none":
        return None, Guarantee.UNKNOWN
    if cut is None:
        return memory, Guarantee.EXCLUSIVE
    return memory, Guarantee.HARD_SLICE if cut else Guarantee.UNKNOWN


def _gpu_memory(view: View, cards: Cards) -> tuple[int | None, str]:
    """Memory of the card (or of the slice under MIG single) and where it is from."""
    if cards.several or (cards.labelled and cards.product is None):
        return None, "none"
    if memory := view.number("nvidia.com/gpu.memory"):
        return memory, "label"
    for prefix in CLOUD_PREFIXES:
        if memory := view.number(prefix + "memory"):
            return memory, "label"
    if cards.part:
        return None, "none"
    if cards.profile is not None:
        return _slice_mib(cards, cards.profile), "model-table"
    known = product_named(cards.product)
    if known is not None and known.memory_mib:
        return known.memory_mib, "instance-type" if cards.product_from == "instance-type" else "model-table"
    digits = re.search(r"^(?!GH|GB)(?:.*-)?(\d{1,3})GB(?:-|$)", cards.product or "")
    return (int(digits[1]) * 1024, "product-name") if digits else (None, "none")


def _slice_mib(cards: Cards, profile: str) -> int | None:
    """MiB of a MIG slice of a known card; approximate."""
    return mig_profiles(product_named(cards.product)).get(profile)


def _gpu_sharing(view: View, cards: Cards, resource: str) -> str:
    """`none`, `time-slicing`, `mps`, or empty when it can't be told."""
    strategy = _sharing(view, "nvidia.com/gpu")
    if strategy in ("time-slicing", "mps"):
        return strategy
    replicas = view.number("nvidia.com/gpu.replicas")
    if resource.endswith(".shared") or cards.shared_suffix or (replicas or 1) > 1:
        return ""
    units = view.capacity.get(resource, view.units.get(resource, 0))
    if not cards.profile and cards.count is not None and units > cards.count:
        return ""
    if _beyond(view, cards, resource):
        return ""
    if strategy == "none" or replicas in (0, 1) or cards.labelled or cards.count is not None:
        return "none"
    return ""


def _sharing(view: View, prefix: str) -> str:
    labels = view.labels
    value = labels.get(f"{prefix}.sharing-strategy")
    if value is None and prefix == "nvidia.com/gpu":
        value = labels.get("cloud.google.com/gke-gpu-sharing-strategy")
    if value is None and prefix != "nvidia.com/gpu" and view.number(f"{prefix}.replicas") in (None, 1):
        return "none"
    return _SHARING.get(value or "", "")


def _as_shares(view: View, cards: Cards, pool: Pool) -> Pool:
    """The pool with whether it is certain that its units are shares, where no label says how they share."""
    units, mixed = pool.capacity or pool.units, _MIG.fullmatch(pool.resource)
    if mixed or cards.count is None or units <= cards.count or pool.mem_guarantee is not Guarantee.UNKNOWN:
        return pool
    told = pool.resource.endswith(".shared") or (view.number("nvidia.com/gpu.replicas") or 1) > 1
    certain = cards.profile is None and (told or cards.shared_suffix or cards.proven)
    return msgspec.structs.replace(pool, shares=certain)


def _physical(view: View, cards: Cards, pools: tuple[Pool, ...]) -> int | None:
    """Whole cards; unknown where the labels count slices."""
    if cards.profile is not None:
        return view.number(GKE + "gke-accelerator-count")
    if cards.count is not None:
        return cards.count if pools or cards.product_from in ("label", "annotation") else None
    whole = [pool for pool in pools if pool.mem_guarantee is Guarantee.EXCLUSIVE]
    return whole[0].capacity if len(pools) == 1 and whole else None


def _told(view: View, cards: Cards, pools: tuple[Pool, ...]) -> tuple[str, ...]:
    """What the units are, where no label says it: devices to come, or more of them than cards."""
    if cards.several:
        return ("cards of several kinds: what describes one may not hold for the one that a pod gets",)
    if pools and pools[0].resource.startswith("dra:"):
        return ("offered through DRA; no ResourceSlice was read, the figures are the node's labels",)
    unsure = [pool for pool in pools if pool.mem_guarantee is Guarantee.UNKNOWN]
    cut = tuple(
        f"{pool.capacity} {pool.resource} are shares of {several(slices, 'MIG slice')}: "
        "how they share them no label tells"
        for pool in unsure
        if (slices := _beyond(view, cards, pool.resource))
    )
    if cards.count is None or cards.profile is not None:
        return cut
    return cut + tuple(
        f"{pool.capacity} {pool.resource} are shares of {several(cards.count, 'card')}: "
        "how they share them no label tells"
        for pool in unsure
        if (pool.capacity or pool.units) > cards.count and not pool.mig_profile
    )


def _notes(view: View) -> tuple[str, ...]:
    labels = view.labels
    notes = []
    if (state := labels.get("nvidia.com/mig.config.state", "")) in _BUSY_MIG:
        notes.append(f"MIG is being reconfigured ({state}): the figures will change")
    if state == "failed":
        notes.append("the last MIG reconfiguration failed")
    if (step := labels.get("nvidia.com/gpu-driver-upgrade-state", "")) not in _DONE_UPGRADE:
        notes.append(f"the driver is being upgraded ({step})")
    if labels.get("nvidia.com/gpu.product", "").endswith("-MIG-INVALID"):
        notes.append("MIG strategy single, but the cards are cut differently: slices can't be told apart")
    if labels.get("nvidia.com/gpu.workload.config", "").startswith("vm-"):
        notes.append("the cards are set aside for virtual machines")
    if labels.get("nvidia.com/vgpu.present") == "true":
        notes.append("vGPU: the memory is the profile's")
    return tuple(notes)
