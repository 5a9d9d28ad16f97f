"""May this pod run on this node: yes, no, or not known, and why. The scheduler's filters, one pool at a time.

Everybody who needs to know asks here: verdict, placement, checks, the notes of the GPU table. Filters:
Kubernetes, pkg/scheduler/framework/plugins (noderesources, tainttoleration, nodeaffinity); the kubelet's
lines: node-pressure eviction, `imagefs.available<15%`, `nodefs.available<10%`.
"""

from __future__ import annotations

from collections.abc import Callable

from modelcar_tui.cluster.fit_types import (
    YES,
    Fit,
    FitAnswer,
    PodShape,
    maybe,
    no,
)
from modelcar_tui.cluster.taints import tainted, tolerated, untolerated
from modelcar_tui.cluster.types import GpuNode, Guarantee, Held, Pool
from modelcar_tui.cluster.words import why_text
from modelcar_tui.core.counting import several
from modelcar_tui.hardware import asked_resource, vendor_of_resource
from modelcar_tui.manifest import Requirement

__all__ = (
    "LARGER_DISKS",
    "YES",
    "Fit",
    "FitAnswer",
    "PodShape",
    "holds",
    "may_be_put",
    "may_run",
    "may_stand",
    "places_on",
    "shared_cards",
    "tolerated",
)

FULLEST = 0.85
"""Part of a file system that images may take before the kubelet evicts (`imagefs.available<15%`)."""
FULLEST_WITH_PODS = 0.90
"""The same of what pods keep in their own storage (`nodefs.available<10%`)."""
RUNTIME_IMAGE_MIB = 10 * 1024
"""A guess at the unpacked vLLM image that comes beside the model's; it only ever makes an answer unknown."""


LARGER_DISKS = "give the nodes larger disks, or serve the model from object storage"
_OFFERS = "oc describe node NODE (Allocatable)"
_LOOK = "oc describe node NODE; or state the GPUs: --gpu PRODUCT:COUNT"
_LIST = (
    "look as a user who may list pods; an inventory file wants them, too: kubectl get nodes,pods -A -o json"
)


_Filter = Callable[[PodShape, GpuNode, Pool], Fit | None]


def may_run(pod: PodShape, node: GpuNode, pool: Pool) -> Fit:
    """Whether the pod may run on that node's units now; the first filter that bars it gives the reason."""
    stands = may_stand(pod, node, pool)
    if stands.answer is FitAnswer.NO:
        return stands
    room = _free(pod, node, pool)
    return room if room is not None and (room.answer is FitAnswer.NO or stands is YES) else stands


def may_stand(pod: PodShape, node: GpuNode, pool: Pool) -> Fit:
    """The same but for whether enough units are free."""
    doubt = None
    for each in _FILTERS:
        fit = each(pod, node, pool)
        if fit is not None:
            if fit.answer is FitAnswer.NO:
                return fit
            doubt = doubt or fit
    return doubt or YES


def may_be_put(pod: PodShape, node: GpuNode, pool: Pool) -> bool:
    """Whether the scheduler may put the pod there, whatever becomes of it: it knows neither images nor
    memory of cards."""
    if untolerated(pod, node):
        return False
    fits = (each(pod, node, pool) for each in _SCHEDULED)
    return all(fit is None or fit.answer is FitAnswer.UNKNOWN for fit in fits)


def shared_cards(node: GpuNode, pool: Pool) -> int:
    """How many servers that each take most of a card find one of their own here: units, or the cards behind
    shares."""
    if not pool.beside_neighbours:
        return pool.units
    return min(pool.units, node.card(pool).physical or 1)


def _usable(_: PodShape, node: GpuNode, __: Pool) -> Fit | None:
    return None if node.usable else no(node.why or "unusable", f"is out: {why_text(node.why)}")


def _resource(pod: PodShape, node: GpuNode, pool: Pool) -> Fit | None:
    """An extended resource is asked for by its very name."""
    offered = asked_resource(pool.resource)
    if pod.resource in ("", offered):
        return None
    if node.stated and vendor_of_resource(pod.resource) == vendor_of_resource(offered):
        why = f"is stated, not read: whether it offers {pod.resource} is not known"
        return maybe("resource", why, f"if the node offers {pod.resource}", _OFFERS)
    return no("resource", f"offers {offered}, the pod asks for {pod.resource}")


