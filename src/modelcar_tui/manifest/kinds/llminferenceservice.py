"""LLMInferenceService of KServe, v1alpha1 and v1alpha2: what its controller starts for it.

Source: kserve/kserve at aaac4e29 and red-hat-data-services/kserve, branches rhoai-2.25 to rhoai-3.5;
pkg/apis/serving/v1alpha2/llm_inference_service_types.go (v1alpha1 says the same of what is read here) and
pkg/controller/v1alpha2/llmisvc: config_merge.go, workload_*.go, managed_dra.go.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.shapes import without_address_secrets
from modelcar_tui.core.text import clean
from modelcar_tui.kube import whole
from modelcar_tui.manifest.kinds.llm_merge import merged
from modelcar_tui.manifest.kinds.llm_names import Names
from modelcar_tui.manifest.kinds.llm_pods import PodRead, PodReader
from modelcar_tui.manifest.kinds.llm_presets import (
    ADDITIONAL_ARGS,
    Role,
    Shape,
    releases,
    sets_only_the_image,
)
from modelcar_tui.manifest.kinds.llm_sizes import group_size, wanted_replicas
from modelcar_tui.manifest.kinds.llm_workload import Workload
from modelcar_tui.manifest.kinds.objects import KubeObject, below, text_below
from modelcar_tui.manifest.kinds.places import CountPlace, Path, Place
from modelcar_tui.manifest.kinds.pods import amounts_of, names_of, scheduling_of, shm_of, texts
from modelcar_tui.manifest.kinds.requests import File, Found, Read, read_of
from modelcar_tui.manifest.kinds.starting import port_of, starting, withheld_of
from modelcar_tui.manifest.kinds.workers import unlike
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.plain import entries
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence
from modelcar_tui.manifest.telling import Told
from modelcar_tui.manifest.types import Server

GROUP, KIND, CONFIG = "serving.kserve.io", "LLMInferenceService", "LLMInferenceServiceConfig"
_STOP = "serving.kserve.io/stop"
_DEVICES, _DEVICE_COUNT = (f"serving.kserve.io/exp-dra-device-{part}" for part in ("class", "count"))
_QUEUE, _PROFILE = "kueue.x-k8s.io/queue-name", "opendatahub.io/hardware-profile-name"
_SYSTEM = ("redhat-ods-applications", "opendatahub", "kserve")
"""Namespaces of KServe itself: a configuration that a service names is looked for there, too."""
_SCHEMES = ("hf", "oci", "oci+native", "pvc", "s3")
"""`attachModelArtifacts` in workload_storage.go takes no other."""
_LORA_SCHEMES = ("hf", "pvc", "s3")
_TENSOR = ("--tensor-parallel-size", "-tp")
_WORKLOAD_KEYS = (
    *("replicas", "scaling", "parallelism", "labels", "annotations", "template", "worker"),
    *("kvCacheOffloading", "rolloutStrategy"),
)
_KEYS: dict[tuple[str, ...], tuple[str, ...]] = {
    (): (*_WORKLOAD_KEYS, "model", "storageInitializer", "router", "prefill", "tracing", "baseRefs"),
    ("prefill",): _WORKLOAD_KEYS,
    ("parallelism",): ("tensor", "pipeline", "data", "dataLocal", "dataRPCPort", "expert"),
    ("prefill", "parallelism"): ("tensor", "pipeline", "data", "dataLocal", "dataRPCPort", "expert"),
}
"""Those that KServe knows, below `spec`."""
_ONLY_WITH_WORKERS = ("data", "dataLocal", "pipeline", "expert")
_UNSAFE = re.compile(r"[^a-zA-Z0-9._-]")


@dataclass(frozen=True, slots=True)
class _Service:
    """The service with the configurations of the file that it names."""

    object: KubeObject
    own: Mapping
    laid: Mapping
    model: str
    address: str
    address_node: Node | None
    notes: dict[str, Any]
    labels: dict[str, Any]
    file: File
    open: tuple[Problem, ...]

    @property
    def told(self) -> Told:
        return self.file.told


def read_llm_service(one: KubeObject, file: File) -> Iterator[Read]:
    """The service's own workload, and the one that does its prefill."""
    spec = one.at("spec")
    if not isinstance(spec, Mapping):
        file.told.error(one.root, f"this {KIND} has no spec", "write `spec:` with `model:`", "spec-missing")
        return
    _unknown_keys(spec, file.told)
    service = _service(one, spec, file)
    apart = below(service.laid, "prefill")
    yield from _request(service, _workload(service, Role.BOTH if apart is None else Role.DECODE))
    if isinstance(apart, Mapping):
        yield from _request(service, _workload(service, Role.PREFILL))


