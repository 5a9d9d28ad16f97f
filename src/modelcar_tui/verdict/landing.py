"""Where one model's pod may land: every node of a kind of GPU asked, and the namespace's limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

import msgspec

from modelcar_tui.cluster import (
    APPLIED_TO,
    Fit,
    FitAnswer,
    HardwareProfile,
    NamespaceLimits,
    NamespaceRequest,
    PodShape,
    admission,
    may_run,
    naming_profile,
    places_on,
)
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Pool
from modelcar_tui.core.counting import several
from modelcar_tui.hardware import asked_resource
from modelcar_tui.manifest import ModelCar
from modelcar_tui.verdict.candidate import Candidate
from modelcar_tui.verdict.own import pods_of, units_of, whose, without_own
from modelcar_tui.verdict.reports import Condition, Holds

_MOST_NAMES = 10
_REPLACED = "give them back first: a rolling update starts new pods before the old ones go"
REPLICAS = "replicas"
"""The code of what has a place, and not all of it."""
_LAST = ("busy", "units")
"""What is told of the units themselves, where nothing else bars every node."""


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """What the nodes of one kind answer to one pod."""

    answer: FitAnswer
    nodes: tuple[str, ...] = ()
    """Nodes that say yes, at most ten; those that do not know where none does. Of a no those that take a part
    of the replicas."""
    why: str = ""
    condition: Condition | None = None
    """Where nobody says yes and some do not know: what would have to hold."""
    code: str = ""
    fix: str = ""
    copies: int = 0
    """Replicas that have a place on this kind for sure; counted only where more than one pod wants one."""
    told: tuple[Condition, ...] = ()
    """What a yes hangs on and holds."""


def land(pod: PodShape, kind: Candidate) -> Landing:
    """Whether some node of the kind takes the pod, and which; of several pods, whether all have a place at
    once."""
    return _one(pod, kind) if pod.all == 1 else _all(pod, kind)


def landed(pod: PodShape, car: ModelCar, kind: Candidate, report: AcceleratorReport) -> Landing:
    """The same within the namespace's limits; what runs already may be put where it runs now."""
    found = within_limits(land(pod, kind), pod, kind, report)
    mine = whose(car, report)
    own = units_of(kind, frozenset((mine,))) if mine is not None else 0
    if mine is None or not own or found.answer is FitAnswer.YES:
        return found
    left = without_own(kind, frozenset((mine,)))
    again = within_limits(land(pod, left), pod, left, report, counted=pods_of((kind,), frozenset((mine,))))
    if again.answer is FitAnswer.NO or (
        found.answer is FitAnswer.UNKNOWN and again.answer is not FitAnswer.YES
    ):
        return found
    told = Condition(
        text=f"with its own {several(own, 'GPU')} counted as free", holds=Holds.YES, settles=_REPLACED
    )
    return msgspec.structs.replace(again, told=(told,))


def _one(pod: PodShape, kind: Candidate) -> Landing:
    yes: list[str] = []
    maybe: list[tuple[str, Fit]] = []
    no: list[tuple[str, Fit]] = []
    for node, _, fit in _answers(pod, kind):
        if fit.answer is FitAnswer.YES:
            yes.append(node.name)
            if len(yes) == _MOST_NAMES:
                break
        else:
            (maybe if fit.answer is FitAnswer.UNKNOWN else no).append((node.name, fit))
    if yes:
        return Landing(answer=FitAnswer.YES, nodes=tuple(yes))
    return _doubtful(maybe) if maybe else _nowhere(no)


def _doubtful(maybe: list[tuple[str, Fit]], told: str = "", copies: int = 0) -> Landing:
    name, fit = maybe[0]
    return Landing(
        answer=FitAnswer.UNKNOWN,
        nodes=tuple(name for name, _ in maybe[:_MOST_NAMES]),
        why=f"{told}{name} {fit.why}",
        condition=Condition(text=fit.condition, holds=Holds.UNKNOWN, settles=fit.settles),
        code=fit.code,
        copies=copies,
    )


def _nowhere(no: list[tuple[str, Fit]]) -> Landing:
    code = _decisive(fit for _, fit in no)
    return Landing(answer=FitAnswer.NO, why=_told(no, code), code=code)


