"""What the page offers: set by the command line, the same for each visitor."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from modelcar_tui.core.secrets import Secret

MOST_RUNS = 8
"""Runs that may be open at once, those of all visitors together."""
MOST_MANIFEST = 1 << 20
"""Bytes of an uploaded manifest."""
MOST_SECRET = 1 << 18
"""Bytes of a pull secret or a key."""
IDLE_S = 12 * 3600.0
"""A session that asked for nothing so long, with no window open, is ended with its runs."""


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """One server's settings."""

    program: tuple[str, ...]
    """The words that start a run; the number of the pipe with secrets, and its arguments, follow."""
    arguments: tuple[str, ...] = ()
    """Of the command line of the server, heard by each run."""
    to_resume: tuple[str, ...] = ()
    """Those that a run which goes on hears."""
    folder: Path
    """Where uploaded manifests are kept, a private folder a run."""
    runs: Path
    """The folder of the runs themselves."""
    demo: bool = False
    """Each run is a demo."""
    qa: bool = True
    """QA can be asked for."""
    key_variable: str = "GEMINI_API_KEY"
    """The variable of the API key that a visitor gives."""
    handed: Mapping[str, Secret] = {}
    """Secrets of the server's own environment; a visitor's take their place."""
    most_runs: int = MOST_RUNS
    most_manifest: int = MOST_MANIFEST
    idle_s: float = IDLE_S


def in_size(amount: int) -> str:
    """Bytes as a form tells its limits: whole MiB or KiB."""
    return f"{amount >> 20} MiB" if amount >= 1 << 20 else f"{amount >> 10} KiB"
