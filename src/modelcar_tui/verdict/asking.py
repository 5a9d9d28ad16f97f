"""What the pod of one model asks for: KServe's for a model-car, or that of a Kubernetes manifest."""

from __future__ import annotations

from math import ceil

import msgspec

from modelcar_tui.cluster import APPLIED_TO, Fit, FitAnswer, HardwareProfile, PodShape, runtime_pod
from modelcar_tui.cluster.types import AcceleratorReport, Runtime
from modelcar_tui.core.facts import GIB
from modelcar_tui.hardware import resource_prefixes
from modelcar_tui.manifest import ModelCar, Scheduling, Server, Whole
from modelcar_tui.verdict.reports import ModelRequirements
from modelcar_tui.verdict.runtime import at_runtime, named_runtime, release_of
from modelcar_tui.vllm.arguments import EngineArgs, served_args

_DEFAULT_SCHEDULER = ("", "default-scheduler")
_HARDWARE = "HardwareProfile"
_MIB = 2**20
UNJUDGED = "unjudged"
"""The code of what a pod asks of its node, and nobody here compares with the cluster."""


def pod_for(model: ModelRequirements, report: AcceleratorReport, vllm: str | None) -> PodShape:
    """The same, with the arguments as its release of vLLM takes them; `vllm` is what the operator states."""
    served, release = at_runtime(model, report), release_of(model.car, report, vllm)
    return pod_of(served, served_args(served.car.serving, release).mended(), report)


def pod_of(model: ModelRequirements, arguments: EngineArgs, report: AcceleratorReport) -> PodShape:
    """The pod that is made of a model: for a model-car KServe's, with the suite's amounts where the runtime
    says none; else what the manifest asks for, and nothing else."""
    car, server = model.car, model.car.server
    ranks = arguments.tp * arguments.pp * arguments.dp
    if server is None:
        shape = msgspec.structs.replace(runtime_pod(report.runtime), units=car.serving.gpu_count)
        image_mib, fetched = _image_mib(model), fetches(report)
    else:
        shape = asked_by(car, server, report)
        image_mib, fetched = _kept_mib(model, report)
    return msgspec.structs.replace(
        shape,
        processes=ceil(ranks / car.pods),
        image_mib=image_mib,
        architectures=model.image.architectures.value,
        profiles=report.profiles,
        fetched=fetched,
    )


def fetches(report: AcceleratorReport) -> bool:
    """Whether KServe copies images into the pods' own storage."""
    return report.kserve is not None and report.kserve.fetches


def asked_by(car: ModelCar, server: Server, report: AcceleratorReport) -> PodShape:
    """The pod of a Kubernetes manifest, as far as its arguments and its image do not matter."""
    runtime = named_runtime(server.runtime, report)
    scheduling = _joined(server, runtime)
    unread = bool(server.runtime) and runtime is None
    profile, doubts = _profile(car, server, report)
    if unread:
        doubts = (*doubts, _unread(server.runtime))
    if server.scheduler not in _DEFAULT_SCHEDULER:
        doubts = (*doubts, _other_scheduler(server.scheduler))
    limit = server.memory_limit_mib
    unknown = {"limits.cpu"}
    if unread:
        given = {"cpu": scheduling.cpu_milli, "memory": scheduling.memory_mib, "limits.memory": limit}
        unknown |= {name for name, amount in given.items() if amount is None}
    shape = PodShape(
        units=car.serving.gpu_count,
        cpu_milli=scheduling.cpu_milli or 0,
        memory_mib=scheduling.memory_mib or 0,
        asks=f"as {server.told_by} says" if server.told_by else "as the file says",
        scheduling=scheduling,
        kind=car.kind,
        namespace=car.namespace,
        resource=server.resource,
        copies=max(1, car.copies),
        pods=car.pods,
        queue=server.queue,
        priority_class=server.priority_class,
        memory_limit_mib=limit,
        unknown=frozenset(unknown),
        doubts=doubts,
    )
    return _whole(shape if profile is None else _with_profile(shape, profile, scheduling))


def _joined(server: Server, runtime: Runtime | None) -> Scheduling:
    """The manifest's own before what it leaves to its runtime: KServe merges the two as pods are patched
    (pkg/controller/v1beta1/inferenceservice/utils, MergePodSpec): labels one by one, lists as a whole."""
    own, less = server.scheduling, runtime.scheduling if runtime else Scheduling()

    def first(*amounts: int | None) -> int | None:
        return next((amount for amount in amounts if amount is not None), None)

    return Scheduling(
        cpu_milli=first(server.cpu_milli, own.cpu_milli, less.cpu_milli),
        memory_mib=first(server.memory_mib, own.memory_mib, less.memory_mib),
        selector=tuple(sorted((dict(less.selector) | dict(own.selector)).items())),
        terms=own.terms or less.terms,
        tolerations=own.tolerations or less.tolerations,
        whole=_both(own.whole, less.whole) if runtime else own.whole,
    )


def _both(own: Whole, less: Whole) -> Whole:
    """What stands beside the container in the manifest and in the runtime that it names: KServe takes the
    containers of both."""
    return Whole(
        units=own.units + less.units,
        cpu_milli=own.cpu_milli + less.cpu_milli,
        memory_mib=own.memory_mib + less.memory_mib,
        storage_mib=own.storage_mib or less.storage_mib,
        refused=own.refused or less.refused,
        node=own.node,
        resources=tuple(sorted({*own.resources, *less.resources})),
        unjudged=tuple(dict.fromkeys((*own.unjudged, *less.unjudged))),
        among=own.among,
    )


