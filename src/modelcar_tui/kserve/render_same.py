"""An object of the operator's own kept as it is: with the approved arguments, and what its placement needs.

What a release can't read is written as it reads it: `render_release` says what that is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.kserve.render_complete import (
    complete_amounts,
    complete_metadata,
    complete_pod,
    complete_shared_memory,
)
from modelcar_tui.kserve.render_draft import Draft, Path
from modelcar_tui.kserve.render_input import Data, Given, inside, serving_container
from modelcar_tui.kserve.render_isvc import tell_changes
from modelcar_tui.kserve.render_llm import ADDITIONAL, PRESET_PROBE, no_such_kind
from modelcar_tui.kserve.render_pod import http_get, put_startup_probe
from modelcar_tui.kserve.render_release import FIRST_LLM, Release
from modelcar_tui.kserve.render_request import Request

_MODE: Path = ("metadata", "annotations", "serving.kserve.io/deploymentMode")
_PROBES = ("readinessProbe", "livenessProbe")
_HANDLERS = ("exec", "grpc", "httpGet", "tcpSocket")
_TENSOR = "--tensor-parallel-size"


def same_inference_service(request: Request, release: Release, runtime: str) -> Draft:
    """An InferenceService of the file.

    Args:
        request: what it serves.
        release: of OpenShift AI.
        runtime: name of another ServingRuntime than the file's; empty keeps that.
    """
    draft = _draft(request)
    predictor: Path = ("spec", "predictor")
    body = inside(draft.object, *map(str, predictor))
    mode = inside(draft.object, "metadata", "annotations").get(str(_MODE[-1]))
    if mode == "Standard" != release.standard and release.number is not None:
        draft.put(
            _MODE, release.standard, f"Standard is the word of 3.4 and later, and {release.name} is asked for"
        )
    at: Path = (*predictor, "model")
    if "model" not in body:
        at = _container_path(body, predictor)
    elif runtime:
        draft.put((*at, "runtime"), runtime, "named on the command line")
    _complete(draft, at, predictor, request)
    if "startupProbe" not in _given(request).container:
        put_startup_probe(draft, at, request, _handler(request) or http_get(request))
    worker = body.get("workerSpec")
    if isinstance(worker, dict):
        complete_pod(draft, (*predictor, "workerSpec"), worker, request)
    return draft


def same_llm_service(requests: Sequence[Request], release: Release) -> Draft:
    """An LLMInferenceService of the file: its own workload and, where it has one, the prefill's.

    Raises:
        UserError: the release has no such kind.
    """
    if release.number is not None and release.number < FIRST_LLM:
        raise no_such_kind(requests[0], release)
    draft = _draft(requests[0])
    _set_version(draft, release)
    for request in requests:
        above: Path = ("spec", "prefill") if request.prefill else ("spec",)
        pods = _pods(draft, above)
        if draft.object["apiVersion"].endswith("/v1alpha1"):
            for pod in pods:
                _write_for_older(draft, above, pod, release)
        at = _container_path(inside(draft.object, *map(str, pods[0])), pods[0])
        _complete(draft, at, pods[0], request)
        _put_llm_probe(draft, at, request, release)
        for pod in pods[1:]:
            complete_pod(draft, pod, inside(draft.object, *map(str, pod)), request)
    return draft


def beside(request: Request) -> Iterator[Draft]:
    """The objects of the file without which it does not serve, as they are there."""
    for body in request.given.beside if request.given is not None else ():
        draft = Draft()
        draft.object = copy.deepcopy(body)
        draft.comments["metadata",] = "as it stands in the file"
        yield draft


def _given(request: Request) -> Given:
    return request.given or Given(body={})


def _draft(request: Request) -> Draft:
    draft = Draft()
    draft.object = copy.deepcopy(_given(request).body)
    draft.put("metadata.namespace", request.namespace)
    if left := _given(request).left:
        draft.tell(("metadata",), f"without what only an API server writes: {', '.join(left)}")
    complete_metadata(draft, request)
    return draft


def _complete(draft: Draft, at: Path, pod_at: Path, request: Request) -> None:
    """The pod at a path, and its container that serves."""
    known = _given(request)
    container = _value(draft, at)
    tell_changes(draft, (*at, "args"), [str(one) for one in container.get("args") or ()], request)
    if request.gpus_why:
        draft.tell((*at, "resources"), request.gpus_why)
    complete_pod(draft, pod_at, known.pod, request)
    complete_amounts(draft, at, known.container, request)
    complete_shared_memory(draft, at, pod_at, known.pod, request)


def _container_path(pod: Data, path: Path) -> Path:
    """Of the container that serves, which is made where the file has none."""
    found = serving_container(pod, "")
    listed = pod.get("containers") or []
    return (*path, "containers", listed.index(found) if found in listed else 0)


def _pods(draft: Draft, above: Path) -> list[Path]:
    """The leader's pod, with a container of its own, and the workers'."""
    template: Path = (*above, "template")
    if not inside(draft.object, *map(str, template)).get("containers"):
        draft.put((*template, "containers"), [{"name": "main"}])
    worker: Path = (*above, "worker")
    return [template, worker] if inside(draft.object, *map(str, worker)) else [template]


def _handler(request: Request) -> Data:
    """What the container's own probes ask: another server than vLLM alone may answer there."""
    for name in _PROBES:
        probe = inside(_given(request).container, name)
        found = {key: value for key, value in probe.items() if key in _HANDLERS}
        if len(found) == 1 and "httpGet" in found:
            return dict(found["httpGet"])
    return {}


