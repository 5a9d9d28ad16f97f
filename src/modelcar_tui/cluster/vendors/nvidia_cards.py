"""Which NVIDIA cards a node has, and how many, before the units are looked at.

Key names and their meaning: NVIDIA/k8s-device-plugin, internal/lm. Its labels describe one product, and count
the cards of that one.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelcar_tui.cluster.vendors.nvidia_names import SUFFIX, name
from modelcar_tui.cluster.vendors.registers import Register, register
from modelcar_tui.cluster.vendors.view import View
from modelcar_tui.hardware import by_cloud, instance

GKE = "cloud.google.com/"
CLOUD_PREFIXES = ("karpenter.k8s.aws/instance-gpu-", "eks.amazonaws.com/instance-gpu-")
_FEATURES = tuple(f"nvidia.com/gpu.{name}" for name in ("memory", "count", "replicas", "sharing-strategy"))
_ALIYUN = "aliyun.accelerator/nvidia_"
_DISPLAYS = ("0300", "0302")
"""PCI classes of cards; NVSwitches and audio devices are NVIDIA's, too."""
_SMALLEST_SHARED_MIB = 5 * 1024
"""Cards with less drive displays: many units beside one are other cards, not shares of it."""
_MOST_CARDS = 16
"""Of a machine (DGX-2, a2-megagpu-16g): more units are shares, whether the labelled cards divide them or not,
for a plug-in may leave a sick card out, or split the cards unlike."""


class Cards(msgspec.Struct, frozen=True, kw_only=True):
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
    several: bool = False
    """Cards of several kinds: nothing that describes one of them holds for a unit."""
    part: bool = False
    """The machine has a part of a card, which its labels count as none: it is all that a pod can get."""
    proven: bool = False
    """The machine's type or a register of its devices counts the cards, so that more units are shares."""


def cards_of(view: View) -> Cards:
    """The node's cards by the best of its labels, its machine type and the register of a sharing plug-in."""
    cards = _described(view)
    found = register(view.annotations)
    if found is not None and not _whole_by_labels(view, cards):
        return _registered(cards, found)
    if cards.profile is not None:
        return cards
    if cards.labelled and cards.count:
        return _counted(view, cards)
    machine = _machine(view)
    if cards.count is None and (listed := view.units.get("aliyun.com/gpu-count")):
        return msgspec.structs.replace(cards, count=listed, proven=True)
    return msgspec.structs.replace(cards, proven=bool(machine) and cards.count == machine)


def units_of(view: View) -> int:
    """Units of `nvidia.com/gpu` that the node has, healthy or not."""
    return view.capacity.get("nvidia.com/gpu", view.units.get("nvidia.com/gpu", 0))


def _described(view: View) -> Cards:
    """The cards as the first of the describing labels has them, else by the machine's type."""
    labels = view.labels
    count = view.number("nvidia.com/gpu.count")
    if raw := labels.get("nvidia.com/gpu.product", ""):
        return _discovered(view, raw, count)
    if gke := labels.get("cloud.google.com/gke-accelerator"):
        return Cards(
            product=cloud.name if (cloud := by_cloud(gke)) else gke.removeprefix("nvidia-"),
            product_from="label",
            count=view.number("cloud.google.com/gke-accelerator-count") or count,
            profile=labels.get("cloud.google.com/gke-gpu-partition-size") or None,
        )
    for prefix in CLOUD_PREFIXES:
        if short := labels.get(prefix + "name"):
            return _on_aws(view, short, view.number(prefix + "count"), count)
    if raw := labels.get(_ALIYUN + "name", ""):
        counted = view.number(_ALIYUN + "count") or count
        return Cards(product=name(raw) or None, product_from="label", count=counted)
    return _by_machine(view, count)


