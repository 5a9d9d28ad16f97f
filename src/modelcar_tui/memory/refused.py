"""What a refusal is."""

from __future__ import annotations

import msgspec

from modelcar_tui.memory.types import Outcome


class Refusal(msgspec.Struct, frozen=True):
    """vLLM says no."""

    outcome: Outcome
    why: str
    error: str = ""
    """vLLM's words."""
