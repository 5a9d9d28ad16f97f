"""An InferenceService (serving.kserve.io/v1beta1) as OpenShift AI's dashboard would write it.

Sources: opendatahub-io/odh-model-controller, internal/webhook/serving/hardwareprofile (what a profile gives);
kserve, pkg/controller/v1beta1/inferenceservice/utils/utils.go (MergeRuntimeContainers: the runtime's
arguments come first; MergePodSpec: a list takes the place of the runtime's).
"""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.kserve.render_carry import (
    put_amounts,
    put_environment,
    put_identity,
    put_left_out,
    put_pod,
    put_shared_memory,
)
from modelcar_tui.kserve.render_draft import Draft, Path
from modelcar_tui.kserve.render_pod import http_get, put_startup_probe
from modelcar_tui.kserve.render_release import Release
from modelcar_tui.kserve.render_request import Request
from modelcar_tui.kserve.render_turn import turned

_MODE = "serving.kserve.io/deploymentMode"
_STOP = "serving.kserve.io/stop"
_PREDICTOR: Path = ("spec", "predictor")
_MODEL: Path = (*_PREDICTOR, "model")


def inference_service(request: Request, release: Release, runtime: str) -> Draft:
    """One model.

    Args:
        request: what is served.
        release: of OpenShift AI.
        runtime: name of its ServingRuntime; empty lets KServe choose one.

    Raises:
        UserError: no accelerator is known.
    """
    found = turned(request, "InferenceService")
    request = found.request
    draft = Draft("serving.kserve.io/v1beta1", "InferenceService")
    put_identity(draft, request)
    draft.put(("metadata", "annotations", _MODE), release.standard)
    if not request.copies:
        draft.put(("metadata", "annotations", _STOP), "true", "the file asks for no copies")
    draft.put((*_PREDICTOR, "minReplicas"), max(1, request.copies))
    draft.put((*_PREDICTOR, "maxReplicas"), max(1, request.copies))
    put_pod(draft, _PREDICTOR, request)
    draft.put((*_MODEL, "modelFormat"), {"name": "vLLM"})
    if runtime:
        draft.put((*_MODEL, "runtime"), runtime)
    else:
        draft.comments[*_MODEL, "modelFormat"] = (
            "no ServingRuntime is known: KServe takes one of the namespace that supports vLLM, or name it: "
            "--runtime NAME"
        )
    put_source(draft, (*_MODEL, "storageUri"), request, release)
    put_arguments(draft, (*_MODEL, "args"), request, request.shared_args)
    put_dropped(draft, (*_MODEL, "args"), found.dropped)
    put_environment(draft, _MODEL, request)
    put_amounts(draft, _MODEL, request)
    put_shared_memory(draft, _MODEL, _PREDICTOR, request)
    put_startup_probe(draft, _MODEL, request, http_get(request))
    put_left_out(draft, request)
    return draft


def put_source(draft: Draft, at: Path, request: Request, release: Release) -> None:
    """Where the model is; an image as the cluster's mode and the release's schemes have it."""
    uri = request.uri
    if uri.startswith("oci://") and request.native and release.native:
        native = f"oci+native://{uri.removeprefix('oci://')}"
        draft.put(at, native, "a volume of Kubernetes: KServe's settings say ociModelMode native")
    else:
        draft.put(at, uri)


def put_dropped(draft: Draft, at: Path, dropped: tuple[str, ...]) -> None:
    """Say which arguments of the file KServe's own take the place of."""
    if dropped:
        draft.tell(at, f"without {' '.join(dropped)}: what KServe starts vLLM with says it")


def put_arguments(draft: Draft, at: Path, request: Request, args: tuple[str, ...]) -> None:
    """vLLM's arguments, each accepted one with its reason."""
    draft.put(at, args)
    tell_changes(draft, at, args, request)
    if not request.sharded and len(args) > len(request.args):
        why = f"the model asks for {request.gpus} GPUs: as the QA suite shares it"
        draft.comments[*at, len(request.args)] = why


def tell_changes(draft: Draft, at: Path, args: Sequence[str], request: Request) -> None:
    """The reasons of the accepted changes: above their arguments in the list at a path, above the list of
    what was taken out, and of what is a word of a longer text."""
    left = dict(request.reasons)
    for number, item in enumerate(args):
        value = args[number + 1] if number + 1 < len(args) else ""
        for spelled in (item, f"{item}={value}", f"{item} {value}"):
            if why := left.pop(spelled, ""):
                draft.comments[*at, number] = why
    for new, why in left.items():
        draft.tell(at, f"{new}: {why}")
    for old, why in request.removed:
        draft.tell(at, f"without {old}: {why}")
