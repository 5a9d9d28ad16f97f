"""AMD: the node labeller's two prefixes and two forms, partitions, DRA.

Sources: ROCm/k8s-device-plugin, cmd/k8s-node-labeller and docs/user-guide/configuration.md.
"""

from __future__ import annotations

import re

from modelcar_tui.cluster.dra import DraPool
from modelcar_tui.cluster.types import Guarantee, Pool
from modelcar_tui.cluster.vendors.view import Found, View, device_pool, incomplete, table_mib, worth
from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.hardware import by_id, instance, largest_mib, product_named
from modelcar_tui.kube import mebibytes

_RESOURCE = re.compile(r"amd\.com/(?:gpu|(?P<mode>spx|dpx|tpx|qpx|cpx)_nps(?P<nps>\d))")
_PRESENT = ("feature.node.kubernetes.io/amd-gpu", "feature.node.kubernetes.io/amd-vgpu")
"""What the operator's NFD rule writes of cards and of virtual functions (ROCm/gpu-operator,
helm-charts-k8s/templates/gpu-nfd-default-rule.yaml)."""
_PREFIXES = ("amd.com/gpu.", "beta.amd.com/gpu.")
_PARTITION_KEYS = ("amd.com/gpu.compute-memory-partition", "amd.com/compute-memory-partition")
_PARTITION = re.compile(r"(?P<mode>spx|dpx|tpx|qpx|cpx)_nps(?P<nps>\d)")
_MI = re.compile(r"MI\d{2,3}[A-Z]?")
_CAN_PARTITION = re.compile(r"Instinct-MI3\d\d[A-Z]?")
_BOARD = 8
"""Cards on a board of the MI300 series; more units than that are partitions."""
_PARTS = {"spx": 1, "dpx": 2, "tpx": 3, "qpx": 4}
"""Partitions of a card by compute mode; in the mode CPX they are as many as the card has compute dies."""
_MOST_DIES = 8
_Worth = tuple[int | None, Guarantee, str]
"""MiB of a unit, what they are worth, and where they were read."""
_NOT_KNOWN: _Worth = (None, Guarantee.UNKNOWN, "none")
_SIZE = re.compile(r"(\d{1,4})\s*([GMT])i?B?")


def find(view: View) -> Found | None:
    """What the node says of AMD cards, or None when there are none."""
    resources = view.offered(_RESOURCE)
    devices = view.devices("gpu.amd.com")
    if not (resources or devices or _present(view)):
        return None
    product, origin = _product(view, advertised=bool(resources or devices))
    if resources or not devices:
        pools = tuple(_pool(view, resource, product, resources) for resource in resources)
        physical = _cards(view, pools, product)
    else:
        product, origin = (product, origin) if product else _told_by_driver(devices)
        pools = tuple(_device_pool(pool) for pool in devices)
        physical = sum(len(pool.parents) or _uncut(pool, product) for pool in devices)
    known = product_named(product)
    return Found(
        vendor="amd",
        product=product,
        product_from=origin,
        family=known.family if known else None,
        cc=known.capability if known else None,
        physical=physical or None,
        pools=pools,
        notes=_shared_memory(view, pools),
        why=incomplete(devices),
    )


def _present(view: View) -> bool:
    """Whether a label says that there are cards, offered or not."""
    return (
        any(key.startswith(_PREFIXES) for key in view.labels)
        or any(view.labels.get(key) == "true" for key in _PRESENT)
        or bool(view.pci("1002"))
    )


def _shared_memory(view: View, pools: tuple[Pool, ...]) -> tuple[str, ...]:
    if any(pool.mem_mib is None and "nps1" in _style(view, pool.resource) for pool in pools):
        return ("partitions share one pool of memory (NPS1): what one gets is not fixed",)
    return ()


def name(product: str) -> str | None:
    """`AMD_Instinct_MI300X_OAM` as `Instinct-MI300X`; None for `AMD_Radeon_Graphics`, which is no product."""
    if match := _MI.search(product):
        model = match[0]
        return "Instinct-" + {"MI325": "MI325X"}.get(model, model)
    bare = re.sub(r"[\s_]+", "-", product).removeprefix("AMD-")
    return None if bare in ("", "Radeon-Graphics") else bare


def _product(view: View, *, advertised: bool) -> tuple[str | None, str]:
    """Product and what it was read from: product name, device id, instance type."""
    named = {found for raw in _values(view, "product-name") if (found := name(raw))}
    known = {
        card.name
        for raw in _values(view, "device-id")
        if (card := by_id("amd", raw.lower().removeprefix("0x")))
    }
    if kinds := named or known:
        # Labels of a node with cards of several kinds don't say which resource is which.
        return (next(iter(kinds)), "label" if named else "device-id") if len(kinds) == 1 else (None, "")
    if advertised:
        for raw in view.pci("1002"):
            if card := by_id("amd", raw):
                return card.name, "device-id"
        if card := view.machine("amd")[0]:
            return card.name, "instance-type"
    return None, ""


def _told_by_driver(devices: tuple[DraPool, ...]) -> tuple[str | None, str]:
    product = next((name(pool.product) for pool in devices if pool.product), None)
    return product, "dra" if product else ""


def _values(view: View, kind: str) -> dict[str, int | None]:
    """Values of a label kind with their counts where told; homogeneous form first, then `kind.value:
    count`."""
    for prefix in _PREFIXES:
        if value := view.labels.get(f"{prefix}{kind}"):
            return {value: None}
    found: dict[str, int | None] = {}
    for prefix in _PREFIXES:
        start = f"{prefix}{kind}."
        for key in view.labels:
            if key.startswith(start):
                found.setdefault(key.removeprefix(start), view.number(key))
    return found