def _all(pod: PodShape, kind: Candidate) -> Landing:
    """The same of several pods, each of which is put wherever there is room: they are all alike."""
    yes: list[str] = []
    maybe: list[tuple[str, Fit]] = []
    no: list[tuple[str, Fit]] = []
    sure = possible = 0
    for node, pool, fit in _answers(pod, kind, of_each=True):
        if fit.answer is FitAnswer.NO:
            no.append((node.name, fit))
            continue
        room = places_on(pod, node, pool)
        possible += room
        if fit.answer is FitAnswer.YES:
            sure += room
            yes.append(node.name)
        else:
            maybe.append((node.name, fit))
    copies = sure // pod.pods
    if copies >= pod.copies:
        return Landing(answer=FitAnswer.YES, nodes=tuple(yes[:_MOST_NAMES]), copies=copies)
    told = _so_many(pod, sure)
    if maybe and possible // pod.pods >= pod.copies:
        return _doubtful(maybe, f"{told} for sure: " if yes else "", copies)
    if not yes and not maybe:
        return _nowhere(no)
    return Landing(
        answer=FitAnswer.NO, why=told, code=REPLICAS, fix=_more(pod, kind, possible), copies=copies
    )


def spread(pod: PodShape, kinds: Mapping[int, Candidate], report: AcceleratorReport) -> dict[int, Landing]:
    """Where replicas land that have a place on several kinds together, by the kinds' numbers: the fewest,
    those with the most room first; empty where they have none, or the namespace lets them not in."""
    landed = {number: _all(pod, kind) for number, kind in kinds.items()}
    left, parts = pod.copies, dict[int, Landing]()
    for number, found in sorted(landed.items(), key=lambda item: -item[1].copies):
        if left > 0 and found.copies:
            left -= found.copies
            parts[number] = Landing(answer=FitAnswer.YES, nodes=found.nodes, copies=found.copies)
    if left > 0:
        return {}
    parts = {number: within_limits(found, pod, kinds[number], report) for number, found in parts.items()}
    return parts if all(found.answer is FitAnswer.YES for found in parts.values()) else {}


def _so_many(pod: PodShape, places: int) -> str:
    """`2 of 3 replicas have a place`; of one replica its pods."""
    if pod.copies == 1:
        have, all_, what = places, pod.pods, "pods of a replica"
    else:
        have, all_, what = places // pod.pods, pod.copies, "replicas"
    each = f" ({pod.pods} pods each)" if pod.pods > 1 and pod.copies > 1 else ""
    return f"{have or 'none'} of {all_} {what}{each} {'has' if have < 2 else 'have'} a place"


