"""Asking about a try's objects with patience: an API server that is away, or refuses for a while what it
allowed before, ends no try."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from modelcar_tui.kube import Client, ClusterError, Doubt, Object
from modelcar_tui.kube.jobs import mappings, selector, why_no_pod
from modelcar_tui.trial.records import TrialRecord

T = TypeVar("T")
AWAY_S = 600.0
"""How long in one go; by then the cluster itself has ended what serves."""


class Away(NamedTuple):
    """No answer, for so many seconds by now."""

    error: ClusterError
    seconds: float


class Asks:
    """Of one try."""

    def __init__(self, client: Client, record: TrialRecord, job: Mapping[str, Any]) -> None:
        self.client = client
        self.record = record
        self.job = job
        self._doubt = Doubt()
        self._away = 0.0
        self._made = time.monotonic()

    @property
    def made_s(self) -> float:
        """Seconds since the Job was made: no container of it is older, whatever its node's clock says."""
        return time.monotonic() - self._made

    async def held(self) -> Object | Away | None:
        """The Job as it is now; None where it is gone."""
        return await self._asked(lambda: self.client.find(f"{self.record.jobs}/{self.record.job}"))

    async def pod(self) -> Object | Away | None:
        """The Job's pod as it is now; None where there is none."""
        return await self._asked(self._pod)

    async def why_none(self) -> str:
        """Why no pod is made; empty where nobody says."""
        return await why_no_pod(self.client, self.record.core, self.job)

    async def events(self, pod: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """A pod's events; none where we may not read them."""
        about = f"involvedObject.uid={(pod.get('metadata') or {}).get('uid')}"
        try:
            return mappings(
                await self.client.read(f"{self.record.core}/events", fieldSelector=about), "items"
            )
        except ClusterError:
            return []

    async def node(self, name: str) -> Object | None:
        """A node; None where we may not read it."""
        try:
            return await self.client.find(f"/api/v1/nodes/{name}") if name else None
        except ClusterError:
            return None

    async def _pod(self) -> Object | None:
        pods = await self.client.read(f"{self.record.core}/pods", labelSelector=selector(self.job))
        found = pods.get("items") or []
        staying = [one for one in found if not (one.get("metadata") or {}).get("deletionTimestamp")]
        return (staying or found)[-1] if found else None

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T | Away:
        """
        Raises:
            ClusterError: it says no and stays with it, or is away for too long.
        """
        try:
            found = await ask()
        except ClusterError as error:
            self._away = self._away or time.monotonic()
            seconds = time.monotonic() - self._away
            refused = error.status in (401, 403)
            if refused and not self._doubt.left:
                raise
            if seconds > AWAY_S or (400 <= error.status < 500 and not refused and error.status != 429):
                raise
            return Away(error, seconds)
        self._doubt, self._away = Doubt(), 0.0
        return found
