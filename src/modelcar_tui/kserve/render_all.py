"""All models of a file as objects of one kind, in one text of several documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.kserve.render_draft import Draft, plain_line
from modelcar_tui.kserve.render_isvc import inference_service
from modelcar_tui.kserve.render_llm import llm_inference_service
from modelcar_tui.kserve.render_modelcar import model_car
from modelcar_tui.kserve.render_release import Release
from modelcar_tui.kserve.render_request import Request, dns_label
from modelcar_tui.kserve.render_runtime import serving_runtime
from modelcar_tui.kserve.render_same import beside, same_inference_service, same_llm_service
from modelcar_tui.kserve.render_turn import made_runtime, turned

KINDS = ("InferenceService", "LLMInferenceService", "ServingRuntime", "model-car")
_NVIDIA = "nvidia.com/"
_NO_MODEL_CAR = (
    "a model-car says nothing of variables, amounts, copies and nodes: the cluster's runtime gives them"
)


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
    drafts = tuple(_once(_drafts(requests, kind, release, runtime)))
    texts = [draft.text() for draft in drafts]
    top = f"# {plain_line(head)}\n" if head else ""
    objects = () if kind == "model-car" else tuple(draft.object for draft in drafts)
    return Rendered(text=top + "---\n".join(texts), objects=objects, notes=tuple(_notes(requests, kind)))


def _once(drafts: Iterable[Draft]) -> Iterator[Draft]:
    """Without what stands there already: several InferenceServices may have one runtime."""
    seen: list[dict[str, Any]] = []
    for draft in drafts:
        if draft.object not in seen:
            seen.append(draft.object)
            yield draft


def _drafts(requests: Sequence[Request], kind: str, release: Release, runtime: str) -> Iterator[Draft]:
    if kind == "model-car":
        yield model_car(requests)
        return
    if kind == "ServingRuntime":
        for one in requests:
            yield from _runtimes(one, runtime)
        return
    problems: list[Problem] = []
    for group in _groups(requests, kind):
        try:
            yield from _objects(group, kind, release, runtime)
        except UserError as error:
            problems += error.problems
    if problems:
        raise UserError(*dict.fromkeys(problems))


def _runtimes(request: Request, name: str) -> Iterator[Draft]:
    """The ServingRuntime of one model: the file's own, one of its image, else the cluster's."""
    own = [draft for draft in beside(request) if draft.object["kind"].endswith("ServingRuntime")]
    if own and not name:
        yield from own
        return
    known, named = request.runtime, request.name
    if request.server is not None and request.server.image:
        known = made_runtime(request)
    elif known is not None:
        named = dns_label(known.serving_runtime or known.name)
    yield serving_runtime(known, name or named, request.namespace)


def _groups(requests: Sequence[Request], kind: str) -> list[list[Request]]:
    """The requests of one object each: an LLMInferenceService may have a prefill beside its own."""
    found: list[list[Request]] = []
    for one in requests:
        last = found[-1] if found else []
        same = (
            one.prefill and kind == one.kind and last and last[0].given is not None and one.given is not None
        )
        if same and last[0].given.body == one.given.body:  # type: ignore[union-attr]
            last.append(one)
        else:
            found.append([one])
    return found


def _objects(group: list[Request], kind: str, release: Release, runtime: str) -> Iterator[Draft]:
    first = group[0]
    same = first.kind == kind and first.given is not None
    if same:
        yield from beside(first)
    if kind == "LLMInferenceService":
        yield same_llm_service(group, release) if same else llm_inference_service(first, release)
    elif same:
        yield same_inference_service(first, release, runtime)
    else:
        yield from _with_runtime(first, release, runtime)


def _with_runtime(request: Request, release: Release, runtime: str) -> Iterator[Draft]:
    """An InferenceService, before it the ServingRuntime that is still to be made; the dashboard wants both
    to be called the same."""
    known = turned(request, "InferenceService").request.runtime
    is_made = known is not None and (
        known.template or (request.server is not None and bool(request.server.image))
    )
    if not runtime and is_made:
        yield serving_runtime(known, request.name, request.namespace)
        runtime = request.name
    yield inference_service(request, release, runtime or (known.serving_runtime if known else ""))


def _notes(requests: Sequence[Request], kind: str) -> Iterator[str]:
    for one in requests:
        if kind == "model-car" and one.server is not None:
            yield f"{one.title}: {_NO_MODEL_CAR}"
        elif kind in ("InferenceService", "LLMInferenceService"):
            yield from (f"{one.title}: {told}" for told in _told(one, kind))


def _told(request: Request, kind: str) -> Iterator[str]:
    """What no field of a service says."""
    place = request.place
    yield from map(str, request.open)
    if request.kind != kind:
        yield from _needed(request)
    if place is None:
        return
    yield from place.hints
    if len(place.queues) > 1 and not _has_queue(request):
        yield f"Kueue decides in the namespace: name a queue of {', '.join(place.queues[:5])}"
    if kind == "LLMInferenceService" != request.kind and not place.resource.startswith(_NVIDIA):
        yield (
            f"the preset's image is for NVIDIA: name the configuration for {place.resource} in "
            "spec.baseRefs: oc get llminferenceserviceconfigs -A"
        )


def _has_queue(request: Request) -> bool:
    profile = request.place.profile if request.place is not None else None
    return bool((request.server and request.server.queue) or (profile and profile.queue))


def _needed(request: Request) -> Iterator[str]:
    """What must be there for KServe to bring the weights."""
    scheme, _, rest = request.uri.partition("://")
    where = f"namespace {request.namespace}" if request.namespace else "the namespace where it is applied"
    if scheme == "hf":
        yield (
            "KServe's storage initializer fetches the model from huggingface.co at each start: it needs that "
            "address, room on the node, and HF_TOKEN for a gated model"
        )
    elif scheme == "pvc":
        yield f"the claim {rest.partition('/')[0]} must be in {where}, readable by all copies at once"
    elif scheme in ("s3", "gs", "hdfs", "webhdfs"):
        yield f"the service account in {where} needs a Secret with the storage's credentials"
