"""May this pod run on this node: yes, no, or not known, and why. The scheduler's filters, one pool at a time.

Everybody who needs to know asks here: verdict, placement, checks, the notes of the GPU table. Filters:
Kubernetes, pkg/scheduler/framework/plugins (noderesources, tainttoleration, nodeaffinity); the kubelet's
lines: node-pressure eviction, `imagefs.available<15%`.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from modelcar_tui.cluster.types import GpuNode, Guarantee, Pool, Requirement, Scheduling, Toleration
from modelcar_tui.cluster.words import why_text

SUITE_CPU_MILLI, SUITE_MEMORY_MIB = 2000, 15 * 1024
"""What the pods of opendatahub-tests ask for: 2 CPUs and 15 GiB."""
SUITE = "as the QA suite's pods do"
FULLEST = 0.85
"""Part of a file system that images may take before the kubelet evicts (`imagefs.available<15%`)."""
RUNTIME_IMAGE_MIB = 10 * 1024
"""A guess at the unpacked vLLM image that comes beside the model's; it only ever makes an answer unknown."""


LARGER_DISKS = "give the nodes larger disks, or serve the model from object storage"
_LOOK = "oc describe node NODE; or state the GPUs: --gpu PRODUCT:COUNT"
_LIST = (
    "look as a user who may list pods; an inventory file wants them, too: kubectl get nodes,pods -A -o json"
)


class Answer(StrEnum):
    """Whether a pod may run on a node."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class PodShape(msgspec.Struct, frozen=True, kw_only=True):
    """What the pod of one model asks of a node: KServe's predictor, with the suite's amounts where the
    runtime names none."""

    units: int = 1
    """GPUs that it asks for."""
    processes: int = 1
    """GPU processes of vLLM, each of which wants a card of its own."""
    cpu_milli: int = SUITE_CPU_MILLI
    memory_mib: int = SUITE_MEMORY_MIB
    asks: str = SUITE
    """Who says so; reads on after the amount."""
    image_mib: int | None = None
    """MiB of the model's image; None when not known."""
    architectures: tuple[str, ...] | None = None
    """Of the model's image; None when not known."""
    scheduling: Scheduling = Scheduling()


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """One node's answer."""

    answer: Answer
    code: str = ""
    """A stable short name of what decided it: `busy`, `units`, `cpu`, `taint`, `storage`, ..."""
    why: str = ""
    """Reads on after the node's name."""
    condition: str = ""
    """Of an unknown: what would have to hold, to read on after GO."""
    settles: str = ""


YES = Fit(answer=Answer.YES)
_Filter = Callable[[PodShape, GpuNode, Pool], Fit | None]


def may_run(pod: PodShape, node: GpuNode, pool: Pool) -> Fit:
    """Whether the pod may run on that node's units now; the first filter that bars it gives the reason."""
    stands = may_stand(pod, node, pool)
    if stands.answer is Answer.NO:
        return stands
    room = _free(pod, node, pool)
    return room if room is not None and (room.answer is Answer.NO or stands is YES) else stands


def may_stand(pod: PodShape, node: GpuNode, pool: Pool) -> Fit:
    """The same but for whether enough units are free."""
    doubt = None
    for each in _FILTERS:
        fit = each(pod, node, pool)
        if fit is not None:
            if fit.answer is Answer.NO:
                return fit
            doubt = doubt or fit
    return doubt or YES


def may_be_put(pod: PodShape, node: GpuNode, pool: Pool) -> bool:
    """Whether the scheduler may put the pod there, whatever becomes of it: it knows neither images nor
    memory of cards."""
    fits = (each(pod, node, pool) for each in _SCHEDULED)
    return all(fit is None or (fit.answer is Answer.UNKNOWN and fit.code != "taint") for fit in fits)


def shared_cards(node: GpuNode, pool: Pool) -> int:
    """How many servers that each take most of a card find one of their own here: units, or the cards behind
    time-sliced ones."""
    if not (pool.shares or pool.mem_guarantee is Guarantee.NONE):
        return pool.units
    return min(pool.units, node.card(pool).physical or 1)


