"""NVIDIA: GPU Feature Discovery's labels, MIG, time slicing, MPS, vGPU, GKE, Karpenter, DRA.

A unit's memory is taken from a label where nothing contradicts it. That a unit is a whole card needs evidence
(the labels of sharing, the product's suffix, or a count of cards): without any, memory stays unknown.
Key names and their meaning: NVIDIA/k8s-device-plugin, internal/lm.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from modelcar_tui.cluster.dra import DraPool
from modelcar_tui.cluster.types import Guarantee, Pool
from modelcar_tui.cluster.vendors.view import Found, View, device_pool, incomplete, unhealthy
from modelcar_tui.hardware.products import by_cloud, instance, mig_profiles, product_named
from modelcar_tui.hardware.vendors import vendors

_RESOURCE = re.compile(r"nvidia\.com/(?:gpu|mig-[0-9a-z.+-]+)(?:\.shared)?")
_MIG = re.compile(r"nvidia\.com/(mig-(?P<profile>[0-9a-z.+-]+?))(?:\.shared)?")
_SUFFIX = re.compile(r"(?:-MIG-(?P<profile>[\w.+]+))?(?P<shared>-SHARED)?$")
_BUSY_MIG = ("pending", "rebooting")
_DONE_UPGRADE = ("", "upgrade-done", "unknown")
_FEATURES = tuple(f"nvidia.com/gpu.{name}" for name in ("memory", "count", "replicas", "sharing-strategy"))
_GKE = "cloud.google.com/"
_SHARING = {"time-slicing": "time-slicing", "time-sharing": "time-slicing", "mps": "mps", "none": "none"}


class _Card(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the node's cards before the pools are looked at."""

    product: str | None = None
    product_from: str = ""
    count: int | None = None
    """Whole cards, where something says it."""
    profile: str | None = None
    """MIG profile that `nvidia.com/gpu` means (strategy single); empty when cut in an unknown way."""
    shared_suffix: bool = False
    labelled: bool = False
    """The product comes from GPU Feature Discovery, whose suffixes tell of sharing."""


def find(view: View) -> Found | None:
    """What the node says of NVIDIA cards, or None when there are none."""
    resources = view.offered(_RESOURCE)
    devices = tuple(pool for pool in view.dra if pool.driver == "gpu.nvidia.com")
    labels = view.labels
    present = labels.get("nvidia.com/gpu.present") == "true" or bool(view.pci("10de"))
    gke = labels.get("cloud.google.com/gke-accelerator", "")
    if not (
        resources or devices or present or gke.startswith("nvidia") or "nvidia.com/gpu.product" in labels
    ):
        return None
    card = _card(view)
    several = _several_kinds(view, card)
    if several:
        card = msgspec.structs.replace(card, product=None, count=several)
    pools = tuple(_pool(view, card, resource) for resource in resources)
    notes = _notes(view)
    if devices and not pools:
        return _from_devices(view, devices, notes)
    if not pools and (promised := _promised(view, card)) is not None:
        pools = (promised,)
        notes += ("offered through DRA; no ResourceSlice was read, the figures are the node's labels",)
    if not pools:
        card = msgspec.structs.replace(card, product=None) if card.product_from != "label" else card
    if several:
        notes += ("cards of several kinds: the labels describe only one of them",)
        return Found(vendor="nvidia", physical=several, pools=pools, notes=(*notes, *unhealthy(pools)))
    known = product_named(card.product)
    cc = _capability(labels) or (known.capability if known else None)
    return Found(
        vendor="nvidia",
        product=card.product,
        product_from=card.product_from if card.product else "",
        family=_family(labels, cc) or (known.family if known else None),
        cc=cc,
        physical=_physical(view, card, pools),
        pools=pools,
        notes=(*notes, *unhealthy(pools)),
    )


def name(product: str) -> str:
    """A product as a human says it: without the maker and the suffixes of MIG and sharing."""
    bare = _SUFFIX.sub("", product.replace(" ", "-"))
    return bare.removeprefix("NVIDIA-")


