"""Which architectures vLLM's registry lists, by release."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.data import load_json


class ArchitectureTable(msgspec.Struct, frozen=True):
    """Everything in `architectures.json`."""

    source: str
    both: frozenset[str]
    """Listed by 0.19 and by 0.33."""
    only_0_19: frozenset[str]
    only_0_33: frozenset[str]
    last: dict[str, str]
    """The last release that had it, as vLLM itself says."""
    first: dict[str, str]
    """The first release, for a few well-known ones that came between 0.6 and 0.19; general knowledge."""


@cache
def architecture_table() -> ArchitectureTable:
    """The table, read once."""
    return load_json("architectures.json", ArchitectureTable)
