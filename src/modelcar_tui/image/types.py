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


class SmallFiles(msgspec.Struct, frozen=True, kw_only=True):
    """A model's configuration, code and tokenizer; never its weights."""

    files: dict[str, bytes]
    """By path within the model's folder, in the order of need."""
    left_out: tuple[tuple[str, str], ...] = ()
    """Paths that are there and were not read, each with why: `has 17.0 MiB, and at most 8.0 MiB are read`."""
    digest: str = ""
    """Of what the reference names; empty for a local folder."""
    root: str = ""
    """The model's folder within the image, such as `models`."""
    weights: tuple[str, ...] = ()
    """Names of the files of weights in that folder; none was opened."""
    bytes_read: int = 0
    """Of the image's layers; of a local folder, of its files."""