def _unknown_keys(spec: Mapping, told: Told) -> None:
    for where, known in _KEYS.items():
        node = below(spec, *where)
        for key, _ in entries(node) if isinstance(node, Mapping) else ():
            if key.value not in known:
                name = shorten(".".join(("spec", *where, key.value)))
                told.warn(
                    key, f"{KIND} has no {name}, and drops it", "look up where it belongs", "unknown-key"
                )


def _service(one: KubeObject, spec: Mapping, file: File) -> _Service:
    found, missing = _configs(one, file)
    laid: Node | None = None
    for config in (*found, spec):
        laid = merged(laid, config)
    assert isinstance(laid, Mapping)  # noqa: S101 - the specification is one
    named = [text_below(config, "model", "name") for config in reversed(found)]
    model = next(filter(None, (*named, text_below(spec, "model", "name"), one.name)), "")
    node = below(laid, "model", "uri")
    address = text_below(laid, "model", "uri").strip()
    notes = texts(one.at("metadata", "annotations"))
    problems = [
        *missing,
        *_address_problems(address, node or spec, file.told),
        *_lora_problems(laid, file.told),
    ]
    return _Service(
        object=one,
        own=spec,
        laid=laid,
        model=model,
        address=without_address_secrets(clean(address, limit=2000)),
        address_node=node,
        notes=notes,
        labels=texts(one.at("metadata", "labels")),
        file=file,
        open=tuple(problems),
    )


def _configs(one: KubeObject, file: File) -> tuple[list[Mapping], list[Problem]]:
    """The specifications of `baseRefs`, the last the most important; a problem for each that is not here."""
    found: list[Mapping] = []
    missing = []
    refs = one.at("spec", "baseRefs")
    for name in names_of(refs):
        spec = _config(name, one.namespace, file)
        if spec is not None:
            found.append(spec)
        elif refs is not None and not sets_only_the_image(name):
            what = f"{CONFIG} {shorten(name)}, on which this service is based, is not in the file"
            fix = f"add it: oc get llminferenceserviceconfig {shorten(name)} -o yaml"
            missing.append(file.told.problem(refs, what, fix, "base-missing"))
    return found, missing


def _config(name: str, namespace: str, file: File) -> Mapping | None:
    for where in (namespace, *_SYSTEM):
        found = file.find((CONFIG,), name, where)
        spec = found.at("spec") if found is not None and found.group == GROUP else None
        if isinstance(spec, Mapping):
            return spec
    return None


def _address_problems(address: str, node: Node, told: Told) -> list[Problem]:
    scheme, parted, _ = address.partition("://")
    if not address:
        what, fix = "no model.uri says where the weights are", "write model.uri: oci://... or hf://..."
    elif not parted or scheme not in _SCHEMES:
        what = f"KServe takes no {shorten(scheme)}:// here" if parted else "model.uri is no address"
        fix = f"use one of {', '.join(f'{one}://' for one in _SCHEMES)}"
    else:
        return []
    return [told.problem(node, what, fix, "llm-service")]


def _lora_problems(laid: Mapping, told: Told) -> Iterator[Problem]:
    """`enumerateLoRAAdapters` in workload_lora.go."""
    listed = below(laid, "model", "lora", "adapters")
    for one in listed.items if isinstance(listed, Sequence) else ():
        scheme = text_below(one, "uri").partition("://")[0]
        if scheme not in _LORA_SCHEMES:
            what = f"KServe takes no {shorten(scheme)}:// for a LoRA adapter"
            fix = f"use one of {', '.join(f'{kind}://' for kind in _LORA_SCHEMES)}"
            yield told.problem(one, what, fix, "llm-service")


def _workload(service: _Service, role: Role) -> Workload:
    path: Path = (*service.object.path, "spec")
    own: Node | None = service.own
    laid: Node | None = service.laid
    if role is Role.PREFILL:
        path, own, laid = (*path, "prefill"), below(service.own, "prefill"), below(service.laid, "prefill")
    assert isinstance(laid, Mapping)  # noqa: S101 - else there is no such workload
    namespace = service.object.namespace
    workload = Workload(
        role=role,
        document=service.object.document,
        path=path,
        own=own if isinstance(own, Mapping) else None,
        above=service.own,
        laid=laid,
        preset=None,
        lora=tuple(_lora(service)),
        names=Names(service.model, service.object.name, namespace),
        old=service.object.version == "v1alpha1",
        told=service.told,
    )
    preset = _config(workload.config, namespace, service.file) if workload.config else None
    if preset is not None and role is Role.PREFILL:
        inside = below(preset, "prefill")
        preset = inside if isinstance(inside, Mapping) else None
    return replace(workload, preset=preset)


