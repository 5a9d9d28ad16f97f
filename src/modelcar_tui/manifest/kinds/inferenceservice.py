"""InferenceServices (serving.kserve.io/v1beta1), each with its ServingRuntime where the file has it.

Which runtime that is, and what it refuses, as KServe's `reconcileModel` and `GetSupportingRuntimes` have it
(pkg/controller/v1beta1/inferenceservice/components/predictor.go and
pkg/apis/serving/v1beta1/predictor_model.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.kinds.objects import KubeObject, below, text_below
from modelcar_tui.manifest.kinds.places import Path
from modelcar_tui.manifest.kinds.pods import accelerator_of, containers_of, texts
from modelcar_tui.manifest.kinds.predictor import Joined, Predictor
from modelcar_tui.manifest.kinds.requests import File, Read, read_of
from modelcar_tui.manifest.kinds.runtimes import (
    CONTAINER,
    HUGGING_FACE_SERVER,
    KINDS,
    VLLM,
    ReadRuntime,
    find_runtime,
    is_hugging_face_server,
    runtimes_of,
    serving_container,
)
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence

_FRAMEWORKS = (
    "huggingface",
    "lightgbm",
    "onnx",
    "paddle",
    "pmml",
    "pytorch",
    "sklearn",
    "tensorflow",
    "triton",
    "xgboost",
)
"""Predictors of one framework each, which KServe turns into a model of that format."""
_HUGGING_FACE = "huggingface"
_OTHER_FORMATS = frozenset(
    {
        *_FRAMEWORKS,
        *("autogluon", "caikit", "catboost", "keras", "mlflow", "openvino_ir", "python", "spacy", "tensorrt"),
    }
) - {"pytorch"}
"""Formats that no runtime of vLLM names; `pytorch` was one of theirs before there was a format vLLM."""
_STOP = "serving.kserve.io/stop"
_MOST_COPIES = 10_000


def read(obj: KubeObject, file: File) -> Iterable[Read]:
    """What an InferenceService serves by vLLM."""
    if obj.version != "v1beta1":
        what = f"InferenceService {shorten(obj.name)} is of {shorten(obj.api_version)}, which is not read"
        file.told.warn(obj.root, what, "write it as serving.kserve.io/v1beta1", "kind-version")
        return
    predictor = obj.at("spec", "predictor")
    if not isinstance(predictor, Mapping):
        what = f"InferenceService {shorten(obj.name)} has no predictor"
        file.told.error(obj.root, what, "write `spec.predictor.model`", "predictor-missing")
        return
    _beside(obj, file)
    model = below(predictor, "model")
    if isinstance(model, Mapping):
        yield from _by_model(obj, predictor, model, file)
        return
    old = next((name for name in _FRAMEWORKS if below(predictor, name) is not None), "")
    if old:
        if old == _HUGGING_FACE:
            _hugging_face(obj, file)
        else:
            fix = "write it as `predictor.model` of the format vLLM where vLLM shall serve it"
            _not_vllm(obj, below(predictor, old) or predictor, f"`predictor.{old}`", fix, file)
        return
    yield from _by_container(obj, predictor, file)


def _by_model(obj: KubeObject, predictor: Mapping, model: Mapping, file: File) -> Iterator[Read]:
    """One whose container is the runtime's, with the predictor's over it."""
    predicted = _predicted(obj, predictor, model, file)
    joined = Joined(predicted, file.told)
    kind, name = text_below(model, "modelFormat", "name"), text_below(model, "runtime")
    if not joined.runs_vllm and _unclear(predicted, kind, joined):
        what = f"the file does not tell whether the runtime {shorten(name)} runs vLLM"
        fix = "put that ServingRuntime into this file, or write the modelFormat vLLM"
        doubt = file.told.problem(model, what, fix, "runtime-unknown")
        joined = Joined(replace(predicted, runs_vllm=True, open=(doubt,)), file.told)
    if joined.runs_vllm:
        yield read_of(joined.found(_copies(obj, predictor, file)))
        return
    runtime = predicted.runtime
    typed = runtime is not None and runtime.server_type == HUGGING_FACE_SERVER
    inside = is_hugging_face_server(joined.image) or is_hugging_face_server(name.removeprefix("kserve-"))
    if typed or inside or kind == _HUGGING_FACE:
        _hugging_face(obj, file)
        return
    by = f"runtime {shorten(name)}" if name else f"model format {shorten(kind) or '(none)'}"
    fix = "if it does, put its ServingRuntime into this file"
    if runtime is not None:
        fix = "count them by hand: only vLLM is judged"
    _not_vllm(obj, joined.container, by, fix, file)


def _predicted(obj: KubeObject, predictor: Mapping, model: Mapping, file: File) -> Predictor:
    """A model with its runtime, and whether that is known to be vLLM's."""
    kind, name = text_below(model, "modelFormat", "name"), text_below(model, "runtime")
    runtime = find_runtime(file, name, obj.namespace) if name else _chosen(obj, predictor, model, file)
    return Predictor(
        service=obj,
        pod=predictor,
        own=model,
        path=(*obj.path, "spec", "predictor", "model"),
        runtime=runtime,
        runtime_name="" if runtime is not None else name,
        runs_vllm=runtime.runs_vllm if runtime is not None else kind == VLLM or "vllm" in name.lower(),
        open=tuple(_refused(model, runtime, named=bool(name), file=file)) if runtime is not None else (),
    )


