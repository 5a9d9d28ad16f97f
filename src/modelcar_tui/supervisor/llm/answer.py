"""What a language model may answer: ids, four operations and what-ifs, under a schema of this run's ids."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

from modelcar_tui.supervisor.answers import Part, WhatIf
from modelcar_tui.supervisor.llm.failures import Failure, ModelError
from modelcar_tui.supervisor.llm.pseudonyms import Pseudonyms
from modelcar_tui.supervisor.llm.replies import Reply
from modelcar_tui.supervisor.llm.sent import Sent

MOST_PARTS = 10
MOST_IDS = 16
MOST_WHAT_IFS = 3
_FLAGS = {
    "max_model_len": "--max-model-len",
    "max_num_seqs": "--max-num-seqs",
    "max_num_batched_tokens": "--max-num-batched-tokens",
    "gpu_memory_utilization": "--gpu-memory-utilization",
    "kv_cache_dtype": "--kv-cache-dtype",
    "tensor_parallel_size": "--tensor-parallel-size",
    "enforce_eager": "--enforce-eager",
}
_KINDS = {"gpu_memory_utilization": "number", "enforce_eager": "boolean"}
KvType: TypeAlias = Literal["auto", "bfloat16", "float16", "fp8", "fp8_e4m3", "fp8_e5m2", "fp8_inc"]
"""A what-if's terms are read: no word of a model's own may stand there."""


class AnswerPart(Reply):
    """One part: what to do with which facts."""

    do: Literal["say", "calc", "compare", "cannot"]
    how: Literal["sum", "difference", "ratio", "percent"] | None = None
    ids: tuple[str, ...] = ()


class AskedWhatIf(Reply):
    """One what-if: a model with other arguments or GPUs."""

    model: str
    gpu: str | None = None
    gpus: int | None = None
    max_model_len: int | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    gpu_memory_utilization: float | None = None
    kv_cache_dtype: KvType | None = None
    tensor_parallel_size: int | None = None
    enforce_eager: bool | None = None


class Answer(Reply):
    """The whole reply: what-ifs to work out first, or the parts of the answer."""

    what_if: tuple[AskedWhatIf, ...] = ()
    parts: tuple[AnswerPart, ...] = ()


def answer_schema(ids: tuple[str, ...], models: tuple[str, ...], gpus: tuple[str, ...]) -> dict[str, Any]:
    """The JSON schema of an answer: only these ids, models and products."""
    flags = {name: _null({"type": _KINDS.get(name, "integer")}) for name in _FLAGS}
    what_if = {
        "model": one_of(models),
        "gpu": _null(one_of(gpus)),
        "gpus": _null({"type": "integer"}),
        **flags,
        "kv_cache_dtype": _null(one_of(get_args(KvType))),
    }
    part = {
        "do": one_of(("say", "calc", "compare", "cannot")),
        "how": _null(one_of(("sum", "difference", "ratio", "percent"))),
        "ids": listed(one_of(ids), MOST_IDS),
    }
    return no_more(
        {"what_if": listed(no_more(what_if), MOST_WHAT_IFS), "parts": listed(no_more(part), MOST_PARTS)}
    )


def one_of(words: Sequence[str]) -> dict[str, Any]:
    """A string that is one of these."""
    return {"type": "string", "enum": list(words) or ["none"]}  # an empty list is no schema


def no_more(properties: dict[str, Any]) -> dict[str, Any]:
    """An object of exactly these properties."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def listed(items: dict[str, Any], most: int) -> dict[str, Any]:
    """At most so many of them."""
    return {"type": "array", "items": items, "maxItems": most}


def _null(kind: dict[str, Any]) -> dict[str, Any]:
    return {"anyOf": [kind, {"type": "null"}]}  # an enum with null in it is refused by some services


def parts_of(answer: Answer, sent: Sent) -> list[Part]:
    """The parts with the facts' own ids."""
    return [
        Part(do=part.do, how=part.how, ids=tuple(sent.real(one) for one in part.ids[:MOST_IDS]))
        for part in answer.parts[:MOST_PARTS]
    ]


def what_if_of(asked: AskedWhatIf, names: Pseudonyms) -> WhatIf:
    """The what-if with the names put back.

    Raises:
        ModelError: a model or a product that is none of the pseudonyms.
    """
    model = names.real(asked.model, "model")
    product = names.real(asked.gpu, "gpu") if asked.gpu is not None else None
    if model is None or (asked.gpu is not None and product is None):
        raise ModelError(Failure.NOT_ALLOWED, "a what-if about nobody")
    values = {flag: getattr(asked, name) for name, flag in _FLAGS.items()}
    given = {flag: value for flag, value in values.items() if value is not None and value is not False}
    if asked.gpus is not None and "--tensor-parallel-size" not in given:
        given["--tensor-parallel-size"] = asked.gpus
    flags = {flag: "" if value is True else str(value)[:40] for flag, value in given.items()}
    gpu = f"{product}:{asked.gpus}" if product and asked.gpus is not None else product
    return WhatIf(model=model, arguments=flags, gpu=gpu)