def _more(pod: PodShape, kind: Candidate, places: int) -> str:
    """What would give the rest a place."""
    whole = max(1, kind.most // max(1, pod.units))
    nodes = several(-(-(pod.all - places) // whole), "more node")
    free = f"{nodes} with {min(whole, pod.all - places) * pod.units} free {kind.gpu.product}"
    return free if pod.copies == 1 else f"fewer replicas, or {free}"


def _answers(pod: PodShape, kind: Candidate, *, of_each: bool = False) -> Iterator[tuple[GpuNode, Pool, Fit]]:
    """Each node's answer; of nodes none of which can, the first one's stands for all, and of alike ones whose
    taints leave it open, enough are asked for their names (unless `of_each`): the taints of all are the
    same."""
    for group in kind.groups:
        if not pod.scheduling.of_one_node and may_run(pod, *group.best).answer is FitAnswer.NO:
            first = may_run(pod, *group.members[0])
            yield from ((node, pool, first) for node, pool in group.members)
        else:
            doubtful = 0
            for node, pool in group.members:
                fit = may_run(pod, node, pool)
                yield node, pool, fit
                doubtful += fit.of_taints
                if doubtful == _MOST_NAMES and not of_each:
                    break


def within_limits(
    landing: Landing, pod: PodShape, kind: Candidate, report: AcceleratorReport, *, counted: int = 0
) -> Landing:
    """The same, lowered by what the namespace lets in; nobody is asked where no cluster was.

    Args:
        landing: on the nodes of the kind.
        pod: that lands.
        kind: of GPU.
        report: with the namespace's limits.
        counted: pods of it that run, which the namespace has let in already.
    """
    limits = report.limits
    if limits is None or landing.answer is FitAnswer.NO or 0 < pod.all <= counted:
        return landing
    if pod.namespace not in ("", limits.namespace):
        return _elsewhere(landing, pod.namespace)
    said = admission(limits, _request(pod, kind, pod.queue, counted))
    if said.answer == "yes":
        return landing
    why = said.why[0] + (f" (and {len(said.why) - 1} more)" if len(said.why) > 1 else "")
    profile = _queued_by(limits, pod, kind) if landing.condition is None else None
    if profile is not None:
        text = f"if it is served with {profile.title}, whose queue {profile.queue} lets it in"
        doubt = Condition(text=text, holds=Holds.UNKNOWN, settles=naming_profile(profile, pod.kind))
        names = landing.nodes
        return Landing(answer=FitAnswer.UNKNOWN, nodes=names, why=why, condition=doubt, code="namespace")
    if said.answer == "no":
        return Landing(answer=FitAnswer.NO, why=why, code="namespace", fix=said.fix)
    if landing.condition is not None:
        return landing
    return _unless_refused(landing, limits.namespace, why, said.fix)


def _elsewhere(landing: Landing, namespace: str) -> Landing:
    if landing.condition is not None:
        return landing
    why = f"the limits of its namespace {namespace} were not read"
    return _unless_refused(landing, namespace, why, f"look there: --namespace {namespace}")


def _unless_refused(landing: Landing, namespace: str, why: str, settles: str) -> Landing:
    text = f"if the limits of {namespace} let it in"
    doubt = Condition(text=text, holds=Holds.UNKNOWN, settles=settles)
    names = landing.nodes
    return Landing(answer=FitAnswer.UNKNOWN, nodes=names, why=why, condition=doubt, code="namespace")


def _queued_by(limits: NamespaceLimits, pod: PodShape, kind: Candidate) -> HardwareProfile | None:
    """The profile whose queue lets the pod in, where Kueue decides; the webhook gives such a pod neither
    tolerations nor a selector, so the node must take it as it is."""
    if limits.managed is not True or pod.queue or pod.kind not in ("", *APPLIED_TO):
        return None
    resource = asked_resource(kind.pool.resource)
    queued = [
        one for one in (pod.profiles.found if pod.profiles else ()) if one.queue and one.offer(resource)
    ]
    return next((one for one in queued if _admits(limits, pod, kind, one.queue)), None)


def _admits(limits: NamespaceLimits, pod: PodShape, kind: Candidate, queue: str) -> bool:
    there = any(one.name == queue for one in limits.queues)
    return there and admission(limits, _request(pod, kind, queue)).answer == "yes"


def _request(pod: PodShape, kind: Candidate, queue: str = "", counted: int = 0) -> NamespaceRequest:
    """What the namespace is asked for all of its pods; whether the suite's give limits, nobody knows."""
    asked = pod.resource or asked_resource(kind.pool.resource)
    return NamespaceRequest(
        pods=pod.all - counted,
        gpus={asked: pod.units},
        cpu_milli=None if pod.kind and not pod.cpu_milli else pod.cpu_milli,
        memory_mib=None if pod.kind and not pod.memory_mib else pod.memory_mib,
        memory_limit_mib=pod.memory_limit_mib,
        unknown=pod.unknown,
        priority_class=pod.priority_class,
        queue=queue,
    )


def _decisive(fits: Iterable[Fit]) -> str:
    """What bars most nodes; what the units alone bar only where nothing else does."""
    counts = Counter(fit.code for fit in fits)
    return min(counts, key=lambda code: (code in _LAST, -counts[code]))


def _told(no: list[tuple[str, Fit]], code: str) -> str:
    name, fit = next((name, fit) for name, fit in no if fit.code == code)
    if len(no) == 1:
        return f"{name} {fit.why}"
    same = sum(each.code == code for _, each in no)
    how = "" if same == len(no) else f" (as {same} of them; {len(no) - same} for other reasons)"
    return f"none of the {len(no)} nodes can take it: {name} {fit.why}{how}"
