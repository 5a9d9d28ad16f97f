"""What is known of a model and of the image that carries it."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.facts import Fact
from modelcar_tui.models import ModelFacts


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one manifest item's image."""

    reference: str
    """As written in the manifest."""
    digest: str | None = None
    size_bytes: Fact[int] = Fact()
    """Sum of the layers as the registry stores them, for one architecture."""
    architectures: Fact[tuple[str, ...]] = Fact()
    model: ModelFacts = ModelFacts()
    layout: str = ""
    """`olot`, `file per layer`, `one layer, gzip`, ...; empty when not looked at."""
    bytes_read: int = 0
    problems: tuple[Problem, ...] = ()
    """What could not be read, and the command that would help."""
