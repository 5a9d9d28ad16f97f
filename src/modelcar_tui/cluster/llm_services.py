"""The LLMInferenceServices that are there, and the GPUs that they may still take.

Source: kserve, pkg/apis/serving/v1alpha2 (v1alpha1 has the same workloads) llm_inference_service_types.go and
..._types_func.go (GetSize), pkg/controller/v1alpha2/llmisvc: a Deployment of `template`, or with `worker` a
LeaderWorkerSet whose groups have a leader and size - 1 workers; `prefill` is a workload beside it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping

import msgspec

from modelcar_tui.cluster.free import pod_requests
from modelcar_tui.cluster.serving_types import LlmService, LlmServices
from modelcar_tui.cluster.types import Check, State
from modelcar_tui.core.contain import Contained
from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.kube.objects import Condition, Meta, Pod, PodSpec
from modelcar_tui.manifest import group_size, wanted_replicas

LLM_CODE = "llm-services"
_VERSIONS = ("v1alpha2", "v1alpha1")
_PATH = "/apis/serving.kserve.io/{}/{}llminferenceservices"
_STOP = "serving.kserve.io/stop"
_MOST = 2000
"""Services that are looked at."""
_MOST_REPLICAS = 10_000


class _Scaling(msgspec.Struct, frozen=True, rename="camel"):
    min_replicas: int | None = None
    max_replicas: int | None = None


class _Parallelism(msgspec.Struct, frozen=True, rename="camel"):
    pipeline: int | None = None
    data: int | None = None
    data_local: int | None = None


class _Workload(msgspec.Struct, frozen=True):
    replicas: int | None = None
    scaling: _Scaling | None = None
    parallelism: _Parallelism | None = None
    template: PodSpec | None = None
    worker: PodSpec | None = None


class _Spec(_Workload, frozen=True):
    prefill: _Workload | None = None


class _Status(msgspec.Struct, frozen=True):
    conditions: list[Condition] | None = None


class Service(msgspec.Struct, frozen=True):
    """serving.kserve.io LLMInferenceService, v1alpha1 and v1alpha2."""

    metadata: Meta = Meta()
    spec: _Spec = _Spec()
    status: _Status = _Status()


async def read_llm_services(client: Client, namespace: str) -> LlmServices:
    """Those of all namespaces where we may list them, else of the one where models are to be served."""
    refused = ""
    for version in _VERSIONS:
        try:
            return await _listed(client, version, "", everywhere=True)
        except ClusterError as error:
            if error.missing:
                continue
            refused = error.problem.what
        try:
            return await _listed(client, version, f"namespaces/{namespace}/", everywhere=False)
        except ClusterError as error:
            if not error.missing:
                return LlmServices(version=version, unknown=error.problem.what)
    return LlmServices(unknown=refused)


async def _listed(client: Client, version: str, where: str, *, everywhere: bool) -> LlmServices:
    found: list[LlmService] = []
    unknown = ""
    async for page in client.pages(_PATH.format(version, where), Service):
        if page.restart:
            found.clear()
        for item in page.items:
            with Contained(f"LLMInferenceService {clean(item.metadata.name, limit=253)}") as caught:
                found.append(understood(item))
            unknown = unknown or (str(caught.problem) if caught.problem else "")
        if len(found) >= _MOST:
            return LlmServices(
                version=version,
                found=tuple(found[:_MOST]),
                everywhere=everywhere,
                unknown=f"only the first {_MOST} were looked at",
            )
    return LlmServices(version=version, found=tuple(found), everywhere=everywhere, unknown=unknown)


def understood(item: Service) -> LlmService:
    """What a service asks for in all, and how it fares."""
    spec = item.spec
    ready = _ready(item.status.conditions or ())
    stopped = (item.metadata.annotations or {}).get(_STOP) == "true"
    workloads = [one for one in (spec, spec.prefill) if one is not None]
    asked = [_replica(one) for one in workloads]
    gpus: Counter[str] = Counter()
    for workload, units in zip(workloads, asked, strict=True):
        gpus.update(_times(units, 0 if stopped else _replicas(workload)))
    grows = not stopped and any(one.scaling for one in workloads)
    return LlmService(
        name=clean(item.metadata.name, limit=253),
        namespace=clean(item.metadata.namespace, limit=63),
        ready={"Unknown": None, "True": True}.get(ready.status, False),
        why="" if ready.status == "True" else _words(ready),
        stopped=stopped,
        replicas=sum(_replicas(one) for one in workloads),
        most_replicas=sum(_most(one) for one in workloads) if grows else None,
        gpus=tuple(sorted((clean(name, limit=200), units) for name, units in gpus.items())),
        partial=not all(asked),
    )


def _ready(conditions: Iterable[Condition]) -> Condition:
    return next((one for one in conditions if one.type == "Ready"), Condition(status="Unknown"))


def _words(ready: Condition) -> str:
    """The controller's words in one line; they may hold the address, and the login, of what it can't get."""
    return quoted(" ".join((ready.message or ready.reason).split()), limit=200)


def llm_checks(services: LlmServices | None, wanted: Collection[str]) -> tuple[Check, ...]:
    """Services that are not up, or may grow, and ask for accelerators that the nodes offer, or do not say how
    many: they may get them first. What they hold by running is not counted as free anyhow.

    Args:
        services: None where they were not read.
        wanted: accelerator resources that the cluster's nodes offer.
    """
    found = services.found if services else ()
    asking = [one for one in found if not one.stopped and _may_ask(one, wanted)]
    return tuple(_told(asking, wanted))


def _may_ask(service: LlmService, wanted: Collection[str]) -> bool:
    return bool(wanted) and (service.partial or any(name in wanted for name, _ in service.gpus))


def _told(asking: Iterable[LlmService], wanted: Collection[str]) -> Iterator[Check]:
    services = list(asking)
    rising = [one for one in services if one.ready is not True and one.replicas]
    growing = [one for one in services if one.ready is True and (one.most_replicas or 0) > one.replicas]
    if rising:
        first = rising[0]
        why = f" ({first.why})" if first.why else ""
        verb = "is" if len(rising) == 1 else "are"
        asked = _asked(rising, wanted)
        what = f"{_names(rising)} {verb} not ready{why} and may still take some of the {asked}"
        fix = f"oc describe llminferenceservice {first.name} -n {first.namespace}"
        yield Check(code=LLM_CODE, state=State.WARNING, what=clean(what, limit=400), fix=fix)
    if growing:
        first = growing[0]
        grow = "scales itself" if len(growing) == 1 else "scale themselves"
        what = f"{_names(growing)} {grow}: up to {first.most_replicas} replicas from {first.replicas}"
        what += ", and may take GPUs that are free now"
        fix = f"oc get llminferenceservice {first.name} -n {first.namespace} -o yaml"
        yield Check(code=LLM_CODE, state=State.WARNING, what=clean(what, limit=400), fix=fix)


def _names(services: list[LlmService]) -> str:
    first = services[0]
    more = f" and {len(services) - 1} more" if len(services) > 1 else ""
    return f"LLMInferenceService {first.namespace}/{first.name}{more}"


def _asked(services: list[LlmService], wanted: Collection[str]) -> str:
    """`4 nvidia.com/gpu asked for`; where a part leaves its amount open, there may be more."""
    told = ", ".join(f"{units} {name}" for name, units in _sum(services, wanted).items() if units)
    if not any(one.partial for one in services):
        return f"{told} asked for"
    return f"{told} or more asked for" if told else "GPUs (how many are asked for is not known)"


def _sum(services: list[LlmService], wanted: Collection[str]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for one in services:
        found.update({name: units for name, units in one.gpus if name in wanted})
    return found


def _replica(workload: _Workload) -> Mapping[str, int]:
    """Accelerators and the like that one replica asks for: its pod, or the leader and its workers."""
    found = Counter(_extended(workload.template or workload.worker))
    if workload.worker is not None:
        found.update(_times(_extended(workload.worker), _size(workload.parallelism) - 1))
    return found


def _times(asked: Mapping[str, int], count: int) -> dict[str, int]:
    return {name: units * count for name, units in asked.items()}


def _extended(spec: PodSpec | None) -> Mapping[str, int]:
    asked = pod_requests(Pod(spec=spec)) if spec is not None else {}
    return {name: units for name, units in asked.items() if "/" in name and units > 0}


def _size(parallelism: _Parallelism | None) -> int:
    given = parallelism or _Parallelism()
    return group_size(given.data, given.data_local, given.pipeline)


def _replicas(workload: _Workload) -> int:
    scaling = workload.scaling
    least = scaling.min_replicas if scaling is not None else None
    return wanted_replicas(workload.replicas, least, scales=scaling is not None)


def _most(workload: _Workload) -> int:
    most = workload.scaling.max_replicas if workload.scaling else None
    return max(_replicas(workload), min(most or 0, _MOST_REPLICAS))
