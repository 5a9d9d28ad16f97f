"""Intel: Gaudi (memory and generation are never labelled by the vendor) and data-centre GPUs."""

from __future__ import annotations

import re
from collections.abc import Mapping

from modelcar_tui.cluster.types import Guarantee, Pool
from modelcar_tui.cluster.vendors.view import Found, View, count, device_pool, incomplete, table_mib, worth
from modelcar_tui.hardware import by_id, row_named
from modelcar_tui.kube import mebibytes

_GAUDI = re.compile(r"habana\.ai/gaudi\d?")
_GPU = re.compile(r"gpu\.intel\.com/(?:i915|xe)")
_DEVICE_ID = re.compile(r"gpu\.intel\.com/device-id\.[0-9a-f]{4}-(?P<id>[0-9a-f]{4})\.(?:count|present)")
_GENERATION = re.compile(r"gaudi[-_ ]?(?P<n>\d)(?!\d)|HL-?(?P<board>\d\d)\d", re.IGNORECASE)
"""`Gaudi 2`; HL-205, HL-225H, HL-288, HL-325L, HL-338, ..."""


def find_gaudi(view: View) -> Found | None:
    """What the node says of Gaudi cards, or None when there are none."""
    resources = view.offered(_GAUDI)
    devices = view.devices("gaudi.intel.com")
    ids = view.pci("1da3")
    if not (resources or devices or ids):
        return None
    product, origin = _gaudi_product(view, ids, advertised=bool(resources or devices))
    if product is None and devices and devices[0].product:
        # The driver calls the first generation by the family's name.
        first = devices[0].product.casefold() == "gaudi"
        product, origin = "Gaudi" if first else _generation(devices[0].product), "dra"
    known = _gaudi_worth(view, product, origin)
    pools = tuple(view.pool(resource, **known) for resource in resources)
    pools = pools or tuple(device_pool(pool, **known) for pool in devices)
    cards = view.number("habana.ai/device.count")
    return Found(
        vendor="intel-gaudi",
        product=product,
        product_from=origin if product else "",
        physical=count(pools) if cards is None else cards,
        pools=pools,
        why=incomplete(devices),
    )


def find_gpu(view: View) -> Found | None:
    """What the node says of Intel GPUs; the monitoring resources are none."""
    resources = view.offered(_GPU)
    devices = view.devices("gpu.intel.com")
    if not (resources or devices or _gpu_present(view.labels)):
        return None
    product, origin = _gpu_product(view)
    cards = view.number("gpu.intel.com/device.count") or _listed(view)
    pools = tuple(_gpu_pool(view, resource, table_mib(product), cards) for resource in resources)
    if devices and not pools:
        cards = sum(pool.capacity for pool in devices) if cards is None else cards
        pools = tuple(
            device_pool(
                pool,
                mem_guarantee=Guarantee.EXCLUSIVE,
                vendor="intel-gpu",
                product=pool.product.replace(" ", "-") if pool.product else product,
                physical=cards,
            )
            for pool in devices
        )
        if product is None and (largest := max(pools, key=lambda pool: pool.mem_mib or 0)).product:
            product, origin = largest.product, "dra"
    return Found(
        vendor="intel-gpu",
        product=product,
        product_from=origin,
        physical=cards,
        pools=pools,
        notes=("OpenShift AI has no vLLM runtime for Intel GPUs",),
        why=incomplete(devices),
    )


def _gpu_present(labels: Mapping[str, str]) -> bool:
    """Whether a label says that there are GPUs, offered or not."""
    told = "gpu.intel.com/product" in labels or "gpu.intel.com/device.count" in labels
    return told or labels.get("intel.feature.node.kubernetes.io/gpu") == "true"


def _gaudi_product(view: View, ids: list[str], *, advertised: bool) -> tuple[str | None, str]:
    for key in ("habana.ai/product.name", "habana.ai/gaudi.product", "habana.ai/gaudi.generation"):
        if (raw := view.labels.get(key)) and (found := _generation(raw)):
            return found, "label"
    for device in ids:
        if card := by_id("intel-gaudi", device):
            return card.name, "device-id"
    if advertised and (card := view.machine("intel-gaudi")[0]):
        return card.name, "instance-type"
    return None, ""


def _gaudi_worth(view: View, product: str | None, origin: str) -> dict[str, object]:
    """What is known of a unit's memory: the label's word, else the table's."""
    labelled = _labelled_memory(view)
    source = "label" if labelled else "instance-type" if origin == "instance-type" else "model-table"
    return worth(labelled or table_mib(product), source=source)


def _generation(text: str) -> str | None:
    """Gaudi's generation out of a name; None for the family's name alone."""
    match = _GENERATION.search(text)
    if match is None:
        return None
    board = match["board"]
    card = by_id("intel-gaudi", f"HL-{board}") if board else row_named(f"Gaudi-{match['n']}")
    return card.name if card else None


def _labelled_memory(view: View) -> int | None:
    """MiB of `habana.ai/device.memory`, which administrators add by hand: `96Gi`, `98304Mi`, `96` or
    `98304`."""
    raw = view.labels.get("habana.ai/device.memory", "")
    if raw.isdecimal() and len(raw) < 8:
        return int(raw) * 1024 if int(raw) < 1024 else int(raw)
    return mebibytes(raw.removesuffix("B") if raw.endswith("iB") else raw) or None


def _gpu_product(view: View) -> tuple[str | None, str]:
    if raw := view.labels.get("gpu.intel.com/product"):
        return raw.replace("_", "-"), "label"
    ids = {match["id"] for key in view.labels if (match := _DEVICE_ID.fullmatch(key))}
    ids |= {device for device in view.pci("8086") if device}
    names = {card.name for device in ids if (card := by_id("intel-gpu", device))}
    return (names.pop(), "device-id") if len(names) == 1 else (None, "")


def _listed(view: View) -> int | None:
    """Devices by the counts that NFD's rules write for each device id; None where there are none."""
    counts = [view.number(key) or 0 for key in view.labels if _DEVICE_ID.fullmatch(key)]
    return sum(counts) or None


def _gpu_pool(view: View, resource: str, memory: int | None, cards: int | None) -> Pool:
    """More units than devices means `shared-dev-num` above 1: each has the whole device, with its
    neighbours."""
    units = view.capacity.get(resource) or view.units.get(resource, 0)
    shared = bool(cards and units > cards)
    if memory is None:
        return view.pool(resource, shares=shared)
    whole = Guarantee.EXCLUSIVE if cards else Guarantee.UNKNOWN
    return view.pool(resource, **worth(memory, Guarantee.NONE if shared else whole))
