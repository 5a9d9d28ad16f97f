"""The accelerator tables that ship with the product, read once."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec


class Product(msgspec.Struct, frozen=True):
    """One kind of whole card."""

    vendor: str
    mem_mib: int | None = None
    family: str | None = None
    cc: str | None = None


class Tables(msgspec.Struct, frozen=True):
    """`data/cluster_accelerators.json`."""

    products: dict[str, Product]
    instances: dict[str, tuple[str, int]]
    gke: dict[str, str]
    karpenter: dict[str, str]
    amd_devices: dict[str, str]
    gaudi_devices: dict[str, str]
    intel_devices: dict[str, str]
    mig_parents: dict[str, str]
    mig_profiles: dict[str, dict[str, int]]

    def mig_memory(self, parent: str | None, profile: str) -> int | None:
        """MiB of a MIG slice of a known card; approximate."""
        return self.mig_profiles.get(self.mig_parents.get(parent or "", ""), {}).get(profile)


@cache
def tables() -> Tables:
    """The tables."""
    data = files("modelcar_tui.data").joinpath("cluster_accelerators.json").read_bytes()
    return msgspec.json.decode(data, type=Tables)
