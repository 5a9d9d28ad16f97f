"""Circuit breaker: a model that keeps failing is left alone for a while, one that can't work for good."""

from __future__ import annotations

import time
from collections.abc import Callable

from modelcar_tui.supervisor.llm.failures import Failure, ModelError

MOST = 2
"""Failures in a row before it opens."""
REST_S = 60.0
_OURS = (Failure.UNTRUE, Failure.NOT_ALLOWED, Failure.OPEN)
"""The service answered: not counted against it."""


class Breaker:
    """Says whether the model may be asked now."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._until = 0.0
        self._final: ModelError | None = None

    def check(self) -> None:
        """Raises:
        ModelError: it may not be asked now.
        """
        if self._final is not None:
            raise ModelError(Failure.OPEN, str(self._final))
        if self._clock() < self._until:
            raise ModelError(Failure.OPEN)

    def succeeded(self) -> None:
        """A whole reply came."""
        self._failures = 0

    def failed(self, error: ModelError) -> None:
        """Count a failure; a second in a row, or a service that asks for time, opens it."""
        if error.failure in _OURS:
            return
        self._failures += 1
        if error.failure.final:
            self._final = error
        elif self._failures >= MOST:
            self._until = self._clock() + max(REST_S, error.wait_s or 0.0)
        elif error.wait_s is not None:
            self._until = max(self._until, self._clock() + error.wait_s)
