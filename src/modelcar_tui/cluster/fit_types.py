"""What a pod asks of a node, and what the node answers."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from modelcar_tui.cluster.serving_types import Profiles
from modelcar_tui.cluster.types import Runtime
from modelcar_tui.manifest import Scheduling

SUITE_CPU_MILLI, SUITE_MEMORY_MIB = 2000, 15 * 1024
"""What the pods of opendatahub-tests ask for: 2 CPUs and 15 GiB."""
SUITE = "as the QA suite's pods do"
TAINT = "taint"
"""The code of what taints make unknown."""


class FitAnswer(StrEnum):
    """Whether a pod may run on a node."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


class Fit(msgspec.Struct, frozen=True, kw_only=True):
    """One node's answer."""

    answer: FitAnswer
    code: str = ""
    """A stable short name of what decided it: `busy`, `units`, `cpu`, `taint`, `storage`, ..."""
    why: str = ""
    """Reads on after the node's name."""
    condition: str = ""
    """Of an unknown: what would have to hold, to read on after GO."""
    settles: str = ""

    @property
    def of_taints(self) -> bool:
        """Whether taints leave it open."""
        return self.code == TAINT


class PodShape(msgspec.Struct, frozen=True, kw_only=True):
    """What the pod of one model asks of a node: KServe's predictor, with the suite's amounts where the
    runtime names none; or the pod of a Kubernetes manifest, with nothing that nobody asks for."""

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
    profiles: Profiles | None = None
    """Of hardware, with which it might be served; None where they were not read."""
    fetched: bool = False
    """Whether KServe copies the image into the pod's own storage (`ociModelMode: fetch`)."""
    kind: str = ""
    """Of the object that it is made of (`Deployment`); empty for what the QA suite makes."""
    namespace: str = ""
    """Where the object says it is to be; empty where it does not."""
    resource: str = ""
    """The accelerator that it asks for by name; empty takes what a node offers."""
    copies: int = 1
    """Replicas, which all want a place at the same time."""
    pods: int = 1
    """Pods of one replica, each with `units` GPUs, on nodes of the same kind."""
    queue: str = ""
    """Kueue's, which the object names."""
    priority_class: str = ""
    memory_limit_mib: int | None = None
    unknown: frozenset[str] = frozenset({"limits.cpu", "limits.memory"})
    """Amounts of which nobody knows whether they are given: see `NamespaceRequest.unknown`."""
    doubts: tuple[Fit, ...] = ()
    """What may keep it from every node, and is not known; of nodes that are only stated nothing is asked."""

    @property
    def all(self) -> int:
        """Pods that want a place at the same time."""
        return self.copies * self.pods


def runtime_pod(runtime: Runtime | None) -> PodShape:
    """The pod that a serving runtime asks for, whatever the model, with the suite's amounts where it says
    none."""
    scheduling = runtime.scheduling if runtime else Scheduling()
    cpu, memory = scheduling.cpu_milli, scheduling.memory_mib
    told = cpu is not None and memory is not None
    return PodShape(
        cpu_milli=SUITE_CPU_MILLI if cpu is None else cpu,
        memory_mib=SUITE_MEMORY_MIB if memory is None else memory,
        asks="as its runtime says" if told else SUITE,
        scheduling=scheduling,
    )


YES = Fit(answer=FitAnswer.YES)


def no(code: str, why: str) -> Fit:
    """A node that can't take the pod."""
    return Fit(answer=FitAnswer.NO, code=code, why=why)


def maybe(code: str, why: str, condition: str, settles: str) -> Fit:
    """A node of which it is not known."""
    return Fit(answer=FitAnswer.UNKNOWN, code=code, why=why, condition=condition, settles=settles)
