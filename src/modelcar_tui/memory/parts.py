"""What a measured start took more or less of a GPU than is computed of the very same start."""

from __future__ import annotations

import msgspec


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """Bytes that are added to the computed ones; None where the log does not tell the part.

    A start whose computed parts are the same as that one's gets exactly the measured ones.
    """

    weights: float | None = None
    activation: float | None = None
    non_torch: float | None = None
    graphs: float | None = None
    """To the most that capture takes, which is then the least, too."""
    deducted: float | None = None
    """To vLLM's own estimate of them at most."""
    unexplained: float = 0.0
    """What is left of the measured sum of all that is no KV cache."""
    used: float = 0.0
    """In use before vLLM measures."""
    proven: float = 0.0
    """What the warm-up found free beyond what is computed to be left, at the least: that start served."""
    settled: bool = False
    """Whether that start served, with the same arguments beside memory: what its image and its code decide
    is known then."""
