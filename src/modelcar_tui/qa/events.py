"""What happens while the suite runs: told by an engine, kept in the journal, folded by every face."""

from __future__ import annotations

import msgspec

from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.types import QaModelResult

MOST_FAILURES = 20
"""Models that a progress names: it is told and kept again and again."""


class Told(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """Base of those that the journal keeps; the tag is the class name."""


class QaStarted(Told, tag=True, frozen=True, kw_only=True):
    """The suite runs, or was found running."""

    container: str
    image: str
    log: str
    """Path of the spool: one cleaned, redacted line a line."""
    attached: bool = False
    """It was already there and we went on with it."""
    began: float = 0.0
    """When it was started, seconds since 1970."""
    limit_s: float | None = None
    """Budget of the whole run."""
    model_limit_s: float | None = None
    """Budget of one model."""


class QaLogGrew(Told, tag=True, frozen=True, kw_only=True):
    """The spool has more lines; the newest such event is enough. Not journalled line by line."""

    lines: int = 0
    """That came, also those that a spool at its cap does not keep."""
    size: int = 0
    """Bytes of the spool."""


class QaProgressed(Told, tag=True, frozen=True, kw_only=True):
    """Where the suite is."""

    done: int = 0
    total: int = 0
    phase: str = ""
    """`pulling image`, `collecting`, `setup`, `waiting for pods`, `inference`, `teardown`, ..."""
    model: str = ""
    passed: int = 0
    failed: int = 0
    """Failures and errors."""
    failures: tuple[QaModelResult, ...] = ()
    """The first models that failed, with the code of the cause where one is known yet."""
    phase_since: float = 0.0
    """When the phase began, seconds since 1970."""
    model_since: float = 0.0
    """When the model's test began; 0 before the first."""
    window_s: float | None = None
    """The suite's own limit for what it waits for now, where it has said one."""


class QaSaw(Told, tag=True, frozen=True, kw_only=True):
    """Why models do not start, by the cluster itself; empty when all is well. It replaces the one before."""

    seen: tuple[Seen, ...] = ()


class WentSilent(msgspec.Struct, frozen=True, kw_only=True):
    """No line came for so long; the run goes on."""

    seconds: float
    phase: str = ""


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the operator should know before or while the suite runs."""

    text: str


QaEvent = QaStarted | QaLogGrew | QaProgressed | QaSaw | WentSilent | Warned