def _whole(shape: PodShape) -> PodShape:
    """With what its other containers ask for; nothing where the one that serves gets no accelerator."""
    whole = shape.scheduling.whole
    told = (*whole.unjudged, *(whole.among if shape.all > 1 else ()))
    more = whole.cpu_milli or whole.memory_mib
    return msgspec.structs.replace(
        shape,
        units=shape.units and shape.units + whole.units,
        cpu_milli=shape.cpu_milli + whole.cpu_milli,
        memory_mib=shape.memory_mib + whole.memory_mib,
        asks="its containers together" if more else shape.asks,
        doubts=(*shape.doubts, *map(_unjudged, told)),
    )


def _unjudged(what: str) -> Fit:
    return Fit(
        answer=FitAnswer.UNKNOWN,
        code=UNJUDGED,
        why=f"is not compared with the pod's {what}",
        condition=f"if the cluster meets the pod's {what}",
        settles="look at the pod's events once it is there: oc describe pod NAME",
    )


def _profile(
    car: ModelCar, server: Server, report: AcceleratorReport
) -> tuple[HardwareProfile | None, tuple[Fit, ...]]:
    """The hardware profile that the webhook applies; and why it is not known, where it is not. It leaves an
    LLMInferenceService's prefill alone."""
    name = server.profile
    if not name or car.kind not in APPLIED_TO or car.prefill:
        return None, ()
    listed = [one for one in (report.profiles.found if report.profiles else ()) if one.name == name]
    found = [one for one in listed if one.kind == _HARDWARE]
    if listed and not found:
        return None, ()  # the dashboard's own: it writes what they say into the object itself
    different = {(one.offers, one.tolerations, one.selector, one.queue) for one in found}
    if len(different) == 1:
        return found[0], ()
    told = "is there in several namespaces" if found else "was not read"
    fit = Fit(
        answer=FitAnswer.UNKNOWN,
        code="profile",
        why=f"would be chosen with hardware profile {name}, which {told}",
        condition=f"if hardware profile {name} lets it",
        settles=f"oc get hardwareprofiles.infrastructure.opendatahub.io -A | grep {name}",
    )
    return None, (fit,)


def _with_profile(shape: PodShape, profile: HardwareProfile, own: Scheduling) -> PodShape:
    """As the webhook merges it: amounts only where none is given; a queue instead of tolerations and labels;
    of labels the profile's win, of tolerations all stay (hardwareprofile/injector.go)."""
    offers = {one.resource: one.default for one in profile.offers if one.default is not None}
    gpu = next((name for name in offers if name.startswith(resource_prefixes())), "")
    units, resource = shape.units, shape.resource
    if not units and not resource and gpu:
        units, resource = offers[gpu], gpu
    cpu, memory = own.cpu_milli, own.memory_mib
    if cpu is None:
        cpu = offers.get("cpu", 0)
    if memory is None:
        memory = ceil(offers.get("memory", 0) / _MIB)
    scheduling, queue = own, profile.queue
    if not queue:
        scheduling = msgspec.structs.replace(
            own,
            selector=tuple(sorted((dict(own.selector) | dict(profile.selector)).items())),
            tolerations=tuple(dict.fromkeys((*profile.tolerations, *own.tolerations))),
        )
    return msgspec.structs.replace(
        shape,
        units=units,
        resource=resource,
        cpu_milli=cpu,
        memory_mib=memory,
        asks=shape.asks if own.memory_mib is not None else f"as {profile.title} says",
        scheduling=scheduling,
        queue=queue or shape.queue,
    )


def _unread(runtime: str) -> Fit:
    return Fit(
        answer=FitAnswer.UNKNOWN,
        code="runtime",
        why=f"would have to meet what ServingRuntime {runtime} asks for, which was not read",
        condition=f"if ServingRuntime {runtime} asks for nothing else of its node",
        settles=f"put it into the file: oc get servingruntime {runtime} -o yaml",
    )


def _other_scheduler(name: str) -> Fit:
    return Fit(
        answer=FitAnswer.UNKNOWN,
        code="scheduler",
        why=f"would be chosen by the scheduler {name}, whose rules are not known here",
        condition=f"if the scheduler {name} puts it on a node that has room",
        settles="leave schedulerName out, or look at the pod's events: oc describe pod NAME",
    )


def _image_mib(model: ModelRequirements) -> int | None:
    """MiB of the image; where it was not read, the weights that it must hold, if those are known."""
    size = model.image.size_bytes.value
    if size is not None:
        return size // _MIB
    need = model.required_vram_gib.value
    return None if need is None else int(need * GIB) // _MIB


def _kept_mib(model: ModelRequirements, report: AcceleratorReport) -> tuple[int | None, bool]:
    """MiB that a manifest's model takes of its node's storage, and whether that is the pod's own.

    KServe's storage initializer loads what is no image into the pod. A volume claim takes nothing; where a
    server of one's own keeps what it loads is not known.
    """
    car = model.car
    if car.image.startswith("oci://"):
        return _image_mib(model), car.kind in APPLIED_TO and fetches(report)
    if car.kind in APPLIED_TO and "://" in car.image and not car.image.startswith("pvc"):
        return _image_mib(model), True
    return None, False
