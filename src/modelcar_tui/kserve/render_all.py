"""All models of a file as objects of one kind, in one text of several documents."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from modelcar_tui.kserve.render_draft import Draft, plain_line
from modelcar_tui.kserve.render_isvc import inference_service
from modelcar_tui.kserve.render_llm import llm_inference_service
from modelcar_tui.kserve.render_modelcar import model_car
from modelcar_tui.kserve.render_release import Release
from modelcar_tui.kserve.render_request import Request, dns_label
from modelcar_tui.kserve.render_runtime import serving_runtime

KINDS = ("InferenceService", "LLMInferenceService", "ServingRuntime", "model-car")
_NVIDIA = "nvidia.com/"


class Rendered(msgspec.Struct, frozen=True, kw_only=True):
    """What is written, and what is to be said beside it."""

    text: str
    """YAML, a document an object."""
    objects: tuple[dict[str, Any], ...]
    """The same as data; a model-car manifest is none of Kubernetes."""
    notes: tuple[str, ...] = ()
    """What no field says, one sentence each."""


def rendered(
    requests: Sequence[Request], kind: str, release: Release, *, runtime: str = "", head: str = ""
) -> Rendered:
    """The models as objects of a kind.

    Args:
        requests: the models.
        kind: one of `KINDS`.
        release: of OpenShift AI.
        runtime: name of a ServingRuntime that is there; empty takes the cluster's, made of its Template
            where it is none yet.
        head: a comment above all.

    Raises:
        UserError: something that must be known is not, the release has no such kind, or a value holds a
            secret.
    """
    drafts = tuple(_drafts(requests, kind, release, runtime))
    texts = [draft.text() for draft in drafts]
    top = f"# {plain_line(head)}\n" if head else ""
    objects = () if kind == "model-car" else tuple(draft.object for draft in drafts)
    return Rendered(text=top + "---\n".join(texts), objects=objects, notes=tuple(_notes(requests, kind)))


def _drafts(requests: Sequence[Request], kind: str, release: Release, runtime: str) -> Iterator[Draft]:
    if kind == "model-car":
        yield model_car(requests)
    elif kind == "ServingRuntime":
        first = requests[0]
        known = first.runtime
        name = runtime or dns_label((known.serving_runtime or known.name) if known else first.title)
        yield serving_runtime(known, name, first.namespace)
    elif kind == "LLMInferenceService":
        yield from (llm_inference_service(one, release) for one in requests)
    else:
        for one in requests:
            yield from _with_runtime(one, release, runtime)


def _with_runtime(request: Request, release: Release, runtime: str) -> Iterator[Draft]:
    """An InferenceService, before it the ServingRuntime that is still to be made; the dashboard wants both
    to be called the same."""
    known = request.runtime
    if not runtime and known is not None and known.template:
        yield serving_runtime(known, request.name, request.namespace)
        runtime = request.name
    yield inference_service(request, release, runtime or (known.serving_runtime if known else ""))


def _notes(requests: Sequence[Request], kind: str) -> Iterator[str]:
    if kind in ("ServingRuntime", "model-car"):
        return
    for one in requests:
        place = one.place
        yield from (f"{one.title}: {hint}" for hint in (place.hints if place else ()))
        if place is not None and len(place.queues) > 1 and not (place.profile and place.profile.queue):
            names = ", ".join(place.queues[:5])
            yield f"{one.title}: Kueue decides in the namespace: name a queue of {names}"
        if kind == "LLMInferenceService" and place is not None and not place.resource.startswith(_NVIDIA):
            yield (
                f"{one.title}: the preset's image is for NVIDIA: name the configuration for "
                f"{place.resource} in spec.baseRefs: oc get llminferenceserviceconfigs -A"
            )