def _put_llm_probe(draft: Draft, at: Path, request: Request, release: Release) -> None:
    container = _given(request).container
    if "startupProbe" in container:
        return
    get: Data | None = _handler(request) or dict(PRESET_PROBE)
    if release.llm_probes and not container.get("command"):
        get = None
    elif container.get("command") and not _handler(request):
        return  # which port and scheme its own command serves, nothing says
    put_startup_probe(draft, at, request, get)


def _set_version(draft: Draft, release: Release) -> None:
    """The API version that the release serves; an older one stays, which later releases serve, too."""
    group, _, version = str(draft.object.get("apiVersion", "")).rpartition("/")
    if version != release.llm_version and release.number is not None and release.llm_version == "v1alpha1":
        draft.put(("apiVersion",), f"{group}/{release.llm_version}", f"as OpenShift AI {release.name} has it")


def _write_for_older(draft: Draft, above: Path, pod: Path, release: Release) -> None:
    """Arguments where a preset before 3.4 hands them on, and the size that one before 3.5 does not."""
    spec = inside(draft.object, *map(str, pod))
    at = _container_path(spec, pod)
    container = _value(draft, at) if spec.get("containers") else {}
    if not container or container.get("command"):
        return
    args = container.get("args") or []
    if not release.llm_args and args and str(args[0]).startswith("-"):
        del container["args"]
        why = "the preset of this release reads no args: they would replace the script that starts vLLM"
        _add_words(draft, at, [str(item) for item in args], why)
    tensor = _lost_tensor(inside(draft.object, *map(str, above)), container)
    if tensor and not release.llm_tensor:
        why = f"the preset of this release does not hand parallelism.tensor on: {tensor}"
        _add_words(draft, at, [f"{_TENSOR}={tensor}"], why)


def _lost_tensor(workload: Data, container: Data) -> int:
    """The size in `parallelism.tensor` of one node that no argument repeats; 0 for none."""
    tensor = inside(workload, "parallelism").get("tensor")
    if not isinstance(tensor, int) or tensor < 2 or "worker" in workload:
        return 0
    values = [str(one.get("value", "")) for one in container.get("env") or () if isinstance(one, dict)]
    written = " ".join(["", *values, *map(str, container.get("args") or ())])
    return 0 if any(f" {flag}" in written for flag in (_TENSOR, "-tp")) else tensor


def _add_words(draft: Draft, at: Path, words: list[str], why: str) -> None:
    """Words for the shell of the preset, which splits the variable as it split the items of `args`."""
    container = _value(draft, at)
    env = container.setdefault("env", [])
    own = next((one for one in env if one.get("name") == ADDITIONAL), None)
    if own is None:
        own = {"name": ADDITIONAL, "value": ""}
        env.append(own)
    if "valueFrom" in own:
        what = f"{ADDITIONAL} comes from another object, so nothing can be added to it"
        fix = "write its value into the file"
        raise UserError(Problem(where=draft.title, what=what, fix=fix, code="not-this-release"))
    own["value"] = " ".join(filter(None, (own["value"], *words)))
    draft.comments[*at, "env", env.index(own)] = why


def _value(draft: Draft, at: Path) -> Data:
    """The mapping of a path in the object; empty where there is none."""
    found: Any = draft.object
    for key in at:
        found = found[key]
    return found if isinstance(found, dict) else {}
