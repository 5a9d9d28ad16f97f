"""One kind of matrix on one GPU, as vLLM lays it out."""

from __future__ import annotations

import msgspec

FLOAT32 = 4
"""Bytes of what vLLM keeps in 32 bits whatever the model's dtype: decays, some routers, mixed streams."""


class Weight(msgspec.Struct, frozen=True):
    """`count` equal matrices `out x inner` on one GPU (`inner` 1: a vector)."""

    label: str
    out: int
    inner: int
    count: int = 1
    role: str = "linear"
    """`linear`, `attention`, `expert`, `embedding`, `head`, or `plain` (never quantized)."""
    unit: int = 0
    """Rows of one expert, which kernels pad."""
    width: int = 0
    """Bytes of one number of a plain weight that is not in the model's dtype; 0: it is."""

    @property
    def elements(self) -> int:
        """Weights in all of them."""
        return self.out * self.inner * self.count
