"""A model-car manifest: what the QA suite and this tool read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.kserve.render_draft import Draft
from modelcar_tui.kserve.render_request import Request


def model_car(requests: Sequence[Request]) -> Draft:
    """All models as one manifest.

    Raises:
        UserError: a model is no OCI image.
    """
    if others := [one for one in requests if not one.is_image]:
        raise UserError(*(_no_image(one) for one in others))
    draft = Draft()
    draft.put("model-car", [_item(one) for one in requests])
    for number, one in enumerate(requests):
        if one.gpus_why:
            draft.comments["model-car", number, "serving_arguments", "gpu_count"] = one.gpus_why
        for at, item in enumerate(one.args):
            if reason := dict(one.reasons).get(item):
                draft.comments["model-car", number, "serving_arguments", "args", at] = reason
    return draft


def _no_image(request: Request) -> Problem:
    what = f"a model-car is an OCI image, and this model comes from {request.uri.partition('://')[0]}://"
    fix = "render another kind: --kind InferenceService"
    return Problem(where=request.title, what=what, fix=fix, code="no-image")


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
