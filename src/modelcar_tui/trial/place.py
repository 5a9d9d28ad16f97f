"""Where a try lands: the kind of GPU and the nodes that take ONE such pod now, as the verdict asks them."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator

import msgspec

from modelcar_tui.cluster import FitAnswer, PodShape, helping, untolerated
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Pool
from modelcar_tui.core.counting import several
from modelcar_tui.core.text import clean
from modelcar_tui.hardware import asked_resource
from modelcar_tui.manifest import SERVE_LINE, Toleration, Whole
from modelcar_tui.trial.refusing import cannot
from modelcar_tui.verdict import (
    Candidate,
    Landing,
    ModelRequirements,
    ModelVerdict,
    candidates,
    decide_model,
    kind_name,
    land,
    pod_for,
    within_limits,
)

MOST_NODES = 10
"""Nodes that the pod's affinity names."""
_TAINT = "taint"
_STOPS = ("free", "dra", "runtime", "resource", _TAINT)
"""Codes of what nobody knows and a try can't do without."""
_BUSY = ("busy", "units", "cpu", "memory", "pods")
_WAIT = "wait until one is free, or name another: --on PRODUCT"


class Spot(msgspec.Struct, frozen=True, kw_only=True):
    """Where a try may land."""

    kind: Candidate
    nodes: tuple[GpuNode, ...]
    """At most ten, all of the kind."""
    shape: PodShape
    """Of the one pod, with the tolerations that it needs."""
    resource: str
    """That it asks for: `nvidia.com/gpu`."""
    changed: tuple[str, ...] = ()
    cautions: tuple[str, ...] = ()

    def pool(self, node: GpuNode) -> Pool:
        """The node's units of the kind."""
        return next(pool for there, pool in self.kind.places if there.name == node.name)


def find_spot(
    model: ModelRequirements, report: AcceleratorReport, shape: PodShape, on: str, vllm: str | None
) -> Spot:
    """The kind of GPU on which the verdict has it, and the nodes that take the pod now.

    Args:
        model: that is to be tried.
        report: with the limits of the try's namespace.
        shape: of the one pod (`one_pod`).
        on: a node's name or a kind of GPU; empty for any.
        vllm: the release that the operator states.

    Raises:
        UserError: no free GPU takes it now; one line says why, and what helps.
    """
    name = model.car.name
    if on:
        report = _only(name, report, on)
    kinds = candidates(report)
    if not kinds:
        raise cannot(name, "no usable GPU is known", "agent accelerator tells what the cluster has")
    verdict = decide_model(model, report, kinds, vllm)
    first, *others = sorted(kinds, key=lambda kind: _unlike(kind, verdict))
    landing, used = _landed(shape, first, report)
    if _takes(landing, first):
        return _spot(first, landing, used, shape)
    free = [kind_name(kind) for kind in others if _takes(_landed(shape, kind, report)[0], kind)]
    fix = _elsewhere(free) if free else _fix(landing)
    raise cannot(name, f"on {kind_name(first)}: {_why(landing, first)}", fix)


def _unlike(kind: Candidate, verdict: ModelVerdict) -> tuple[bool, bool]:
    """Least is the kind that a verdict is about; a card and its slices have one product."""
    memory = verdict.gpu_gib.value
    return kind.gpu.product != verdict.product, memory is not None and kind.gpu.memory_gib.value != memory


def one_pod(
    model: ModelRequirements, report: AcceleratorReport, namespace: str, vllm: str | None
) -> PodShape:
    """The pod of one replica, in the try's namespace.

    Raises:
        UserError: it is none, or several, or asks for no accelerator.
    """
    car = model.car
    if car.kind == SERVE_LINE:
        raise cannot(
            car.name,
            "a command line of vLLM is no pod",
            "render it as an InferenceService first: agent manifest",
        )
    shape = pod_for(model, report, vllm)
    if car.pods > 1:
        raise cannot(car.name, f"a copy of it is {several(car.pods, 'pod')}, and a try starts one alone")
    if shape.units < 1:
        raise cannot(car.name, "its pod asks for no accelerator", "write the GPUs into its resources")
    whole = shape.scheduling.whole
    if whole.refused:
        raise cannot(car.name, f"an API server refuses its amounts: {whole.refused}", "mend them")
    beside = whole if car.server is not None else Whole()
    return msgspec.structs.replace(
        shape,
        units=shape.units - beside.units,
        cpu_milli=max(0, shape.cpu_milli - beside.cpu_milli),
        memory_mib=max(0, shape.memory_mib - beside.memory_mib),
        scheduling=msgspec.structs.replace(shape.scheduling, whole=Whole(node=whole.node)),
        copies=1,
        pods=1,
        namespace=namespace,
    )


def not_asked(model: ModelRequirements, report: AcceleratorReport, vllm: str | None) -> Iterator[str]:
    """What production's pod asks for besides GPUs, CPU and RAM, and a try does not; one sentence."""
    names = [clean(name, limit=100) for name in pod_for(model, report, vllm).scheduling.whole.resources]
    if names:
        more = f" and {len(names) - 6} more" if len(names) > 6 else ""
        yield f"the pod does not ask for {', '.join(names[:6])}{more}, as production's does"


