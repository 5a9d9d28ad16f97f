"""QA on the cluster: the suite in a Job, for when the bastion is too small or has no podman."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.text import clean
from modelcar_tui.qa import pullsecret, store
from modelcar_tui.qa.kube_api import KubeApi, KubeError, kube_api
from modelcar_tui.qa.kube_log import Cursor, follow
from modelcar_tui.qa.kube_objects import JobOptions, object_name, probe_job, suite_job, suite_secret
from modelcar_tui.qa.kubeconfig import flatten, kubeconfig_paths
from modelcar_tui.qa.lines import seconds
from modelcar_tui.qa.manifest_file import stage_manifest
from modelcar_tui.qa.outcome import Ended, classify, could_not_start, refused
from modelcar_tui.qa.pipeline import Pipeline
from modelcar_tui.qa.runner import ContainerStarted, OnEvent, QaSecrets, Warned
from modelcar_tui.qa.staging import driving, qa_folder
from modelcar_tui.qa.suite import ASSUMED, Probe, command, probe_script, read_probe
from modelcar_tui.qa.types import QaOutcome, QaRequest
from modelcar_tui.qa.watchdog import Watchdog

POLL_S = 1.0
PROBE_LIMIT_S = 300.0
PULL_FAILED = (
    "ErrImagePull",
    "ImagePullBackOff",
    "InvalidImageName",
    "ErrImageNeverPull",
    "CreateContainerConfigError",
)


class KubeJobRunner:
    """The Kubernetes engine; see `runner.Runner` for what it promises.

    The Job is found again by its name, the log goes on from the time of the last line. Job and Secret are
    deleted when the run ends; if we can't, the Job's TTL does it and the Secret goes with its owner.
    """

    def __init__(self, options: JobOptions, *, redact: Redactor | None = None, poll_s: float = POLL_S) -> None:
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
                config = await flatten(
                    kubeconfig_paths(request.kubeconfig_path), context=request.kube_context, redact=self._redact
                )
                for text in config.warnings:
                    on_event(Warned(text=text))
                async with kube_api(config.data) as api:
                    return await self._driven(api, qa, request, secrets, on_event, config.data, start=start)
        except UserError as error:
            return refused(error.problems[0])
        except KubeError as error:
            return _refusal(error, self._options.namespace)
        except OSError as error:
            return could_not_start(
                "DISK", f"{error.strerror or error}: {qa}", "df -h; free some room, then run again"
            )

    async def _driven(
        self, api: KubeApi, qa: Path, request: QaRequest, secrets: QaSecrets, on_event: OnEvent, config: bytes, *,
        start: bool,
    ) -> QaOutcome | None:  # fmt: skip
        job = await _find(api, f"{self._jobs}/{object_name(request.run_id)}")
        if job is None and not start:
            return None
        secret = pullsecret.known(secrets.pull_secret, self._redact, needed=job is None)
        pipeline = Pipeline(qa / store.SPOOL, self._redact, on_event)
        cursor = Cursor(*pipeline.replay()) if pipeline.seen else Cursor()
        attached = job is not None
        try:
            if job is None or await _find(api, f"{self._core}/secrets/{object_name(request.run_id)}") is None:
                probe = await self._probe(api, request, pipeline)
                job = await self._ensure(api, request, secret, config, probe, job)
            name = str(job["metadata"]["name"])
            on_event(
                ContainerStarted(
                    container=f"job/{name} in {self._options.namespace}", image=request.image,
                    log=str(pipeline.path), attached=attached, began=_began(job), limit_s=request.timeout_s,
                    model_limit_s=request.model_timeout_s,
                )
            )  # fmt: skip
            outcome = await self._follow(api, request, pipeline, cursor, on_event, job)
            pipeline.say(f"{outcome.code}: {outcome.message}")
            store.save_outcome(qa, outcome)
            await self._clean_up(api, request)
        except asyncio.CancelledError:
            if not self.detach:
                await _to_the_end(self._clean_up(api, request))
            raise
        except UserError:
            await self._clean_up(api, request)
            raise
        finally:
            pipeline.close()
        return outcome

    async def _probe(self, api: KubeApi, request: QaRequest, pipeline: Pipeline) -> Probe:
        """Ask the image which suite it holds, by a Job of its own."""
        pipeline.stage("probing the suite")
        job = probe_job(request, self._options, probe_script())
        name = job["metadata"]["name"]
        await _create(api, self._jobs, job)
        try:
            async with asyncio.timeout(PROBE_LIMIT_S):
                pod = await self._pod(api, name, pipeline)
                text = b""
                async for chunk in api.log(f"{self._core}/pods/{pod}/log", container="suite", follow="true"):
                    text += chunk
                    if len(text) > 4 * 1024**2:
                        break
            return read_probe(text.decode("utf-8", "replace"))
        except TimeoutError:
            return ASSUMED
        finally:
            with suppress(KubeError):
                await api.call("DELETE", f"{self._jobs}/{name}", propagationPolicy="Background")

    async def _ensure(
        self, api: KubeApi, request: QaRequest, secret: pullsecret.PullSecret, config: bytes, probe: Probe,
        job: dict[str, Any] | None,
    ) -> dict[str, Any]:  # fmt: skip
        """The Job and its Secret, made where they are missing: a killed process may have made only the first."""
        manifest = stage_manifest(Path(request.manifest_path))
        hosts = (request.registry_host,) if request.registry_host else manifest.hosts
        what = command(
            probe, hosts=hosts, secret=secret, accelerator=request.accelerator, runtime_image=request.runtime_image
        )
        if job is None:
            job = await _create(api, self._jobs, suite_job(request, self._options, what.args, what.env))
        files = {"kubeconfig": config, "modelcar.yaml": manifest.data}
        await _create(
            api, f"{self._core}/secrets", suite_secret(request, self._options, job, files, what.secret_env)
        )
        return job

    async def _follow(
        self,
        api: KubeApi,
        request: QaRequest,
        pipeline: Pipeline,
        cursor: Cursor,
        on_event: OnEvent,
        job: Mapping[str, Any],
    ) -> QaOutcome:
        began = _began(job)
        watchdog = Watchdog(request, pipeline, on_event, age_s=max(time.time() - began, 0.0))
        name = str(job["metadata"]["name"])
        reading = asyncio.create_task(self._read(api, name, pipeline, cursor))
        try:
            while not reading.done():
                await asyncio.wait({reading}, timeout=min(self._poll, 0.25))
                pipeline.flush(force=False)
                # One that ended while nobody looked is judged by what it did, not by its age.
                if not _ended(job):
                    await watchdog.look(lambda: self._stop(api, name))
                if watchdog.ended is not Ended.ITSELF:
                    await asyncio.wait({reading}, timeout=30)
                    break
            status = None if watchdog.ended is not Ended.ITSELF and not reading.done() else reading.result()
        finally:
            reading.cancel()
            with suppress(asyncio.CancelledError, KubeError, UserError):
                await reading
        ended = watchdog.ended
        if ended is Ended.ITSELF and status is None:
            ended = Ended.LOST
        return classify(
            pipeline.parser, exit_status=status, ended=ended, seconds=time.time() - began, limit_s=watchdog.limit_s
        )

    async def _read(self, api: KubeApi, name: str, pipeline: Pipeline, cursor: Cursor) -> int | None:
        """Take the log to its end; the container's exit status, None when the pod vanished."""
        pod = await self._pod(api, name, pipeline)
        path = f"{self._core}/pods/{pod}"
        while True:
            try:
                async with aclosing(follow(api, f"{path}/log", cursor)) as batches:
                    async for lines in batches:
                        for line in lines:
                            pipeline.take(line)
                        await asyncio.sleep(0)
            except KubeError as error:
                if error.status != 404:
                    raise
            found = await _patient(api, path, self._poll)
            if found is None:
                return None
            for container in (found.get("status") or {}).get("containerStatuses") or []:
                if (ended := (container.get("state") or {}).get("terminated")) is not None:
                    return int(ended.get("exitCode", 1))
            if (found.get("status") or {}).get("phase") == "Failed":
                return None
            await asyncio.sleep(self._poll)

    async def _pod(self, api: KubeApi, job: str, pipeline: Pipeline) -> str:
        """The name of the Job's pod, once its container has run.

        Raises:
            UserError: the image can't be pulled; the Job failed before it had a pod.
        """
        told = ""
        while True:
            pods = await api.call("GET", f"{self._core}/pods", labelSelector=f"job-name={job}")
            for pod in pods.get("items") or []:
                states = [c.get("state") or {} for c in (pod.get("status") or {}).get("containerStatuses") or []]
                if any("running" in state or "terminated" in state for state in states):
                    return str(pod["metadata"]["name"])
                why = _waiting(pod, states)
                if why and why != told:
                    told = why
                    pipeline.say(f"pod {pod['metadata']['name']}: {why}")
                pipeline.stage("waiting for the pod")
            await self._check(api, job)
            await asyncio.sleep(self._poll)

    async def _check(self, api: KubeApi, job: str) -> None:
        found = await _find(api, f"{self._jobs}/{job}")
        if found is None:
            raise UserError(Problem(what=f"Job {job} was deleted before it ran", code="busy"))
        for condition in (found.get("status") or {}).get("conditions") or []:
            if condition.get("type") == "Failed" and condition.get("status") == "True":
                what = clean(f"Job {job} failed: {condition.get('reason')}: {condition.get('message')}")
                raise UserError(Problem(what=what, fix=f"oc describe job {job} -n {self._options.namespace}"))

    async def _stop(self, api: KubeApi, name: str) -> None:
        """Ask the pod to end (its grace lets the suite clean up); the Job stays, so that its log can be read."""
        with suppress(KubeError):
            pods = await api.call("GET", f"{self._core}/pods", labelSelector=f"job-name={name}")
            for pod in pods.get("items") or []:
                await api.call("DELETE", f"{self._core}/pods/{pod['metadata']['name']}")

    async def _clean_up(self, api: KubeApi, request: QaRequest) -> None:
        name = object_name(request.run_id)
        for path in (f"{self._jobs}/{name}", f"{self._core}/secrets/{name}"):
            with suppress(KubeError):
                await api.call("DELETE", path, propagationPolicy="Background")


