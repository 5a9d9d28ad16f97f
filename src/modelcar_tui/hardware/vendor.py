"""Vendors of accelerators: each one's words elsewhere, its generations, its column of the quantization table.

A vendor is called by one word everywhere (`intel-gaudi`); what Kubernetes, vLLM, OpenShift AI's templates and
the QA suite call it stands in its row of `accelerators.json`.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

import msgspec

from modelcar_tui.core.resources import table

_CAPABILITY = re.compile(r"(?:sm_?)?(\d+)(?:\.(\d+))?")
_GFX = re.compile(r"gfx[0-9a-f]+")
NVIDIA = "nvidia"
"""Taken for the vendor of a name that tells of none."""
AMD = "amd"


class Generation(msgspec.Struct, frozen=True):
    """What cards of one compute capability (NVIDIA) or gfx name (AMD) have in common."""

    capability: str
    name: str
    family: str = ""
    """As node labels write it; empty where it is the name in small letters."""
    column: str = ""
    """Of the quantization table, where it is not the vendor's."""
    mig: bool = False
    """Whether MIG can cut them; a desktop's cards among them excepted."""
    unified: bool = False
    """Whether they share their memory with the operating system."""

    @property
    def label(self) -> str:
        """As node labels write it: `ada-lovelace`."""
        return self.family or self.name.lower()


class Vendor(msgspec.Struct, frozen=True):
    """One vendor's row."""

    title: str
    """In the capitals of the predecessor's reports: `INTEL GAUDI`."""
    unit: str = "GPU"
    """What one of its accelerators is called: `Gaudi card`, `TPU chip`."""
    words: tuple[str, ...] = ()
    """What else it is called, and words in a product's name that tell of it."""
    prefix: str = ""
    """What all of its extended resources begin with; a processor has none."""
    resources: tuple[str, ...] = ()
    """Those that templates are recommended for; the first is that of a stated card."""
    driver: str = ""
    """Of its devices in ResourceSlices."""
    labels: tuple[str, ...] = ()
    """Beginnings of the label keys that tell of its cards."""
    templates: tuple[str, ...] = ()
    """`X` of OpenShift AI's `vllm-X-runtime-template`; none where it has no vLLM runtime for the vendor."""
    scheduler: str = ""
    """`schedulerName` that a pod must name to get a unit."""
    suite: str = ""
    """The QA suite's word; empty where it knows none."""
    column: str = ""
    """Of the quantization table; empty where it has none, or a generation has its own."""
    platform: str = ""
    """vLLM's platform with a list of methods of its own; empty for the rest."""
    generations: tuple[Generation, ...] = ()

    @property
    def runtime(self) -> str:
        """The word in the names of its templates: `cuda`; empty without any."""
        return self.templates[0].partition("-")[0] if self.templates else ""

    def generation(self, capability: str | None) -> Generation | None:
        """By gfx name, or the newest of the same major version that is not newer than `capability`."""
        return _generation(self.generations, (capability or "").strip().lower())


class _Table(msgspec.Struct, frozen=True):
    vendors: dict[str, Vendor]


class Hardware(msgspec.Struct, frozen=True):
    """An accelerator as the quantization table knows it."""

    label: str
    """For people: `NVIDIA-L4 (Ada, compute capability 8.9)`."""
    column: str = ""
    """`nvidia`, `gfx942`, `xpu`, `gaudi`, `spyre`, `tpu`, `cpu`; empty when it is not known or there is
    none."""
    capability: int = 0
    """NVIDIA compute capability x 10; 0 elsewhere."""
    platform: str = ""
    """vLLM's platform with a list of its own: `rocm`, `xpu`, `tpu`; empty for the rest."""

    @property
    def known(self) -> bool:
        """Whether a column of the table stands for it."""
        return bool(self.column)


@cache
def vendors() -> dict[str, Vendor]:
    """The vendors by our words."""
    return table(__file__, "accelerators.json", _Table).vendors


