"""What a ServingRuntime says of the vLLM that it runs: one of a file, or one of the cluster."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Any

from modelcar_tui.core.text import clean
from modelcar_tui.manifest.kinds.command import command_line
from modelcar_tui.manifest.kinds.objects import KubeObject, below, text_below
from modelcar_tui.manifest.kinds.places import Path
from modelcar_tui.manifest.kinds.pods import (
    amounts_of,
    containers_of,
    environment_of,
    scheduling_of,
    shm_of,
    texts,
)
from modelcar_tui.manifest.kinds.requests import File, Read
from modelcar_tui.manifest.kinds.starting import Starting, port_of, starting, withheld_of
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.plain import node_of, plain
from modelcar_tui.manifest.scheduling import Scheduling
from modelcar_tui.manifest.spans import Mapping, Node
from modelcar_tui.manifest.telling import Told

KINDS = ("ServingRuntime", "ClusterServingRuntime")
CONTAINER = "kserve-container"
VLLM = "vLLM"
"""The model format by which KServe finds vLLM's runtimes."""
VERSION = "opendatahub.io/runtime-version"
_KSERVE_RUNTIME = "opendatahub.io/kserve-runtime"
_SERVER_TYPE = "serving.kserve.io/server-type"
HUGGING_FACE_SERVER = "huggingfaceserver"
_BACKEND = "multinode/executor-backend"


@dataclass(frozen=True, slots=True)
class Format:
    """A model format that a runtime supports."""

    name: str
    version: str
    chosen: bool
    """Whether KServe may choose the runtime for it where an InferenceService names none."""
    priority: int | None


@dataclass(frozen=True, slots=True)
class ReadRuntime:
    """A ServingRuntime; its nodes are read further by `pods` and `joining`."""

    kind: str
    name: str
    namespace: str
    spec: Mapping
    container: Mapping | None
    """The one that serves; None where there is none."""
    notes: dict[str, Any]
    """The annotations of the object."""

    @property
    def image(self) -> str:
        """Of the container that serves."""
        return text_below(self.container, "image") if self.container is not None else ""

    @property
    def args(self) -> tuple[str, ...]:
        """What it passes to vLLM, masked; placeholders stand in it."""
        container = self.container
        if container is None:
            return ()
        known, entrypoint = dict(self.environment), entrypoint_of(container)
        line = command_line(container, (), known, Told(self.name, container), entrypoint=entrypoint)
        words = line.words if line.program else _listed(container, "args")
        return masked_arguments(tuple(clean(one, limit=500) for one in words))

    @property
    def command(self) -> tuple[str, ...]:
        """What its container starts, masked; empty where the image says it."""
        words = _listed(self.container, "command") if self.container is not None else []
        return masked_arguments(tuple(clean(one, limit=500) for one in words))

    @property
    def starting(self) -> Starting:
        """How its container starts vLLM."""
        return starting(self.container) if self.container is not None else Starting()

    @property
    def port(self) -> int | None:
        """The first port that its container tells of."""
        return port_of(self.container) if self.container is not None else None

    @property
    def shm_mib(self) -> int | None:
        """MiB of `/dev/shm`, as `Server.shm_mib`."""
        return shm_of(self.spec, self.container) if self.container is not None else None

    @property
    def memory_limit_mib(self) -> int | None:
        """MiB of RAM that its container may take; None for no limit."""
        return amounts_of(self.container)[2] if self.container is not None else None

    @property
    def withheld(self) -> tuple[str, ...]:
        """Names of variables whose value is not told."""
        return withheld_of(self.container) if self.container is not None else ()

    @property
    def environment(self) -> tuple[tuple[str, str], ...]:
        """What its container says literally, as far as it may be told."""
        return environment_of(self.container) if self.container is not None else ()

    @property
    def scheduling(self) -> Scheduling:
        """What it asks of a node."""
        return scheduling_of(self.spec, self.container) if self.container is not None else Scheduling()

    @property
    def formats(self) -> tuple[Format, ...]:
        """What it supports."""
        return tuple(_formats(self.spec))

    @property
    def worker(self) -> Mapping | None:
        """Its `workerSpec`; None for a runtime on one node."""
        found = below(self.spec, "workerSpec")
        return found if isinstance(found, Mapping) else None

    @property
    def backend(self) -> str:
        """What parts a model over several nodes: `mp`; anything else is Ray."""
        return str(texts(below(self.spec, "annotations")).get(_BACKEND) or "")

    @property
    def server_type(self) -> str:
        """KServe's own word for the server: `vllmserver`, `huggingfaceserver`; mostly empty."""
        return str(self.notes.get(_SERVER_TYPE) or "")

    @property
    def disabled(self) -> bool:
        """Whether the administrator switched it off."""
        return _true(self.spec, "disabled")

    @property
    def runs_vllm(self) -> bool:
        """Whether it starts vLLM itself: KServe's Hugging Face server, with vLLM inside, has arguments of its
        own."""
        if self.server_type == HUGGING_FACE_SERVER or is_hugging_face_server(self.image):
            return False
        if texts(below(self.spec, "annotations")).get(_KSERVE_RUNTIME) == "vllm":
            return True
        return any(one.name == VLLM for one in self.formats) or "vllm" in self.image

    def supports(self, name: str, version: str, *, named: bool) -> bool:
        """Whether KServe lets it serve a model format.

        Args:
            name: of the format, as the InferenceService writes it.
            version: the same; empty where it says none.
            named: whether the InferenceService names this runtime; else the format must let itself be chosen.
        """
        fitting = [one for one in self.formats if one.name == name and (named or one.chosen)]
        return any(not version or one.version == version for one in fitting)

    def priority(self, name: str) -> int:
        """For a model format, where KServe chooses: one that is stated comes before any that is not."""
        stated = next((one.priority for one in self.formats if one.name == name), None)
        return -1 if stated is None else stated

    def speaks(self, protocol: str) -> bool:
        """Whether KServe takes it for a protocol version; an empty one, and a list of none, are any."""
        written = below(self.spec, "protocolVersions")
        listed = plain(written) if written is not None else None
        return not protocol or not isinstance(listed, list) or not listed or protocol in listed


