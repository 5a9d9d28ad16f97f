"""QA on the cluster: the suite in a Job, for when the bastion is too small or has no podman."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path
from typing import Any

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.stamps import seconds
from modelcar_tui.kube import Client, ClusterError, connect_as, flatten
from modelcar_tui.qa import store
from modelcar_tui.qa.effects import of_suite
from modelcar_tui.qa.engines.kube_follow import Following
from modelcar_tui.qa.engines.kube_make import Maker, delete, settled
from modelcar_tui.qa.engines.kube_objects import object_name
from modelcar_tui.qa.engines.kube_options import JobOptions
from modelcar_tui.qa.engines.kube_refusals import refusal
from modelcar_tui.qa.engines.kube_run import JobRun
from modelcar_tui.qa.engines.staging import driving_alone, qa_folder
from modelcar_tui.qa.events import Warned
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.outcome import could_not_start, refused
from modelcar_tui.qa.runner import OnEvent, QaSecrets
from modelcar_tui.qa.suite import known
from modelcar_tui.qa.types import QaOutcome, QaRequest, cluster_of
from modelcar_tui.qa.watch import watching
from modelcar_tui.qa.watch_outcome import with_record

POLL_S = 1.0


class KubeJobRunner:
    """The Kubernetes engine; see `runner.Runner` for what it promises.

    The Job is found again by its name, the log goes on from the time of the last line. Job and Secret are
    deleted when the run ends; if we can't, the Job's TTL does it and the Secret goes with its owner.
    """

    def __init__(
        self, options: JobOptions, *, redact: Redactor | None = None, poll_s: float = POLL_S
    ) -> None:
        self.detach = False
        self._options = options
        self._redact = redact or Redactor()
        self._poll = poll_s

    async def run(self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent) -> QaOutcome:
        outcome = await self._drive(request, secrets, on_event, start=True)
        return outcome or could_not_start("NOT_STARTED", "the Job was not made", "run again")

    async def attach(self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent) -> QaOutcome | None:
        return await self._drive(request, secrets, on_event, start=False)

    async def _drive(
        self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent, *, start: bool
    ) -> QaOutcome | None:
        qa = qa_folder(request.folder)
        try:
            async with driving_alone(qa):
                if (done := store.load_outcome(qa)) is not None:
                    return done
                config = await flatten(cluster_of(request), needed_s=request.timeout_s)
                for text in config.warnings:
                    on_event(Warned(text=text))
                async with connect_as(config, cluster_of(request)) as client:
                    return await self._driven(
                        client, qa, request, secrets, on_event, config.data, start=start
                    )
        except UserError as error:
            return refused(error.problems[0])
        except ClusterError as error:
            return refusal(error, self._options.namespace)
        except OSError as error:
            return could_not_start(
                "DISK",
                f"{error.strerror or type(error).__name__}: {qa}",
                "df -h; free some room, then run again",
            )

    async def _driven(
        self,
        client: Client,
        qa: Path,
        request: QaRequest,
        secrets: QaSecrets,
        on_event: OnEvent,
        config: bytes,
        *,
        start: bool,
    ) -> QaOutcome | None:
        options, name = self._options, object_name(request.run_id)
        job = await client.find(f"{options.jobs}/{name}")
        if job is None and not start:
            return None
        secret = known(secrets.pull_secret, needed=job is None, login_host=request.registry_host)
        pipeline = Pipeline(qa / store.SPOOL, self._redact, on_event)
        pipeline.ahead_s = client.ahead_s or 0.0
        run = JobRun(client, request, options, pipeline, on_event, self._poll)
        attached = job is not None
        try:
            if job is None or await client.find(f"{options.core}/secrets/{name}") is None:
                run = run._replace(options=await settled(client, request, options))
                job = await Maker(run).make(secret, config, job)
            following = Following(run, job)
            made = seconds(str(job["metadata"].get("creationTimestamp") or ""))
            began = made + pipeline.ahead_s if made else 0.0
            async with watching(request, qa, pipeline, on_event, began=began, client=client) as record:
                ended = await following.to_its_end(attached=attached)
            outcome = of_suite(with_record(ended, record), store.load_suite_facts(qa))
            outcome = await pipeline.conclude(outcome)
            store.save_outcome(qa, outcome)
            await delete(run)
        except asyncio.CancelledError:
            if not self.detach:
                await _to_the_end(delete(run))
            raise
        except ClusterError as error:
            # A suite that has spoken goes on where we can't look, and is found again.
            if error.status and not attached and not pipeline.seen:
                await delete(run)
            raise
        except BaseException:
            # Refused, or not foreseen: nothing may stay behind.
            await delete(run)
            raise
        finally:
            pipeline.close()
        return outcome


async def _to_the_end(work: Any) -> None:
    """Finish `work` even when we are cancelled again meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
