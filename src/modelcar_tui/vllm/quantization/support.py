"""How a quantization runs on a GPU with one release of vLLM."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Support(StrEnum):
    """Three answers, and an honest fourth."""

    NATIVE = "native"
    AT_A_COST = "works with a cost"
    UNSUPPORTED = "unsupported"
    UNKNOWN = "unknown"


WORST_FIRST = (Support.UNSUPPORTED, Support.UNKNOWN, Support.AT_A_COST, Support.NATIVE)
"""Which of several answers decides."""


class Compatibility(msgspec.Struct, frozen=True, kw_only=True):
    """How a quantization runs on one kind of GPU with one vLLM version."""

    support: Support
    quantization: str
    gpu: str
    why: str
    """One sentence: the rule, its numbers, and the cost where there is one."""
    source: str = ""
    nearest: str = ""
    """The nearest variant of the model that runs on this GPU, where one is known."""
