"""Which column of the quantization table an accelerator belongs to."""

from __future__ import annotations

import re

import msgspec

_CAPABILITY = re.compile(r"(?:sm_?)?(\d+)(?:\.(\d+))?")

_GFX = {"gfx90a": "gfx90a", "gfx940": "gfx942", "gfx941": "gfx942", "gfx942": "gfx942", "gfx950": "gfx950"}
_GENERATIONS = {
    70: "Volta",
    75: "Turing",
    80: "Ampere",
    89: "Ada",
    90: "Hopper",
    100: "Blackwell",
    120: "Blackwell",
}
_OTHER = {
    "gaudi": "gaudi",
    "habana": "gaudi",
    "spyre": "spyre",
    "ibm": "spyre",
    "tpu": "tpu",
    "google": "tpu",
    "cpu": "cpu",
    "intel": "xpu",
    "xpu": "xpu",
}


class Hardware(msgspec.Struct, frozen=True):
    """An accelerator as the tables know it."""

    label: str
    """For people: `NVIDIA-L4 (compute capability 8.9)`."""
    column: str = ""
    """`nvidia`, `gfx942`, `xpu`, `gaudi`, `spyre`, `tpu`, `cpu`; empty when it is not known."""
    capability: int = 0
    """NVIDIA compute capability x 10; 0 elsewhere."""
    platform: str = ""
    """vLLM's platform with a list of its own: `rocm`, `xpu`, `tpu`; empty for the rest."""

    @property
    def known(self) -> bool:
        """Whether a column of the table stands for it."""
        return bool(self.column)


def hardware(vendor: str, product: str = "", compute_capability: str | None = None) -> Hardware:
    """The table's view of an accelerator; `compute_capability` is `9.0`, or the gfx name on AMD."""
    vendor = vendor.strip().lower()
    name = product or vendor or "the GPU"
    detail = (compute_capability or "").strip().lower()
    if vendor == "nvidia":
        capability = _tenfold(detail)
        if capability is None:
            return Hardware(name)
        family = _GENERATIONS[max((key for key in _GENERATIONS if key <= capability), default=70)]
        shown = f"{capability // 10}.{capability % 10}"
        return Hardware(f"{name} ({family}, compute capability {shown})", "nvidia", capability)
    if vendor == "amd":
        match = re.search(r"gfx[0-9a-f]+", detail)
        column = _GFX.get(match.group(), "") if match else ""
        return Hardware(f"{name} ({detail})" if detail else name, column, platform="rocm")
    column = _OTHER.get(vendor, "")
    if column == "xpu" and "gaudi" in product.lower():
        column = "gaudi"
    return Hardware(name, column, platform=column if column in ("xpu", "tpu") else "")


def _tenfold(written: str) -> int | None:
    """`9.0`, `sm_90`, `90` and `9` as 90; None for anything else."""
    found = _CAPABILITY.match(written)
    if found is None:
        return None
    whole, minor = int(found[1]), found[2]
    return whole * 10 + int(minor) if minor else whole if whole >= 50 else whole * 10
