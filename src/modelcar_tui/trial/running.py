"""A try from the operator's word to its end: what is made, followed and removed again."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from modelcar_tui.core.contain import not_known
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube import Client, ClusterError, Object
from modelcar_tui.kube.jobs import mapping
from modelcar_tui.models import MeasuredStart
from modelcar_tui.trial import words
from modelcar_tui.trial.asking import PreparedTrial
from modelcar_tui.trial.asks import Asks
from modelcar_tui.trial.awaiting import Awaiting, container_of
from modelcar_tui.trial.following import Following
from modelcar_tui.trial.keeping import TrialLog
from modelcar_tui.trial.measuring import measurement
from modelcar_tui.trial.records import TRIAL_LABEL, KeptRecord, TrialRecord, server_of
from modelcar_tui.trial.removing import Removal
from modelcar_tui.trial.telling import Telling
from modelcar_tui.trial.types import TrialEnd, TrialNews, TrialStage

T = TypeVar("T")
POLL_S = 1.0


class _Outcome(NamedTuple):
    measured: MeasuredStart | None = None
    problem: Problem | None = None
    seconds: float = 0.0


async def run_trial(
    prepared: PreparedTrial,
    client: Client,
    on_news: Callable[[TrialNews], None],
    *,
    folder: Path,
    log: Path,
    redact: Redactor,
    poll_s: float = POLL_S,
) -> TrialEnd:
    """Make what was prepared, follow vLLM's start, and remove everything, whatever happens.

    Args:
        prepared: what the operator has agreed to.
        client: of the cluster.
        on_news: told how far it has come.
        folder: the state folder, for the record that `sweep_trials` reads.
        log: where the log of vLLM's container is kept.
        redact: knows the operator's secrets.
        poll_s: the pause between two looks at the pod.

    Returns:
        Its end: whatever the cluster does is told there. Cancelled, it removes all and then ends as
        cancelled.
    """
    plan = prepared.plan
    record = TrialRecord(
        id=plan.id,
        server=server_of(client),
        namespace=plan.namespace,
        job=str(prepared.job["metadata"]["name"]),
        secrets=tuple(str(one["metadata"]["name"]) for one in prepared.secrets),
        at=time.time(),
    )
    try:
        kept = KeptRecord(folder, record)
    except UserError as error:
        return TrialEnd(id=plan.id, problem=error.problems[0])
    except OSError as error:
        what = f"{error.strerror or type(error).__name__}, so nothing was made"
        return TrialEnd(
            id=plan.id, problem=Problem(what=what, where=str(folder), fix="df -h; ls -ld its folders")
        )
    with kept:
        return await _Trial(prepared, client, kept, Telling(plan.id, on_news), log, redact, poll_s).run()


class _Trial:
    """One try whose record is kept."""

    def __init__(
        self,
        prepared: PreparedTrial,
        client: Client,
        kept: KeptRecord,
        tell: Telling,
        log: Path,
        redact: Redactor,
        poll_s: float,
    ) -> None:
        self._prepared, self._plan, self._client = prepared, prepared.plan, client
        self._kept, self._tell, self._poll = kept, tell, poll_s
        self._log, self._redact = TrialLog(log, redact), redact
        self._unsure = False
        """A write got no answer: it may be done yet."""

    async def run(self) -> TrialEnd:
        left: tuple[str, ...] = ()
        try:
            outcome = await self._outcome()
        finally:
            self._log.close()
            left = await _to_the_end(self._removed())
        return TrialEnd(
            id=self._plan.id,
            measured=outcome.measured,
            problem=outcome.problem,
            left=left,
            seconds=outcome.seconds,
            log=self._log.path,
        )

    async def _outcome(self) -> _Outcome:
        where = words.Where(self._plan.namespace, self._plan.image)
        try:
            return await self._followed()
        except UserError as error:
            return _Outcome(problem=error.problems[0])
        except ClusterError as error:
            return _Outcome(problem=words.refused(error, where))
        except Exception as error:  # noqa: BLE001 - costs this try alone
            return _Outcome(problem=not_known(error, f"the try of {self._plan.model}"))

    async def _followed(self) -> _Outcome:
        plan, basis = self._plan, self._prepared.basis
        self._tell.at(TrialStage.MAKING)
        job = await self._made()
        asks = Asks(self._client, self._kept.record, job)
        awaiting = Awaiting(asks, plan, self._tell, poll_s=self._poll)
        pod = await awaiting.until_it_runs()
        following = Following(
            asks,
            plan,
            self._log,
            self._tell,
            awaiting.where,
            container=awaiting.container,
            poll_s=self._poll,
        )
        try:
            ran = await following.to_its_end(pod)
        except UserError as error:
            return _Outcome(problem=error.problems[0], seconds=following.took_s)
        found = measurement(basis, plan, container_of(self._prepared.job), ran, self._log, self._redact)
        if isinstance(found, Problem):
            return _Outcome(problem=found, seconds=following.took_s)
        return _Outcome(measured=found, seconds=following.took_s)

    async def _made(self) -> Object:
        """The Job with its Secrets: it owns them, so they go with it.

        Raises:
            UserError: something of another hand has its name.
            ClusterError: the server refuses one of them.
        """
        record = self._kept.record
        job = await self._created(record.jobs, self._prepared.job)
        self._kept.made(str(mapping(job, "metadata").get("uid") or ""))
        owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job["metadata"]["name"],
            "uid": job["metadata"]["uid"],
        }
        for secret in self._prepared.secrets:
            owned = {**secret, "metadata": {**secret["metadata"], "ownerReferences": [owner]}}
            await self._created(f"{record.core}/secrets", owned)
        return job

    async def _created(self, path: str, value: dict[str, Any]) -> Object:
        try:
            found = await self._client.create(path, value)
        except ClusterError as error:
            self._unsure = error.status in (0, 504)
            raise
        if mapping(mapping(found, "metadata"), "labels").get(TRIAL_LABEL) != self._plan.id:
            kind, name = str(value.get("kind") or "object"), value["metadata"]["name"]
            what = f"somebody else's {kind} {name} is there already"
            raise UserError(Problem(what=what, where=self._plan.namespace, fix="try again", code="busy"))
        return found

    async def _removed(self) -> tuple[str, ...]:
        """Remove all of it; what is left, which is told to those who get no end."""
        with suppress(Exception):
            self._tell.at(TrialStage.REMOVING)
        left = await Removal(self._client, self._kept.record, poll_s=self._poll).all()
        if left:
            with suppress(Exception):
                self._tell.at(TrialStage.REMOVING, "; ".join(left))
        elif not self._unsure:
            self._kept.forget()
        return left


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """What `work` gives, even where we are cancelled meanwhile; a cancellation goes on after it."""
    task = asyncio.ensure_future(work)
    cancelled: asyncio.CancelledError | None = None
    while not task.done():
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
    return task.result()
