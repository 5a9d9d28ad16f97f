"""The products: what a card is, whatever a label, a cloud or a person calls it, and what vLLM sees of it.

Every fact about one card stands in its row of `accelerators.json`; nothing else in the program knows cards.
"""

from __future__ import annotations

import re
from functools import cache

import msgspec

from modelcar_tui.core.facts import Fact, Source, unknown
from modelcar_tui.core.resources import table
from modelcar_tui.hardware.gpu import Gpu
from modelcar_tui.hardware.vendor import Generation, vendor_in, vendors

_NOISE = re.compile(r"^(nvidia|amd|intel|tesla|geforce|instinct|data-center-gpu)-|(-shared|-oam)$")
_MIG = re.compile(r"-mig-(\d+g\.\d+gb)(?:\.me)?(?:\.all)?$")
_SLICE_VISIBLE = 0.985
"""Share of a label's memory that CUDA shows; measured 0.984 to 0.994 on eight cards."""
_IBM_FLAVOUR = re.compile(r"(gx\d\w?)\.(\d+x\d+)\.(\w+)")


class Product(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of whole card. A field without a value is not known."""

    name: str
    """Ours, as a human says it: `H100-80GB-HBM3`."""
    label: str = ""
    """As NVIDIA's or AMD's node label writes it, where that is another."""
    aliases: tuple[str, ...] = ()
    """Other names, and short ones; of cards that share a short name the one that has it here is meant
    first."""
    vendor: str
    """One of `vendors()`."""
    capability: str | None = None
    """NVIDIA compute capability (`9.0`), or the gfx name on AMD."""
    memory_mib: int | None = None
    """Of the label, or of the specification where nothing labels it."""
    other_mib: tuple[int, ...] = ()
    """What other drivers print on the label."""
    visible_gib: float | None = None
    """CUDA's total: smaller than the label's."""
    sms: int | None = None
    """Multiprocessors; compute units on AMD."""
    dies: int | None = None
    """Compute dies (XCDs) of AMD's cards where they are not eight: partitions in the mode CPX."""
    mig: str = ""
    """The family of cards whose MIG slices it has."""
    link: str = ""
    """To the next card, where its form or its name tells: `NVLink`, `PCIe`."""
    gke: tuple[str, ...] = ()
    """Values of `cloud.google.com/gke-accelerator`."""
    karpenter: tuple[str, ...] = ()
    """Values of `karpenter.k8s.aws/instance-gpu-name`."""
    ids: tuple[str, ...] = ()
    """Device ids on the PCI bus, and beginnings of a board's name (`HL-22`)."""
    no_vllm: str = ""
    """Why no vLLM runs on it, where that is known."""
    evidence: str

    @property
    def written(self) -> str:
        """As the node label writes it."""
        return self.label or self.name

    @property
    def generation(self) -> Generation | None:
        """What cards of its capability have in common."""
        return vendors()[self.vendor].generation(self.capability)

    @property
    def family(self) -> str | None:
        """As node labels write it: `ada-lovelace`."""
        return self.generation.label if self.generation else None


class _Table(msgspec.Struct, frozen=True):
    products: tuple[Product, ...]
    slices: dict[str, dict[str, int]]
    instances: dict[str, tuple[str, int]]


def products() -> dict[str, Product]:
    """All rows by our names."""
    return _names().ours


def product_named(name: str | None) -> Product | None:
    """The row of one of our own names."""
    return _names().ours.get(name or "")


def row_named(name: str) -> Product | None:
    """The row of that very name, or of one of its other names; case, blanks, underscores, makers aside."""
    return _names().every.get(_bare(_normal(name)))


def row_of(name: str) -> Product | None:
    """The row that `gpu_for` takes: without a MIG profile, by a part of the name where the whole is not
    known; none for a vendor's word, which stands where the card is not known."""
    plain = _normal(name)
    if plain in vendors() and plain not in _names().every:
        return None
    mig = _MIG.search(plain)
    return _row(_bare(plain[: mig.start()] if mig else plain))


def by_cloud(word: str) -> Product | None:
    """The row that GKE's or Karpenter's label calls so."""
    return _names().clouds.get(word)


def by_id(vendor: str, device: str) -> Product | None:
    """The vendor's row with this PCI device id, or this beginning of a board's name."""
    return _names().ids.get((vendor, device))


def instance(kind: str | None) -> tuple[Product | None, int]:
    """Product and number of cards of a cloud's instance type; (None, 0) when it is not known to have any.

    IBM Cloud writes one type as `gx3-48x240x2l40s` (VPC) and as `gx3.48x240.2l40s` (its Kubernetes service).
    """
    name = kind or ""
    if match := _IBM_FLAVOUR.fullmatch(name):
        name = "{}-{}x{}".format(*match.groups())
    card, count = _table().instances.get(name, (None, 0))
    return product_named(card), count


def mig_profiles(card: Product | None) -> dict[str, int]:
    """MiB of the card's MIG slices by profile, approximate; empty when they are not known."""
    return _table().slices.get(card.mig, {}) if card else {}


def largest_mib(vendor: str) -> int:
    """The memory of the vendor's largest card."""
    return max((row.memory_mib or 0 for row in products().values() if row.vendor == vendor), default=0)


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
    mig = _MIG.search(_normal(product))
    row = row_of(product)
    label = Fact(value=memory_mib / 1024, source=Source.NODE_LABEL, unit="GiB") if memory_mib else None
    if row is None:
        return Gpu(
            product=product,
            vendor=vendor_in(product),
            count=count,
            memory_gib=label or unknown("this product is not in the GPU table", unit="GiB"),
            visible_gib=_share(label)
            if label
            else unknown("this product is not in the GPU table", unit="GiB"),
        )
    table_mib = mig_profiles(row).get(mig.group(1)) if mig else row.memory_mib
    memory = label or _from_table(table_mib / 1024 if table_mib else None, row)
    return Gpu(
        product=product,
        vendor=row.vendor,
        memory_gib=memory,
        visible_gib=_visible(row, memory, whole=mig is None),
        compute_capability=row.capability,
        count=count,
        sms=row.sms if mig is None else None,
        link=row.link,
    )


def _visible(row: Product, memory: Fact[float], *, whole: bool) -> Fact[float]:
    """CUDA's total: the table's, unless the node's label contradicts the card that the table describes."""
    if not whole:
        return _share(memory)  # of a slice that the table does not know nothing is known
    if not memory.known:
        return _from_table(row.visible_gib, row)
    value = memory.value or 0.0
    known = [mib / 1024 for mib in (row.memory_mib, *row.other_mib) if mib]
    same = not known or any(abs(value - other) <= 0.01 * other for other in known)
    if row.visible_gib and same and row.visible_gib <= value * 1.002:
        return _from_table(row.visible_gib, row)
    return _share(memory)


def _from_table(value: float | None, row: Product) -> Fact[float]:
    if value is None:
        return unknown("the GPU table has no figure for it", unit="GiB")
    return Fact(value=value, source=Source.GPU_TABLE, unit="GiB", note=row.evidence)


def _share(memory: Fact[float]) -> Fact[float]:
    if memory.value is None:
        return memory
    note = f"{_SLICE_VISIBLE:.1%} of what the {memory.source} says: what CUDA shows of a card"
    return Fact(value=memory.value * _SLICE_VISIBLE, source=memory.source, unit="GiB", note=note)


def _normal(product: str) -> str:
    return re.sub(r"[\s_]+", "-", product.strip().lower())[:120]


def _row(name: str) -> Product | None:
    """The row of that name, or the one whose name is the longest part of it."""
    rows = _names().every
    found = rows.get(name)
    if found is not None or "+" in name:
        return found
    words = name.split("-")
    spans = ((i, j) for i in range(len(words)) for j in range(len(words), i, -1))
    known = [span for i, j in spans if (span := "-".join(words[i:j])) in rows and _ends(span, words[j:])]
    return rows[max(known, key=len)] if known else None


def _ends(name: str, rest: list[str]) -> bool:
    """Whether a card's name ends here: `Gaudi` is not the card in `Gaudi-4`."""
    return any(char.isdecimal() for char in name) or not rest or not rest[0].isdecimal()


def _bare(name: str) -> str:
    before = ""
    while name != before:
        before, name = name, _NOISE.sub("", name)
    return name


class _Names(msgspec.Struct, frozen=True):
    ours: dict[str, Product]
    every: dict[str, Product]
    """Bare names: a card's own, its label's, its others."""
    clouds: dict[str, Product]
    ids: dict[tuple[str, str], Product]


@cache
def _names() -> _Names:
    rows = _table().products
    every: dict[str, Product] = {}
    for row in rows:
        for name in (row.name, row.written, *row.aliases):
            every.setdefault(_bare(_normal(name)), row)
    return _Names(
        ours={row.name: row for row in rows},
        every=every,
        clouds={word: row for row in rows for word in (*row.gke, *row.karpenter)},
        ids={(row.vendor, device): row for row in rows for device in row.ids},
    )


@cache
def _table() -> _Table:
    """The table, read once."""
    return table(__file__, "accelerators.json", _Table)