def tolerated(taint: str, tolerations: tuple[Toleration, ...]) -> bool:
    """Whether a pod puts up with a taint, written `key[=value]:effect`."""
    text, _, effect = taint.rpartition(":")
    key, _, value = text.partition("=")
    return any(
        (not one.key or one.key == key)
        and (not one.effect or one.effect == effect)
        and (one.operator == "Exists" or (bool(one.key) and one.value == value))
        for one in tolerations
    )


def _usable(_: PodShape, node: GpuNode, __: Pool) -> Fit | None:
    return None if node.usable else _no(node.why or "unusable", f"is out: {why_text(node.why)}")


def _architecture(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    if not pod.architectures or node.arch in pod.architectures or node.stated:
        return None
    offered = "/".join(pod.architectures)
    if node.arch is None:
        return _maybe(
            "architecture", f"does not say whether it is {offered}", f"if the node is {offered}", _LOOK
        )
    return _no("architecture", f"is {node.arch}, the image is for {offered}")


def _selected(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    if node.stated or not (pod.scheduling.selector or pod.scheduling.terms):
        return None
    for key, value in pod.scheduling.selector:
        if node.labels.get(key) != value:
            return _no("selector", f"does not have the label {key}={value} that the runtime selects")
    terms = pod.scheduling.terms
    if terms and not any(term and all(_meets(one, node) for one in term) for term in terms):
        return _no("affinity", "is not one that the runtime's node affinity requires")
    return None


def _meets(wanted: Requirement, node: GpuNode) -> bool:
    value = node.labels.get(wanted.key)
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


def _tainted(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    left = [taint for taint in node.taints if not tolerated(taint, pod.scheduling.tolerations)]
    if not left:
        return None
    shown = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
    return _maybe(
        "taint",
        f"is tainted ({shown}): the pod needs the toleration, by a hardware profile or in the "
        "InferenceService; the QA suite gives none",
        f"if its pod tolerates {shown}",
        "give the toleration by a hardware profile, in the InferenceService or in the ServingRuntime",
    )


def _devices(_: PodShape, node: GpuNode, pool: Pool) -> Fit | None:
    if pool.asked_for:
        return None
    told = "offers its cards as devices of DRA only"
    class_ = "a DeviceClass with extendedResourceName (KEP-5004: beta in Kubernetes 1.36, off in 1.34)"
    if pool.asked_for is False:
        return _no("dra", f"{told}, and nothing serves nvidia.com/gpu from them: it takes {class_}")
    return _maybe(
        "dra",
        f"{told}: whether {class_} serves the pod's request is not known",
        "if a DeviceClass serves what the pod asks for",
        "oc get deviceclasses -o yaml",
    )


def _partitioned(pod: PodShape, _: GpuNode, pool: Pool) -> Fit | None:
    if pool.mem_guarantee is Guarantee.HARD_SHARE and pod.units > 1:
        return _no("mps", "shares its cards by MPS, whose plug-in refuses more than one share a container")
    if pool.mig_profile is not None and pod.processes > 1:
        return _no("mig", "offers MIG slices: a server sees one of them, and can't be split over several")
    return None


def _sliced(pod: PodShape, node: GpuNode, pool: Pool) -> Fit | None:
    if not (pool.shares or pool.mem_guarantee is Guarantee.NONE):
        return None
    cards = node.card(pool).physical
    if cards is not None and pod.processes > cards:
        have = "one card" if cards == 1 else f"{cards} cards"
        return _no("shares", f"has {pool.units} shares of {have}, the server wants {pod.processes} cards")
    if pod.processes > 1:
        many = "" if cards is None else f" of {cards} cards"
        return _maybe(
            "shares",
            f"hands out shares{many}: {pod.processes} may be of the same card",
            f"if its {pod.processes} shares are of {pod.processes} cards",
            "use whole cards: nothing tells which card a share is of",
        )
    if pool.free is not None and pool.free < pool.units:
        held = pool.units - pool.free
        return _maybe(
            "neighbour",
            f"has shared cards, and pods hold {held} of {pool.units} shares: what they take of the "
            "memory is not known",
            "if the pods on the same card leave it the memory",
            "see what holds the shares, or use a card without neighbours",
        )
    return None


def _units(pod: PodShape, _: GpuNode, pool: Pool) -> Fit | None:
    if pod.units <= pool.units:
        return None
    return _no("units", f"has {pool.units} in all, the pod asks for {pod.units}")


def _free(pod: PodShape, node: GpuNode, pool: Pool) -> Fit | None:
    if pool.free is None:
        card = node.card(pool)
        many = f"{pod.units} {card.product or card.vendor} {'is' if pod.units == 1 else 'are'} free"
        return _maybe("free", "may be full: pods could not be listed", f"if {many}", _LIST)
    if pod.units > pool.free:
        return _no("busy", f"has {pool.free} of {pool.units} free, the pod asks for {pod.units}")
    return None


def _processors(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    held = node.held.cpu_milli if node.held else None
    return _amount(
        "cpu", "CPUs", pod.cpu_milli / 1000, _over(node.cpu_milli, 1000), _over(held, 1000), pod, node
    )


def _memory(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    held = node.held.memory_mib if node.held else None
    return _amount(
        "memory",
        "GiB of RAM",
        pod.memory_mib / 1024,
        _over(node.memory_mib, 1024),
        _over(held, 1024),
        pod,
        node,
    )


def _over(value: int | None, unit: int) -> float | None:
    return None if value is None else value / unit


def _amount(
    code: str, what: str, asked: float, most: float | None, held: float | None, pod: PodShape, node: GpuNode
) -> Fit | None:
    """A resource of the whole node. Where no pods could be listed the units' own doubt says it."""
    if node.stated or (most is not None and asked + (held or 0.0) <= most):
        return None
    if most is None:
        return _maybe(code, f"does not say how many {what} it has", f"if {asked:g} {what} are free", _LOOK)
    left = max(0.0, most - (held or 0.0))
    return _no(code, f"has {left:.3g} of {most:.4g} {what} free, the pod asks for {asked:g} ({pod.asks})")


def _places(_: PodShape, node: GpuNode, __: Pool) -> Fit | None:
    if node.most_pods is None or node.held is None or node.held.pods < node.most_pods:
        return None
    return _no("pods", f"has {node.held.pods} pods and may have {node.most_pods}")


def _storage(pod: PodShape, node: GpuNode, _: Pool) -> Fit | None:
    return None if pod.image_mib is None else holds(pod.image_mib, node)


def holds(image_mib: int, node: GpuNode) -> Fit | None:
    """Whether a node's local storage holds a model's image beside the runtime's; None where it does."""
    if node.stated:
        return None
    size = f"the image has {image_mib / 1024:.1f} GiB"
    if node.ephemeral_mib is None:
        why, what = f"does not say how much local storage it has, {size}", f"{image_mib / 1024:.0f} GiB"
        return _maybe("storage", why, f"if the node can hold {what} of images", _LOOK)
    has = f"has {node.ephemeral_mib / 1024:.1f} GiB of local storage"
    if image_mib > node.ephemeral_mib:
        return _no("storage", f"{has}, {size}")
    line = FULLEST * (node.storage_mib or node.ephemeral_mib)
    if image_mib + RUNTIME_IMAGE_MIB <= min(line, node.ephemeral_mib):
        return None
    return _maybe(
        "storage",
        f"{has}, {size} and the runtime's image comes on top: the kubelet evicts pods once images fill "
        f"{FULLEST:.0%}",
        f"if the node's images stay under {FULLEST:.0%} of its storage",
        LARGER_DISKS,
    )


_FILTERS: tuple[_Filter, ...] = (
    _usable,
    _devices,
    _units,
    _partitioned,
    _architecture,
    _selected,
    _storage,
    _processors,
    _memory,
    _places,
    _sliced,
    _tainted,
)


_SCHEDULED: tuple[_Filter, ...] = (
    _usable,
    _devices,
    _units,
    _selected,
    _processors,
    _memory,
    _places,
    _tainted,
    _free,
)
"""What the scheduler itself looks at."""


def _no(code: str, why: str) -> Fit:
    return Fit(answer=Answer.NO, code=code, why=why)


def _maybe(code: str, why: str, condition: str, settles: str) -> Fit:
    return Fit(answer=Answer.UNKNOWN, code=code, why=why, condition=condition, settles=settles)
