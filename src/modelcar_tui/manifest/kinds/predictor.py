"""One InferenceService's vLLM put together: its container joined with the runtime's, and what comes of it."""

from __future__ import annotations

import re
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from typing import Any

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.manifest.kinds.command import command_line
from modelcar_tui.manifest.kinds.joining import filled, joined_container, joined_pod
from modelcar_tui.manifest.kinds.multinode import Nodes, nodes_of
from modelcar_tui.manifest.kinds.objects import KubeObject, below, text_below
from modelcar_tui.manifest.kinds.parting import Parted, parted
from modelcar_tui.manifest.kinds.places import Path, Place
from modelcar_tui.manifest.kinds.pods import (
    accelerator_of,
    amounts_of,
    containers_of,
    count_places,
    environment_of,
    may_tell,
    names_of,
    scheduling_of,
    shm_of,
    texts,
)
from modelcar_tui.manifest.kinds.requests import Found
from modelcar_tui.manifest.kinds.runtimes import VERSION, ReadRuntime, entrypoint_of, is_hugging_face_server
from modelcar_tui.manifest.kinds.starting import port_of, starting, withheld_of
from modelcar_tui.manifest.kinds.storage import storage_of
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.spans import Mapping, Sequence
from modelcar_tui.manifest.telling import Told
from modelcar_tui.manifest.types import Server

QUEUE = "kueue.x-k8s.io/queue-name"
PROFILE = "opendatahub.io/hardware-profile-name"
_UNFILLED = re.compile(r"\{\{-?\s*(?:\.|index\b)")
_CPU_BUILDS = ("vllmserver", "kserve-vllmserver")
"""The server type, and the runtime, of which KServe starts the build without GPUs where none is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Predictor:
    """What an InferenceService starts, before it is joined with its runtime."""

    service: KubeObject
    pod: Mapping
    """`spec.predictor`, whose keys are those of a pod besides its own."""
    own: Mapping
    """`predictor.model`, or a container of a predictor without a model."""
    path: Path
    """Of `own`."""
    runtime: ReadRuntime | None
    """The one of the file; None where it is the cluster's, or where there is none at all."""
    runtime_name: str
    """Of the cluster's; empty where KServe chooses it, where it is the file's, and where there is none."""
    runs_vllm: bool = False
    """Whether the runtime is known to start vLLM; else what starts has to tell."""
    open: tuple[Problem, ...] = ()


