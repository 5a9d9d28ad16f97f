"""QA on this machine: the suite's image in a detached, named, labelled podman container."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from contextlib import suppress
from pathlib import Path

from modelcar_tui.core.errors import UserError
from modelcar_tui.core.pull_secret import PullSecret
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube import flatten, teach_lent
from modelcar_tui.qa import store
from modelcar_tui.qa.effects import cautions, of_suite
from modelcar_tui.qa.engines.collect import LIMIT_S, collect
from modelcar_tui.qa.engines.follow import following
from modelcar_tui.qa.engines.podman_cli import Podman, PodmanError
from modelcar_tui.qa.engines.podman_container import Container, Exit, find, won_by_another
from modelcar_tui.qa.engines.probe import default_cache, probe
from modelcar_tui.qa.engines.pull import pull
from modelcar_tui.qa.engines.staging import (
    IN_CONTAINER,
    LABEL,
    driving_alone,
    entrypoint,
    forget_env,
    qa_folder,
    stage,
    stage_folder,
    unstage,
    user_mapping,
)
from modelcar_tui.qa.engines.watchdog import Watchdog
from modelcar_tui.qa.events import QaStarted, Warned
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.manifest_file import stage_manifest
from modelcar_tui.qa.occupied import refuse_occupied_as
from modelcar_tui.qa.outcome import Ended, classify, could_not_start, refused
from modelcar_tui.qa.runner import OnEvent, QaSecrets
from modelcar_tui.qa.suite import command_for, known, refuse_untestable
from modelcar_tui.qa.types import QaOutcome, QaRequest, cluster_of
from modelcar_tui.qa.watch import watching
from modelcar_tui.qa.watch_outcome import with_record

POLL_S = 0.05
STOPPED_S = 120.0
"""How long the end of a container is waited for that was stopped."""


class PodmanRunner:
    """The default engine; see `runner.Runner` for what it promises.

    Args:
        program: podman, or a path to it.
        redact: Learns every secret that passes; what it knows never reaches the spool.
        grace_s: How long a stopped suite may clean up on the cluster before it is killed.
        probes: Where probes of images are remembered; the user's cache folder by default.
    """

    def __init__(
        self,
        *,
        program: str = "podman",
        redact: Redactor | None = None,
        grace_s: float = 30.0,
        probes: Path | None = None,
    ) -> None:
        self.detach = False
        self._podman = Podman(program)
        self._redact = redact or Redactor()
        self._grace = grace_s
        self._probes = probes or default_cache()

    async def run(self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent) -> QaOutcome:
        outcome = await self._drive(request, secrets, on_event, start=True)
        return outcome or could_not_start("NOT_STARTED", "the container was not started", "run again")

    async def attach(self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent) -> QaOutcome | None:
        return await self._drive(request, secrets, on_event, start=False)

    async def _drive(
        self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent, *, start: bool
    ) -> QaOutcome | None:
        qa = qa_folder(request.folder)
        try:
            async with driving_alone(qa):
                return await self._driven(qa, request, secrets, on_event, start=start)
        except UserError as error:
            return refused(error.problems[0])
        except FileNotFoundError as error:
            if error.filename != self._podman.program:
                raise
            return could_not_start("RUNTIME_NOT_FOUND", "podman is not installed", "sudo dnf install podman")
        except PodmanError as error:
            return could_not_start("PODMAN_FAILED", str(error), "podman info shows whether podman works here")
        except TimeoutError:
            return could_not_start("PODMAN_FAILED", "podman did not answer in time", "podman ps; podman info")
        except OSError as error:
            what = f"{error.strerror or type(error).__name__}: {error.filename or qa}"
            return could_not_start("DISK", self._redact(what), "df -h; free some room, then run again")

    async def _driven(
        self, qa: Path, request: QaRequest, secrets: QaSecrets, on_event: OnEvent, *, start: bool
    ) -> QaOutcome | None:
        if (done := store.load_outcome(qa)) is not None:
            await self._clean_up(qa, request)
            return done
        if shutil.which(self._podman.program) is None:
            raise FileNotFoundError(2, "not found", self._podman.program)
        container = await find(self._podman, request.run_id)
        if container is None and not start:
            return None
        pull_secret = known(secrets.pull_secret, needed=container is None, login_host=request.registry_host)
        pipeline = Pipeline(qa / store.SPOOL, self._redact, on_event)
        try:
            attached = container is not None
            if container is None:
                container = await self._start(qa, request, pull_secret, pipeline, on_event)
            else:
                teach_lent(stage_folder(qa) / "kubeconfig")
            await container.open()
            on_event(
                QaStarted(
                    container=name_of(request),
                    image=request.image,
                    log=str(pipeline.path),
                    attached=attached,
                    began=container.started or time.time(),
                    limit_s=request.timeout_s,
                    model_limit_s=request.model_timeout_s,
                )
            )
            began = container.started or time.time()
            async with watching(request, qa, pipeline, on_event, began=began) as record:
                ended = await self._follow(qa, request, container, pipeline, on_event)
            outcome = of_suite(with_record(ended, record), store.load_suite_facts(qa))
            outcome = await pipeline.conclude(outcome)
            store.save_outcome(qa, outcome)
            await self._clean_up(qa, request)
        except asyncio.CancelledError:
            if not self.detach:
                await self._stop_for_good(qa, request)
            raise
        except BaseException:
            # The disk is full, podman fell over, ...: nothing may stay behind.
            await self._stop_for_good(qa, request)
            raise
        finally:
            pipeline.close()
        return outcome

    async def _start(
        self,
        qa: Path,
        request: QaRequest,
        secret: PullSecret,
        pipeline: Pipeline,
        on_event: OnEvent,
    ) -> Container:
        manifest = stage_manifest(Path(request.manifest_path), dict(request.output_types))
        refuse_untestable(request.image)
        image = await pull(self._podman, request, pipeline)
        pipeline.stage("asking the image which suite it holds (seconds)")
        found = await probe(self._podman, image, self._probes, name=request.image, network=request.network)
        for text in cautions(found, request.told):
            on_event(Warned(text=text))
        what = command_for(request, found, manifest, secret)
        pipeline.stage(f"asking the suite for its tests (seconds; {LIMIT_S:.0f} at most)")
        collected = await collect(self._podman, image, found, what, manifest, qa)
        pipeline.expect(collected.tests)
        if collected.caution:
            on_event(Warned(text=self._redact(collected.caution)))
        pipeline.stage("staging")
        config = await flatten(cluster_of(request), needed_s=request.timeout_s)
        for text in config.warnings:
            on_event(Warned(text=text))
        await refuse_occupied_as(config, cluster_of(request), found.facts.namespaces)
        store.save_probe(qa, found)
        mapping, owner = user_mapping(found.uid, found.gid)
        folder = stage(qa, kubeconfig=config.data, manifest=manifest.data, env=what.secret_env, owner=owner)
        shell, own = entrypoint(image)
        plain = [f"--env={name}={value}" for name, value in what.env.items()]
        limits = [f"--memory={request.memory}"] if request.memory else []
        limits += [f"--network={request.network}"] if request.network else []
        pipeline.stage("starting the container")
        result = await self._podman(
            "run",
            "--detach",
            f"--name={name_of(request)}",
            f"--label={LABEL}={request.run_id}",
            "--pull=never",
            "--log-driver=k8s-file",
            "--stop-signal=SIGINT",
            "--security-opt=no-new-privileges",
            *mapping,
            *limits,
            f"--volume={folder.resolve()}:{IN_CONTAINER}:ro,Z",
            f"--env=KUBECONFIG={IN_CONTAINER}/kubeconfig",
            *plain,
            f"--entrypoint={json.dumps(shell)}",
            str(image["Id"]),
            *own,
            *what.args,
            limit_s=120.0,
        )
        if result.status == 0:
            return Container(self._podman, result.out.strip())
        if (container := await won_by_another(self._podman, request.run_id, result.err)) is not None:
            return container
        raise PodmanError(result)

    async def _follow(
        self, qa: Path, request: QaRequest, container: Container, pipeline: Pipeline, on_event: OnEvent
    ) -> QaOutcome:
        age = max(time.time() - container.started, 0.0) if container.started else 0.0
        watchdog = Watchdog(request, pipeline, on_event, age_s=age)
        status, at = await self._to_its_end(qa, container, pipeline, watchdog)
        lost = status is None and watchdog.ended is Ended.ITSELF
        return classify(
            pipeline.parser,
            exit_status=status,
            ended=Ended.LOST if lost else watchdog.ended,
            seconds=(at or time.time()) - container.started if container.started else None,
            limit_s=watchdog.limit_s,
            where=watchdog.doing,
        )

    async def _to_its_end(
        self, qa: Path, container: Container, pipeline: Pipeline, watchdog: Watchdog
    ) -> Exit:
        """Take the lines of the log until there can be no more, and look after the limits meanwhile."""
        waiter = asyncio.create_task(container.wait())
        pause = POLL_S
        try:
            async with following(self._podman, container.id, container.log_path) as follower:
                # One that neither asked nor killed ends: podman itself is stuck.
                while time.monotonic() - watchdog.stopped_at < STOPPED_S:
                    lines = follower.read()
                    for line in lines:
                        pipeline.take(line)
                    if lines:
                        forget_env(qa)
                    pipeline.flush(force=False)
                    # One that ended while nobody looked is judged by what it did, not by its age.
                    if container.running:
                        await watchdog.look(lambda: container.stop(self._grace))
                    if lines:
                        pause = POLL_S
                        await asyncio.sleep(0)
                    elif waiter.done() and not follower.more():
                        break
                    else:
                        pause = min(pause * 1.5, 0.25)
                        await asyncio.wait({waiter}, timeout=pause)
                        if waiter.done():
                            await asyncio.sleep(POLL_S)
                for line in follower.finish():
                    pipeline.take(line)
            return waiter.result() if waiter.done() else Exit(None, 0.0)
        finally:
            waiter.cancel()
            with suppress(asyncio.CancelledError, PodmanError, OSError):
                await waiter

    async def _clean_up(self, qa: Path, request: QaRequest, *, grace_s: float | None = None) -> None:
        """Remove the container and what was lent to it; with a grace the suite is asked to end first."""
        try:
            with suppress(TimeoutError, OSError, PodmanError):
                container = await find(self._podman, request.run_id)
                if container is not None:
                    if grace_s is not None:
                        await container.stop(grace_s)
                    await container.remove()
        finally:
            unstage(qa)

    async def _stop_for_good(self, qa: Path, request: QaRequest) -> None:
        """Stop and remove within a limit, even when we are cancelled again meanwhile."""
        task = asyncio.create_task(self._clean_up(qa, request, grace_s=self._grace))
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.shield(task)


def name_of(request: QaRequest) -> str:
    """The container's name."""
    return "modelcar-tui-" + re.sub(r"[^a-zA-Z0-9_.-]", "-", request.run_id)
