"""What to say of a model's manifest and its arguments."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.manifest import Position


class Severity(StrEnum):
    """How grave a finding is."""

    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Stops(StrEnum):
    """What does not run because of a finding."""

    NOTHING = ""
    SERVER = "server"
    """vLLM's parser or engine refuses to start."""
    SUITE = "suite"
    """The QA suite alone: the server starts."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One remark on a manifest or its arguments."""

    code: str
    severity: Severity
    model: str
    what: str
    fix: str = ""
    at: Position | None = None
    stops: Stops = Stops.NOTHING
    release: str = ""
    """The vLLM release whose rules say so; empty for a remark of the manifest's reader."""
    read: bool = True
    """Whether that is the release that will serve. False: it stands in for one that is not known, or whose
    rules were not read, which may judge otherwise."""
    others: int = 0
    """How many more models share it: those that take the default block, or one anchor."""
    parts: tuple[Finding, ...] = ()
    """What is folded into it, each with its place."""