def _lora(service: _Service) -> Iterator[str]:
    """`attachLoRAAdapters` in workload_lora.go: the adapters by name, each by its publisher's name, too."""
    listed = below(service.laid, "model", "lora", "adapters")
    adapters = sorted(
        text_below(one, "name") for one in (listed.items if isinstance(listed, Sequence) else ())
    )
    if not adapters:
        return
    yield "--enable-lora"
    limits = texts(below(service.laid, "model", "lora"))
    flags = {"maxRank": "--max-lora-rank", "maxAdapters": "--max-loras", "maxCpuAdapters": "--max-cpu-loras"}
    for key, flag in flags.items():
        if (count := whole(limits.get(key))) is not None:
            yield f"{flag}={count}"
    yield "--lora-modules"
    space = service.object.namespace
    for name in adapters:
        folder = _UNSAFE.sub("-", name)
        for known in (name, *([f"publishers/{space}/models/{name}"] if space else [])):
            yield json.dumps({"name": known, "path": f"/mnt/lora/{folder}"}, separators=(",", ":"))


def _request(service: _Service, workload: Workload) -> Iterator[Read]:
    leader = PodReader(workload, "template").read()
    if not leader.serves:
        what = f"the container main of {shorten(service.object.name)} starts no vLLM, so it is not judged"
        service.told.warn(workload.node, what, "count what it takes of the cluster by hand", "not-vllm")
        return
    spread = below(workload.laid, "worker") is not None
    worker = PodReader(workload, "worker").read() if spread else None
    claimed = _claimed(service, leader)
    _warn_of_sizes(service, workload, leader)
    name = service.object.name
    address, node = service.address, service.address_node
    if leader.model and not leader.model.startswith(("/", ".", "$", "{")) and "://" not in leader.model:
        address, node = f"hf://{clean(leader.model, limit=300)}", leader.model_node
    yield read_of(
        Found(
            object=service.object,
            name=f"{name}/prefill" if workload.role is Role.PREFILL else name,
            image=address,
            image_node=node,
            place=_place(service, leader, worker, claimed),
            gpus=leader.gpus if claimed is None else claimed,
            server=_server(service, leader),
            copies=_copies(service, workload),
            pods=_pods(workload) if spread else 1,
            open=(*service.open, *leader.open, *_doubts(service, workload, leader, worker, claimed)),
        )
    )


def _copies(service: _Service, workload: Workload) -> int:
    if service.notes.get(_STOP) == "true":
        return 0
    replicas, least = (_number(workload.laid, *keys) for keys in (("replicas",), ("scaling", "minReplicas")))
    return wanted_replicas(replicas, least, scales=below(workload.laid, "scaling") is not None)


def _number(node: Node, *keys: str) -> int | None:
    found = below(node, *keys)
    return whole(found.value) if isinstance(found, Scalar) else None


def _pods(workload: Workload) -> int:
    data, local, pipeline = (
        _number(workload.laid, "parallelism", key) for key in ("data", "dataLocal", "pipeline")
    )
    return group_size(data, local, pipeline)


def _place(service: _Service, leader: PodRead, worker: PodRead | None, claimed: int | None) -> Place:
    place = leader.place
    if claimed is not None:
        node = service.object.at("metadata", "annotations", _DEVICE_COUNT)
        path = (*service.object.path, "metadata", "annotations", _DEVICE_COUNT)
        counts = (CountPlace(path, node),) if isinstance(node, Scalar) else ()
        place = replace(place, gpus=counts, gpus_parent=None)
    return place if worker is None else replace(place, repeats=(replace(worker.place, ranks=()),))


def _claimed(service: _Service, leader: PodRead) -> int | None:
    """Devices of a pod's ResourceClaim; None where it has none."""
    if _DEVICES in service.notes:
        return max(1, whole(service.notes.get(_DEVICE_COUNT)) or 1)
    return 0 if below(leader.pod, "resourceClaims") is not None and not leader.gpus else None


