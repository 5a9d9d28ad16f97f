"""A model-car list made of what other manifests serve: what the suite can test of it, and why not the rest.

The suite makes a ServingRuntime of the cluster's Template and an InferenceService with one pod; of a model it
takes the image, the arguments and the GPU count, which it makes the tensor parallel size.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from modelcar_tui.core.counting import several
from modelcar_tui.core.numbers import holds_mask
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import MODEL_CAR, ModelCar, expanded, is_secret_flag, references
from modelcar_tui.models import architecture_of, makes_no_text
from modelcar_tui.vllm.arguments import served_args

_FLAG = re.compile(r"-{1,2}[A-Za-z]")
_HARMLESS = "--uvicorn-log-level=info"
_HAND_OVER = "--kv-transfer-config"
_OF_SERVER = frozenset(
    {
        *("--model", "--served-model-name", "--host", "--port", "--uds", "--root-path", "--api-key"),
        *("--ssl-keyfile", "--ssl-certfile", "--ssl-ca-certs", "--ssl-cert-reqs", "--enable-ssl-refresh"),
        *("--tensor-parallel-size", "-tp", _HAND_OVER),
    }
)
"""Flags that the suite, or the cluster's Template, sets itself; and the hand-over from a prefill server,
which is not there."""


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A model that the suite can't test as its manifest serves it."""

    model: str
    why: str
    no_image: bool = False
    """Whether that is for want of an OCI image."""

    def __str__(self) -> str:
        return f"{self.model}: {self.why}"


def for_suite(models: Iterable[ModelCar]) -> tuple[tuple[ModelCar, ...], tuple[LeftOut, ...]]:
    """The models that the suite can test, and the others with the reason; a model-car always can be."""
    kept: list[ModelCar] = []
    out: list[LeftOut] = []
    for car in models:
        left = None if car.kind == MODEL_CAR else _left_out(car)
        if left is None:
            kept.append(car)
        else:
            out.append(left)
    return tuple(kept), tuple(out)


def _left_out(car: ModelCar) -> LeftOut | None:
    if not car.image.startswith("oci://"):
        from_ = clean(car.image.partition("://")[0], limit=40)
        where = (
            f"its weights come from {from_}://" if car.image else "nothing says where its weights come from"
        )
        return LeftOut(model=car.name, why=f"{where}, and the suite serves OCI images", no_image=True)
    why = _not_as_it_is(car)
    return LeftOut(model=car.name, why=why) if why else None


def _not_as_it_is(car: ModelCar) -> str:
    """Why the suite would test something else than this model; empty where it would not."""
    if car.prefill:
        return "a prefill server answers nobody; its decode server is tested alone"
    if car.pods > 1:
        return f"a replica has {several(car.pods, 'pod')}, and the suite serves on one"
    if car.serving.gpu_count < 1:
        return "it asks for no GPU, and the suite gives each model at least one"
    args, count = served_args(car.serving, None), car.serving.gpu_count
    ranks = args.tp * args.pp * args.dp
    if not args.tp == ranks == count:
        shared = f"tensor parallel size {args.tp}{f', {ranks} ranks in all' * (ranks != args.tp)}"
        return f"the suite makes the GPU count, {count}, the tensor parallel size; it has {shared}"
    unknown = [name for one in passed_on(car) for name in references(one)]
    if unknown:
        return f"the value of $({clean(unknown[0], limit=60)}) in its arguments is not in the file"
    return ""


def passed_on(car: ModelCar) -> tuple[str, ...]:
    """vLLM's arguments, the runtime's own before the model's, without those that the suite sets itself and
    without secrets, which the suite would not send."""
    known = dict(car.server.environment) if car.server is not None else {}
    groups: list[list[str]] = []
    for item in car.serving.whole:
        if _FLAG.match(item) or not groups:
            groups.append([])
        groups[-1].append(expanded(item, known))
    return tuple(item for group in groups if not _left(group) for item in group)


def _left(group: list[str]) -> bool:
    flag = re.split(r"[=\s]", group[0], maxsplit=1)[0].replace("_", "-")
    secret = is_secret_flag(flag) or any(map(holds_mask, group))
    return flag in _OF_SERVER or secret or not _FLAG.match(group[0])


def output_type_of(config: Mapping[str, Any] | None) -> str:
    """`model_output_type` by what a config.json says of the architecture."""
    architecture = architecture_of(config)
    if "Whisper" in architecture:
        return "audio"
    return "embedding" if makes_no_text(architecture) else "text"


def model_cars(models: Iterable[ModelCar], output_types: Mapping[str, str]) -> dict[str, Any]:
    """The document that the suite reads.

    Args:
        models: those of `for_suite`.
        output_types: of models by name, where it is known that they make no text.
    """
    return {"model-car": [_item(car, output_types.get(car.name, car.model_output_type)) for car in models]}


def _item(car: ModelCar, output_type: str) -> dict[str, Any]:
    count, args = car.serving.gpu_count, list(passed_on(car))
    if count > 1:
        # The suite sets it where there are arguments, and only there.
        args = [*(args or [_HARMLESS]), f"--tensor-parallel-size={count}"]
    serving: dict[str, Any] = {"gpu_count": count, **({"args": args} if args else {})}
    return {
        "name": car.name.replace("/", "-"),
        "image": car.image,
        "model_output_type": output_type,
        "serving_arguments": serving,
    }
