"""What a language model may answer in JSON: nothing more, nothing of another type."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Reply(BaseModel):
    """An answer of one shape; unknown keys are refused, and no value is made to fit."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Suggestion(Reply):
    """One argument as the model wants it."""

    model: str
    flag: str
    value: str | int | float


class Suggestions(Reply):
    """The whole reply."""

    changes: tuple[Suggestion, ...]
