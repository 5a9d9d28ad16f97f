"""Where one model's pod may land: every node of a kind of GPU asked, and the namespace's limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import msgspec

from modelcar_tui.cluster import (
    Fit,
    FitAnswer,
    HardwareProfile,
    NamespaceLimits,
    NamespaceRequest,
    PodShape,
    admission,
    may_run,
    naming_profile,
    runtime_pod,
)
from modelcar_tui.cluster.types import AcceleratorReport, GpuNode, Pool
from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware import asked_resource
from modelcar_tui.verdict.candidate import Candidate
from modelcar_tui.verdict.reports import Condition, Holds, ModelRequirements
from modelcar_tui.verdict.runtime import at_runtime, release_of
from modelcar_tui.vllm.arguments import EngineArgs, served_args

_MOST_NAMES = 10
_LAST = ("busy", "units")
"""What is told of the units themselves, where nothing else bars every node."""


class Landing(msgspec.Struct, frozen=True, kw_only=True):
    """What the nodes of one kind answer to one pod."""

    answer: FitAnswer
    nodes: tuple[str, ...] = ()
    """Nodes that say yes, at most ten; those that do not know where none does."""
    why: str = ""
    condition: Condition | None = None
    """Where nobody says yes and some do not know: what would have to hold."""
    code: str = ""
    fix: str = ""


def pod_for(model: ModelRequirements, report: AcceleratorReport, vllm: str | None) -> PodShape:
    """The same, with the arguments as its release of vLLM takes them; `vllm` is what the operator states."""
    served, release = at_runtime(model, report), release_of(model.car, report, vllm)
    return pod_of(served, served_args(served.car.serving, release).mended(), report)


def pod_of(model: ModelRequirements, arguments: EngineArgs, report: AcceleratorReport) -> PodShape:
    """The pod that KServe would make of a model, with the suite's amounts where the runtime says none."""
    return msgspec.structs.replace(
        runtime_pod(report.runtime),
        units=model.car.serving.gpu_count,
        processes=arguments.tp * arguments.pp * arguments.dp,
        image_mib=_image_mib(model),
        architectures=model.image.architectures.value,
        profiles=report.profiles,
        fetched=fetches(report),
    )


def fetches(report: AcceleratorReport) -> bool:
    """Whether KServe copies images into the pods' own storage."""
    return report.kserve is not None and report.kserve.fetches


def _image_mib(model: ModelRequirements) -> int | None:
    """MiB of the image; where it was not read, the weights that it must hold, if those are known."""
    size = model.image.size_bytes.value
    if size is not None:
        return size // 2**20
    need = model.required_vram_gib.value
    return None if need is None else int(need * GIB) // 2**20


def land(pod: PodShape, kind: Candidate) -> Landing:
    """Whether some node of the kind takes the pod, and which."""
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
    if maybe:
        name, fit = maybe[0]
        condition = Condition(text=fit.condition, holds=Holds.UNKNOWN, settles=fit.settles)
        names = tuple(name for name, _ in maybe[:_MOST_NAMES])
        why = f"{name} {fit.why}"
        return Landing(answer=FitAnswer.UNKNOWN, nodes=names, why=why, condition=condition, code=fit.code)
    code = _decisive(fit for _, fit in no)
    return Landing(answer=FitAnswer.NO, why=_told(no, code), code=code)


def _answers(pod: PodShape, kind: Candidate) -> Iterator[tuple[GpuNode, Pool, Fit]]:
    """Each node's answer; of nodes none of which can, the first one's stands for all, and of alike ones whose
    taints leave it open, enough are asked for their names: the taints of all are the same."""
    for group in kind.groups:
        if may_run(pod, *group.best).answer is FitAnswer.NO:
            first = may_run(pod, *group.members[0])
            yield from ((node, pool, first) for node, pool in group.members)
        else:
            doubtful = 0
            for node, pool in group.members:
                fit = may_run(pod, node, pool)
                yield node, pool, fit
                doubtful += fit.of_taints
                if doubtful == _MOST_NAMES:
                    break


def within_limits(landing: Landing, pod: PodShape, kind: Candidate, report: AcceleratorReport) -> Landing:
    """The same, lowered by what the namespace lets in; nobody is asked where no cluster was."""
    limits = report.limits
    if limits is None or landing.answer is FitAnswer.NO:
        return landing
    said = admission(limits, _request(pod, kind))
    if said.answer == "yes":
        return landing
    why = said.why[0] + (f" (and {len(said.why) - 1} more)" if len(said.why) > 1 else "")
    profile = _queued_by(limits, pod, kind) if landing.condition is None else None
    if profile is not None:
        text = f"if it is served with {profile.title}, whose queue {profile.queue} lets it in"
        doubt = Condition(text=text, holds=Holds.UNKNOWN, settles=naming_profile(profile))
        names = landing.nodes
        return Landing(answer=FitAnswer.UNKNOWN, nodes=names, why=why, condition=doubt, code="namespace")
    if said.answer == "no":
        return Landing(answer=FitAnswer.NO, why=why, code="namespace", fix=said.fix)
    if landing.condition is not None:
        return landing
    text = f"if the limits of {limits.namespace} let it in"
    doubt = Condition(text=text, holds=Holds.UNKNOWN, settles=said.fix)
    names = landing.nodes
    return Landing(answer=FitAnswer.UNKNOWN, nodes=names, why=why, condition=doubt, code="namespace")


def _queued_by(limits: NamespaceLimits, pod: PodShape, kind: Candidate) -> HardwareProfile | None:
    """The profile whose queue lets the pod in, where Kueue decides; the webhook gives such a pod neither
    tolerations nor a selector, so the node must take it as it is."""
    if limits.managed is not True:
        return None
    resource = asked_resource(kind.pool.resource)
    queued = [
        one for one in (pod.profiles.found if pod.profiles else ()) if one.queue and one.offer(resource)
    ]
    return next((one for one in queued if _admits(limits, pod, kind, one.queue)), None)


def _admits(limits: NamespaceLimits, pod: PodShape, kind: Candidate, queue: str) -> bool:
    there = any(one.name == queue for one in limits.queues)
    return there and admission(limits, _request(pod, kind, queue)).answer == "yes"


def _request(pod: PodShape, kind: Candidate, queue: str = "") -> NamespaceRequest:
    """What the namespace is asked: the requests; whether limits are given, nobody but the suite knows."""
    return NamespaceRequest(
        gpus={asked_resource(kind.pool.resource): pod.units},
        cpu_milli=pod.cpu_milli,
        memory_mib=pod.memory_mib,
        unknown=frozenset({"limits.cpu", "limits.memory"}),
        priority_class="",
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
