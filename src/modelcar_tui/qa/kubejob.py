"""QA on the cluster: the suite in a Job, for when the bastion is too small or has no podman."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

import msgspec

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.pull_secret import PullSecret
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube.client import Client, Object
from modelcar_tui.kube.connect import connect_as
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.flatten import flatten
from modelcar_tui.kube.patience import gone, patient
from modelcar_tui.kube.types import Rung
from modelcar_tui.qa import kube_state, store
from modelcar_tui.qa.kube_indexed import INDEX, Exit, Indexes
from modelcar_tui.qa.kube_log import Cursor, follow
from modelcar_tui.qa.kube_objects import (
    JobOptions,
    indexed_job,
    object_name,
    probe_job,
    suite_job,
    suite_secret,
)
from modelcar_tui.qa.manifest_file import stage_manifest
from modelcar_tui.qa.outcome import Ended, classify, could_not_start, refused
from modelcar_tui.qa.pipeline import Pipeline
from modelcar_tui.qa.runner import ContainerStarted, OnEvent, QaSecrets, Warned
from modelcar_tui.qa.staging import driving, qa_folder
from modelcar_tui.qa.suite import ASSUMED, Command, Probe, command, known, probe_script, read_probe
from modelcar_tui.qa.types import QaOutcome, QaRequest, cluster_of
from modelcar_tui.qa.watch import watching
from modelcar_tui.qa.watch_outcome import with_record
from modelcar_tui.qa.watchdog import Watchdog

POLL_S = 1.0
PROBE_LIMIT_S = 300.0


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
        self._jobs = f"/apis/batch/v1/namespaces/{options.namespace}/jobs"
        self._core = f"/api/v1/namespaces/{options.namespace}"

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
            async with driving(qa):
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
            return _refusal(error, self._options.namespace)
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
        job = await client.find(f"{self._jobs}/{object_name(request.run_id)}")
        if job is None and not start:
            return None
        secret = known(secrets.pull_secret, needed=job is None, login_host=request.registry_host)
        pipeline = Pipeline(qa / store.SPOOL, self._redact, on_event)
        attached = job is not None
        try:
            if (
                job is None
                or await client.find(f"{self._core}/secrets/{object_name(request.run_id)}") is None
            ):
                probe = await self._probe(client, request, pipeline)
                job = await self._ensure(client, request, secret, config, probe, job, on_event)
            name = str(job["metadata"]["name"])
            indexes = Indexes.of(job)
            cursor = Cursor(
                *pipeline.replay(lambda line: indexes is not None and indexes.begins(pipeline, line))
            )
            on_event(
                ContainerStarted(
                    container=f"job/{name} in {self._options.namespace}",
                    image=request.image,
                    log=str(pipeline.path),
                    attached=attached,
                    began=kube_state.began(job),
                    limit_s=request.timeout_s,
                    model_limit_s=request.model_timeout_s,
                )
            )
            began = kube_state.began(job)
            async with watching(request, qa, pipeline, on_event, began=began, client=client) as record:
                outcome = await self._follow(client, request, pipeline, cursor, on_event, job, indexes)
            outcome = with_record(outcome, record)
            pipeline.say(f"{outcome.code}: {outcome.message}")
            store.save_outcome(qa, outcome)
            await self._clean_up(client, request)
        except asyncio.CancelledError:
            if not self.detach:
                await _to_the_end(self._clean_up(client, request))
            raise
        except ClusterError:
            raise
        except BaseException:
            # Refused, or not foreseen: nothing may stay behind.
            await self._clean_up(client, request)
            raise
        finally:
            pipeline.close()
        return outcome

    async def _probe(self, client: Client, request: QaRequest, pipeline: Pipeline) -> Probe:
        """Ask the image which suite it holds, by a Job of its own."""
        pipeline.stage("probing the suite")
        job = probe_job(request, self._options, probe_script())
        name = job["metadata"]["name"]
        made = await client.create(self._jobs, job)
        try:
            async with asyncio.timeout(PROBE_LIMIT_S):
                pod = await self._pod(client, made, pipeline)
                text = b""
                async for chunk in client.log(
                    f"{self._core}/pods/{pod}/log", container="suite", follow="true"
                ):
                    text += chunk
                    if len(text) > 4 * 1024**2:
                        break
            return read_probe(text.decode("utf-8", "replace"))
        except TimeoutError:
            return ASSUMED
        finally:
            with suppress(ClusterError):
                await client.delete(f"{self._jobs}/{name}")

    async def _ensure(
        self,
        client: Client,
        request: QaRequest,
        secret: PullSecret,
        config: bytes,
        probe: Probe,
        job: Object | None,
        on_event: OnEvent,
    ) -> Object:
        """The Job and its Secret, made where they are missing: a killed process may have made only the
        first."""
        manifest = stage_manifest(Path(request.manifest_path))
        hosts = (request.registry_host,) if request.registry_host else manifest.hosts
        what = command(
            probe,
            hosts=hosts,
            secret=secret,
            accelerator=request.accelerator,
            runtime_image=request.runtime_image,
        )
        if job is None and self._options.parallel and len(manifest.models) > 1:
            job = await self._indexed(client, request, what, manifest.models, on_event)
        if job is None:
            job = await client.create(self._jobs, suite_job(request, self._options, what.args, what.env))
        files = {"kubeconfig": config, "modelcar.yaml": manifest.data}
        if Indexes.of(job) is not None:
            files |= {f"modelcar-{at}.yaml": data for at, data in enumerate(manifest.single)}
        await client.create(
            f"{self._core}/secrets", suite_secret(request, self._options, job, files, what.secret_env)
        )
        return job

    async def _indexed(
        self, client: Client, request: QaRequest, what: Command, models: tuple[str, ...], on_event: OnEvent
    ) -> Object | None:
        """The indexed Job; None where this cluster knows no limits per index and would try failed ones
        again."""
        job = await client.create(
            self._jobs, indexed_job(request, self._options, what.args, what.env, models)
        )
        if "backoffLimitPerIndex" in job["spec"]:
            return job
        await gone(client, f"{self._jobs}/{job['metadata']['name']}", self._poll)
        text = "this cluster is too old for a Job of one index a model; all models run in one pod"
        on_event(Warned(text=text))
        return None

    async def _follow(
        self,
        client: Client,
        request: QaRequest,
        pipeline: Pipeline,
        cursor: Cursor,
        on_event: OnEvent,
        job: Mapping[str, Any],
        indexes: Indexes | None,
    ) -> QaOutcome:
        began = kube_state.began(job)
        # Of an index, the pod's own deadline is the budget.
        limits = request if indexes is None else msgspec.structs.replace(request, model_timeout_s=None)
        watchdog = Watchdog(limits, pipeline, on_event, age_s=max(time.time() - began, 0.0))
        name = str(job["metadata"]["name"])
        reading = asyncio.create_task(
            self._read_all(client, job, pipeline, cursor, indexes or Indexes(("",)))
        )
        try:
            while not reading.done():
                await asyncio.wait({reading}, timeout=min(self._poll, 0.25))
                pipeline.flush(force=False)
                # One that ended while nobody looked is judged by what it did, not by its age.
                if not kube_state.ended(job):
                    await watchdog.look(lambda: self._stop(client, name, indexes))
                if watchdog.ended is not Ended.ITSELF:
                    await asyncio.wait({reading}, timeout=30)
                    break
            how = None if watchdog.ended is not Ended.ITSELF and not reading.done() else reading.result()
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, ClusterError, UserError):
                await reading
        ended, seconds, limit = watchdog.ended, time.time() - began, watchdog.limit_s
        if indexes is not None:
            return indexes.outcome(ended, seconds=seconds, limit_s=limit)
        status = how.status if how is not None else None
        if ended is Ended.ITSELF and status is None:
            ended = Ended.LOST
        return classify(pipeline.parser, exit_status=status, ended=ended, seconds=seconds, limit_s=limit)

    async def _read_all(
        self, client: Client, job: Mapping[str, Any], pipeline: Pipeline, cursor: Cursor, indexes: Indexes
    ) -> Exit:
        """Take the logs of all indexes to their ends; how the last one ended."""
        if len(indexes.models) == 1:
            return await self._read(client, job, pipeline, cursor, None)
        how = Exit(None)
        for index in range(len(indexes.models)):
            if indexes.stopped:
                break
            if index < indexes.current:
                # Its lines are in the spool; only how it ended was not kept.
                how = kube_state.exit_of(await self._pod_of(client, job, index)) or Exit(None)
            else:
                cursor = Cursor() if indexes.begin(pipeline, index) else cursor
                how = await self._read(client, job, pipeline, cursor, index)
            indexes.ended(index, how)
        return how

    async def _read(
        self, client: Client, job: Mapping[str, Any], pipeline: Pipeline, cursor: Cursor, index: int | None
    ) -> Exit:
        """Take the log of a pod to its end."""
        pod = await self._pod(client, job, pipeline, index)
        path = f"{self._core}/pods/{pod}"
        seen = await patient(client, path, self._poll, allowed=False)
        if seen is not None and not kube_state.container_states(seen) and (how := kube_state.exit_of(seen)):
            # Evicted, or too late, before it ran: it has no log.
            return how
        end: Exit | None = None
        while True:
            try:
                async with aclosing(follow(client, f"{path}/log", cursor, ended=end is not None)) as batches:
                    async for lines in batches:
                        for line in lines:
                            pipeline.take(line)
                        await asyncio.sleep(0)
            except ClusterError as error:
                if error.status != 404:
                    raise
            if end is not None:
                return end
            found = await patient(client, path, self._poll)
            if found is None:
                return Exit(None)
            end = kube_state.exit_of(found)
            if end is None:
                await asyncio.sleep(self._poll)

    async def _pod_of(self, client: Client, job: Mapping[str, Any], index: int | None) -> Object | None:
        """The Job's pod (the one with that index) as it is now."""
        pods = await client.read(f"{self._core}/pods", labelSelector=kube_state.selector(job))
        items: list[Object] = pods.get("items") or []
        if index is None:
            return items[0] if items else None
        of = (pod for pod in items if (pod["metadata"].get("annotations") or {}).get(INDEX) == str(index))
        return next(of, None)

    async def _pod(
        self, client: Client, job: Mapping[str, Any], pipeline: Pipeline, index: int | None = None
    ) -> str:
        """The name of the Job's pod (of the one with that index), once its container has run.

        Raises:
            UserError: the image can't be pulled; the Job failed before it had a pod.
        """
        told, name = "", str(job["metadata"]["name"])
        while True:
            pod = await self._pod_of(client, job, index)
            if pod is not None:
                states = kube_state.container_states(pod)
                if any("running" in one or "terminated" in one for one in states) or kube_state.exit_of(pod):
                    return str(pod["metadata"]["name"])
                why = kube_state.waiting(pod)
                who = f"pod {pod['metadata']['name']}"
            else:
                why, who = await kube_state.why_no_pod(client, self._core, job), f"job {name}"
            if why and why != told:
                told = why
                pipeline.say(f"{who}: {why}")
            pipeline.stage("waiting for the pod")
            kube_state.check(await client.find(f"{self._jobs}/{name}"), name, self._options.namespace)
            await asyncio.sleep(self._poll)

    async def _stop(self, client: Client, name: str, indexes: Indexes | None) -> None:
        """Ask the pods to end (their grace lets the suite clean up); the Job stays: its log is still read."""
        with suppress(ClusterError):
            if indexes is not None:
                indexes.stopped = True
                # No index may start now, and those that run are asked to end.
                await client.patch(f"{self._jobs}/{name}", {"spec": {"suspend": True}})
                return
            pods = await client.read(f"{self._core}/pods", labelSelector=f"job-name={name}")
            for pod in pods.get("items") or []:
                await client.delete(f"{self._core}/pods/{pod['metadata']['name']}")

    async def _clean_up(self, client: Client, request: QaRequest) -> None:
        name = object_name(request.run_id)
        for path in (f"{self._jobs}/{name}", f"{self._core}/secrets/{name}"):
            with suppress(ClusterError):
                await client.delete(path)


def _refusal(error: ClusterError, namespace: str) -> QaOutcome:
    problem = error.problem
    if error.rung is Rung.UNAUTHENTICATED:
        return could_not_start("TOKEN_EXPIRED", problem.what, "oc login, then run again")
    if error.forbidden and "exceeded quota" in problem.what:
        fix = f"oc describe quota -n {namespace}; free some, or ask for more"
        return could_not_start("QUOTA", problem.what, fix)
    if error.forbidden:
        fix = f"oc adm policy add-role-to-user edit USER -n {namespace}"
        return could_not_start("FORBIDDEN", problem.what, fix)
    if error.missing:
        what = f"there is no namespace {namespace}, or no Jobs in it (404)"
        return could_not_start("NAMESPACE", what, f"oc new-project {namespace}")
    return could_not_start("CLUSTER_UNREACHABLE", f"{problem.where}: {problem.what}", problem.fix)


async def _to_the_end(work: Any) -> None:
    """Finish `work` even when we are cancelled again meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
