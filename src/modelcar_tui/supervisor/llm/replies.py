"""What a language model may answer in JSON: the whole text is one object of the shape, or it is nothing."""

from __future__ import annotations

from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from modelcar_tui.supervisor.llm.failures import Failure, ModelError


class Reply(BaseModel):
    """An answer of one shape; unknown keys are refused, and no value is made to fit."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Suggestion(Reply):
    """One argument as the model wants it."""

    model: str
    """Its pseudonym; once that is put back, its name."""
    flag: str
    value: str | int | float


class Reading(Reply):
    """What to read first, by ids, and suggested arguments."""

    first: tuple[str, ...] = ()
    changes: tuple[Suggestion, ...] = ()


T = TypeVar("T", bound=Reply)


def parse(text: str, kind: type[T]) -> T:
    """`text` as a `kind`. Thoughts before it and a fence around it are taken off; nothing is repaired.

    Raises:
        ModelError: anything else.
    """
    body = text.rpartition("</think>")[2].strip()
    if body.startswith("```") and body.endswith("```") and "\n" in body:
        first, _, rest = body[:-3].partition("\n")
        if first in ("```", "```json"):
            body = rest.strip()
    try:
        return kind.model_validate_json(body.encode(errors="replace"))
    except (ValidationError, RecursionError, UnicodeError):
        raise ModelError(Failure.MALFORMED, "not the JSON that was asked for") from None