def served(vendor: str) -> bool:
    """Whether OpenShift AI has a vLLM runtime for the vendor's accelerators."""
    known = vendors().get(vendor)
    return known is not None and bool(known.templates)


def vendor_title(vendor: str) -> str:
    """A vendor as sentences write it: `INTEL GAUDI`; its own word where we don't know it."""
    known = vendors().get(vendor)
    return known.title if known else vendor


def unit_word(vendor: str) -> str:
    """What one accelerator of a vendor is called: `GPU`, `Gaudi card`; `device` where we don't know it."""
    known = vendors().get(vendor)
    return known.unit if known else "device"


def vendor_word(word: str) -> str:
    """Our word for what else a vendor is called (`habana`, `gaudi`, `xpu`); empty when none is."""
    word = word.strip().lower()
    if word in vendors():
        return word
    return next((name for name, vendor in vendors().items() if word in vendor.words), "")


def vendor_in(product: str) -> str:
    """The vendor that a product's name tells of, else NVIDIA: most names go without one."""
    told = set(re.split(r"[\s_.-]+", product.strip().lower()))
    return next(
        (name for name, vendor in vendors().items() if told & {name, *vendor.words} and vendor.prefix), NVIDIA
    )


def vendor_of_resource(resource: str) -> Vendor | None:
    """Whose extended resource, or pool of devices (`dra:gpu.nvidia.com`), it is."""
    device = resource.removeprefix("dra:")
    for vendor in vendors().values():
        begins = vendor.driver if device != resource else vendor.prefix
        if begins and device.startswith(begins):
            return vendor
    return None


def asked_resource(resource: str) -> str:
    """What a pod asks for to get units of a pool: of devices (`dra:gpu.nvidia.com`) the name of the vendor's
    device plug-in, else the resource itself."""
    vendor = vendor_of_resource(resource)
    return vendor.resources[0] if resource.startswith("dra:") and vendor else resource


def resource_prefixes() -> tuple[str, ...]:
    """What the resources of the known vendors begin with."""
    return tuple(vendor.prefix for vendor in vendors().values() if vendor.prefix)


@lru_cache(maxsize=4096)
def hardware(vendor: str, product: str = "", compute_capability: str | None = None) -> Hardware:
    """The quantization table's view of an accelerator.

    Args:
        vendor: our word, or another one for it.
        product: the card, for the sentences.
        compute_capability: `9.0`, or the gfx name on AMD.
    """
    name = product or vendor or "the GPU"
    word = vendor_word(vendor)
    row = vendors().get(word)
    if row is None:
        return Hardware(name)
    generation = row.generation(compute_capability)
    detail = (compute_capability or "").strip().lower()
    if word == NVIDIA:
        capability = _tenfold(detail)
        if capability is None:
            return Hardware(name)
        shown = f"compute capability {capability // 10}.{capability % 10}"
        told = f"{generation.name}, {shown}" if generation else shown
        return Hardware(f"{name} ({told})", row.column, capability)
    column = (generation.column if generation else "") or row.column
    if not column and not row.generations:
        return Hardware(f"{name} (the quantization table has no column for {row.title})")
    return Hardware(f"{name} ({detail})" if detail else name, column, platform=row.platform)


def _tenfold(written: str) -> int | None:
    """`9.0`, `sm_90`, `90` and `9` as 90; None for anything else."""
    found = _CAPABILITY.match(written)
    if found is None:
        return None
    whole, minor = int(found[1]), found[2]
    return whole * 10 + int(minor) if minor else whole if whole >= 50 else whole * 10


@lru_cache(maxsize=512)
def _generation(known: tuple[Generation, ...], written: str) -> Generation | None:
    if match := _GFX.search(written):
        return next((one for one in known if one.capability == match[0]), None)
    wanted = _tenfold(written)
    if wanted is None:
        return None
    numbered = [(number, one) for one in known if (number := _tenfold(one.capability))]
    older = [pair for pair in numbered if pair[0] <= wanted and pair[0] // 10 == wanted // 10]
    return max(older, key=lambda pair: pair[0])[1] if older else None
