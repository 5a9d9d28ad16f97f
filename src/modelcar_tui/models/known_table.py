"""Sizes of public models by the name they are published under."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from modelcar_tui.core.resources import table


class KnownModels(msgspec.Struct, frozen=True):
    """Everything in `known_models.json`."""

    source: str
    same_sizes: dict[str, str]
    """Models with the config of another."""
    models: dict[str, dict[str, Any]]
    """By the name without publisher and variant, in small letters: a config.json, flat, with `params`
    added."""


@cache
def known_models() -> KnownModels:
    """The table, read once."""
    return table(__file__, "known_models.json", KnownModels)
