"""Where a model's pod goes, and what it needs to get there: resource, tolerations, profile, queue."""

from __future__ import annotations

import msgspec

from modelcar_tui.cluster import PRODUCT_LABELS, HardwareProfile, PodShape, ProfileKind, helping, untolerated
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Pool
from modelcar_tui.hardware import asked_resource
from modelcar_tui.verdict import (
    Candidate,
    DecisionReport,
    ModelRequirements,
    ModelVerdict,
    candidates,
    kind_name,
    pod_for,
)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """What the pod asks for, as the node that was chosen wants it."""

    resource: str
    """`nvidia.com/gpu`, `nvidia.com/mig-1g.10gb`."""
    card: str = ""
    """`H100-80GB-HBM3 80 GiB`."""
    node: str = ""
    """Empty where no node was looked at."""
    tolerations: tuple[tuple[str, str, str, str], ...] = ()
    """Key, operator, value and effect: all of the pod's, as a list of KServe replaces the runtime's."""
    taints: tuple[str, ...] = ()
    """The node's, which the runtime does not tolerate."""
    profile: HardwareProfile | None = None
    """The one that gives the pod its tolerations."""
    scheduler: str = ""
    queues: tuple[str, ...] = ()
    """LocalQueues of the namespace, where Kueue decides there."""
    selector: tuple[tuple[str, str], ...] = ()
    """Labels that pin the pod to the only kind of card on which it runs."""
    hints: tuple[str, ...] = ()
    """What no field says, and the operator should know."""


def place_of(
    model: ModelRequirements, cluster: AcceleratorReport, decision: DecisionReport, vllm: str | None
) -> Place | None:
    """The placement of the decision; where it has none, the kind of GPU that its verdict is about.

    None where no accelerator is known.
    """
    chosen = _chosen(model.car.name, cluster, decision)
    if chosen is None:
        runtime = cluster.runtime.accelerator if cluster.runtime else ""
        return Place(resource=runtime) if "/" in runtime else None
    kind, node, pool = chosen
    place = Place(
        resource=asked_resource(pool.resource),
        card=kind_name(kind),
        node="" if node.stated else node.name,
        scheduler=node.scheduler,
        queues=_queues(cluster),
    )
    place = _let_on(place, pod_for(model, cluster, vllm), node, pool, cluster)
    verdict = next((one for one in decision.models if one.model == model.car.name), None)
    return _pinned(place, kind, node, cluster, verdict)


def _queues(cluster: AcceleratorReport) -> tuple[str, ...]:
    limits = cluster.limits
    return tuple(queue.name for queue in limits.queues) if limits and limits.managed is True else ()


def _let_on(place: Place, pod: PodShape, node: GpuNode, pool: Pool, cluster: AcceleratorReport) -> Place:
    """The place with what gets the pod past the node's taints."""
    taints = () if node.stated else tuple(untolerated(pod, node))
    if not taints:
        return place
    profile = helping(pod, node, pool)
    if profile is not None and profile.kind is ProfileKind.HARDWARE:
        return msgspec.structs.replace(place, taints=taints, profile=profile)
    return msgspec.structs.replace(place, taints=taints, tolerations=_tolerations(taints, cluster))


def _pinned(
    place: Place, kind: Candidate, node: GpuNode, cluster: AcceleratorReport, verdict: ModelVerdict | None
) -> Place:
    """The place with what keeps the pod off cards on which it does not run."""
    hints = _pins(verdict)
    if not hints:
        return place
    selector = _selector(kind, node, cluster)
    return msgspec.structs.replace(place, selector=selector, hints=() if selector else hints)


def _chosen(
    name: str, cluster: AcceleratorReport, decision: DecisionReport
) -> tuple[Candidate, GpuNode, Pool] | None:
    kinds = candidates(cluster)
    verdict = next((one for one in decision.models if one.model == name), None)
    placed = next((one for one in decision.placed if one.model == name), None)
    nodes = verdict.nodes if verdict else ()
    if placed is not None and nodes and placed.node not in nodes:
        placed = None  # the accepted changes need another node than the file as it stands
    wanted = placed.kind if placed else ""
    product = verdict.product if verdict else ""
    ranked = sorted(kinds, key=lambda kind: (kind_name(kind) != wanted, kind.gpu.product != product))
    if not ranked:
        return None
    kind = ranked[0]
    first = placed.node if placed else next(iter(nodes), "")
    node, pool = min(kind.places, key=lambda place: place[0].name != first)
    return kind, node, pool


def _pins(verdict: ModelVerdict | None) -> tuple[str, ...]:
    """That the scheduler may choose a card on which it does not run, and what is to be done."""
    conditions = verdict.conditions if verdict else ()
    return tuple(one.settles for one in conditions if one.text.endswith(" only") and one.settles)


def _selector(kind: Candidate, node: GpuNode, cluster: AcceleratorReport) -> tuple[tuple[str, str], ...]:
    """The product's label, where no node with another kind of card has the same."""
    others = [one for one in cluster.inventory.nodes if kind.gpu.product not in one.products]
    for key in PRODUCT_LABELS:
        value = node.labels.get(key)
        if value and all(one.labels.get(key) != value for one in others):
            return ((key, value),)
    return ()


def _tolerations(
    taints: tuple[str, ...], cluster: AcceleratorReport
) -> tuple[tuple[str, str, str, str], ...]:
    """The runtime's, and those that the node's taints want."""
    own = cluster.runtime.scheduling.tolerations if cluster.runtime else ()
    given = tuple((one.key, one.operator, one.value, one.effect) for one in own)
    return (*given, *(one for one in map(tolerating, taints) if one not in given))


def tolerating(taint: str) -> tuple[str, str, str, str]:
    """Exactly this taint, written `key[=value]:effect`."""
    text, _, effect = taint.rpartition(":")
    key, equals, value = text.partition("=")
    return (key, "Equal", value, effect) if equals and value else (key, "Exists", "", effect)
