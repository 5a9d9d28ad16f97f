"""GPU products, as labels and people write them, to what is known of them."""

from __future__ import annotations

import re
from functools import cache

from modelcar_tui.core.facts import Fact, Source, unknown
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.gpu_table import GpuRow, gpu_table

_NOISE = re.compile(r"^(nvidia|amd|intel|tesla|geforce|instinct|data-center-gpu)-|(-shared|-oam)$")
_MIG = re.compile(r"-mig-(\d+g\.\d+gb)(?:\.me)?(?:\.all)?$")
_SLICE_VISIBLE = 0.985
"""Share of a label's memory that CUDA shows; measured 0.984 to 0.994 on eight cards."""


def gpu_for(product: str, *, memory_mib: int | None = None, count: int = 1) -> Gpu:
    """What is known of a GPU product.

    Args:
        product: a node label (`NVIDIA-H100-80GB-HBM3`, with `-SHARED` or `-MIG-1g.10gb`), or a short
            name (`H100`, `A100-40`, `L40S`, `MI300X`); case, blanks and underscores do not matter.
        memory_mib: the node's own label for the memory of one unit; it wins over the table.
        count: units on the node.

    Returns:
        A Gpu; an unknown product has unknown memory.
    """
    name = _normal(product)
    mig = _MIG.search(name)
    row = row_of(product)
    slice_mib = _slice_mib(name, mig.group(1)) if mig else None
    label = Fact(value=memory_mib / 1024, source=Source.NODE_LABEL, unit="GiB") if memory_mib else None
    if row is None:
        return Gpu(
            product=product,
            vendor=_vendor(name),
            count=count,
            memory_gib=label or unknown("this product is not in the GPU table", unit="GiB"),
            visible_gib=_share(label)
            if label
            else unknown("this product is not in the GPU table", unit="GiB"),
        )
    table_mib = slice_mib if mig else row.memory_mib
    memory = label or _table(table_mib / 1024 if table_mib else None, row)
    return Gpu(
        product=product,
        vendor=row.vendor,
        memory_gib=memory,
        visible_gib=_visible(row, memory, whole=mig is None),
        compute_capability=row.capability,
        count=count,
        sms=row.sms if mig is None else None,
    )


def row_named(product: str) -> GpuRow | None:
    """The table's row of that very name, or of one of its other names."""
    return _rows().get(_bare(_normal(product)))


def row_of(product: str) -> GpuRow | None:
    """The row that `gpu_for` takes: without a MIG profile, by a part of the name where the whole is not
    known."""
    name = _normal(product)
    mig = _MIG.search(name)
    return _row(_bare(name[: mig.start()] if mig else name))


def _visible(row: GpuRow, memory: Fact[float], *, whole: bool) -> Fact[float]:
    """CUDA's total: the table's, unless the node's label contradicts the card that the table describes."""
    if not whole or not memory.known:
        return _share(memory) if memory.known else _table(row.visible_gib, row)
    value = memory.value or 0.0
    known = [mib / 1024 for mib in (row.memory_mib, *row.other_mib) if mib]
    same = not known or any(abs(value - other) <= 0.01 * other for other in known)
    if row.visible_gib and same and row.visible_gib <= value * 1.002:
        return _table(row.visible_gib, row)
    return _share(memory)


def _table(value: float | None, row: GpuRow) -> Fact[float]:
    if value is None:
        return unknown("the GPU table has no figure for it", unit="GiB")
    return Fact(value=value, source=Source.GPU_TABLE, unit="GiB", note=row.evidence)


def _share(memory: Fact[float]) -> Fact[float]:
    if memory.value is None:
        return memory
    note = f"{_SLICE_VISIBLE:.1%} of what the {memory.source} says: what CUDA shows of a card"
    return Fact(value=memory.value * _SLICE_VISIBLE, source=memory.source, unit="GiB", note=note)


def _slice_mib(name: str, profile: str) -> int | None:
    table = gpu_table().mig_mib
    families = [key for key in table if key.lower().split("-")[0] in name and profile in table[key]]
    return table[families[0]][profile] if families else None


def _normal(product: str) -> str:
    return re.sub(r"[\s_]+", "-", product.strip().lower())[:120]


def _row(name: str) -> GpuRow | None:
    """The row of that name, or the one whose name is the longest part of it."""
    found = _rows().get(name)
    if found is not None or "+" in name:
        return found
    words = name.split("-")
    spans = ("-".join(words[i:j]) for i in range(len(words)) for j in range(len(words), i, -1))
    known = [span for span in spans if span in _rows()]
    return _rows()[max(known, key=len)] if known else None


def _bare(name: str) -> str:
    before = ""
    while name != before:
        before, name = name, _NOISE.sub("", name)
    return name


def _vendor(name: str) -> str:
    words = set(name.replace(".", "-").split("-"))
    if words & {"amd", "instinct", "mi300x", "radeon"}:
        return "amd"
    if words & {"intel", "gaudi", "gaudi2", "gaudi3", "arc", "xpu", "flex"}:
        return "intel"
    if words & {"tpu", "google", "v5e", "v5p", "v6e"}:
        return "google"
    return "aws" if words & {"inf2", "trn1", "trn2", "neuron", "inferentia", "trainium"} else "nvidia"


@cache
def _rows() -> dict[str, GpuRow]:
    rows: dict[str, GpuRow] = {}
    for row in gpu_table().gpus:
        for name in (row.product, *row.aliases):
            rows.setdefault(_bare(_normal(name)), row)
    return rows
