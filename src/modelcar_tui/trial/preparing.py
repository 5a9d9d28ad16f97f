"""Everything up to the operator's word: where a try lands, what it starts, what it makes."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from modelcar_tui.cluster import NamespaceLimits, PodShape, read_limits
from modelcar_tui.cluster.types import AcceleratorReport, Runtime
from modelcar_tui.core.counting import several
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.image import ImageOptions, SmallFiles, read_small_files
from modelcar_tui.kube import Client
from modelcar_tui.manifest import ModelCar
from modelcar_tui.models import ModelFacts
from modelcar_tui.trial.arguments import SKIP, Tried, tried_arguments
from modelcar_tui.trial.asking import PreparedTrial, TrialAsk
from modelcar_tui.trial.environment import changed_environment, tried_environment
from modelcar_tui.trial.files import UNPACKED, Lent, lend, must_skip
from modelcar_tui.trial.headers import TOLD, lent_headers, unread_headers
from modelcar_tui.trial.job import new_id, trial_job, trial_secrets
from modelcar_tui.trial.place import Spot, find_spot, not_asked, one_pod
from modelcar_tui.trial.pod import Container, Security, secret_name, trial_pod
from modelcar_tui.trial.priority import Chosen, Neighbours, choose_priority, look_around
from modelcar_tui.trial.proving import basis_of, figures_of, predicted, unproven
from modelcar_tui.trial.refusing import cannot
from modelcar_tui.trial.rights import (
    check_counts,
    check_rights,
    checked_namespace,
    read_security,
    wants_cpu_limit,
)
from modelcar_tui.trial.types import TrialPlan
from modelcar_tui.verdict import at_runtime, kind_name, release_of, runtime_of

T = TypeVar("T", bound=msgspec.Struct)
_LONGEST = 10_000
"""Characters of one text of a plan: an argument may be a JSON object."""
Reading = Callable[[str, ImageOptions], Awaitable[SmallFiles]]
"""Reads a model's small files."""


async def prepare_trial(
    ask: TrialAsk, client: Client, *, redact: Redactor, read: Reading | None = None
) -> PreparedTrial:
    """What the try would be; nothing is made.

    Args:
        ask: what is to be tried.
        client: of the cluster.
        redact: of the process; every text of the plan passes it.
        read: reads the model's small files; None reads them out of its image.

    Raises:
        UserError: it can't be tried; one line says why, and what helps.
        ClusterError: the API server could not be asked.
    """
    what = _what(ask)
    namespace = checked_namespace(_namespace(ask))
    security, limits, chosen = await _look(ask, client, namespace)
    spot = _where(ask, limits, chosen)
    around = await look_around(client, spot, chosen)
    spot = _still_free(ask, spot, around)
    found = await (read or _read)(what.car.image, ask.images)
    heads = lent_headers(what.facts, found.files, found.weights)
    whole = msgspec.structs.replace(found, files={**found.files, **heads}) if heads else found
    lent = await asyncio.to_thread(lend, what.car.name, whole)
    check_counts(limits, len(lent.parts))
    return _prepared(_Known(ask, what, namespace, security, limits, chosen, around, spot, lent), redact)


class _What(msgspec.Struct, frozen=True, kw_only=True):
    """What is started."""

    car: ModelCar
    """With all arguments that its server gets."""
    facts: ModelFacts
    runtime: Runtime
    release: str | None
    tried: Tried


class _Known(msgspec.Struct, frozen=True):
    """All that a plan is made of."""

    ask: TrialAsk
    what: _What
    namespace: str
    security: Security
    limits: NamespaceLimits
    chosen: Chosen
    around: Neighbours
    spot: Spot
    lent: Lent


