"""What a try asks of the rooms that do it, and the real ones: the run's cluster, the user's data folder."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.masking import masked_by_shape
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.shapes import mask_value
from modelcar_tui.manifest import Decision, masked_arguments
from modelcar_tui.models import MeasuredStart, ModelFacts
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.trial import TrialEnd, TrialNews, TrialPlan
from modelcar_tui.verdict import ModelRequirements

if TYPE_CHECKING:
    from modelcar_tui.kube import ClusterOptions
    from modelcar_tui.trial import PreparedTrial

TRIALS = "trials"
"""In a run's folder: the masked log of each of its tries. In the state folder: records of what they make."""


class Room(Protocol):
    """What is asked of the rooms that try, and keep what was measured."""

    async def prepare(
        self, model: ModelRequirements, run: RunState, wish: Wish, settings: Settings, redact: Redactor
    ) -> PreparedTrial:
        """What the try would be; nothing is made. Raises UserError, ClusterError."""
        ...

    async def run(
        self,
        prepared: PreparedTrial,
        on_news: Callable[[TrialNews], None],
        run: RunState,
        settings: Settings,
        *,
        log: Path,
        redact: Redactor,
    ) -> TrialEnd:
        """From the operator's word to the end; cancelled, it removes everything first."""
        ...

    def keep(self, start: MeasuredStart, facts: ModelFacts | None) -> None:
        """Keep a measurement of a model for later runs. Raises UserError."""
        ...

    def remains(self, plan: TrialPlan, settings: Settings) -> tuple[str, ...]:
        """What a try that was stopped could not remove, each with the command that does it."""
        ...


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Which model somebody wants tried, and how."""

    model: str
    """As the manifest calls it."""
    decision: Decision | None = None
    """The changes that count; None takes the arguments as they stand."""
    namespace: str | None = None
    on: str = ""
    """A node's name or a kind of GPU; empty leaves it to what is free."""
    limit_s: int | None = None
    """How long vLLM may take to start; None takes the usual."""


class OnCluster:
    """The real one: the cluster that the run has looked at."""

    async def prepare(
        self, model: ModelRequirements, run: RunState, wish: Wish, settings: Settings, redact: Redactor
    ) -> PreparedTrial:
        """See `Room.prepare`."""
        from modelcar_tui.cluster import refresh_cluster
        from modelcar_tui.image import ImageOptions
        from modelcar_tui.kube import connect, find_credentials
        from modelcar_tui.trial import LIMIT_S, TrialAsk, prepare_trial

        options = _options(run, settings)
        assert run.cluster is not None  # noqa: S101 - `_options` refuses it
        ask = TrialAsk(
            model=model,
            cluster=await refresh_cluster(options, run.cluster),
            vllm=settings.vllm_version,
            namespace=wish.namespace or settings.namespace,
            on=wish.on,
            images=ImageOptions(authfile=settings.authfile, registries_conf=settings.registries_conf),
            limit_s=wish.limit_s or LIMIT_S,
        )
        async with connect(find_credentials(options), options) as client:
            return await prepare_trial(ask, client, redact=redact)

    async def run(
        self,
        prepared: PreparedTrial,
        on_news: Callable[[TrialNews], None],
        run: RunState,
        settings: Settings,
        *,
        log: Path,
        redact: Redactor,
    ) -> TrialEnd:
        """See `Room.run`."""
        from modelcar_tui.kube import connect, find_credentials
        from modelcar_tui.trial import run_trial

        options, folder = _options(run, settings), settings.runs_folder.parent
        async with connect(find_credentials(options), options) as client:
            return await run_trial(prepared, client, on_news, folder=folder, log=log, redact=redact)

    def keep(self, start: MeasuredStart, facts: ModelFacts | None) -> None:
        """See `Room.keep`."""
        from modelcar_tui.verdict import Measurements

        Measurements().add(start, facts)

    def remains(self, plan: TrialPlan, settings: Settings) -> tuple[str, ...]:
        """See `Room.remains`: a record stays where something of it may be left."""
        if not (settings.runs_folder.parent / TRIALS / f"{plan.id}.json").exists():
            return ()
        what = f"oc -n {plan.namespace} delete job,secret -l io.modelcar-tui/trial={plan.id}"
        return (f"not known to be removed; the next run on this cluster does it, or: {what}",)


