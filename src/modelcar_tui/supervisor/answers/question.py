"""A what-if as the operator fills it in. Light: the screen needs it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from modelcar_tui.core.text import clean

TUNABLE = (
    "--max-model-len",
    "--max-num-seqs",
    "--max-num-batched-tokens",
    "--gpu-memory-utilization",
    "--kv-cache-dtype",
    "--tensor-parallel-size",
    "--enforce-eager",
)
"""Arguments that a what-if may set, and whose values are facts."""


class WhatIf(msgspec.Struct, frozen=True, kw_only=True):
    """One model with other arguments, or on other GPUs."""

    model: str = ""
    """Its name or a part of it; empty where the manifest has one model."""
    arguments: Mapping[str, str] = {}
    """Flags that replace the manifest's, such as `{"--max-model-len": "8192"}`."""
    gpu: str | None = None
    """`PRODUCT:COUNT[@NODES]` instead of the run's GPUs."""

    @property
    def text(self) -> str:
        """As a question."""
        flags = [f"{flag}={value}" if value else flag for flag, value in self.arguments.items()]
        where = [f"on {self.gpu}"] if self.gpu else []
        return clean(" ".join(["what if:", self.model, *flags, *where]), limit=400)