def _unclear(predicted: Predictor, kind: str, joined: Joined) -> bool:
    """Whether a runtime of the cluster may run vLLM, though neither name, format nor image says so."""
    name = predicted.runtime_name
    others = kind.lower() in _OTHER_FORMATS or name.startswith("kserve-") or "huggingface" in name
    return bool(name) and not joined.image and not others and accelerator_of(joined.container)[1] != 0


def _by_container(obj: KubeObject, predictor: Mapping, file: File) -> Iterator[Read]:
    """One that brings its whole container; KServe joins it with nothing."""
    own, path = serving_container(predictor, (*obj.path, "spec", "predictor"))
    if own is None:
        what = f"the predictor of InferenceService {shorten(obj.name)} has neither a model nor containers"
        file.told.error(predictor, what, "write `spec.predictor.model`", "predictor-missing")
        return
    predicted = Predictor(service=obj, pod=predictor, own=own, path=path, runtime=None, runtime_name="")
    joined = Joined(predicted, file.told)
    if joined.runs_vllm or joined.line.open:
        yield read_of(joined.found(_copies(obj, predictor, file)))
        return
    if is_hugging_face_server(joined.image):
        _hugging_face(obj, file)
        return
    fix = "if it does, write `vllm serve` and its arguments in `command` and `args`"
    _not_vllm(obj, own, f"image {shorten(joined.image, 60)}", fix, file)


def _chosen(obj: KubeObject, predictor: Mapping, model: Mapping, file: File) -> ReadRuntime | None:
    """The runtime of the file that KServe chooses where none is named; None where the cluster has to tell.

    Those of the namespace come first, then the highest priority; what is created last wins a tie, and that is
    this file's.
    """
    kind, version = text_below(model, "modelFormat", "name"), _version(model)
    protocol = text_below(model, "protocolVersion")
    several = below(predictor, "workerSpec") is not None
    fitting = [
        one
        for one in runtimes_of(file, obj.namespace)
        if one.supports(kind, version, named=False)
        and not one.disabled
        and one.speaks(protocol)
        and (one.worker is not None) is several
    ]
    ranks = [(one.kind == KINDS[0], one.priority(kind)) for one in fitting]
    best = [one for one, rank in zip(fitting, ranks, strict=True) if rank == max(ranks)]
    return best[0] if len(best) == 1 else None