def _card(view: View) -> _Card:
    labels = view.labels
    if raw := labels.get("nvidia.com/gpu.product", ""):
        match = _SUFFIX.search(raw)
        profile = match["profile"] if match else None
        return _Card(
            product=name(raw) or None,
            product_from="label",
            labelled=True,
            count=view.number("nvidia.com/gpu.count"),
            profile="" if profile == "INVALID" else profile or _cut_anyway(labels),
            shared_suffix=bool(match and match["shared"]),
        )
    count = view.number("nvidia.com/gpu.count")
    if gke := labels.get("cloud.google.com/gke-accelerator"):
        return _Card(
            product=cloud.name if (cloud := by_cloud(gke)) else gke.removeprefix("nvidia-"),
            product_from="label",
            count=view.number("cloud.google.com/gke-accelerator-count") or count,
            profile=labels.get("cloud.google.com/gke-gpu-partition-size") or None,
        )
    for prefix in ("karpenter.k8s.aws/instance-gpu-", "eks.amazonaws.com/instance-gpu-"):
        if short := labels.get(prefix + "name"):
            named = instance(view.instance_type)[0] or by_cloud(short)
            return _Card(
                product=named.name if named else None,
                product_from="label",
                count=view.number(prefix + "count") or count,
            )
    known, cards = instance(view.instance_type)
    if known is not None and known.vendor != "nvidia":
        known, cards = None, 0
    cut = _cut_anyway(labels)
    if (
        cut is None
        and labels.get("nvidia.com/mig.capable") != "false"
        and any(key in labels for key in _FEATURES)
    ):
        # The product, whose suffix would tell, is the one label that is missing.
        cut = ""
    return _Card(
        product=known.name if known else None,
        product_from="instance-type",
        count=count or cards or None,
        profile=cut,
    )


def _several_kinds(view: View, card: _Card) -> int | None:
    """Number of cards where more of them are offered whole than the labels count: the labels count one
    kind's."""
    units = view.capacity.get("nvidia.com/gpu", view.units.get("nvidia.com/gpu", 0))
    whole = view.number("nvidia.com/gpu.replicas") == 1 and card.profile is None and not card.shared_suffix
    unshared = view.labels.get("nvidia.com/gpu.sharing-strategy", "none") == "none"
    counted = view.number("nvidia.com/gpu.count")
    return units if whole and unshared and card.labelled and counted and units > counted else None


def _cut_anyway(labels: Mapping[str, str]) -> str | None:
    """An empty profile where the product's suffix is missing but other labels say that the cards are cut."""
    config = labels.get("nvidia.com/mig.config", "")
    if labels.get("nvidia.com/mig.strategy") != "single" and not config.startswith("all-"):
        return None
    if labels.get("nvidia.com/gpu.slices.gi"):
        return ""
    return "" if config.startswith("all-") and config not in ("all-disabled", "all-enabled") else None


def _pool(view: View, card: _Card, resource: str) -> Pool:
    match = _MIG.fullmatch(resource)
    prefix = f"nvidia.com/{match[1]}" if match else "nvidia.com/gpu"
    if match:
        cut: str | None = match["profile"]
        memory, origin = view.number(f"{prefix}.memory"), "label"
        if memory is None:
            memory, origin = _slice_mib(card, match["profile"]), "model-table"
        sharing = _sharing(view, prefix)
        if sharing == "none" and resource.endswith(".shared"):
            sharing = ""
    else:
        cut = card.profile
        memory, origin = _gpu_memory(view, card)
        sharing = _gpu_sharing(view, card, resource)
    factor = view.number(f"{prefix}.replicas") or (
        None if match else view.number(_GKE + "gke-max-shared-clients-per-gpu")
    )
    memory, guarantee = _worth(memory, sharing, factor, cut)
    if memory is None:
        return view.pool(resource, mig_profile=cut or None)
    return view.pool(
        resource, mem_mib=memory, mem_guarantee=guarantee, mem_from=origin, mig_profile=cut or None
    )


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


def _gpu_memory(view: View, card: _Card) -> tuple[int | None, str]:
    """Memory of the card (or of the slice under MIG single) and where it is from."""
    if card.labelled and card.product is None:
        return None, "none"
    if memory := view.number("nvidia.com/gpu.memory"):
        return memory, "label"
    for prefix in ("karpenter.k8s.aws/instance-gpu-", "eks.amazonaws.com/instance-gpu-"):
        if memory := view.number(prefix + "memory"):
            return memory, "label"
    if card.profile is not None:
        return _slice_mib(card, card.profile), "model-table"
    known = product_named(card.product)
    if known is not None and known.memory_mib:
        return known.memory_mib, "instance-type" if card.product_from == "instance-type" else "model-table"
    digits = re.search(r"^(?!GH|GB)(?:.*-)?(\d{1,3})GB(?:-|$)", card.product or "")
    return (int(digits[1]) * 1024, "product-name") if digits else (None, "none")


def _slice_mib(card: _Card, profile: str) -> int | None:
    """MiB of a MIG slice of a known card; approximate."""
    return mig_profiles(product_named(card.product)).get(profile)


