"""vLLM's start in its container: the log, the probe that says that it serves, the limits."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing, suppress
from typing import NamedTuple

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.kube import ClusterError, Object
from modelcar_tui.kube.jobs import Cursor, follow_log, mapping, mappings
from modelcar_tui.trial import words
from modelcar_tui.trial.asks import Asks, Away
from modelcar_tui.trial.keeping import TrialLog
from modelcar_tui.trial.seen import Seen, is_leaving, probe_that_killed, seen
from modelcar_tui.trial.telling import Telling
from modelcar_tui.trial.types import TrialPlan, TrialStage
from modelcar_tui.trial.words import Where

QUIET_S = 1.0
"""A log that tells nothing for so long after vLLM serves has told all."""
SETTLE_S = 10.0
"""How long it is read on after that at most."""
REST_S = 30.0
"""How long the rest of the log of a container that has ended is waited for."""
LATE_S = 60.0
"""After the limit the kubelet ends the container itself; a node that did not by then does not answer."""
NODE_EVERY_S = 15.0
"""How often the node is asked whether its kubelet still answers."""
_COMPLETE = ({"kv_tokens", "graphs_gib", "init_s"}, {"kv_tokens", "graphs_s", "init_s"})


class Ran(NamedTuple):
    """How vLLM's container went."""

    seen: Seen
    healthy: bool
    late: bool
    """The limit has ended it."""
    node: Object | None = None
    """Where it ran, if we may read nodes."""