def _style(view: View, resource: str) -> str:
    """`cpx_nps4` of a resource: its own name under the naming strategy `mixed`, else the node's label."""
    match = _RESOURCE.fullmatch(resource)
    if match and match["mode"]:
        return f"{match['mode']}_nps{match['nps']}"
    return next((view.labels[key].lower() for key in _PARTITION_KEYS if view.labels.get(key)), "")


def _mode(style: str) -> str:
    match = _PARTITION.fullmatch(style)
    return match["mode"] if match else ""


def _parts(style: str, product: str | None) -> int:
    """Partitions that a card is in."""
    mode, known = _mode(style), product_named(product)
    dies = (known.dies if known else None) or _MOST_DIES
    return _PARTS.get(mode, dies) if mode else 1


def _guarantee(style: str) -> Guarantee:
    match = _PARTITION.fullmatch(style)
    if match is None or match["mode"] == "spx":
        return Guarantee.EXCLUSIVE
    return Guarantee.UNKNOWN if match["nps"] == "1" else Guarantee.HARD_SLICE


def _pool(view: View, resource: str, product: str | None, resources: list[str]) -> Pool:
    known = worth(*_unit(view, resource, product, resources))
    return view.pool(resource, partition=_mode(_style(view, resource)), **known)


def _unit(view: View, resource: str, product: str | None, resources: list[str]) -> _Worth:
    """Memory of one unit, what it is worth and its source: the labels, else the table."""
    style = _style(view, resource)
    guarantee = _guarantee(style)
    if style and guarantee is Guarantee.UNKNOWN:
        return _NOT_KNOWN
    if memory := _labelled_memory(view, resource, resources):
        return _as_labelled(view, resource, product, memory)
    card = table_mib(product)
    if card is None or not (style or _whole(view, resource, product)):
        return _NOT_KNOWN
    by_type = _product(view, advertised=True)[1] == "instance-type"
    return card // _parts(style, product), guarantee, "instance-type" if by_type else "model-table"


def _as_labelled(view: View, resource: str, product: str | None, memory: int) -> _Worth:
    """What the label's memory is worth as a unit's: it may be that of the card of which a unit is a part."""
    style, table, largest = _style(view, resource), table_mib(product), largest_mib("amd")
    guarantee, parts = _guarantee(style), _parts(style, product)
    if not style and not _whole(view, resource, product):
        units = view.capacity.get(resource) or view.units.get(resource, 0)
        if units > _BOARD and memory > largest // _MOST_DIES:
            return _NOT_KNOWN  # partitions of one memory, or too large for one
        guarantee = guarantee if memory == table else Guarantee.UNKNOWN
    if table is None and memory > largest // parts:
        return _NOT_KNOWN  # no partition has more than its share of the largest card
    if table is not None and parts > 1 and memory > table // parts * 1.05:
        # The label has the whole card's memory, which no partition has.
        return table // parts, guarantee, "model-table"
    return memory, guarantee, "label"


def _device_pool(pool: DraPool) -> Pool:
    """Partitions that share one pool of memory are told that pool's size each, which none of them has."""
    style = (pool.profile or "").lower()
    guarantee = _guarantee(style)
    memory = None if guarantee is Guarantee.UNKNOWN else pool.mem_mib
    return device_pool(pool, mem_mib=memory, mem_guarantee=guarantee, partition=_mode(style))


def _uncut(pool: DraPool, product: str | None) -> int:
    """Cards that partitions are of, where the driver names none that they are cut from."""
    return ceil_div(pool.capacity, _parts((pool.profile or "").lower(), product))


def _labelled_memory(view: View, resource: str, resources: list[str]) -> int | None:
    """MiB of one unit from the labels; with several sizes the one whose count is the resource's."""
    sizes = {mib: count for text, count in _values(view, "vram").items() if (mib := _size(text))}
    if len(sizes) == 1 and len(resources) == 1:
        return next(iter(sizes))
    units = view.capacity.get(resource) or view.units.get(resource, 0)
    fitting = [mib for mib, count in sizes.items() if count == units]
    return fitting[0] if len(fitting) == 1 else None


def _whole(view: View, resource: str, product: str | None) -> bool:
    """Whether a unit is a whole card although no label tells of partitions."""
    if product is not None and not _CAN_PARTITION.fullmatch(product):
        return True
    _, cards = instance(view.instance_type)
    units = view.capacity.get(resource) or view.units.get(resource, 0)
    return 0 < units <= cards


def _cards(view: View, pools: tuple[Pool, ...], product: str | None) -> int | None:
    """Whole cards in the node, or None where units may be partitions of them."""
    known, machine = view.machine("amd")
    if pools and known is not None:
        return machine
    cards = 0
    for pool in pools:
        style = _style(view, pool.resource)
        whole = pool.mem_guarantee is Guarantee.EXCLUSIVE or _whole(view, pool.resource, product)
        if not style and not whole:
            return None
        cards += _behind(pool, _parts(style, product))
    return cards or None


def _behind(pool: Pool, parts: int) -> int:
    """Cards behind partitions. A plug-in that does not know of partitions offers one of each card: a whole
    board of cards, where that many partitions would be part of one (ROCm/k8s-device-plugin#157)."""
    units = pool.capacity or 0
    if pool.resource == "amd.com/gpu" and units == _BOARD:
        return units
    return ceil_div(units, parts)


def _size(text: str) -> int | None:
    """MiB of `192G`, which is a rounded number of GiB."""
    match = _SIZE.fullmatch(text)
    return mebibytes(f"{match[1]}{match[2]}i") if match else None