async def prepared_for(
    run: RunState, settings: Settings, wish: Wish, redact: Redactor, room: Room | None = None
) -> tuple[dict[str, Any], ...]:
    """The objects that a try would make, fit to be shown: of a Secret its name and its size alone.

    Raises:
        UserError: it can't be tried.
    """
    from modelcar_tui.kube import ClusterError

    try:
        model = wanted(wish, run)
        prepared = await (room or OnCluster()).prepare(model, run, wish, settings, redact)
    except ClusterError as error:
        raise UserError(error.problem, status=ExitStatus.CLUSTER) from None
    shown = (_without_data(secret) for secret in prepared.secrets)
    return tuple(_masked(one, redact) for one in (prepared.job, *shown))


def _without_data(secret: dict[str, Any]) -> dict[str, Any]:
    data = {**secret.get("data", {}), **secret.get("stringData", {})}
    kept = {key: value for key, value in secret.items() if key not in ("data", "stringData")}
    sizes = {f"modelcar-tui/{key}": f"{len(value)} bytes, not shown" for key, value in data.items()}
    meta = kept.get("metadata", {})
    return {**kept, "metadata": {**meta, "annotations": {**meta.get("annotations", {}), **sizes}}}


def _masked(value: Any, redact: Redactor) -> Any:
    """The same with each text masked: a variable and an argument by its name, too."""
    if isinstance(value, str):
        return masked_by_shape(redact(value))
    if isinstance(value, dict):
        name, given = value.get("name"), value.get("value")
        if isinstance(name, str) and isinstance(given, str):
            value = {**value, "value": mask_value(name, given)}
        return {key: _masked(one, redact) for key, one in value.items()}
    if isinstance(value, list | tuple):
        if all(isinstance(one, str) for one in value):
            value = masked_arguments(tuple(value))
        return [_masked(one, redact) for one in value]
    return value


async def sweep(run: RunState, settings: Settings) -> tuple[str, ...]:
    """Remove what tries of killed processes have left on the run's cluster; a line for each. A cluster that
    can't be asked is none of the run's business here: there is nothing to tell."""
    from modelcar_tui.kube import ClusterError, connect, find_credentials
    from modelcar_tui.trial import sweep_trials

    folder = settings.runs_folder.parent
    if not any((folder / TRIALS).glob("*.json")):
        return ()
    with suppress(UserError, ClusterError, OSError):
        options = _options(run, settings, looked=False)
        async with connect(find_credentials(options), options) as client:
            return await sweep_trials(client, folder=folder)
    return ()


def _options(run: RunState, settings: Settings, *, looked: bool = True) -> ClusterOptions:
    """Where the run looked, or looks.

    Raises:
        UserError: at no cluster.
    """
    from modelcar_tui.supervisor.specialists.accelerator import cluster_options

    if settings.gpus or settings.inventory:
        what = "the GPUs are stated, so there is none to try a model on"
        fix = "leave --gpu and --inventory out, so that the cluster is looked at"
        raise UserError(Problem(what=what, fix=fix))
    if looked and run.cluster is None:
        raise UserError(Problem(what="the cluster has not been looked at yet", fix="wait for it"))
    return cluster_options(settings, run.manifest)


def wanted(wish: Wish, run: RunState) -> ModelRequirements:
    """The model with the arguments that are to be tried.

    Raises:
        UserError: there is no such model, or no verdict yet.
    """
    from modelcar_tui.verdict import accepted_model

    found = next((model for model in run.models if model.car.name == wish.model), None)
    if found is None:
        names = ", ".join(model.car.name for model in run.models[:3])
        raise UserError(
            Problem(where=wish.model, what="there is no such model", fix=f"one of {names}" if names else "")
        )
    if run.decision is None:
        raise UserError(Problem(where=wish.model, what="there is no verdict yet", fix="wait for it"))
    return found if wish.decision is None else accepted_model(found, run.decision.plan, wish.decision)
