"""Making the Job of a run and its Secret: what the image is asked before, and nothing left where one is
refused."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.pull_secret import PullSecret
from modelcar_tui.kube import Client, ClusterError, Object, delete_and_wait
from modelcar_tui.qa import store
from modelcar_tui.qa.effects import NOT_ASKED, cautions
from modelcar_tui.qa.engines.kube_ground import FIRST_UID, Ground, read_ground, shut_out
from modelcar_tui.qa.engines.kube_indexed import Indexes
from modelcar_tui.qa.engines.kube_objects import (
    PROBE_LIMIT_S,
    indexed_job,
    object_name,
    probe_job,
    suite_job,
    suite_secret,
)
from modelcar_tui.qa.engines.kube_options import CONTAINER, JobOptions
from modelcar_tui.qa.engines.kube_pods import JobPods
from modelcar_tui.qa.engines.kube_refusals import SECRET_LIMIT, SMALLER
from modelcar_tui.qa.engines.kube_run import JobRun
from modelcar_tui.qa.engines.staging import env_file, qa_folder
from modelcar_tui.qa.events import Warned
from modelcar_tui.qa.manifest_file import StagedManifest, stage_manifest
from modelcar_tui.qa.occupied import refuse_occupied
from modelcar_tui.qa.suite import Command, command_for, refuse_untestable
from modelcar_tui.qa.suite_facts import IMAGE
from modelcar_tui.qa.suite_probe import PLACES, Probe, assumed, probe_script, read_probe
from modelcar_tui.qa.types import QaRequest

_PROBE_BYTES = 4 * 1024**2
_OPENSHIFT = "/apis/security.openshift.io/v1"


async def settled(client: Client, request: QaRequest, options: JobOptions) -> JobOptions:
    """The options with the pod's user where the cluster gives it none: a kubelet takes no image's user by
    name for one that is not root."""
    if options.run_as is not None or not request.image.startswith((f"{IMAGE}:", f"{IMAGE}@")):
        return options
    try:
        openshift = await client.find(_OPENSHIFT) is not None
    except ClusterError:
        return options
    return options if openshift else msgspec.structs.replace(options, run_as=FIRST_UID)


class Maker:
    """Makes what is missing of one run's Job and Secret: a killed process may have made only the first."""

    def __init__(self, run: JobRun) -> None:
        self._run = run
        self._client = run.client
        self._request = run.request
        self._options = run.options

    async def make(self, secret: PullSecret, config: bytes, job: Object | None) -> Object:
        """The Job, with its Secret.

        Raises:
            UserError: the image, the manifest or the pull secret can't be used.
            ClusterError: the server refuses one of them; the other is deleted.
        """
        request = self._request
        refuse_untestable(request.image)
        probe, ground = await self._probe()
        if job is None:
            await refuse_occupied(self._client, probe.facts.namespaces)
        store.save_probe(qa_folder(request.folder), probe)
        manifest = stage_manifest(Path(request.manifest_path), dict(request.output_types))
        what = command_for(request, probe, manifest, secret)
        files = {"kubeconfig": config, "modelcar.yaml": manifest.data}
        many = bool(self._options.parallel and len(manifest.models) > 1)
        own = {f"modelcar-{at}.yaml": data for at, data in enumerate(manifest.single)} if many else {}
        _check_size({**files, **own, "env": env_file(what.secret_env)})
        snapshots = ground.snapshots(probe.test_path) if ground.at else ""
        made = job or await self._job(what, manifest, snapshots, many=many)
        files |= own if Indexes.of(made) is not None else {}
        value = suite_secret(request, self._options, made, files, what.secret_env)
        try:
            await self._client.create(f"{self._options.core}/secrets", value)
        except ClusterError:
            # Its pod would wait for the Secret until the Job's deadline.
            await delete(self._run)
            raise
        return made

    async def _job(self, what: Command, manifest: StagedManifest, snapshots: str, *, many: bool) -> Object:
        if many and (indexed := await self._indexed(what, manifest.models, snapshots)) is not None:
            return indexed
        value = suite_job(self._request, self._options, what.args, what.env, snapshots)
        return await self._client.create(self._options.jobs, value)

    async def _indexed(self, what: Command, models: tuple[str, ...], snapshots: str) -> Object | None:
        """The indexed Job; None where this cluster knows no limits per index and would try failed ones
        again."""
        value = indexed_job(self._request, self._options, what.args, what.env, models, snapshots)
        job = await self._client.create(self._options.jobs, value)
        if "backoffLimitPerIndex" in job["spec"]:
            return job
        await delete_and_wait(
            self._client, f"{self._options.jobs}/{job['metadata']['name']}", self._run.poll_s
        )
        text = "this cluster is too old for a Job of one index a model; all models run in one pod"
        self._run.on_event(Warned(text=text))
        return None

    async def _probe(self) -> tuple[Probe, Ground]:
        """Ask the image which suite it holds, by a Job of its own.

        Raises:
            UserError: the pod can't be had, or its user can't read the image.
        """
        self._run.pipeline.stage("asking the image which suite it holds (by a Job)")
        value = probe_job(self._request, self._options, probe_script())
        try:
            text, why = await self._asked(await self._client.create(self._options.jobs, value))
        finally:
            with suppress(ClusterError):
                await self._client.delete(f"{self._options.jobs}/{value['metadata']['name']}")
        ground = read_ground(text)
        account = self._options.service_account
        problem = shut_out(ground, namespace=self._options.namespace, account=account)
        if problem is not None:
            raise UserError(problem)
        image = self._request.image
        probe = assumed(image) if why else read_probe(text, image)
        # Where its user can't write in the image, the Job mounts a place.
        placed = msgspec.structs.replace(probe, writable=tuple(PLACES))
        for caution in cautions(placed, self._request.told):
            told = f"{caution} ({why})" if why and caution == NOT_ASKED else caution
            self._run.on_event(Warned(text=told))
        return probe, ground

    async def _asked(self, job: Object) -> tuple[str, str]:
        """What the probe printed, and why that is not all."""
        pods = JobPods(self._run, job)
        path = f"{self._options.core}/pods/{await pods.await_start()}/log"
        text = b""
        try:
            async with asyncio.timeout(PROBE_LIMIT_S):
                async for chunk in self._client.log(path, container=CONTAINER, follow="true"):
                    text += chunk
                    if len(text) > _PROBE_BYTES:
                        break
        except TimeoutError:
            return text.decode("utf-8", "replace"), f"it did not answer within {PROBE_LIMIT_S} s"
        return text.decode("utf-8", "replace"), ""