async def _find(api: KubeApi, path: str) -> dict[str, Any] | None:
    try:
        return await api.call("GET", path)
    except KubeError as error:
        if error.status == 404:
            return None
        raise


async def _patient(api: KubeApi, path: str, pause: float) -> dict[str, Any] | None:
    """`_find` that waits for an API server that is away; the watchdog sets the limit."""
    while True:
        try:
            return await _find(api, path)
        except KubeError as error:
            if error.status in (401, 403):
                raise
            await asyncio.sleep(pause)


async def _create(api: KubeApi, path: str, value: dict[str, Any]) -> dict[str, Any]:
    """Make an object, or take the one of that name which is there already."""
    try:
        return await api.call("POST", path, value)
    except KubeError as error:
        if error.status != 409:
            raise
        return await api.call("GET", f"{path}/{value['metadata']['name']}")


def _began(job: Mapping[str, Any]) -> float:
    return seconds(str(job["metadata"].get("creationTimestamp") or "")) or time.time()


def _ended(job: Mapping[str, Any]) -> bool:
    conditions = (job.get("status") or {}).get("conditions") or []
    return any(one.get("type") in ("Complete", "Failed") and one.get("status") == "True" for one in conditions)


def _waiting(pod: Mapping[str, Any], states: list[dict[str, Any]]) -> str:
    for state in states:
        reason = str((state.get("waiting") or {}).get("reason") or "")
        message = clean(str((state.get("waiting") or {}).get("message") or ""), limit=300)
        if reason in PULL_FAILED:
            raise UserError(
                Problem(what=f"{reason}: {message}", fix="choose another --qa-image", code="suite-image")
            )
        if reason and reason != "ContainerCreating":
            return f"{clean(reason)}: {message}"
    for condition in (pod.get("status") or {}).get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            return clean(f"{condition.get('reason')}: {condition.get('message')}", limit=300)
    return ""


def _refusal(error: KubeError, namespace: str) -> QaOutcome:
    if error.status == 401:
        return could_not_start("TOKEN_EXPIRED", str(error), "oc login, then run again")
    if error.status == 403:
        fix = f"oc adm policy add-role-to-user edit USER -n {namespace}"
        return could_not_start("FORBIDDEN", str(error), fix)
    if error.status == 404:
        return could_not_start("NAMESPACE", str(error), f"oc new-project {namespace}")
    return could_not_start("CLUSTER_UNREACHABLE", str(error), "oc whoami --show-server, then curl that address")


async def _to_the_end(work: Any) -> None:
    """Finish `work` even when we are cancelled again meanwhile."""
    task = asyncio.ensure_future(work)
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.shield(task)