def _others(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    """Extended resources beside the accelerator, and the storage that is asked for by number."""
    if node.stated:
        return None
    whole = pod.scheduling.whole
    offered = {*node.unrecognised, *(asked_resource(one.resource) for one in node.pool)}
    for name in whole.resources:
        if name not in offered and not name.startswith("hugepages-"):
            return no("resource", f"does not offer {name}, which the pod asks for, too")
    most = node.ephemeral_mib
    if whole.storage_mib and most is not None and whole.storage_mib > most:
        asks = f"the pod asks for {whole.storage_mib / 1024:g}"
        return no("storage", f"has {most / 1024:.4g} GiB of local storage, {asks}")
    if whole.resources:
        name = whole.resources[0]
        why = f"may have no {name} left: how much of it is free is not known"
        return maybe("resource", why, f"if enough {name} is free", _OFFERS)
    return None


def _doubted(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    return None if node.stated else next(iter(pod.doubts), None)


def _architecture(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    if not pod.architectures or node.arch in pod.architectures or node.stated:
        return None
    offered = "/".join(pod.architectures)
    if node.arch is None:
        return maybe(
            "architecture", f"does not say whether it is {offered}", f"if the node is {offered}", _LOOK
        )
    return no("architecture", f"is {node.arch}, the image is for {offered}")


def _selected(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    if node.stated:
        return None
    for key, value in pod.scheduling.selector:
        if node.labels.get(key) != value:
            return no("selector", f"does not have the label {key}={value} that the {_asker(pod)} selects")
    terms = pod.scheduling.terms
    if pod.scheduling.whole.node not in ("", node.name):
        return no("node", f"is not {pod.scheduling.whole.node}, which the pod names")
    if terms and not any(term and all(_meets(one, node) for one in term) for term in terms):
        return no("affinity", f"is not one that the {_asker(pod)}'s node affinity requires")
    return None


def _asker(pod: PodShape) -> str:
    return "pod" if pod.kind else "runtime"


def _meets(wanted: Requirement, node: GpuNode) -> bool:
    value = node.name if wanted.of_node else node.labels.get(wanted.key)
    match wanted.operator:
        case "In":
            return value in wanted.values
        case "NotIn":
            return value not in wanted.values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
    bound = wanted.values[0] if len(wanted.values) == 1 else ""
    if not (value and value.isdecimal() and bound.isdecimal()):
        return False
    return int(value) > int(bound) if wanted.operator == "Gt" else int(value) < int(bound)


def _devices(_: PodShape, node: GpuNode, pool: Pool) -> Fit | None:
    if pool.asked_for:
        return None
    told = "offers its cards as devices of DRA only"
    class_ = "a DeviceClass with extendedResourceName (KEP-5004: beta in Kubernetes 1.36, off in 1.34)"
    if pool.asked_for is False:
        asked = asked_resource(pool.resource)
        return no("dra", f"{told}, and nothing serves {asked} from them: it takes {class_}")
    return maybe(
        "dra",
        f"{told}: whether {class_} serves the pod's request is not known",
        "if a DeviceClass serves what the pod asks for",
        "oc get deviceclasses -o yaml",
    )


def _partitioned(pod: PodShape, _: GpuNode, pool: Pool) -> Fit | None:
    if pool.mem_guarantee is Guarantee.HARD_SHARE and pod.units > 1:
        return no("mps", "shares its cards by MPS, whose plug-in refuses more than one share a container")
    if pool.mig_profile is not None and pod.processes > 1:
        return no("mig", "offers MIG slices: a server sees one of them, and can't be split over several")
    return None


def _sliced(pod: PodShape, node: GpuNode, pool: Pool) -> Fit | None:
    if not pool.beside_neighbours:
        return None
    cards = node.card(pool).physical
    if cards is not None and pod.processes > cards:
        have = f"has {several(pool.units, 'share')} of {several(cards, 'card')}"
        return no("shares", f"{have}, the server wants {several(pod.processes, 'card')}")
    if pod.processes > 1:
        many = "" if cards is None else f" of {several(cards, 'card')}"
        return maybe(
            "shares",
            f"hands out shares{many}: {pod.processes} may be of the same card",
            f"if its {several(pod.processes, 'share is', 'shares are')} of {several(pod.processes, 'card')}",
            "use whole cards: nothing tells which card a share is of",
        )
    if pool.free is not None and pool.free < pool.units:
        held = pool.units - pool.free
        return maybe(
            "neighbour",
            f"has shared cards, and pods hold {held} of {several(pool.units, 'share')}: what they take of "
            "the memory is not known",
            "if the pods on the same card leave it the memory",
            "see what holds the shares, or use a card without neighbours",
        )
    return None


def _units(pod: PodShape, _: GpuNode, pool: Pool) -> Fit | None:
    if pod.units <= pool.units:
        return None
    return no("units", f"has {pool.units} in all, the pod asks for {pod.units}")


def _free(pod: PodShape, node: GpuNode, pool: Pool) -> Fit | None:
    if pool.free is None:
        card = node.card(pool)
        many = f"{pod.units} {card.product or card.vendor} {'is' if pod.units == 1 else 'are'} free"
        return maybe("free", "may be full: pods could not be listed", f"if {many}", _LIST)
    if pod.units > pool.free:
        return no("busy", f"has {pool.free} of {pool.units} free, the pod asks for {pod.units}")
    return None


def _processors(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    held = node.held.cpu_milli if node.held else 0
    return _amount("cpu", "CPUs", 1000, pod.cpu_milli, node.cpu_milli, held, pod, node)


def _memory(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    held = node.held.memory_mib if node.held else 0
    return _amount("memory", "GiB of RAM", 1024, pod.memory_mib, node.memory_mib, held, pod, node)


def _amount(
    code: str, what: str, unit: int, asked: int, most: int | None, held: int, pod: PodShape, node: GpuNode
) -> Fit | None:
    """A resource of the whole node. Where no pods could be listed the units' own doubt says it."""
    wants, has = asked / unit, held / unit
    if node.stated or not asked or (most is not None and wants + has <= most / unit):
        return None
    if most is None:
        return maybe(code, f"does not say how many {what} it has", f"if {wants:g} {what} are free", _LOOK)
    left = f"{max(0.0, most / unit - has):.3g} of {most / unit:.4g} {what}"
    return no(code, f"has {left} free, the pod asks for {wants:g} ({pod.asks})")


def _places(_: PodShape, node: GpuNode, __: Pool) -> Fit | None:
    if node.most_pods is None or node.held is None or node.held.pods < node.most_pods:
        return None
    return no("pods", f"has {several(node.held.pods, 'pod')} and may have {node.most_pods}")


def _storage(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    return None if pod.image_mib is None else holds(pod.image_mib, node, fetched=pod.fetched)


def holds(image_mib: int, node: GpuNode, *, fetched: bool = False) -> Fit | None:
    """Whether a node's local storage holds a model's image beside the runtime's; None where it does.

    Args:
        image_mib: MiB of the model's image.
        node: that is to run it.
        fetched: whether the image is copied into the pod's own storage, once, as it comes (kserve,
            python/storage/kserve_storage/kserve_storage.py, _download_oci); another line holds there.
    """
    if node.stated:
        return None
    size = f"the image has {image_mib / 1024:.1f} GiB"
    if node.ephemeral_mib is None:
        why, what = f"does not say how much local storage it has, {size}", f"{image_mib / 1024:.0f} GiB"
        return maybe("storage", why, f"if the node can hold {what} of images", _LOOK)
    has = f"has {node.ephemeral_mib / 1024:.1f} GiB of local storage"
    if image_mib > node.ephemeral_mib:
        return no("storage", f"{has}, {size}")
    part = FULLEST_WITH_PODS if fetched else FULLEST
    line = part * (node.storage_mib or node.ephemeral_mib)
    if image_mib + RUNTIME_IMAGE_MIB <= min(line, node.ephemeral_mib):
        return None
    return maybe(
        "storage",
        f"{has}, {size} and the runtime's image comes on top: the kubelet evicts pods once "
        f"{'they fill' if fetched else 'images fill'} {part:.0%}",
        f"if the node's {'pods' if fetched else 'images'} stay under {part:.0%} of its storage",
        LARGER_DISKS,
    )


def places_on(pod: PodShape, node: GpuNode, pool: Pool) -> int:
    """How many such pods a node takes at once of which it would take one; where free units are not known, all
    of them count. Pods of one image share it, but for those that keep a copy of their own."""
    cards = shared_cards(node, pool)
    room = [min(cards if pool.free is None else pool.free, cards) // max(1, pod.units)]
    held = node.held or Held()
    if not node.stated:
        amounts = (
            (pod.cpu_milli, node.cpu_milli, held.cpu_milli),
            (pod.memory_mib, node.memory_mib, held.memory_mib),
        )
        room += [(most - has) // asked for asked, most, has in amounts if asked and most is not None]
    if node.most_pods is not None and node.held is not None:
        room.append(node.most_pods - held.pods)
    most = max(0, min(room))
    if not (pod.fetched and pod.image_mib):
        return most
    size = pod.image_mib
    return next((n for n in range(most, 0, -1) if holds(n * size, node, fetched=True) is None), 0)


_FILTERS: tuple[_Filter, ...] = (
    _usable,
    _resource,
    _devices,
    _units,
    _partitioned,
    _architecture,
    _selected,
    _storage,
    _processors,
    _memory,
    _places,
    _others,
    _sliced,
    tainted,
    _doubted,
)


_SCHEDULED: tuple[_Filter, ...] = (
    _usable,
    _resource,
    _devices,
    _units,
    _selected,
    _processors,
    _memory,
    _places,
    _free,
)
"""What the scheduler itself looks at, beside taints."""