async def delete(run: JobRun) -> None:
    """Delete a run's Job, its pods and its Secret; what can't be deleted is said with its command."""
    name, options, left = object_name(run.request.run_id), run.options, []
    for kind, path in (("job", f"{options.jobs}/{name}"), ("secret", f"{options.core}/secrets/{name}")):
        try:
            await run.client.delete(path)
        except ClusterError as error:
            if not error.missing:
                remove = f"oc delete {kind} {name} -n {options.namespace}"
                left.append(f"{kind} {name} may be left: {error.problem.what}; {remove}")
    with suppress(OSError):
        for line in left:
            run.pipeline.say(line)


def _check_size(files: Mapping[str, bytes]) -> None:
    """Before anything is made.

    Raises:
        UserError: one Secret can't hold it.
    """
    size = sum(map(len, files.values()))
    if size <= SECRET_LIMIT:
        return
    name, largest = max(files.items(), key=lambda item: len(item[1]))
    what = (
        f"what the Job is lent has {size / 1024:,.0f} KiB, and a Secret holds {SECRET_LIMIT // 1024:,}; "
        f"{'the pull secret' if name == 'env' else name} alone has {len(largest) / 1024:,.0f}"
    )
    raise UserError(Problem(what=what, fix=SMALLER, code="secret-too-large"))