class Following:
    """Follows one container that runs, or has run."""

    def __init__(
        self,
        asks: Asks,
        plan: TrialPlan,
        log: TrialLog,
        tell: Telling,
        where: Where,
        *,
        container: str,
        poll_s: float,
    ) -> None:
        self._asks, self._plan, self._log, self._tell, self._where = asks, plan, log, tell, where
        self._container, self._poll = container, poll_s
        self._now = Seen()
        self._pod: Object = {}
        self._uid = ""
        """The pod's: another one in its place starts anew."""
        self._first = self._looked = time.monotonic()
        self._over = False
        self._refused: ClusterError | None = None

    @property
    def age_s(self) -> float:
        """Seconds since the container began, by the cluster's clock; where it tells no time, since we saw
        it. A node whose clock is wrong makes it neither older than
        its Job nor younger than our sight of it."""
        ahead, watched = self._asks.client.ahead_s, time.monotonic() - self._first
        if self._now.began and ahead is not None:
            return max(min(time.time() - ahead - self._now.began, self._asks.made_s), watched)
        return watched

    @property
    def took_s(self) -> float:
        """How long the container ran, so far."""
        began, ended = self._now.began, self._now.ended
        if not began:
            return 0.0
        return ended - began if ended >= began else self.age_s

    async def to_its_end(self, pod: Object) -> Ran:
        """Until vLLM serves, has ended, or can't be measured.

        Raises:
            UserError: its pod was taken away, its node or its log is lost.
            ClusterError: the API server says no, or is away for too long.
        """
        self._uid = _uid(pod)
        self._note(pod)
        self._tell.at(
            TrialStage.STARTING,
            node=self._now.node,
            began=time.time() - self.age_s if self._now.began else 0.0,
        )
        reading = asyncio.create_task(self._read(f"{self._asks.record.core}/pods/{pod['metadata']['name']}"))
        try:
            ran = await self._watched(pod, reading)
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, ClusterError):
                await reading
        return ran._replace(node=await self._asks.node(self._now.node))

    async def _watched(self, pod: Object, reading: asyncio.Task[None]) -> Ran:
        found: Object | Away | None = pod
        while True:
            if self._now.healthy:
                await self._settled()
                if self._refused is not None and not self._log.lines:
                    raise UserError(self._unread(self._refused))
                return Ran(self._now, healthy=True, late=False)
            if self._now.over and not isinstance(found, Away):
                same = found if found is not None and _uid(found) == self._uid else None
                return await self._ended(same, reading)
            await self._check(found)
            self._told()
            # A log that broke off says that something has happened.
            await asyncio.wait({reading}, timeout=self._poll)
            if reading.done():
                await asyncio.sleep(self._poll)
            found = await self._asks.pod()
            if isinstance(found, dict) and _uid(found) == self._uid:
                self._note(found)

    def _note(self, pod: Object) -> None:
        self._pod, now, known = pod, seen(pod, self._container), self._now
        self._now = now._replace(
            began=now.began or known.began, node=now.node or known.node, digest=now.digest or known.digest
        )
        self._over = self._over or now.over

    async def _check(self, found: Object | Away | None) -> None:
        """
        Raises:
            UserError: it can't be measured any more.
        """
        if self._refused is not None:
            raise UserError(self._unread(self._refused))
        if found is None:
            raise UserError(await self._taken(self._pod))
        if isinstance(found, dict) and _uid(found) != self._uid:
            raise UserError(await self._taken(self._pod))
        if isinstance(found, Away):
            return
        if is_leaving(found):
            raise UserError(await self._lost() or await self._taken(found))
        if self.age_s > self._plan.limit_s + LATE_S:
            raise UserError(await self._lost() or words.lost_node(self._now.node))
        if time.monotonic() - self._looked > NODE_EVERY_S:
            # A silent kubelet changes no pod for minutes.
            self._looked = time.monotonic()
            if (lost := await self._lost()) is not None:
                raise UserError(lost)

    async def _taken(self, pod: Object) -> Problem:
        job = await self._asks.held()
        if isinstance(job, dict) and mapping(job, "spec").get("suspend"):
            return words.queued_again(self._plan.queue, self._now.node)
        return words.pushed_away(pod, self._now.node, await self._asks.events(pod))

    async def _lost(self) -> Problem | None:
        """Where the node says that its kubelet is silent."""
        node = await self._asks.node(self._now.node)
        for one in mappings(mapping(node or {}, "status"), "conditions"):
            if one.get("type") == "Ready" and one.get("status") != "True":
                return words.lost_node(self._now.node)
        return None

    def _unread(self, error: ClusterError) -> Problem:
        told = words.refused(error, self._where)
        return Problem(what=f"its log can't be read: {told.what}", fix=told.fix, code="trial-log")

    async def _ended(self, pod: Object | None, reading: asyncio.Task[None]) -> Ran:
        """It has ended by itself, or the kubelet has ended it."""
        await asyncio.wait({reading}, timeout=REST_S)
        self._told()
        if self._refused is not None:
            raise UserError(self._unread(self._refused))
        killer = ""
        if pod is not None:
            if is_leaving(pod):
                raise UserError(await self._lost() or await self._taken(pod))
            killer = probe_that_killed(await self._asks.events(pod), self._container)
        late = killer == "startup" or self.took_s >= self._plan.limit_s - 1
        # Its liveness is asked only once it serves.
        return Ran(self._now, healthy=killer == "liveness", late=late and killer != "liveness")

    async def _settled(self) -> None:
        """Let the log come to its end: it is a moment behind the probe."""
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end:
            self._told()
            if any(wanted <= self._log.startup.figures.keys() for wanted in _COMPLETE):
                return
            if self._log.lines and time.monotonic() - self._log.last_line > QUIET_S:
                return
            await asyncio.sleep(min(self._poll, 0.1))

    def _told(self) -> None:
        startup = self._log.startup
        self._tell.grew(self._log.lines, startup.last or startup.stage, startup.figures)

    async def _read(self, path: str) -> None:
        """Take the log to its end; what the server lost is read once more after the container has ended."""
        cursor = Cursor()
        while True:
            over = self._over
            lines = follow_log(
                self._asks.client, f"{path}/log", cursor, container=self._container, ended=over
            )
            try:
                async with aclosing(lines) as batches:
                    async for batch in batches:
                        for line in batch:
                            self._log.take(line)
                        self._told()
                        await asyncio.sleep(0)
            except ClusterError as error:
                if error.status in (401, 403):
                    self._refused = error
                    return
            if over:
                return
            await asyncio.sleep(self._poll)


def _uid(pod: Object) -> str:
    return str(mapping(pod, "metadata").get("uid") or "")
