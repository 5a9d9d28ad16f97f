"""Kubernetes objects that serve vLLM, read by one reader a kind."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import has_hidden
from modelcar_tui.manifest.ignores import ignores_of
from modelcar_tui.manifest.kinds.inferenceservice import read as read_inferenceservice
from modelcar_tui.manifest.kinds.lines import is_serve_line
from modelcar_tui.manifest.kinds.llminferenceservice import read_llm_service
from modelcar_tui.manifest.kinds.objects import KubeObject, objects_of
from modelcar_tui.manifest.kinds.places import Place
from modelcar_tui.manifest.kinds.requests import File, Read
from modelcar_tui.manifest.kinds.runtimes import read_runtime
from modelcar_tui.manifest.kinds.serve_line import place_of_line
from modelcar_tui.manifest.kinds.workload import (
    LEADER_WORKER_SET,
    WORKLOADS,
    read_leader_worker_set,
    read_workload,
    tell_unread,
)
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.source import Source
from modelcar_tui.manifest.spans import Tree, compose_all
from modelcar_tui.manifest.telling import Told, malformed
from modelcar_tui.manifest.types import Manifest, ModelCar

KSERVE = "serving.kserve.io"
Reader = Callable[[KubeObject, File], Iterable[Read]]
"""Gives what an object serves by vLLM; nothing for one that serves something else."""

READERS: dict[tuple[str, str], Reader] = {
    **dict.fromkeys(WORKLOADS, read_workload),
    LEADER_WORKER_SET: read_leader_worker_set,
    (KSERVE, "InferenceService"): read_inferenceservice,
    (KSERVE, "ServingRuntime"): read_runtime,
    (KSERVE, "ClusterServingRuntime"): read_runtime,
    (KSERVE, "LLMInferenceService"): read_llm_service,
}
"""By API group and kind."""
_BLANKS = str.maketrans("\t\r\n", "   ")


def read_objects(source: Source, tree: Tree) -> tuple[Manifest, tuple[Problem, ...]]:
    """What the objects of a file serve, and the errors in it."""
    told = Told(source.label, tree.root)
    malformed(tree, told)
    _refuse_odd_keys(tree, told)
    found = _named(_read(tree, told))
    if not found and not told.faults:
        kinds = ", ".join(sorted({kind for _, kind in READERS}))
        what = "no object of this file serves a model with vLLM"
        told.error(None, what, f"kinds that are read: {kinds}, and a `model-car:` list", "nothing-served")
    manifest = Manifest(
        path=source.label,
        sha256=source.sha256,
        shape="objects",
        models=tuple(one.request for one in found),
        findings=told.warnings(),
        ignores=ignores_of(source.text, tree),
    )
    return manifest, told.errors()


def _refuse_odd_keys(tree: Tree, told: Told) -> None:
    """A key that is no text spoils what is read, and is told of what is not.

    Raises:
        ManifestSyntaxError: it stands in a document of a kind that is read.
    """
    read = {one.document for one in objects_of(tree) if _is_read(one)}
    for key in tree.odd:
        fault = key.fault
        if key.document in read:
            raise fault
        told.warn(key.node, fault.what, fault.fix, fault.code)


def _is_read(one: KubeObject) -> bool:
    return one.group == KSERVE or (one.group, one.kind) in READERS


def places_of(text: str) -> dict[str, Place]:
    """Where each thing to serve is written in a text, by its name.

    Raises:
        ManifestSyntaxError: the text is no YAML.
    """
    if is_serve_line(text):
        return place_of_line(text)
    tree = compose_all(text)
    return {one.request.name: one.place for one in _named(_read(tree, Told("", tree.root)))}


def _read(tree: Tree, told: Told) -> Iterator[Read]:
    file = File(told, objects_of(tree))
    for one in file.objects:
        reader = READERS.get((one.group, one.kind))
        if reader is not None:
            for read in reader(one, file):
                _tell_unseen(read.request, read.place, told)
                yield read
        else:
            tell_unread(one, file)


def _tell_unseen(request: ModelCar, place: Place, told: Told) -> None:
    """An argument that a screen would not show as it is, or that would write on it; blanks do neither."""
    words = (*place.words, *request.serving.before)
    shown = (*request.serving.args, *request.serving.before)
    places = (*request.serving.args_at, *(request.at for _ in request.serving.before))
    for word, mask, at in zip(words, shown, places, strict=True):
        if has_hidden(word.translate(_BLANKS)):
            what = f"an argument holds characters that can't be seen: {shorten(mask, 160)}"
            told.error_at(at, what, "delete them", "hidden-character")


def _named(found: Iterable[Read]) -> list[Read]:
    """With a name for each that no other has: its namespace before it, or its kind, or a number behind it."""
    reads = list(found)
    for longer in (_with_namespace, _with_kind):
        counts = Counter(one.request.name for one in reads)
        reads = [longer(one) if counts[one.request.name] > 1 else one for one in reads]
    seen: Counter[str] = Counter()
    out = []
    for one in reads:
        seen[one.request.name] += 1
        again = seen[one.request.name]
        out.append(one if again == 1 else _renamed(one, f"{one.request.name}-{again}"))
    return out


def _with_namespace(one: Read) -> Read:
    namespace = one.request.namespace
    return _renamed(one, f"{namespace}/{one.request.name}") if namespace else one


def _with_kind(one: Read) -> Read:
    return _renamed(one, f"{one.request.kind.lower()}/{one.request.name}")


def _renamed(one: Read, name: str) -> Read:
    return Read(msgspec.structs.replace(one.request, name=name), one.place)