def _discovered(view: View, product: str, count: int | None) -> Cards:
    """GPU Feature Discovery puts how cards are cut and shared behind the product's name."""
    match = SUFFIX.search(product)
    profile = match["profile"] if match else None
    return Cards(
        product=name(product) or None,
        product_from="label",
        labelled=True,
        count=count,
        profile="" if profile == "INVALID" else profile or _cut_anyway(view.labels),
        shared_suffix=bool(match and match["shared"]),
    )


def _on_aws(view: View, short: str, counted: int | None, count: int | None) -> Cards:
    """A machine with a part of a card is counted as one with none."""
    known = instance(view.instance_type)[0] or by_cloud(short)
    return Cards(
        product=known.name if known else None,
        product_from="label",
        count=counted or count or (1 if counted == 0 else None),
        part=counted == 0,
    )


def _by_machine(view: View, count: int | None) -> Cards:
    known, cards = view.machine("nvidia")
    cut = _cut_anyway(view.labels)
    if (
        cut is None
        and view.labels.get("nvidia.com/mig.capable") != "false"
        and any(key in view.labels for key in _FEATURES)
    ):
        # The product, whose suffix would tell, is the one label that is missing.
        cut = ""
    return Cards(
        product=known.name if known else None,
        product_from="instance-type",
        count=count or cards or None,
        profile=cut,
    )


def _whole_by_labels(view: View, cards: Cards) -> bool:
    """Whether the labels account for every unit: a register may have outlived its plug-in."""
    return cards.labelled and (cards.profile is not None or units_of(view) <= (cards.count or 0))


def _registered(cards: Cards, found: Register) -> Cards:
    """A register knows every card, of whatever kind, and counts them."""
    kinds = {name(one) for one in found.products}
    if len(kinds) > 1:
        return Cards(count=found.cards, several=True, proven=True)
    if not cards.labelled and kinds:
        cards = Cards(product=next(iter(kinds)), product_from="annotation")
    return msgspec.structs.replace(cards, count=found.cards, proven=True)


def _counted(view: View, cards: Cards) -> Cards:
    """Where more units are offered whole than the labels count: shares of the cards, unless something says
    that the others are other cards."""
    units, count = units_of(view), cards.count or 0
    told = view.labels.get("nvidia.com/gpu.sharing-strategy", "none") != "none"
    if units <= count or cards.shared_suffix or told or (view.number("nvidia.com/gpu.replicas") or 1) > 1:
        return cards
    if machine := _machine(view, cards.product):
        return msgspec.structs.replace(cards, count=machine if units <= machine else count, proven=True)
    undivided = units % count and units <= _MOST_CARDS
    if undivided or _is_display(view, cards) or len(_on_the_bus(view)) > 1:
        return msgspec.structs.replace(cards, product=None, count=units, several=True)
    return cards


def _machine(view: View, product: str | None = None) -> int:
    """Cards of the machine's type; 0 where it is not known, or has other cards than the product."""
    known, cards = view.machine("nvidia")
    return cards if known is not None and product in (None, known.name) else 0


def _is_display(view: View, cards: Cards) -> bool:
    memory = view.number("nvidia.com/gpu.memory")
    return "display" in (cards.product or "").lower() or (
        memory is not None and memory < _SMALLEST_SHARED_MIB
    )


def _on_the_bus(view: View) -> set[str]:
    """Device ids of the cards that NFD saw."""
    return {device for device in view.pci("10de", _DISPLAYS) if device}


def _cut_anyway(labels: Mapping[str, str]) -> str | None:
    """An empty profile where the product's suffix is missing but other labels say that the cards are cut.

    Under strategy mixed slices have resources of their own, and `nvidia.com/gpu` means whole cards.
    """
    config = labels.get("nvidia.com/mig.config", "")
    strategy = labels.get("nvidia.com/mig.strategy")
    if strategy == "mixed" or (strategy != "single" and not config.startswith("all-")):
        return None
    if labels.get("nvidia.com/gpu.slices.gi"):
        return ""
    return "" if config.startswith("all-") and config not in ("all-disabled", "all-enabled") else None