def _gpu_sharing(view: View, card: _Card, resource: str) -> str:
    """`none`, `time-slicing`, `mps`, or empty when it can't be told."""
    strategy = _sharing(view, "nvidia.com/gpu")
    if strategy in ("time-slicing", "mps"):
        return strategy
    replicas = view.number("nvidia.com/gpu.replicas")
    if resource.endswith(".shared") or card.shared_suffix or (replicas or 1) > 1:
        return ""
    units = view.capacity.get(resource, view.units.get(resource, 0))
    if not card.profile and card.count is not None and units > card.count:
        return ""
    if strategy == "none" or replicas in (0, 1) or card.labelled or card.count is not None:
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


def _physical(view: View, card: _Card, pools: tuple[Pool, ...]) -> int | None:
    """Whole cards; unknown where the labels count slices."""
    if card.profile is not None:
        return view.number(_GKE + "gke-accelerator-count")
    if card.count is not None:
        return card.count if pools or card.product_from == "label" else None
    whole = [pool for pool in pools if pool.mem_guarantee is Guarantee.EXCLUSIVE]
    return whole[0].capacity if len(pools) == 1 and whole else None


def _promised(view: View, card: _Card) -> Pool | None:
    """The pool of a node that says it is served by DRA, from its labels alone."""
    mode = view.labels.get("nvidia.com/gpu-operator.resource-allocation.mode", "")
    if mode != "dra" and view.labels.get("nvidia.com/gpu.deploy.dra-driver") != "true":
        return None
    if not card.count or not card.labelled or card.profile is not None:
        return None
    memory = view.number("nvidia.com/gpu.memory")
    return Pool(
        resource="dra:gpu.nvidia.com",
        units=card.count,
        capacity=card.count,
        mem_mib=memory,
        mem_guarantee=Guarantee.EXCLUSIVE if memory else Guarantee.UNKNOWN,
        mem_from="dra" if memory else "none",
        asked_for=None,
    )


def _from_devices(view: View, devices: tuple[DraPool, ...], notes: tuple[str, ...]) -> Found:
    """The answer of the ResourceSlices, which beat labels: they know several products on one node."""
    whole = [pool for pool in devices if pool.type != "mig"]
    first = (whole or list(devices))[0]
    product = name(first.product) if first.product else None
    pools = tuple(
        device_pool(
            pool,
            resource=f"dra:{pool.driver}"
            + (f"/{pool.profile}" if pool.type == "mig" and pool.profile else ""),
            mem_guarantee=Guarantee.HARD_SLICE if pool.type == "mig" else Guarantee.EXCLUSIVE,
            mig_profile=pool.profile if pool.type == "mig" else None,
            product=name(pool.product) if pool.product and name(pool.product) != product else None,
        )
        for pool in devices
    )
    if not all(pool.complete for pool in devices):
        notes += (
            "ResourceSlices of the newest generation are missing: until they come nothing is handed out",
        )
    if any(pool.shared for pool in devices):
        notes += ("the driver cuts cards on demand: a card that is partly in use can still give slices",)
    known = product_named(product)
    cc = first.cc or _capability(view.labels) or (known.capability if known else None)
    family = (first.architecture or "").lower().replace(" ", "-") or _family(view.labels, cc)
    counted = view.number("nvidia.com/gpu.count")
    cards = sum(pool.capacity for pool in whole) + len(
        {parent for pool in devices for parent in pool.parents}
    )
    return Found(
        vendor="nvidia",
        product=product,
        product_from="dra" if product else "",
        family="ada-lovelace" if family == "ada" else family or None,
        cc=cc,
        physical=counted if counted is not None else cards or None,
        pools=pools,
        notes=(*notes, *unhealthy(pools)),
        why=incomplete(devices),
    )


def _capability(labels: Mapping[str, str]) -> str | None:
    major = labels.get("nvidia.com/gpu.compute.major", "")
    minor = labels.get("nvidia.com/gpu.compute.minor", "")
    return f"{major}.{minor}" if major.isdecimal() and minor.isdecimal() else None


def _family(labels: Mapping[str, str], cc: str | None) -> str | None:
    family = labels.get("nvidia.com/gpu.family", "")
    if family and family != "undefined":
        return family
    generation = vendors()["nvidia"].generation(cc)
    return generation.label if generation else None


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
        notes.append("MIG strategy single, but the cards are cut differently: units can't be told apart")
    if labels.get("nvidia.com/gpu.workload.config", "").startswith("vm-"):
        notes.append("the cards are set aside for virtual machines")
    if labels.get("nvidia.com/vgpu.present") == "true":
        notes.append("vGPU: the memory is the profile's")
    return tuple(notes)
