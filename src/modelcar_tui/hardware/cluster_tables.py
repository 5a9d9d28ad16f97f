"""The accelerator tables that ship with the product, read once."""

from __future__ import annotations

import re
from functools import cache

import msgspec

from modelcar_tui.core.resources import table

_IBM_FLAVOUR = re.compile(r"(gx\d\w?)\.(\d+x\d+)\.(\w+)")


class Product(msgspec.Struct, frozen=True):
    """One kind of whole card."""

    vendor: str
    mem_mib: int | None = None
    family: str | None = None
    cc: str | None = None


class Tables(msgspec.Struct, frozen=True):
    """`cluster_accelerators.json`."""

    products: dict[str, Product]
    instances: dict[str, tuple[str, int]]
    gke: dict[str, str]
    karpenter: dict[str, str]
    amd_devices: dict[str, str]
    gaudi_devices: dict[str, str]
    intel_devices: dict[str, str]
    mig_parents: dict[str, str]
    mig_profiles: dict[str, dict[str, int]]

    def instance(self, kind: str | None) -> tuple[str | None, int]:
        """Product and number of cards of a cloud's instance type; (None, 0) when it is not known to have any.

        IBM Cloud writes one type as `gx3-48x240x2l40s` (VPC) and as `gx3.48x240.2l40s` (its Kubernetes
        service).
        """
        name = kind or ""
        if match := _IBM_FLAVOUR.fullmatch(name):
            name = "{}-{}x{}".format(*match.groups())
        return self.instances.get(name, (None, 0))

    def mig_memory(self, parent: str | None, profile: str) -> int | None:
        """MiB of a MIG slice of a known card; approximate."""
        return self.mig_profiles.get(self.mig_parents.get(parent or "", ""), {}).get(profile)


@cache
def tables() -> Tables:
    """The tables."""
    return table(__file__, "cluster_accelerators.json", Tables)