def entrypoint_of(container: Node) -> str:
    """What the image of a vLLM runtime starts where its container has no `command`; empty where it has one.

    Both programs take the model by `--model`, and only `vllm serve` without a flag.
    """
    if below(container, "command") is not None:
        return ""
    first = next(iter(_listed(container, "args")), "-")
    return "api_server" if first.startswith("-") else "vllm serve"


def is_hugging_face_server(image: str) -> bool:
    """Whether an image is KServe's own server for Hugging Face's models."""
    return image.rpartition("/")[2].startswith(HUGGING_FACE_SERVER)


def runtime_of(one: KubeObject) -> ReadRuntime | None:
    """A ServingRuntime out of an object of the file; None where it has no specification."""
    spec = one.at("spec")
    if not isinstance(spec, Mapping):
        return None
    return _runtime(one.kind, one.name, one.namespace, spec, texts(one.at("metadata", "annotations")))


def runtime_from(name: str, notes: Table[str, str], spec: Table[str, Any]) -> ReadRuntime | None:
    """A ServingRuntime as a cluster tells it.

    Args:
        name: of the object.
        notes: its annotations.
        spec: its specification, decoded.
    """
    node = node_of(dict(spec))
    return _runtime(KINDS[0], name, "", node, dict(notes)) if isinstance(node, Mapping) else None


def _runtime(kind: str, name: str, namespace: str, spec: Mapping, notes: dict[str, Any]) -> ReadRuntime:
    container, _ = serving_container(spec, ())
    return ReadRuntime(kind, name, namespace, spec, container, notes)


def serving_container(pod: Node, path: Path) -> tuple[Mapping | None, Path]:
    """The container that serves: `kserve-container`, else the first; None where there is none."""
    found = list(containers_of(pod, path))
    named = [one for one in found if text_below(one[0], "name") == CONTAINER]
    return next(iter((*named, *found)), (None, path))


def find_runtime(file: File, name: str, namespace: str) -> ReadRuntime | None:
    """The runtime of the file that an InferenceService names: its namespace's own before the cluster's."""
    for kind in KINDS:
        found = file.find((kind,), name, namespace)
        if found is not None and found.group == "serving.kserve.io":
            return runtime_of(found)
    return None


def runtimes_of(file: File, namespace: str) -> list[ReadRuntime]:
    """All runtimes of the file that an InferenceService of a namespace may use."""
    found = [runtime_of(one) for one in file.objects if one.kind in KINDS]
    return [
        one
        for one in found
        if one is not None
        and (one.kind == KINDS[1] or not one.namespace or not namespace or one.namespace == namespace)
    ]


def read_runtime(one: KubeObject, file: File) -> Iterable[Read]:
    """Serves nothing by itself: says what is missing where no InferenceService of the file may use it."""
    services = [other for other in file.objects if other.kind == "InferenceService"]
    if not services and (runtime := runtime_of(one)) is not None and runtime.runs_vllm:
        name = shorten(runtime.name)
        what = f"{one.kind} {name} serves nothing by itself: no InferenceService of this file uses it"
        fix = f"add the InferenceService with `spec.predictor.model.runtime: {name}`"
        others = any(other.kind not in KINDS for other in file.objects)
        (file.told.warn if others else file.told.error)(one.root, what, fix, "runtime-alone")
    return ()


def _formats(spec: Node) -> Iterable[Format]:
    written = below(spec, "supportedModelFormats")
    for one in plain(written) if written is not None and isinstance(plain(written), list) else ():
        if isinstance(one, dict):
            priority = _text(one.get("priority"))
            yield Format(
                name=_text(one.get("name")),
                version=_text(one.get("version")),
                chosen=_text(one.get("autoSelect")).lower() == "true",
                priority=int(priority) if priority.isdecimal() and len(priority) < 10 else None,
            )


def _listed(container: Node, key: str) -> list[str]:
    written = below(container, key)
    listed = plain(written) if written is not None else None
    return [one for one in listed if isinstance(one, str)] if isinstance(listed, list) else []


def _text(value: Any) -> str:
    return clean(str(getattr(value, "text", value) or ""), limit=200)


def _true(spec: Node, key: str) -> bool:
    found = below(spec, key)
    return found is not None and _text(plain(found)).lower() == "true"
