"""An InferenceService (serving.kserve.io/v1beta1) as OpenShift AI's dashboard would write it.

Sources: opendatahub-io/odh-model-controller, internal/webhook/serving/hardwareprofile (what a profile gives);
kserve, pkg/controller/v1beta1/inferenceservice/utils/utils.go (MergeRuntimeContainers: the runtime's
arguments come first; MergePodSpec: a list takes the place of the runtime's).
"""

from __future__ import annotations

from modelcar_tui.kserve.render_draft import Draft, Path
from modelcar_tui.kserve.render_pod import (
    http_get,
    put_metadata,
    put_resources,
    put_scheduling,
    put_shared_memory,
    put_startup_probe,
)
from modelcar_tui.kserve.render_release import Release
from modelcar_tui.kserve.render_request import Request

_MODE = "serving.kserve.io/deploymentMode"
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
    draft = Draft("serving.kserve.io/v1beta1", "InferenceService")
    put_metadata(draft, request)
    draft.put(("metadata", "annotations", _MODE), release.standard)
    draft.put((*_PREDICTOR, "minReplicas"), request.copies)
    draft.put((*_PREDICTOR, "maxReplicas"), request.copies)
    put_scheduling(draft, _PREDICTOR, request)
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
    draft.put((*_MODEL, "env"), [{"name": name, "value": value} for name, value in request.environment])
    put_resources(draft, (*_MODEL, "resources"), request)
    put_shared_memory(draft, _MODEL, _PREDICTOR, request)
    put_startup_probe(draft, _MODEL, request, http_get(request))
    return draft


def put_source(draft: Draft, at: Path, request: Request, release: Release) -> None:
    """Where the model is; an image as the cluster's mode and the release's schemes have it."""
    uri = request.uri
    if uri.startswith("oci://") and request.native and release.native:
        native = f"oci+native://{uri.removeprefix('oci://')}"
        draft.put(at, native, "a volume of Kubernetes: KServe's settings say ociModelMode native")
    else:
        draft.put(at, uri)


def put_arguments(draft: Draft, at: Path, request: Request, args: tuple[str, ...]) -> None:
    """vLLM's arguments, each accepted one with its reason."""
    draft.put(at, args)
    reasons = dict(request.reasons)
    for number, item in enumerate(args):
        if item in reasons:
            draft.comments[*at, number] = reasons[item]
        elif not request.sharded and number == len(request.args):
            draft.comments[*at, number] = f"the model asks for {request.gpus} GPUs: as the QA suite shares it"
