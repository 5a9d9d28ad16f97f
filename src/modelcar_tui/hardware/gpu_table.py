"""The GPU table: what a product has, and what vLLM sees of it."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table


class GpuRow(msgspec.Struct, frozen=True):
    """One product. A field without a value is not known."""

    product: str
    """As the node label writes it."""
    vendor: str
    generation: str = ""
    capability: str | None = None
    memory_mib: int | None = None
    visible_gib: float | None = None
    """CUDA's total: smaller than the label's."""
    sms: int | None = None
    aliases: tuple[str, ...] = ()
    other_mib: tuple[int, ...] = ()
    """What other drivers print on the label."""
    evidence: str = ""


class GpuTable(msgspec.Struct, frozen=True):
    """Everything in `gpus.json`."""

    gpus: tuple[GpuRow, ...]
    mig_mib: dict[str, dict[str, int]]
    """Memory of the MIG profiles, by family of cards."""


@cache
def gpu_table() -> GpuTable:
    """The table, read once."""
    return table(__file__, "gpus.json", GpuTable)
