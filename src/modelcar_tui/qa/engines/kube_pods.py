"""The pods of one Job: awaited, found again, their logs read to the end, and how old they are.

A pod's age counts from its container's own start by the cluster's clock, so neither a wait in a queue or for
a pull nor a clock of ours that is wrong uses up a budget.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.kube import ClusterError, Object, patient
from modelcar_tui.kube.jobs import (
    Cursor,
    containers_of,
    failed,
    follow_log,
    has_run,
    selector,
    started,
    why_no_pod,
)
from modelcar_tui.qa.engines import kube_state
from modelcar_tui.qa.engines.kube_indexed import INDEX, Exit, Indexes
from modelcar_tui.qa.engines.kube_options import CONTAINER
from modelcar_tui.qa.engines.kube_run import JobRun


class JobPods:
    """Those of a Job that is there."""

    def __init__(self, run: JobRun, job: Mapping[str, Any]) -> None:
        self.started = asyncio.Event()
        """A container has run."""
        self._client = run.client
        self._options = run.options
        self._job = job
        self._name = str(job["metadata"]["name"])
        self._pipeline = run.pipeline
        self._poll = run.poll_s
        self._seen = self._began = self._ended = 0.0
        self._told = ""

    @property
    def age_s(self) -> float:
        """Seconds since the first container began; 0 before. Where the server tells no time, since we saw
        it."""
        if not self._seen:
            return 0.0
        ahead = self._client.ahead_s
        if self._began and ahead is not None:
            return max(time.time() - ahead - self._began, 0.0)
        return time.monotonic() - self._seen

    @property
    def took_s(self) -> float:
        """Seconds from the first container's start to the last one's end, else to now."""
        return self._ended - self._began if 0 < self._began <= self._ended else self.age_s

    async def read_all(self, cursor: Cursor, indexes: Indexes) -> Exit:
        """Take the logs of all indexes to their ends; how the last one ended."""
        if len(indexes.models) == 1:
            return await self._read(cursor, None)
        how = Exit(None)
        for index in range(len(indexes.models)):
            if indexes.stopped:
                break
            if index < indexes.current:
                # Its lines are in the spool; only how it ended was not kept.
                pod = await self._pod_of(index)
                self._note(pod)
                how = kube_state.exit_of(pod) or Exit(None)
            else:
                cursor = Cursor() if indexes.begin(self._pipeline, index) else cursor
                how = await self._read(cursor, index)
            indexes.ended(index, how)
        return how

    async def await_start(self, index: int | None = None) -> str:
        """The name of the Job's pod (of the one with that index), once its container has run.

        Raises:
            UserError: the image can't be pulled, the pod is not admitted, or nothing starts for too long; the
                Job is over and has no pod.
        """
        give_up = time.monotonic() + self._options.start_s
        while True:
            pod = await self._pod_of(index)
            if pod is not None:
                stage, why = kube_state.waiting(pod, self._options)
                if has_run(pod, CONTAINER) or kube_state.exit_of(pod):
                    self._note(pod)
                    return str(pod["metadata"]["name"])
                who = f"pod {pod['metadata']['name']}"
            else:
                stage, why = "waiting for the pod", await self._no_pod()
                who = f"job {self._name}"
            held = await self._client.find(f"{self._options.jobs}/{self._name}")
            if pod is None or held is None or failed(held):
                kube_state.check(held, self._name, self._options.namespace)
            if held is not None and (held.get("spec") or {}).get("suspend"):
                stage, give_up = self._queued(), time.monotonic() + self._options.start_s
            self._tell(stage, who, why)
            if time.monotonic() > give_up:
                raise self._too_late(stage, why)
            await asyncio.sleep(self._poll)

    async def _read(self, cursor: Cursor, index: int | None) -> Exit:
        """Take the log of a pod to its end."""
        path = f"{self._options.core}/pods/{await self.await_start(index)}"
        seen = await patient(self._client, path, self._poll, allowed=False)
        if seen is not None and not containers_of(seen) and (how := kube_state.exit_of(seen)):
            # Evicted, or too late, before it ran: it has no log.
            return how
        end: Exit | None = None
        while True:
            log = follow_log(self._client, f"{path}/log", cursor, container=CONTAINER, ended=end is not None)
            try:
                async with aclosing(log) as batches:
                    async for lines in batches:
                        for line in lines:
                            self._pipeline.take(line)
                        await asyncio.sleep(0)
            except ClusterError as error:
                if error.status != 404:
                    raise
            if end is not None:
                return end
            found = await patient(self._client, path, self._poll)
            if found is None:
                return Exit(None)
            end = kube_state.exit_of(found)
            self._note(found)
            if end is None:
                await asyncio.sleep(self._poll)

    async def _pod_of(self, index: int | None) -> Object | None:
        """The Job's pod (the one with that index) as it is now."""
        path = f"{self._options.core}/pods"
        pods = await self._client.read(path, labelSelector=selector(self._job))
        items: list[Object] = pods.get("items") or []
        if index is None:
            return items[0] if items else None
        of = (pod for pod in items if (pod["metadata"].get("annotations") or {}).get(INDEX) == str(index))
        return next(of, None)

    async def _no_pod(self) -> str:
        """Why there is none.

        Raises:
            UserError: there will be none.
        """
        why = await why_no_pod(self._client, self._options.core, self._job)
        error = kube_state.refused_pod(why, self._options)
        if error is not None:
            raise error
        return why

    def _note(self, pod: Mapping[str, Any] | None) -> None:
        """When a container began and ended."""
        if pod is None:
            return
        began, ended = started(pod, CONTAINER)
        self._seen = self._seen or time.monotonic()
        self._began = self._began or began
        self._ended = max(self._ended, ended)
        self.started.set()

    def _tell(self, stage: str, who: str, why: str) -> None:
        if why and why != self._told:
            self._told = why
            self._pipeline.say(f"{who}: {why}")
        self._pipeline.stage(stage)

    def _queued(self) -> str:
        queue = self._options.queue
        return f"waiting in queue {queue}" if queue else "suspended (does Kueue want a queue? --qa-queue)"

    def _too_late(self, stage: str, why: str) -> UserError:
        limit = self._options.start_s / 60
        what = f"the pod of job {self._name} did not start within {limit:.0f} min, {stage}"
        told = f": {why}" if why else ""
        fix = f"oc get events -n {self._options.namespace}; pull the image on the nodes first"
        return UserError(Problem(what=what + told, fix=fix))