def _what(ask: TrialAsk) -> _What:
    """The runtime and the arguments, or why they can't be tried."""
    car, cluster = ask.model.car, ask.cluster
    if cluster.inventory.origin != "cluster" or not cluster.access.healthy:
        fix = "log in to the cluster, and leave --gpu and --inventory out"
        raise cannot(car.name, "no cluster was looked at, and a try needs its GPUs", fix)
    one_pod(ask.model, cluster, "", ask.vllm)
    runtime = runtime_of(car, cluster)
    if runtime is None or not runtime.image:
        raise cannot(car.name, "which image of vLLM serves it is not known", _name_it(car))
    release = release_of(car, cluster, ask.vllm)
    served, facts = at_runtime(ask.model, cluster).car, ask.model.image.model
    tried = tried_arguments(car.name, facts, served.serving, runtime, release)
    return _What(car=served, facts=facts, runtime=runtime, release=release, tried=tried)


def _name_it(car: ModelCar) -> str:
    if car.server is None:
        return "name it: export VLLM_RUNTIME_IMAGE=IMAGE"
    if car.server.runtime:
        return f"put its runtime into the file: oc get servingruntime {car.server.runtime} -o yaml"
    return "write the image into the file, or name its ServingRuntime: spec.predictor.model.runtime"


def _namespace(ask: TrialAsk) -> str:
    limits = ask.cluster.limits
    told = (
        ask.namespace,
        ask.model.car.namespace,
        limits.namespace if limits is not None else "",
        ask.cluster.access.namespace,
    )
    return next((name for name in told if name), "")


async def _look(ask: TrialAsk, client: Client, namespace: str) -> tuple[Security, NamespaceLimits, Chosen]:
    """Rights, the namespace, its limits and the cluster's priorities."""
    server = ask.model.car.server
    # What may end it goes one by one: a refusal leaves no other question under way.
    security = await read_security(client, namespace)
    await check_rights(client, namespace, ask.cluster.access.user)
    chosen = await choose_priority(client, server.priority_class if server is not None else "")
    return security, await _limits(ask.cluster, client, namespace), chosen


async def _limits(cluster: AcceleratorReport, client: Client, namespace: str) -> NamespaceLimits:
    known = cluster.limits
    if known is not None and known.namespace == namespace:
        return known
    return await read_limits(client, namespace, known.groups if known is not None else None)


def _where(ask: TrialAsk, limits: NamespaceLimits, chosen: Chosen) -> Spot:
    """The nodes that take the pod, by what is known of them."""
    report = msgspec.structs.replace(ask.cluster, limits=limits)
    shape = one_pod(ask.model, report, limits.namespace, ask.vllm)
    queue = _queue(ask, limits, shape)
    shape = msgspec.structs.replace(shape, queue=queue, priority_class=chosen.name)
    return find_spot(ask.model, report, shape, ask.on, ask.vllm)


def _queue(ask: TrialAsk, limits: NamespaceLimits, shape: PodShape) -> str:
    """The operator's, the pod's, or the only one of a namespace that Kueue manages."""
    alone = limits.queues[0].name if limits.managed is True and len(limits.queues) == 1 else ""
    return ask.queue if ask.queue is not None else shape.queue or alone


def _still_free(ask: TrialAsk, spot: Spot, around: Neighbours) -> Spot:
    """Without the nodes that have filled up since they were looked at."""
    nodes = tuple(node for node in spot.nodes if node.name not in around.full)
    if not nodes:
        have = several(spot.shape.units, f"free {spot.resource}", f"free {spot.resource}")
        fix = "wait until they are given back, or name another: --on PRODUCT"
        raise cannot(ask.model.car.name, f"no node has {have} any more", fix)
    return msgspec.structs.replace(spot, nodes=nodes)


async def _read(reference: str, options: ImageOptions) -> SmallFiles:
    return await read_small_files(reference, options=options, budget=UNPACKED)


