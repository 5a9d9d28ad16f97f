"""One unit of an accelerator, as a pod gets it."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.facts import Fact
from modelcar_tui.hardware.vendor import NVIDIA, vendors


class Gpu(msgspec.Struct, frozen=True, kw_only=True):
    """One unit that a pod gets: a whole card or a slice."""

    product: str
    profile: str = ""
    """`3g.40gb`: of a MIG slice whose product is its card's."""
    vendor: str = NVIDIA
    """One of `vendors()`, or another resource's domain."""
    memory_gib: Fact[float] = Fact()
    """What the node says the unit has (nvidia-smi's total), in GiB."""
    compute_capability: str | None = None
    """`9.0`, or the gfx name on AMD."""
    count: int = 1
    """Units on one node, the most that tensor parallelism can use."""
    visible_gib: Fact[float] = Fact()
    """What CUDA lets vLLM see, which it multiplies by the utilization; less than the label's number."""
    free_gib: Fact[float] = Fact()
    """Free when vLLM starts; no value means an idle card, unless the note says why nobody knows."""
    link: str = ""
    """To the next card, `NVLink` or `PCIe`, where its form or its name tells."""
    sms: int | None = None
    """Multiprocessors (compute units on AMD): the sampler's Triton kernel keeps a row of logits for each."""

    @property
    def capability(self) -> float | None:
        """The compute capability as a number, 9.0; None for gfx names and what is unknown."""
        try:
            found = float(self.compute_capability or 0)
        except ValueError:
            return None
        return found if 0 < found < 1000 else None

    @property
    def unified(self) -> bool:
        """Whether the memory is the operating system's too."""
        vendor = vendors().get(self.vendor)
        generation = vendor.generation(self.compute_capability) if vendor else None
        return generation is not None and generation.unified