def _refused(model: Mapping, runtime: ReadRuntime, *, named: bool, file: File) -> list[Problem]:
    """Why KServe starts nothing of this model and its runtime."""
    kind, version, told = text_below(model, "modelFormat", "name"), _version(model), file.told
    whole = f"{kind} {version}".strip()
    who = f"{runtime.kind} {shorten(runtime.name)}"
    protocol = text_below(model, "protocolVersion")
    found = []
    if runtime.disabled:
        what, fix = f"{who} is disabled: KServe starts nothing", "delete its `disabled: true`"
        found.append(told.problem(model, what, fix, "runtime-disabled"))
    if not runtime.supports(kind, version, named=named):
        formats = ", ".join(f"{one.name} {one.version}".strip() for one in runtime.formats[:5]) or "none"
        what = f"{who} does not support the model format {shorten(whole) or '(none)'}: KServe starts nothing"
        fix = f"write one that it supports: {formats}"
        found.append(told.problem(below(model, "modelFormat") or model, what, fix, "runtime-format"))
    if not runtime.speaks(protocol):
        what = f"{who} does not speak the protocol {shorten(protocol)}: KServe starts nothing"
        found.append(told.problem(model, what, "delete protocolVersion", "runtime-protocol"))
    if runtime.container is None or text_below(runtime.container, "name") != CONTAINER:
        what = f"{who} has no container {CONTAINER}: KServe starts nothing"
        fix = f"name its container {CONTAINER}"
        found.append(told.problem(runtime.spec, what, fix, "runtime-container"))
    return found


def _version(model: Mapping) -> str:
    """Of the model format: KServe takes a text, but files write numbers, too."""
    node = below(model, "modelFormat", "version")
    return node.value if isinstance(node, Scalar) else ""


def _copies(obj: KubeObject, predictor: Mapping, file: File) -> int:
    """Pods' copies that are asked for: one for a service that scales from zero, as it starts on demand."""
    notes = texts(below(obj.root, "metadata", "annotations"))
    if str(notes.get(_STOP, "")).lower() == "true":
        return 0
    node = below(predictor, "minReplicas")
    if node is None:
        return 1
    text = node.value if isinstance(node, Scalar) else ""
    if not text.isdecimal() or len(text) > 9:
        file.told.error(node, "minReplicas is no whole number", "write `minReplicas: 1`", "replicas")
        return 1
    return min(max(int(text), 1), _MOST_COPIES)


def _not_vllm(obj: KubeObject, container: Node, by: str, fix: str, file: File) -> None:
    """Say what is passed over, where it takes accelerators."""
    if accelerator_of(container)[1] != 0:
        what = (
            f"InferenceService {shorten(obj.name)} asks for accelerators, but is not known to run vLLM ({by})"
        )
        file.told.warn(obj.root, what, fix, "not-vllm")


def _hugging_face(obj: KubeObject, file: File) -> None:
    """Say that the vLLM inside another server is not read."""
    what = (
        f"InferenceService {shorten(obj.name)} is served by KServe's Hugging Face server, whose arguments "
        "are its own, also with vLLM inside: it is not read"
    )
    fix = "serve it by a ServingRuntime of vLLM (modelFormat vLLM) to have it judged"
    file.told.warn(obj.root, what, fix, "not-vllm")


def _beside(obj: KubeObject, file: File) -> None:
    """Say what else takes accelerators and is not judged."""
    for part in ("transformer", "explainer"):
        pod = obj.at("spec", part)
        if pod is not None:
            _accelerators(obj, pod, (), f"the {part}", None, file)
    predictor = obj.at("spec", "predictor")
    if predictor is not None:
        server = None if below(predictor, "model") is not None else serving_container(predictor, ())[0]
        _accelerators(obj, predictor, (), "another container of the predictor", server, file)
    canary = obj.at("spec", "canary")
    if isinstance(canary, Sequence) and canary.items:
        what = f"the canary of InferenceService {shorten(obj.name)} is not read"
        fix = "judge it as an InferenceService of its own: it takes accelerators, too"
        file.told.warn(canary, what, fix, "canary")


def _accelerators(
    obj: KubeObject, pod: Node, path: Path, who: str, server: Mapping | None, file: File
) -> None:
    for container, _ in containers_of(pod, path):
        if container is not server and accelerator_of(container)[1] != 0:
            what = f"{who} of InferenceService {shorten(obj.name)} asks for accelerators, too"
            fix = "they are not counted: see that a node has them"
            file.told.warn(container, what, fix, "other-accelerators")
