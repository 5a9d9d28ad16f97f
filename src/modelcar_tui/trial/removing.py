"""Removing all that a try has made: by name, and only what carries its label."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.kube.jobs import mapping, mappings
from modelcar_tui.trial.records import TRIAL_LABEL, TrialRecord

T = TypeVar("T")
GONE_S = 60.0
"""How long a pod may take to end: until then its GPU is not free."""
AWAY_S = 30.0
"""How long an API server that does not answer is asked again."""


class Removal:
    """What was removed of a try, and what was not."""

    def __init__(
        self,
        client: Client,
        record: TrialRecord,
        *,
        poll_s: float,
        gone_s: float | None = None,
        away_s: float | None = None,
    ) -> None:
        """
        Args:
            client: of the cluster.
            record: names what there may be.
            poll_s: the pause between two looks.
            gone_s: how long the end of its pods is waited for, by default `GONE_S`; 0 only asks them to end.
            away_s: how long a server that does not answer is asked again, by default `AWAY_S`.
        """
        self.removed: list[str] = []
        """Each `KIND NAME`."""
        self.left: list[str] = []
        """A sentence each, with the command that removes it."""
        self._client, self._record = client, record
        self._poll, self._gone_s = poll_s, GONE_S if gone_s is None else gone_s
        self._give_up = time.monotonic() + (AWAY_S if away_s is None else away_s)
        self._goes_along = False
        """The Job is gone, and the cluster removes what it owns."""

    async def all(self) -> tuple[str, ...]:
        """Delete the Job, its Secrets and its pods, and wait until the pods have ended; what is left."""
        record = self._record
        await self._one("job", record.jobs, record.job, uid=record.uid)
        self._goes_along = not self.left
        for name in record.secrets:
            await self._one("secret", f"{record.core}/secrets", name)
        await self._pods()
        return tuple(self.left)

    async def _one(self, kind: str, path: str, name: str, *, uid: str = "") -> None:
        try:
            found = await self._patiently(lambda: self._client.find(f"{path}/{name}"))
            if found is None or not self._is_ours(found, uid):
                return
            own = str(mapping(found, "metadata").get("uid") or "")
            await self._patiently(lambda: self._client.delete(f"{path}/{name}", uid=own))
        except ClusterError as error:
            if error.status not in (404, 409) and not (error.forbidden and self._goes_along):
                self._leave(kind, name, f"may be left: {error.problem.what}")
            return
        self.removed.append(f"{kind} {name}")

    def _is_ours(self, found: Mapping[str, Any], uid: str) -> bool:
        """Not one that somebody else has made under that name."""
        meta = mapping(found, "metadata")
        ours = mapping(meta, "labels").get(TRIAL_LABEL) == self._record.id
        return ours and uid in ("", meta.get("uid"))

    async def _pods(self) -> None:
        """The garbage collector deletes them as well; this is quicker, and sees the GPU freed."""
        give_up = time.monotonic() + self._gone_s
        asked: set[str] = set()
        while True:
            try:
                pods = await self._patiently(self._listed)
            except ClusterError as error:
                if asked or not self.left:  # of a Job that is left, its pods are, too
                    what = f"not known whether its pod has ended: {error.problem.what}"
                    self._leave("pod", f"-l {TRIAL_LABEL}={self._record.id}", what)
                return
            for pod in pods:
                name, uid = str(pod["metadata"]["name"]), str(pod["metadata"].get("uid") or "")
                if name not in asked:
                    asked.add(name)
                    with suppress(ClusterError):  # the Job's end takes it along where we may not
                        await self._client.delete(f"{self._record.core}/pods/{name}", uid=uid)
                        self.removed.append(f"pod {name}")
            if not pods or not self._gone_s:
                return
            if time.monotonic() > give_up:
                for pod in pods:
                    what = f"has not ended within {self._gone_s:.0f} s, so its GPU may not be free"
                    self._leave("pod", str(pod["metadata"]["name"]), what)
                return
            await asyncio.sleep(self._poll)

    async def _listed(self) -> list[Mapping[str, Any]]:
        label = f"{TRIAL_LABEL}={self._record.id}"
        return mappings(await self._client.read(f"{self._record.core}/pods", labelSelector=label), "items")

    def _leave(self, kind: str, name: str, what: str) -> None:
        self.left.append(f"{kind} {name} {what}; oc delete {kind} {name} -n {self._record.namespace}")

    async def _patiently(self, ask: Callable[[], Awaitable[T]]) -> T:
        """What is asked, again and again while the API server does not answer."""
        while True:
            try:
                return await ask()
            except ClusterError as error:
                if (
                    error.status and error.status < 500 and error.status != 429
                ) or time.monotonic() > self._give_up:
                    raise
                await asyncio.sleep(self._poll)
