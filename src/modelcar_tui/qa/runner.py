"""The port of QA: something that runs the suite and tells what it sees.

Engines: `podman.PodmanRunner` (the bastion), `recorded.RecordedRunner` (demo and replay).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from modelcar_tui.core.secrets import Secret
from modelcar_tui.qa.events import QaEvent
from modelcar_tui.qa.types import QaOutcome, QaRequest

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
