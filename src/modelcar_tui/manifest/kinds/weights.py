"""Where a container's weights come from: a catalog's name, a claim, an image, a download before."""

from __future__ import annotations

import re
from collections.abc import Mapping as Table
from dataclasses import dataclass
from typing import Any

from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.manifest.kinds.command import CommandLine
from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.kinds.pods import texts
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.plain import plain
from modelcar_tui.manifest.spans import Node, Sequence, deref
from modelcar_tui.manifest.telling import Told
from modelcar_tui.manifest.variables import expanded

UNKNOWN = "weights-unknown"
_CATALOG = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?\Z")
_TRANSPORT = re.compile(r"[a-z][a-z0-9+]*://")
_OPEN_TEXT = re.compile(r"\$|\{\{|`")
_DOWNLOAD = re.compile(r"(?:huggingface-cli|hf)\s+download\s+(?P<rest>[^;&|\n]*)")
_DIRECTORY = re.compile(r"--local-dir[=\s]+[\"']?([^\s\"']+)")
_REFERENCE = re.compile(r"(?:oci|hf|s3|gs|pvc)://[^\s\"',]+")
_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|\((\w+)\)|(\w+))")


@dataclass(frozen=True, slots=True)
class Weights:
    """Where the weights come from, as `ModelCar.image` has it."""

    image: str = ""
    node: Node | None = None
    """The text that says so."""
    open: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mounted:
    """A path as a place in a volume."""

    volume: str
    kind: str
    """The volume's type: `persistentVolumeClaim`, `image`, ...; empty where the pod doesn't define it."""
    body: dict[str, Any]
    rest: str
    """The path inside the volume, without a slash before it."""


def weights_of(
    pod: Node, container: Node, line: CommandLine, environment: Table[str, str], told: Told
) -> Weights:
    """The source of the model that a command line names; where nothing tells, with what would settle it."""
    model = clean(expanded(line.model, environment), limit=2000)
    node = line.model_node
    where = node or container
    if not model and any(word.partition("=")[0] == "--config" for word in line.words):
        what = "no model is named: the file of --config may name it, which is not read"
        return _unknown(told, where, what, "name the model behind `vllm serve`, or by `--model`")
    if not model:
        what = "no model is named, so vLLM serves the one that its release has as its default"
        return _unknown(told, where, what, "name the model behind `vllm serve`, or by `--model`")
    if _OPEN_TEXT.search(model):
        if any(shorten(model) in problem.what for problem in line.open):
            return Weights("", None)
        what = f"the model {shorten(model)} is a variable that is not known here"
        return _unknown(told, where, what, "write the model's name, or give the variable a literal value")
    if _TRANSPORT.match(model):
        return Weights(model, node)
    if model.startswith(("/", ".", "~")):
        return _path(pod, container, model, where, told)
    if environment.get("VLLM_USE_MODELSCOPE", "").lower() in ("1", "true"):
        what = f"the model {shorten(model)} comes from ModelScope, whose catalog is not read"
        return _unknown(told, where, what, "take it from Hugging Face, a model-car or a PVC")
    if not _CATALOG.match(model):
        what = f"{shorten(model)} is neither a path nor the name of a model at Hugging Face"
        return _unknown(told, where, what, "write ORGANISATION/MODEL, or the path below a volume's mount")
    return Weights(f"hf://{model}", node)


def _path(pod: Node, container: Node, path: str, where: Node, told: Told) -> Weights:
    mounted = _mounted(pod, container, path)
    if mounted is None:
        what = f"no volume is mounted at {shorten(path)}, so the model stands in the container's image"
        return _unknown(told, where, what, "mount the model as a volume, or name a model of Hugging Face")
    if mounted.kind == "persistentVolumeClaim" and (claim := _text(mounted.body, "claimName")):
        return Weights(f"pvc://{claim}/{mounted.rest}".rstrip("/"), where)
    if mounted.kind == "image" and (reference := _text(mounted.body, "reference")):
        return Weights(f"oci://{reference}", where)
    downloads = _downloads(pod, mounted)
    if len(downloads) == 1:
        return Weights(downloads.pop(), where)
    volume = f"the volume {shorten(mounted.volume)} ({mounted.kind or 'not defined in this pod'})"
    what = f"the model {shorten(path)} stands in {volume}: what it holds is not known"
    fix = "use a PVC, an image volume, or an init container that says `hf download MODEL --local-dir PATH`"
    return _unknown(told, where, what, fix)


