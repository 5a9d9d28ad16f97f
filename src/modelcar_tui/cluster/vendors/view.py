"""What the vendors' files look at, and what they answer."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping

import msgspec

from modelcar_tui.cluster.dra import DraPool
from modelcar_tui.cluster.types import Guarantee, Pool
from modelcar_tui.core.decode import convert
from modelcar_tui.hardware import Product, instance, product_named

_PCI = re.compile(r"feature\.node\.kubernetes\.io/pci-(?P<fields>[0-9a-f_]+)\.(?:present|sriov\.capable)")


class View(msgspec.Struct, frozen=True, kw_only=True):
    """A node reduced to what says something of accelerators; texts are cleaned."""

    labels: Mapping[str, str]
    units: Mapping[str, int]
    """Allocatable, extended resources only."""
    capacity: Mapping[str, int]
    annotations: Mapping[str, str] = {}
    """As they were sent: what reads one cleans it."""
    instance_type: str | None = None
    dra: tuple[DraPool, ...] = ()

    def number(self, key: str) -> int | None:
        """A label that is a whole number."""
        value = self.labels.get(key, "")
        return int(value) if value.isdecimal() and value.isascii() and len(value) < 10 else None

    def offered(self, pattern: re.Pattern[str]) -> list[str]:
        """Names of the resources that match and of which the node has, or had, any; sorted."""
        names = set(self.units) | set(self.capacity)
        return sorted(
            n for n in names if pattern.fullmatch(n) and (self.units.get(n) or self.capacity.get(n))
        )

    def devices(self, driver: str) -> tuple[DraPool, ...]:
        """The pools of devices of one driver."""
        return tuple(pool for pool in self.dra if pool.driver == driver)

    def machine(self, vendor: str) -> tuple[Product | None, int]:
        """The vendor's card in a machine of this type, and how many; None and 0 where it has none."""
        card, count = instance(self.instance_type)
        return (card, count) if card is not None and card.vendor == vendor else (None, 0)

    def pool(self, resource: str, **known: object) -> Pool:
        """The pool of a resource with its units."""
        units = self.units.get(resource, 0)
        capacity = self.capacity.get(resource, units)
        return convert({"resource": resource, "units": units, "capacity": capacity, **known}, Pool)

    def pci(self, vendor: str, classes: Collection[str] = ()) -> list[str]:
        """Device ids that NFD saw for a PCI vendor id; an empty text where it only saw the vendor.

        Args:
            vendor: four hexadecimal digits.
            classes: when given, only devices that the label says are of these.
        """
        found = []
        for key, value in self.labels.items():
            match = _PCI.fullmatch(key)
            fields = match["fields"].split("_") if match and value == "true" else []
            if vendor in fields[:2]:
                at = fields.index(vendor)
                if not classes or (at and fields[0] in classes):
                    found.append("".join(fields[at + 1 : at + 2]))
        return found


def table_mib(product: str | None) -> int | None:
    """MiB of a product's memory by our table."""
    known = product_named(product)
    return known.memory_mib if known else None


def worth(
    mib: int | None, guarantee: Guarantee = Guarantee.EXCLUSIVE, source: str = "model-table"
) -> dict[str, object]:
    """What is known of a unit's memory, as pools take it: nothing where that is None."""
    return {} if mib is None else {"mem_mib": mib, "mem_guarantee": guarantee, "mem_from": source}


def count(pools: Iterable[Pool]) -> int | None:
    """Units of pools, healthy or not; None for none."""
    return sum(pool.capacity or 0 for pool in pools) or None


def device_pool(pool: DraPool, **known: object) -> Pool:
    """The row of a pool of devices; named after its driver where `known` does not name it. Of a device that
    several claims may have each sees the whole memory."""
    told = {
        "resource": f"dra:{pool.driver}",
        "units": pool.units,
        "capacity": pool.capacity,
        "free": pool.free,
        "mem_mib": pool.mem_mib,
        "asked_for": None,
        "mem_from": "dra" if pool.mem_mib else "none",
    }
    row = convert({**told, **known}, Pool)
    if pool.several and row.mem_guarantee in (Guarantee.EXCLUSIVE, Guarantee.HARD_SLICE):
        row = msgspec.structs.replace(row, mem_guarantee=Guarantee.NONE)
    return (
        row if row.mem_mib else msgspec.structs.replace(row, mem_guarantee=Guarantee.UNKNOWN, mem_from="none")
    )


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a vendor's file says of a node: no pools means that a card is there but not offered."""

    vendor: str
    product: str | None = None
    product_from: str = ""
    family: str | None = None
    cc: str | None = None
    physical: int | None = None
    pools: tuple[Pool, ...] = ()
    notes: tuple[str, ...] = ()
    why: str = ""
    """Why none of its units can be had, where that is known."""
    scheduler: str = ""
    """`schedulerName` that a pod must name to get a unit, where it is not the vendor's."""
    unknown: bool = False
    """Found by the resource's name alone."""


INCOMPLETE = "resource-slices-incomplete"


def incomplete(devices: Iterable[DraPool]) -> str:
    """`why` of devices none of which can be had because slices are missing; empty otherwise."""
    devices = tuple(devices)
    return INCOMPLETE if devices and not any(pool.complete for pool in devices) else ""


def unhealthy(pools: tuple[Pool, ...]) -> tuple[str, ...]:
    """A note for each pool whose allocatable is below its capacity."""
    return tuple(
        f"{pool.capacity - pool.units} of {pool.capacity} {pool.resource} unhealthy or withheld"
        for pool in pools
        if pool.capacity is not None and pool.units < pool.capacity
    )