def _doubts(
    service: _Service, workload: Workload, leader: PodRead, worker: PodRead | None, claimed: int | None
) -> Iterator[Problem]:
    """What keeps the request from a GO besides its arguments."""
    told, node = service.told, workload.node
    if claimed is not None:
        what = "its GPUs come by a ResourceClaim (DRA), and which nodes have such devices is not read"
        yield told.problem(node, what, "look at the cluster's ResourceSlices", "llm-service")
    if workload.shape in (Shape.PIPELINE, Shape.NONE) and workload.preset is None:
        yield _no_preset(workload)
    if worker is None:
        return
    own = workload.own
    if workload.shape is Shape.DATA and (own is None or below(own, "parallelism") is None):
        what = "`parallelism` stands only in a configuration: KServe reads it from the service itself"
        yield told.problem(node, what, "write `parallelism` into the service", "llm-parallelism")
    if worker.gpus != leader.gpus:
        what = f"the leader asks for {leader.gpus} GPUs and each worker for {worker.gpus}"
        yield told.problem(node, what, "ask for the same in `template` and `worker`", "llm-service")
    asked, image = scheduling_of(leader.pod, leader.container), text_below(leader.container, "image")
    yield from unlike(asked, image, worker.pod, worker.container, told)


def _no_preset(workload: Workload) -> Problem:
    told, node = workload.told, workload.node
    if workload.shape is Shape.NONE:
        what = (
            "`worker` without `parallelism`: KServe takes it only with `data` and `dataLocal`, or `pipeline`"
        )
        return told.problem(node, what, "write them below `parallelism`", "llm-parallelism")
    what = f"{CONFIG} {workload.config}, which KServe needs for `pipeline`, comes with no release"
    return told.problem(
        node, what, "use `data` and `dataLocal`, or add that configuration", "llm-parallelism"
    )


def _warn_of_sizes(service: _Service, workload: Workload, leader: PodRead) -> None:
    """Say which sizes KServe's configuration for one pod does not pass on."""
    node = below(workload.own, "parallelism") if workload.own is not None else None
    by_preset = workload.preset is None and below(leader.container, "command") is None
    if node is None or workload.shape is not Shape.SINGLE or not by_preset:
        return
    sizes = texts(node)
    lost = [key for key in _ONLY_WITH_WORKERS if (whole(sizes.get(key)) or 0) > 1 or sizes.get(key) == "true"]
    if lost:
        what = f"KServe passes parallelism.{' and '.join(lost)} to vLLM only with a `worker`"
        service.told.warn(node, what, f"write vLLM's own argument into {ADDITIONAL_ARGS}", "llm-parallelism")
    _warn_of_tensor(whole(sizes.get("tensor")) or 1, node, leader.place.words, service.told)


def _warn_of_tensor(tensor: int, node: Node, said: tuple[str, ...], told: Told) -> None:
    older = next((one for one in releases() if "{tensor}" not in " ".join(one.args["single"])), None)
    if tensor > 1 and older is not None and not any(word.partition("=")[0] in _TENSOR for word in said):
        what = f"up to {older.name} nothing passes parallelism.tensor to vLLM, which then uses one GPU"
        fix = f"write --tensor-parallel-size {tensor} into {ADDITIONAL_ARGS}, too"
        told.warn(node, what, fix, "llm-parallelism")


def _server(service: _Service, leader: PodRead) -> Server:
    pod, container = leader.pod, leader.container
    cpu, memory, limit = amounts_of(container)
    start = starting(container)
    return Server(
        told_by=leader.told_by,
        image=text_below(container, "image"),
        args=masked_arguments(leader.args),
        environment=leader.environment,
        resource=leader.resource,
        cpu_milli=cpu,
        memory_mib=memory,
        memory_limit_mib=limit,
        shm_mib=shm_of(pod, container),
        scheduling=scheduling_of(pod, container),
        scheduler=text_below(pod, "schedulerName"),
        service_account=text_below(pod, "serviceAccountName"),
        pull_secrets=names_of(below(pod, "imagePullSecrets")),
        queue=_said(service.labels, _QUEUE),
        profile=_said(service.notes, _PROFILE),
        priority_class=text_below(pod, "priorityClassName"),
        starts=start.words,
        script=start.script,
        port=port_of(container),
        withheld=withheld_of(container),
    )


def _said(table: dict[str, Any], key: str) -> str:
    value = table.get(key)
    return clean(value, limit=253) if isinstance(value, str) else ""
