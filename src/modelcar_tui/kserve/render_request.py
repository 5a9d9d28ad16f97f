"""One model as it is to be served: what is rendered, whatever the kind, from what was found out about it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import msgspec

from modelcar_tui.cluster import OciMode
from modelcar_tui.cluster.types import AcceleratorReport, Runtime
from modelcar_tui.core.errors import Problem
from modelcar_tui.kserve.render_input import Given, given, inside
from modelcar_tui.kserve.render_place import Place, place_of
from modelcar_tui.manifest import (
    MODEL_CAR,
    OCI_TRANSPORTS,
    Change,
    FileObject,
    ModelCar,
    Operation,
    Scheduling,
    Server,
)
from modelcar_tui.verdict import DecisionReport, ModelRequirements, runtime_of, with_runtime
from modelcar_tui.vllm.arguments import parse_arguments

_LABEL = 63
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_LONGEST = _LABEL - len("-predictor")
"""Characters of an InferenceService's name: what KServe makes of it is a DNS label."""
_SIZES = ("--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One model as it is to be served."""

    name: str
    """A DNS label, unlike that of every other of the file."""
    title: str
    """As the file calls it."""
    source: str
    """As the file has it: `oci://REGISTRY/REPOSITORY:TAG`."""
    namespace: str = ""
    args: tuple[str, ...] = ()
    """vLLM's, as they are approved, without those that the runtime passes by itself."""
    gpus: int = 1
    sharded: bool = True
    """Whether the arguments say how the model is shared by its GPUs."""
    copies: int = 1
    environment: tuple[tuple[str, str], ...] = ()
    cpu_milli: int | None = None
    """As the file or the runtime says; None where neither does."""
    memory_mib: int | None = None
    weight_bytes: int | None = None
    weights_from: str = ""
    """`read from the safetensors headers`."""
    image_bytes: int | None = None
    """As the registry stores it; None where it is not known."""
    image_from: str = ""
    place: Place | None = None
    """None where no accelerator is known."""
    runtime: Runtime | None = None
    native: bool = False
    """Whether KServe's settings bring images as volumes of Kubernetes."""
    pull_secrets: tuple[str, ...] = ()
    reasons: tuple[tuple[str, str], ...] = ()
    """Arguments that were accepted, each with its reason."""
    removed: tuple[tuple[str, str], ...] = ()
    """Arguments of the file that were taken out, each with its reason."""
    gpus_why: str = ""
    """Why the number of GPUs is not the file's; empty where it is."""
    output_type: str = "text"
    execution_mode: str = "sequential"
    kind: str = MODEL_CAR
    """Of the file's object: see `ModelCar.kind`."""
    server: Server | None = None
    """What the file says of the container and its pod; None for a model-car."""
    given: Given | None = None
    """The file's object as data; None for a model-car and a command line."""
    before: tuple[str, ...] = ()
    """Arguments that the file's runtime or preset passes before `args`."""
    runtime_tolerations: tuple[tuple[str, str, str, str], ...] = ()
    """Those of the file's runtime: key, operator, value and effect."""
    amounts_known: bool = True
    """Whether all that says CPUs and memory was read: the file, and the runtime that it names."""
    pods: int = 1
    """Of one copy."""
    prefill: bool = False
    """Whether it is the half of an LLMInferenceService that only reads prompts."""
    open: tuple[Problem, ...] = ()
    """What of it is not understood."""

    @property
    def uri(self) -> str:
        """Where the model is, with a scheme of KServe: `oci://...`."""
        scheme, found, rest = self.source.partition("://")
        if not found:
            return f"oci://{self.source}"
        return f"oci://{rest}" if scheme == "docker" else self.source

    @property
    def server_resource(self) -> str:
        """The accelerator for which the file itself asks; empty where it asks for none."""
        return self.server.resource if self.server is not None else ""

    @property
    def is_image(self) -> bool:
        """Whether it is an OCI image, which a model-car is."""
        return self.uri.partition("://")[0] in OCI_TRANSPORTS

    @property
    def shared_args(self) -> tuple[str, ...]:
        """The arguments with the tensor parallel size that the QA suite gives such a model."""
        return self.args if self.sharded else (*self.args, f"{_SIZES[0]}={self.gpus}")


def requests_of(
    models: Iterable[ModelRequirements],
    cluster: AcceleratorReport,
    decision: DecisionReport,
    *,
    vllm: str | None = None,
    pull_secrets: tuple[str, ...] = (),
    namespace: str = "",
    accepted: Iterable[Change] = (),
    objects: Sequence[FileObject] = (),
) -> tuple[Request, ...]:
    """The models with what was found out about them.

    Args:
        models: with the arguments that are approved.
        cluster: what was looked at.
        decision: on these models.
        vllm: the release that serves them, where it is known.
        pull_secrets: names of Secrets with which the image is pulled.
        namespace: where they are to be served; empty leaves it to whoever applies them.
        accepted: the changes that `models` have in them, for their reasons.
        objects: the file's, with the approved arguments in them.
    """
    changes = list(accepted)
    taken: dict[str, set[str]] = {}
    found = []
    for model in models:
        one = _request(model, cluster, objects, model.car.namespace or namespace)
        if not one.prefill:
            names = taken.setdefault(one.namespace, set())
            one = msgspec.structs.replace(one, name=_unlike(one.name, names))
        place = place_of(model, cluster, decision, vllm)
        mine = [change for change in changes if change.model == model.car.name]
        found.append(
            msgspec.structs.replace(
                one,
                place=place,
                pull_secrets=pull_secrets,
                reasons=tuple((change.new or "", change.reason) for change in mine if _is_argument(change)),
                removed=tuple((c.old or "", c.reason) for c in mine if c.operation is Operation.REMOVE),
                gpus_why=next((c.reason for c in mine if c.operation is Operation.GPU_COUNT), ""),
            )
        )
    return tuple(found)


def _request(
    model: ModelRequirements,
    cluster: AcceleratorReport,
    objects: Sequence[FileObject],
    namespace: str,
) -> Request:
    car, image, serving = model.car, model.image, model.car.serving
    known = given(car, objects)
    weights, name = image.model.weight_bytes, _name(car, known)
    told = {one.name for one in parse_arguments(serving.args, None) if one.flag is not None}
    one = Request(
        name=name,
        title=car.name if car.server is None else name,
        source=car.image,
        namespace=namespace,
        args=serving.args,
        gpus=serving.gpu_count,
        sharded=not serving.by_suite or serving.gpu_count == 1 or bool(told & set(_SIZES)),
        copies=car.copies,
        weight_bytes=weights.value,
        weights_from=weights.source.told,
        image_bytes=image.size_bytes.value,
        image_from=image.size_bytes.source.told,
        native=cluster.kserve is not None and cluster.kserve.oci_mode is OciMode.NATIVE,
        output_type=car.model_output_type,
        execution_mode=car.execution_mode,
        kind=car.kind,
        server=car.server,
        given=known,
        pods=car.pods,
        prefill=car.prefill,
        open=car.open,
    )
    return _with_runtime(one, model, cluster)


def _with_runtime(request: Request, model: ModelRequirements, cluster: AcceleratorReport) -> Request:
    """The request with what serves it: the file's own runtime, the one that it names, else the cluster's."""
    server, runtime = request.server, runtime_of(model.car, cluster)
    asked = runtime.scheduling if runtime else None
    own = server is None or bool(server.runtime) or (runtime is not None and bool(runtime.image))
    before = with_runtime(model, cluster).car.serving.before if own else model.car.serving.before
    return msgspec.structs.replace(
        request,
        runtime=runtime if own else cluster.runtime,
        before=before,
        environment=server.environment if server is not None else (),
        cpu_milli=_first(*(one.cpu_milli for one in (server, asked) if one is not None)),
        memory_mib=_first(*(one.memory_mib for one in (server, asked) if one is not None)),
        runtime_tolerations=_tolerations(asked),
        amounts_known=_is_read(request, runtime, cluster),
    )


def _is_read(request: Request, runtime: Runtime | None, cluster: AcceleratorReport) -> bool:
    """Whether the ServingRuntime was read that the file names, or leaves to KServe to choose."""
    server = request.server
    if server is None or request.kind != "InferenceService":
        return True
    if server.runtime:
        return any(one.name == server.runtime for one in cluster.runtimes or ())
    return runtime is not None and bool(runtime.image)


def _tolerations(asked: Scheduling | None) -> tuple[tuple[str, str, str, str], ...]:
    found = asked.tolerations if asked is not None else ()
    return tuple((one.key, one.operator, one.value, one.effect) for one in found)


def _first(*amounts: int | None) -> int | None:
    return next((amount for amount in amounts if amount is not None), None)


def _name(car: ModelCar, known: Given | None) -> str:
    """The object's own, where it has one that KServe takes; else what comes near to it."""
    own = inside(known.body, "metadata").get("name") if known is not None else None
    if isinstance(own, str) and len(own) <= _LABEL and _NAME.fullmatch(own):
        return own
    return dns_label(own if isinstance(own, str) and own else car.name)


def _is_argument(change: Change) -> bool:
    return change.new is not None and change.operation is not Operation.GPU_COUNT


def dns_label(title: str) -> str:
    """A name that KServe takes (`[a-z]([-a-z0-9]*[a-z0-9])?`), as near to the title as may be."""
    plain = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    if not plain or not plain[0].isalpha():
        plain = f"model-{plain}".strip("-")
    return plain[:_LONGEST].rstrip("-")


def _unlike(name: str, taken: set[str]) -> str:
    found, number = name, 1
    while found in taken:
        number += 1
        end = f"-{number}"
        found = name[: _LONGEST - len(end)].rstrip("-") + end
    taken.add(found)
    return found
