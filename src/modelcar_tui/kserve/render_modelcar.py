"""A model-car manifest: what the QA suite and this tool read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.kserve.render_draft import Draft
from modelcar_tui.kserve.render_isvc import tell_changes
from modelcar_tui.kserve.render_request import Request
from modelcar_tui.kserve.render_turn import turned
from modelcar_tui.manifest import MODEL_CAR

_ANOTHER = "render another kind: --kind InferenceService"


def model_car(requests: Sequence[Request]) -> Draft:
    """All models as one manifest.

    Raises:
        UserError: a model is no OCI image.
    """
    if others := [problem for one in requests for problem in _hindered(one)]:
        raise UserError(*others)
    requests = [turned(one, MODEL_CAR).request for one in requests]
    draft = Draft()
    draft.put("model-car", [_item(one) for one in requests])
    for number, one in enumerate(requests):
        if one.gpus_why:
            draft.comments["model-car", number, "serving_arguments", "gpu_count"] = one.gpus_why
        tell_changes(draft, ("model-car", number, "serving_arguments", "args"), one.args, one)
    return draft


def _hindered(request: Request) -> Iterator[Problem]:
    """Why it can't be a model-car."""
    if not request.is_image:
        yield _no_image(request)
    elif not request.gpus:
        what, fix = "a model-car asks for one GPU at least, and this one for none", _ANOTHER
        yield Problem(where=request.title, what=what, fix=fix, code="kind-can-not")


def _no_image(request: Request) -> Problem:
    scheme = clean(request.uri.partition("://")[0], limit=20)
    what = f"a model-car is an OCI image, and this model comes from {scheme}://"
    if not request.source:
        what = "a model-car is an OCI image, and where this model comes from is not known"
    return Problem(where=request.title, what=what, fix=_ANOTHER, code="no-image")


def _item(request: Request) -> dict[str, Any]:
    item: dict[str, Any] = {"name": request.title, "image": request.source}
    if request.output_type != "text":
        item["model_output_type"] = request.output_type
    if request.execution_mode != "sequential":
        item["execution_mode"] = request.execution_mode
    serving: dict[str, Any] = {"gpu_count": request.gpus}
    if request.args:
        serving["args"] = list(request.args)
    return {**item, "serving_arguments": serving}