def _only(name: str, report: AcceleratorReport, on: str) -> AcceleratorReport:
    """The report with the nodes, and their pools, that `on` names."""
    wanted, inventory = on.strip().lower(), report.inventory
    nodes = tuple(node for node in inventory.nodes if node.name.lower() == wanted)
    if not nodes:
        kinds = [
            kind
            for kind in candidates(report)
            if wanted in (kind_name(kind).lower(), kind.gpu.product.lower())
        ]
        nodes = tuple(
            msgspec.structs.replace(node, pool=(pool,)) for kind in kinds for node, pool in kind.places
        )
    if not nodes:
        kinds = list(candidates(report))
        there = ", ".join(dict.fromkeys(kind_name(kind) for kind in kinds)) or "none that is usable"
        some = ", ".join([*dict.fromkeys(node.name for kind in kinds for node in kind.nodes)][:4])
        what = f"no node and no kind of GPU is called {clean(on, limit=100)}"
        raise cannot(name, what, f"there are {there}" + (f"; nodes: {some}" if some else ""), "no-such-place")
    return msgspec.structs.replace(report, inventory=msgspec.structs.replace(inventory, nodes=nodes))


def _landed(shape: PodShape, kind: Candidate, report: AcceleratorReport) -> tuple[Landing, PodShape]:
    """What the nodes of a kind answer, with the tolerations that a pod for these GPUs is given."""
    landing = within_limits(land(shape, kind), shape, kind, report)
    if landing.code == "storage":  # the weights are not pulled
        shape = msgspec.structs.replace(shape, image_mib=None, fetched=False)
        landing = within_limits(land(shape, kind), shape, kind, report)
    if landing.code != _TAINT:
        return landing, shape
    for node, pool in kind.places:
        if node.name in landing.nodes and (more := _tolerations(shape, node, pool)):
            scheduling = msgspec.structs.replace(
                shape.scheduling, tolerations=(*shape.scheduling.tolerations, *more)
            )
            wider = msgspec.structs.replace(shape, scheduling=scheduling)
            again = within_limits(land(wider, kind), wider, kind, report)
            if _takes(again, kind):
                return again, wider
    return landing, shape


def _tolerations(shape: PodShape, node: GpuNode, pool: Pool) -> tuple[Toleration, ...]:
    """Those of the hardware profile that offers the GPUs, or of the taint by which nodes keep pods without
    GPUs away; any other taint is somebody's wish to be left alone."""
    profile = helping(shape, node, pool)
    if profile is not None:
        return profile.tolerations
    vendor = asked_resource(pool.resource).partition("/")[0]
    taints = [one for one in untolerated(shape, node) if one.rpartition(":")[0].startswith(f"{vendor}/")]
    found = []
    for taint in taints:
        text, _, effect = taint.rpartition(":")
        key, _, value = text.partition("=")
        operator = "Equal" if value else "Exists"
        found.append(Toleration(key=key, operator=operator, value=value, effect=effect))
    return tuple(found)


def _takes(landing: Landing, kind: Candidate) -> bool:
    if landing.answer is FitAnswer.NO or not landing.nodes:
        return False
    known = all(pool.free is not None for node, pool in kind.places if node.name in landing.nodes)
    return known and (landing.answer is FitAnswer.YES or landing.code not in _STOPS)


def _spot(kind: Candidate, landing: Landing, used: PodShape, asked: PodShape) -> Spot:
    nodes = tuple(node for node in kind.nodes if node.name in landing.nodes)[:MOST_NODES]
    own, more = asked.scheduling.tolerations, used.scheduling.tolerations
    changed = [f"the pod tolerates {taint}" for taint in _words(more[len(own) :])]
    if used.image_mib != asked.image_mib:
        changed.append("the node's storage need not hold the weights, which are not pulled")
    cautions = [f"{landing.why}: it may wait"] if landing.answer is FitAnswer.UNKNOWN else []
    if kind.pool.beside_neighbours:
        cautions.append("the card is shared: what its neighbours take is measured along with it")
    return Spot(
        kind=kind,
        nodes=nodes,
        shape=used,
        resource=used.resource or asked_resource(kind.pool.resource),
        changed=tuple(changed),
        cautions=tuple(clean(one, limit=400) for one in cautions),
    )


def _words(tolerations: Iterable[Toleration]) -> Iterator[str]:
    for one in tolerations:
        value = f"={one.value}" if one.value else ""
        yield clean(f"{one.key or 'every taint'}{value}{f':{one.effect}' if one.effect else ''}", limit=200)


def _elsewhere(kinds: Iterable[str]) -> str:
    """That is not chosen unasked: another card is another measurement."""
    return f"another kind would take it: {' or '.join(f'--on {shlex.quote(one)}' for one in kinds)}"


def _why(landing: Landing, kind: Candidate) -> str:
    if landing.answer is not FitAnswer.NO and not _free_known(kind):
        return "how many GPUs are free is not known: pods could not be listed"
    return clean(landing.why or "no node takes its pod", limit=400)


def _free_known(kind: Candidate) -> bool:
    return all(pool.free is not None for _, pool in kind.places)


def _fix(landing: Landing) -> str:
    if landing.fix:
        return landing.fix
    if landing.condition is not None and landing.condition.settles:
        return landing.condition.settles
    return _WAIT if landing.code in _BUSY else "name another place: --on NODE or --on PRODUCT"
