"""A Job that is there, followed to its end: its log, its budgets, its outcome."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import msgspec

from modelcar_tui.core.errors import UserError
from modelcar_tui.kube import ClusterError
from modelcar_tui.kube.jobs import Cursor, selector
from modelcar_tui.kube.jobs import ended as has_ended
from modelcar_tui.qa.engines.kube_indexed import Exit, Indexes
from modelcar_tui.qa.engines.kube_pods import JobPods
from modelcar_tui.qa.engines.kube_run import JobRun
from modelcar_tui.qa.engines.watchdog import Watchdog
from modelcar_tui.qa.events import QaStarted
from modelcar_tui.qa.outcome import Ended, classify
from modelcar_tui.qa.types import QaOutcome

_LOOK_S = 0.25
_STOPPED_S = 30.0
"""How long the rest of a log is waited for once its suite was stopped."""


class Following:
    """Goes on where an earlier process was, by what the spool holds."""

    def __init__(self, run: JobRun, job: Mapping[str, Any]) -> None:
        self._run = run
        self._job = job
        self._pipeline = run.pipeline
        self._name = str(job["metadata"]["name"])
        self._indexes = Indexes.of(job)
        self._pods = JobPods(run, job)

    async def to_its_end(self, *, attached: bool) -> QaOutcome:
        """The outcome; budgets count from the container's own start.

        Raises:
            UserError: the container never runs.
            ClusterError: we may not look any more.
        """
        cursor = Cursor(*self._pipeline.replay(self._begins))
        indexes = self._indexes or Indexes(("",))
        reading = asyncio.create_task(self._pods.read_all(cursor, indexes))
        try:
            await self._started(reading, attached=attached)
            watchdog = self._watchdog()
            await self._watch(reading, watchdog)
            stopped = watchdog.ended is not Ended.ITSELF
            how = None if stopped and not reading.done() else reading.result()
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, ClusterError, UserError):
                await reading
        return self._outcome(watchdog, how)

    def _begins(self, line: str) -> bool:
        return self._indexes is not None and self._indexes.begins(self._pipeline, line)

    async def _started(self, reading: asyncio.Task[Exit], *, attached: bool) -> None:
        """Wait for the container, and tell of it."""
        waiting = asyncio.create_task(self._pods.started.wait())
        try:
            await asyncio.wait({reading, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            waiting.cancel()
        if not self._pods.started.is_set():
            return  # there is none: `reading` says why
        request = self._run.request
        started = QaStarted(
            container=f"job/{self._name} in {self._run.options.namespace}",
            image=request.image,
            log=str(self._pipeline.path),
            attached=attached,
            began=time.time() - self._pods.age_s,
            limit_s=request.timeout_s,
            model_limit_s=request.model_timeout_s,
        )
        self._run.on_event(started)

    def _watchdog(self) -> Watchdog:
        # Of an index, the pod's own deadline is the budget.
        whole = self._indexes is None
        limits = self._run.request
        limits = limits if whole else msgspec.structs.replace(limits, model_timeout_s=None)
        return Watchdog(limits, self._pipeline, self._run.on_event, age_s=self._pods.age_s)

    async def _watch(self, reading: asyncio.Task[Exit], watchdog: Watchdog) -> None:
        while not reading.done():
            await asyncio.wait({reading}, timeout=min(self._run.poll_s, _LOOK_S))
            self._pipeline.flush(force=False)
            # One that ended while nobody looked is judged by what it did, not by its age.
            if not has_ended(self._job):
                await watchdog.look(self._stop)
            if watchdog.ended is not Ended.ITSELF:
                await asyncio.wait({reading}, timeout=_STOPPED_S)
                return

    async def _stop(self) -> None:
        """Ask the pods to end (their grace lets the suite clean up); the Job stays: its log is still read."""
        client, options = self._run.client, self._run.options
        with suppress(ClusterError):
            if self._indexes is not None:
                self._indexes.stopped = True
                # No index may start now, and those that run are asked to end.
                await client.patch(f"{options.jobs}/{self._name}", {"spec": {"suspend": True}})
                return
            path = f"{options.core}/pods"
            pods = await client.read(path, labelSelector=selector(self._job))
            for pod in pods.get("items") or []:
                await client.delete(f"{path}/{pod['metadata']['name']}")

    def _outcome(self, watchdog: Watchdog, how: Exit | None) -> QaOutcome:
        ended, limit, took = watchdog.ended, watchdog.limit_s, self._pods.took_s
        if self._indexes is not None:
            return self._indexes.outcome(ended, seconds=took, limit_s=limit)
        status = how.status if how is not None else None
        if ended is Ended.ITSELF and status is None:
            ended = Ended.LOST
        parser = self._pipeline.parser
        where = watchdog.doing
        return classify(parser, exit_status=status, ended=ended, seconds=took, limit_s=limit, where=where)