class Joined:
    """A predictor with its runtime."""

    def __init__(self, predictor: Predictor, told: Told) -> None:
        self._of = predictor
        self._told = told
        runtime, service = predictor.runtime, predictor.service
        theirs = runtime.container if runtime is not None else None
        self.container = joined_container(theirs, predictor.own) if theirs is not None else predictor.own
        self._pod = joined_pod(runtime.spec, predictor.pod) if runtime is not None else predictor.pod
        self._labels = texts(below(service.root, "metadata", "labels"))
        self._notes = texts(below(service.root, "metadata", "annotations"))
        self.image = text_below(self.container, "image")
        self._nodes = self._multinode()
        self._environment = {
            **dict(environment_of(self.container)),
            **dict(self._nodes.environment if self._nodes else ()),
        }
        self.line = command_line(
            self.container, predictor.path, self._environment, told, entrypoint=self._entrypoint()
        )

        self._script = {name: value for name, value in self.line.environment if may_tell(name, value)}

    def found(self, copies: int) -> Found:
        """The request.

        Args:
            copies: replicas that are asked for.
        """
        of, words = self._of, self._words()
        line = replace(self.line, model=self._filled(self.line.model))
        known = self._environment | self._script
        weights = storage_of(of.pod, of.own, self._pod, self.container, line, known, self._told)
        resource, asked = accelerator_of(self.container)
        nodes = self._nodes or Nodes()
        if not nodes.resource:
            nodes = replace(nodes, gpus=asked or 0, resource=resource)
        places = (*count_places(of.own, of.path, nodes.resource), *nodes.gpu_places) if nodes.resource else ()
        ranks = nodes.ranks
        if self._nodes and not places:  # KServe itself writes the ranks of one pod as its GPUs
            places, ranks = ranks, ()
        grows, parent = self._grows()
        place = Place(
            document=of.service.document,
            words=words.own,
            parts=words.parts,
            grows=grows,
            parent=parent,
            gpus=places,
            gpus_parent=None if places or self._nodes else of.path,
            ranks=ranks,
        )
        return Found(
            object=of.service,
            name=of.service.name,
            image=weights.image,
            image_node=weights.node,
            place=place,
            gpus=nodes.gpus,
            server=self._server(words, nodes.resource),
            copies=min(copies, 1) if self._nodes else copies,
            pods=nodes.pods,
            open=(*of.open, *self.line.open, *nodes.open, *weights.open, *self._doubts(words, asked)),
        )

    @property
    def runs_vllm(self) -> bool:
        """Whether vLLM is what serves."""
        return self._expected or bool(self.line.program) or (self.by_model and "vllm" in self.image)

    @property
    def _expected(self) -> bool:
        return self._of.runs_vllm and not is_hugging_face_server(self.image)

    def _multinode(self) -> Nodes | None:
        of = self._of
        worker = below(of.pod, "workerSpec")
        if not isinstance(worker, Mapping):
            return None
        path = (*of.service.path, "spec", "predictor", "workerSpec")
        return nodes_of(worker, path, of.service.name, self.container, self._pod, of.runtime, self._told)

    def _entrypoint(self) -> str:
        return entrypoint_of(self.container) if self._expected else ""

    @property
    def by_model(self) -> bool:
        """Whether KServe joins this one with a runtime."""
        return below(self._of.pod, "model") is not None

    def _words(self) -> Parted:
        of = self._of
        theirs = of.runtime.container if of.runtime is not None else None
        words = parted(self.line, self.container, theirs, of.own, of.path)
        return replace(words, runtime=tuple(map(self._filled, words.runtime)))

    def _grows(self) -> tuple[Path, Mapping | None]:
        """Where one more argument goes: to the predictor's own, of which the last counts."""
        of, line = self._of, self.line
        arguments = (*of.path, "args")
        if line.grows != arguments and below(of.own, "command") is not None:
            return line.grows, line.parent
        return arguments, None if isinstance(below(of.own, "args"), Sequence) else of.own

    def _server(self, words: Parted, resource: str) -> Server:
        of, pod = self._of, self._pod
        cpu, memory, limit = amounts_of(self.container)
        start = starting(self.container)
        image = self._image(resource)
        return Server(
            told_by=self._told_by(),
            runtime=of.runtime_name,
            image=image,
            version=self._version(),
            args=masked_arguments(words.runtime),
            environment=tuple((self._environment | self._script).items()),
            resource=resource,
            cpu_milli=cpu,
            memory_mib=memory,
            memory_limit_mib=limit,
            shm_mib=shm_of(pod, self.container),
            scheduling=scheduling_of(pod, self.container, self._beside()),
            scheduler=text_below(pod, "schedulerName"),
            service_account=text_below(pod, "serviceAccountName"),
            pull_secrets=names_of(below(pod, "imagePullSecrets")),
            queue=self._label(QUEUE),
            profile=_text(self._notes, PROFILE),
            priority_class=text_below(pod, "priorityClassName"),
            starts=start.words,
            script=start.script,
            port=port_of(self.container),
            withheld=withheld_of(self.container),
        )

    def _beside(self) -> list[Mapping]:
        """The runtime's other containers: KServe appends them (components/predictor.go, buildPodSpec)."""
        runtime = self._of.runtime
        return [one for one, _ in containers_of(runtime.spec, ())] if runtime is not None else []

    def _told_by(self) -> str:
        of = self._of
        if of.runtime is not None:
            return f"{of.runtime.kind} {of.runtime.name}"
        if of.runtime_name:
            return f"ServingRuntime {of.runtime_name}"
        return f"InferenceService {of.service.name}"

    def _image(self, resource: str) -> str:
        """`UpdateImageTag`: `runtimeVersion` replaces the tag, and KServe's own vLLM runtime has a build for
        CPUs."""
        of = self._of
        image = self.image
        if "$" in image or "@sha256:" in image:
            return "" if "$" in image else image
        version, (name, colon, tag) = text_below(of.own, "runtimeVersion"), _tagged(image)
        if version and image:
            return f"{name}:{version}"
        kind = (of.runtime.server_type or of.runtime.name) if of.runtime is not None else ""
        if kind in _CPU_BUILDS and colon and not resource and not name.endswith("-cpu"):
            return f"{name}-cpu:{tag}"
        return image

    def _version(self) -> str:
        """The runtime's annotation, which tells of the runtime's own image alone."""
        of = self._of
        changed = text_below(of.own, "image") or text_below(of.own, "runtimeVersion")
        return "" if of.runtime is None or changed else _text(of.runtime.notes, VERSION)

    def _label(self, name: str) -> str:
        """A label of the pod: the predictor's, else the InferenceService's, else the runtime's."""
        of = self._of
        theirs = texts(below(of.runtime.spec, "labels")) if of.runtime is not None else {}
        own = texts(below(of.pod, "labels"))
        return next((text for one in (own, self._labels, theirs) if (text := _text(one, name))), "")

    def _filled(self, text: str) -> str:
        if not self.by_model:
            return text
        service = self._of.service
        notes = {key: str(value) for key, value in self._notes.items()}
        labels = {key: str(value) for key, value in self._labels.items()}
        return filled(text, service.name, service.namespace, labels, notes)

    def _doubts(self, words: Parted, asked: int | None) -> list[Problem]:
        of, told = self._of, self._told
        found = []
        if asked is None:
            what = "the number of accelerators is no whole number"
            fix = "write `nvidia.com/gpu: 1` or the like below resources"
            found.append(told.problem(of.own, what, fix, "gpu-count"))
        claims = below(self.container, "resources", "claims")
        if claims is not None and not accelerator_of(self.container)[0]:
            what = "the container takes its devices by a resource claim, whose number of GPUs is not read"
            fix = "ask for the accelerator in `resources.limits`, or count by hand"
            found.append(told.problem(claims, what, fix, "gpus-unknown"))
        if words.mixed:
            what = (
                "arguments of the runtime stand behind those of the predictor's command: the last one counts"
            )
            fix = "write the predictor's arguments into args"
            found.append(told.problem(of.own, what, fix, "argument-order"))
        texts_filled = map(self._filled, (*words.runtime, *words.own)) if self.by_model else ()
        if any(_UNFILLED.search(text) for text in texts_filled):
            what = "an argument holds a placeholder that only the cluster can fill"
            fix = "write metadata.namespace, or the value itself"
            found.append(told.problem(of.own, what, fix, "placeholder"))
        if of.service.path[:1] == ("objects",) and any("${" in word for word in (*words.runtime, *words.own)):
            what = "an argument holds a parameter of the Template"
            found.append(told.problem(of.own, what, "read what `oc process` makes of it", "parameter"))
        return found


def _tagged(image: str) -> tuple[str, str, str]:
    """Name, colon, tag; the last two are empty where there is none."""
    head, slash, last = image.rpartition("/")
    name, colon, tag = last.partition(":")
    return f"{head}{slash}{name}", colon, tag


def _text(table: Table[str, Any], key: str) -> str:
    value = table.get(key)
    return clean(value, limit=300) if isinstance(value, str) else ""
