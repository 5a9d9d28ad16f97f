"""From the Job to vLLM's container: a queue, a node, the runtime's image, the model's files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import quoted
from modelcar_tui.kube import ClusterError, Object
from modelcar_tui.kube.jobs import failed, has_run, mapping, mappings, named
from modelcar_tui.qa import Trouble
from modelcar_tui.trial import words
from modelcar_tui.trial.asks import Asks, Away
from modelcar_tui.trial.seen import is_leaving, seen
from modelcar_tui.trial.telling import Telling
from modelcar_tui.trial.types import TrialPlan, TrialStage

NO_POD_S = 60.0
"""How long the cluster may go on refusing the pod for a reason that we don't know."""
_TAIL = 4096


class Awaiting:
    """Waits for the container of one try."""

    def __init__(self, asks: Asks, plan: TrialPlan, tell: Telling, *, poll_s: float) -> None:
        spec = asks.job["spec"]["template"]["spec"]
        self.container = str(spec["containers"][0]["name"])
        self.files = [str(one["name"]) for one in spec.get("initContainers") or ()]
        account = str(spec.get("serviceAccountName") or "default")
        self.where = words.Where(plan.namespace, plan.image, account)
        self._asks, self._plan, self._tell, self._poll = asks, plan, tell, poll_s
        self._since: dict[str, float] = {}

    async def until_it_runs(self) -> Object:
        """The pod, once vLLM's container has run.

        Raises:
            UserError: it never will, or not in time; a wait in a queue does not count.
            ClusterError: the API server says no, or is away for too long.
        """
        give_up = time.monotonic() + self._plan.start_s
        while True:
            pod, held = await self._asks.pod(), await self._asks.held()
            if isinstance(pod, Away) or isinstance(held, Away):
                error = pod.error if isinstance(pod, Away) else held.error if isinstance(held, Away) else None
                self._tell.at(
                    TrialStage.NODE, f"the API server does not answer: {error.problem.what if error else ''}"
                )
            elif pod is not None and has_run(pod, self.container):
                return pod
            else:
                self._check_job(pod, held)
                if held is not None and mapping(held, "spec").get("suspend"):
                    give_up = time.monotonic() + self._plan.start_s
                    self._tell.at(TrialStage.QUEUED, self._queue())
                elif pod is None:
                    self._tell.at(TrialStage.NODE, await self._no_pod())
                else:
                    stage, text = await self._of_pod(pod)
                    self._tell.at(stage, text, node=seen(pod, self.container).node)
            if time.monotonic() > give_up:
                raise UserError(self._too_late())
            await asyncio.sleep(self._poll)

    def _check_job(self, pod: Object | None, held: Object | None) -> None:
        """
        Raises:
            UserError: the Job is gone, or over, or its pod is going.
        """
        queued = held is not None and mapping(held, "spec").get("suspend")
        if pod is not None and is_leaving(pod) and not queued:
            raise UserError(words.pushed_away(pod, seen(pod, self.container).node))
        if held is None:
            what = f"somebody deleted its Job {self._asks.record.job} before vLLM started"
            raise UserError(Problem(what=what, fix="try again", code="trial-lost"))
        if pod is None and failed(held):
            told = [
                one for one in mappings(mapping(held, "status"), "conditions") if one.get("type") == "Failed"
            ]
            why = quoted(f"{told[0].get('reason')}: {told[0].get('message')}")
            raise UserError(Problem(what=f"its Job failed ({why})", fix="try again", code="trial-lost"))

    def _queue(self) -> str:
        queue = self._plan.queue
        return f"queue {queue}" if queue else "suspended, though it names no queue: ask who runs Kueue"

    async def _no_pod(self) -> str:
        why = await self._asks.why_none()
        problem = words.no_pod(why, self.where)
        if problem is None and why and self._for_s("no pod") > NO_POD_S:
            problem = Problem(
                what=why, fix=self.where.put("oc get events -n {namespace}"), code="trial-no-pod"
            )
        if problem is not None:
            raise UserError(problem)
        return why or "its pod is being made"

    async def _of_pod(self, pod: Object) -> tuple[TrialStage, str]:
        """How far a pod is that vLLM does not run in yet.

        Raises:
            UserError: it never will.
        """
        await self._check_files(pod)
        found = words.troubles(pod, [])
        if found and found[0].trouble is not Trouble.NODE:
            # What the registry said stands in the events alone.
            found = words.troubles(pod, await self._asks.events(pod))
        for one in found:
            age = self._for_s(one.trouble)
            if (problem := words.no_container(one, age, self.where)) is not None:
                raise UserError(problem)
        if not seen(pod, self.container).node:
            return TrialStage.NODE, quoted(found[0].message) if found else ""
        for name in self.files:
            if any(one.state == "running" for one in named(pod, name)):
                return TrialStage.FILES, ""
        if self.files and all(has_run(pod, name) for name in self.files):
            return TrialStage.FILES, "they are there; vLLM's container is being made"
        waited = _minutes(self._for_s("pulling"))
        return TrialStage.PULLING, f"{quoted(found[0].message)} {waited}".rstrip() if found else waited

    async def _check_files(self, pod: Object) -> None:
        """
        Raises:
            UserError: they could not be unpacked.
        """
        for name in self.files:
            over = [one for one in named(pod, name) if one.state == "terminated" and one.told.get("exitCode")]
            if not over:
                continue
            told = over[0].told
            path = f"{self._asks.record.core}/pods/{pod['metadata']['name']}/log"
            last = await self._last_line(path, name)
            why = quoted(last or f"{told.get('reason')} (exit status {told.get('exitCode')})")
            fix = "does the runtime's image hold python3? judge it by its estimate"
            what = f"the model's files could not be unpacked: {why}"
            raise UserError(Problem(what=what, fix=fix, code="trial-files"))

    async def _last_line(self, path: str, container: str) -> str:
        data = b""
        try:
            async for chunk in self._asks.client.log(path, container=container, tailLines="5"):
                data = (data + chunk)[-_TAIL:]
        except ClusterError:
            return ""
        lines = data.decode("utf-8", "replace").strip().splitlines()
        return lines[-1] if lines else ""

    def _for_s(self, what: str) -> float:
        """Since when it is so."""
        now = time.monotonic()
        return now - self._since.setdefault(what, now)

    def _too_late(self) -> Problem:
        limit = self._plan.start_s / 60
        last = self._tell.last
        told = f": {last.text}" if last.text else ""
        what = f"vLLM's container did not start within {limit:.0f} min ({last.stage.value}{told})"
        fix = f"oc get events -n {self._plan.namespace}; pull the image on the node first, or wait longer"
        return Problem(what=what, fix=fix, code="trial-start")


def _minutes(seconds: float) -> str:
    """So that a slow line is not told each second."""
    if seconds >= 60:
        return f"for {seconds // 60:.0f} min"
    return f"for {seconds // 10 * 10:.0f} s" if seconds >= 10 else ""


def container_of(job: Mapping[str, Any]) -> Mapping[str, Any]:
    """vLLM's container as the Job describes it."""
    found: Mapping[str, Any] = job["spec"]["template"]["spec"]["containers"][0]
    return found