def _prepared(known: _Known, redact: Redactor) -> PreparedTrial:
    ask, what, spot, lent = known.ask, known.what, known.spot, known.lent
    name = what.car.name
    skip = must_skip(name, lent, what.facts, what.tried.engine, skips=what.tried.skips)
    args = (*what.tried.args, SKIP) if skip else what.tried.args
    environment = tried_environment(what.runtime, what.release)
    container = Container(
        runtime=what.runtime,
        args=args,
        environment=environment,
        port=what.tried.port,
        limit_s=ask.limit_s,
        cpu_limited=wants_cpu_limit(known.limits),
    )
    trial, queue = new_id(), spot.shape.queue
    pod = trial_pod(trial, spot, container, lent, what.car.server, known.security, known.chosen.name)
    found = predicted(what.facts, spot, what.tried.engine, what.release)
    skipped = (f"{SKIP}: its tokenizer is not lent",) if skip else ()
    plan = TrialPlan(
        id=trial,
        model=name,
        namespace=known.namespace,
        image=what.runtime.image,
        gpus=spot.shape.units,
        resource=spot.resource,
        product=kind_name(spot.kind),
        nodes=tuple(node.name for node in spot.nodes),
        limit_s=ask.limit_s,
        start_s=ask.start_s,
        queue=queue,
        priority_class=known.chosen.name,
        pushed=known.around.pushed,
        cautions=(*spot.cautions, *known.around.cautions, *_kueue(known), *_user(known)),
        creates=_creates(known, trial),
        command=what.runtime.starts,
        args=args,
        changed=(
            *what.tried.changed,
            *skipped,
            *([TOLD] if any(path.endswith(".safetensors") for path, _ in lent.files) else []),
            *changed_environment(what.runtime, what.release),
            *spot.changed,
            *not_asked(ask.model, ask.cluster, ask.vllm),
            *_cpu(known),
        ),
        files=lent.files,
        left_out=lent.left_out,
        unproven=(
            *unproven(what.facts, what.tried.engine, what.car.serving.whole, skips=skip),
            *unread_headers(what.facts, what.tried.engine),
        ),
        predicted=found.outcome.value,
        predicted_figures=figures_of(found),
    )
    basis = basis_of(
        what.car,
        what.facts,
        spot,
        image=what.runtime.image,
        release=what.release,
        environment=what.runtime.environment,
        found=found,
    )
    return PreparedTrial(
        plan=_told(plan, redact),
        job=trial_job(trial, known.namespace, pod, limit_s=ask.limit_s, start_s=ask.start_s, queue=queue),
        secrets=trial_secrets(trial, known.namespace, lent),
        basis=_told(basis, redact),
        port=what.tried.port,
    )


def _kueue(known: _Known) -> list[str]:
    """What Kueue may do for it."""
    queue = next((one for one in known.limits.queues if one.name == known.spot.shape.queue), None)
    if queue is None or queue.behind is None or not queue.behind.preempts:
        return []
    return [f"the ClusterQueue {queue.cluster_queue} may stop other workloads to make room for it"]


def _user(known: _Known) -> list[str]:
    """Where the pod's user is another than production's."""
    security = known.security
    if security.gives_user or not security.restricted:
        return []
    return ["the namespace lets nobody run as root: vLLM runs as another user than its image's own"]


def _cpu(known: _Known) -> list[str]:
    given = known.what.car.server is not None and wants_cpu_limit(known.limits)
    return ["the container has a limit of CPU, which a quota of the namespace wants"] if given else []


def _creates(known: _Known, trial: str) -> tuple[str, ...]:
    spot, lent, where = known.spot, known.lent, known.namespace
    size = -(-sum(map(len, lent.parts)) // 1024)
    whole = f"with {several(len(lent.files), 'small file')} of the model, {size:,} KiB packed"
    first, last = secret_name(trial, 0), secret_name(trial, len(lent.parts) - 1)
    names = f"Secret {first}" if first == last else f"Secrets {first} to {last}"
    return (
        f"Job {trial} in namespace {where}: one pod with {spot.shape.units} {spot.resource}",
        f"{names} in namespace {where}, {whole}",
    )


def _told(record: T, redact: Redactor) -> T:
    """A record whose every text is one clean line without a secret."""

    def told(value: Any) -> Any:
        if isinstance(value, str):
            return redact.line(value, limit=_LONGEST)
        return tuple(map(told, value)) if isinstance(value, tuple) else value

    fields = {name: told(getattr(record, name)) for name in record.__struct_fields__}
    return msgspec.structs.replace(record, **fields)
