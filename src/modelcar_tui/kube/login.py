"""Who gives the token of a connection, and when it is asked for anew."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from modelcar_tui.core.stamps import seconds
from modelcar_tui.kube.auth_provider import ask_provider
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.plugin import Given, ask_plugin

_SOONEST_S = 10.0
"""Nobody is asked again sooner: who gave a token that is refused would give the same."""


async def ask(credentials: Credentials) -> Given:
    """The credentials with what their plug-in or auth-provider gives; as they are where there is neither.

    Raises:
        ClusterError: it gives nothing that can be used, in its own words.
    """
    if credentials.plugin is not None:
        return await ask_plugin(credentials)
    if credentials.provider is not None:
        return await ask_provider(credentials)
    return Given(credentials)


class Login:
    """The credentials of a connection. They change as they end, or as the server refuses them."""

    def __init__(self, source: Credentials, given: Given) -> None:
        """
        Args:
            source: as the kubeconfig has them; with a plug-in it can be asked again.
            given: what it gave first.
        """
        self.credentials = given.credentials
        self._source = source
        self._ends = _time(given)
        self._asked = time.monotonic()
        self._failed: ClusterError | None = None
        self._lock = asyncio.Lock()

    @property
    def ended(self) -> bool:
        """Whether they have ended, as far as their giver has told."""
        return self._ends is not None and time.time() > self._ends

    async def renew(self, refused: Credentials) -> bool:
        """Ask for others than `refused`; whether there are.

        Raises:
            ClusterError: nobody gives any; with status 401, as from a server that refuses them.
        """
        if self._source.plugin is None and self._source.provider is None:
            return False
        async with self._lock:
            if self.credentials is not refused:
                return True
            if time.monotonic() - self._asked < _SOONEST_S:
                if self._failed is not None:
                    raise self._failed
                return False
            self._failed = None
            try:
                given = await ask(self._source)
            except ClusterError as error:
                self._failed = ClusterError(error.rung, error.problem, status=401)
                raise self._failed from None
            finally:
                self._asked = time.monotonic()
            # Given anew they are others, also where they say the same.
            self.credentials = replace(given.credentials)
            self._ends = _time(given)
            return True


def _time(given: Given) -> float | None:
    """When what was given ends, seconds since 1970."""
    return (seconds(given.ends) if isinstance(given.ends, str) else given.ends) or None
