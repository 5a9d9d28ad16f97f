"""The port of QA: something that runs the suite and tells what it sees.

Engines: `podman.PodmanRunner` (the bastion), `recorded.RecordedRunner` (demo and replay).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.types import QaOutcome, QaRequest


class ContainerStarted(msgspec.Struct, frozen=True, kw_only=True):
    """The suite runs (or was found running)."""

    container: str
    image: str
    log: str
    """Path of the spool."""
    attached: bool = False
    """It was already there and we went on with it."""
    began: float = 0.0
    """When it was started, seconds since 1970."""
    limit_s: float | None = None
    """Budget of the whole run."""
    model_limit_s: float | None = None
    """Budget of one model."""


class LogGrew(msgspec.Struct, frozen=True, kw_only=True):
    """The spool has more lines."""

    lines: int
    size: int
    """Bytes of the spool."""


class Progressed(msgspec.Struct, frozen=True, kw_only=True):
    """Where the suite is."""

    done: int = 0
    total: int = 0
    phase: str = ""
    """`pulling image`, `collecting`, `setup`, `waiting for pods`, `inference`, `teardown`, ..."""
    model: str = ""
    passed: int = 0
    failed: int = 0
    """Failures and errors."""
    phase_since: float = 0.0
    """When the phase began, seconds since 1970."""
    model_since: float = 0.0
    """When the model's test began; 0 before the first."""
    window_s: float | None = None
    """The suite's own limit for what it waits for now, where it has said one."""


class WentSilent(msgspec.Struct, frozen=True, kw_only=True):
    """No line came for so long; the run goes on."""

    seconds: float
    phase: str = ""


class Warned(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the operator should know before or while the suite runs."""

    text: str


class Saw(msgspec.Struct, frozen=True, kw_only=True):
    """Why models do not start, by the cluster itself; sent only when it changes, empty when all is well."""

    seen: tuple[Seen, ...] = ()


QaEvent = ContainerStarted | LogGrew | Progressed | WentSilent | Warned | Saw
OnEvent = Callable[[QaEvent], None]


class QaSecrets:
    """What the suite needs and nobody may read. In memory only: no repr, no copy to disk by itself."""

    __slots__ = ("pull_secret", "registry_secrets")

    def __init__(
        self, pull_secret: Secret | None = None, registry_secrets: Mapping[str, Secret] | None = None
    ) -> None:
        self.pull_secret = pull_secret
        """In any of the shapes that `core.pull_secret` knows."""
        self.registry_secrets = dict(registry_secrets or {})
        """Secrets for single registry hosts; they win over `pull_secret`."""

    def __repr__(self) -> str:
        return "QaSecrets(***)"

    def __reduce__(self) -> str:
        raise TypeError("QaSecrets are never pickled or copied to disk")


class Runner(Protocol):
    """Runs the suite once a request, however often it is asked."""

    detach: bool
    """Set it before cancelling `run`: the suite then goes on without us and can be attached to later."""

    async def run(self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent) -> QaOutcome:
        """Run the suite, or go on with the run of the same request that is already there.

        Called again with the same request (after a crash, after a detach) it finds the container by its
        label and goes on: no line of the spool is lost or doubled and there is never a second container.
        A finished run gives its stored outcome again. Cancelling stops and removes the container within a
        limit, unless `detach` was set.
        """
        ...

    async def attach(self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent) -> QaOutcome | None:
        """Go on with what is there; None where there is nothing to go on with."""
        ...