def _mounted(pod: Node, container: Node, path: str) -> _Mounted | None:
    """The volume below whose mount a path stands: the longest such mount counts."""
    around = [
        (at, mount)
        for mount in _mappings(below(container, "volumeMounts"))
        if (at := _text(mount, "mountPath").rstrip("/")) and f"{path}/".startswith(f"{at}/")
    ]
    if not around:
        return None
    at, mount = max(around, key=lambda pair: len(pair[0]))
    name = _text(mount, "name")
    parts = (_text(mount, "subPath") or _text(mount, "subPathExpr"), path[len(at) :])
    rest = "/".join(part.strip("/") for part in parts if part.strip("/"))
    kind, body = _volume(pod, name)
    return _Mounted(name, kind, body, rest)


def _volume(pod: Node, name: str) -> tuple[str, dict[str, Any]]:
    """A volume's type and what it says; without a type it is an emptyDir, as Kubernetes has it."""
    for volume in _mappings(below(pod, "volumes")):
        if volume.get("name") == name:
            kind, body = next(((key, one) for key, one in volume.items() if key != "name"), ("emptyDir", {}))
            return kind, body if isinstance(body, dict) else {}
    return "", {}


def _downloads(pod: Node, mounted: _Mounted) -> set[str]:
    """What the init containers put at a place of a volume, as far as they say it."""
    found: set[str] = set()
    listed = below(pod, "initContainers")
    for item in listed.items if isinstance(listed, Sequence) else ():
        words = [one for key in ("command", "args") for one in _words(below(item, key))]
        variables = {_text(one, "name"): _text(one, "value") for one in _mappings(below(item, "env"))}
        words = [_filled(word, variables) for word in words]
        for source, directory in _fetched(words, text_below(item, "image")):
            place = _mounted(pod, item, directory.rstrip("/")) if directory else None
            if place is not None and (place.volume, place.rest) == (mounted.volume, mounted.rest):
                found.add(source)
    return found


def _fetched(words: list[str], image: str) -> list[tuple[str, str]]:
    """Each source that an init container names with the folder into which it goes."""
    found = []
    for match in _DOWNLOAD.finditer(" ".join(words)):
        directory = _DIRECTORY.search(match["rest"])
        names = [word.strip("\"'") for word in _DIRECTORY.sub("", match["rest"]).split()]
        name = next((word for word in names if not word.startswith("-")), "")
        if _CATALOG.match(name) and directory is not None:
            found.append((f"hf://{name}", directory[1]))
    if "storage-initializer" in image and len(words) == 2 and _REFERENCE.fullmatch(words[0]):
        found.append((words[0], words[1]))
    return found


def _filled(word: str, variables: dict[str, str]) -> str:
    return _VARIABLE.sub(lambda match: variables.get(match[1] or match[2] or match[3]) or match[0], word)


def _unknown(told: Told, where: Node, what: str, fix: str) -> Weights:
    return Weights("", None, (told.problem(where, what, fix, UNKNOWN),))


def _mappings(node: Node | None) -> list[dict[str, Any]]:
    items = node.items if isinstance(node, Sequence) else ()
    return [texts(item) for item in items]


def _words(node: Node | None) -> list[str]:
    value = plain(deref(node)) if node is not None else None
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _text(one: Table[str, Any], key: str) -> str:
    value = one.get(key)
    return clean(value, limit=1000) if isinstance(value, str) else ""
