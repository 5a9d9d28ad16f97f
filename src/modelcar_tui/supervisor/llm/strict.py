"""Strict JSON: the whole text is one object of the expected shape, or it is nothing."""

from __future__ import annotations

from typing import TypeVar

import msgspec

from modelcar_tui.supervisor.llm.failures import Failure, ModelError

T = TypeVar("T")
MOST_CHARS = 8000


def parse(text: str, kind: type[T]) -> T:
    """`text` as a `kind`. A fence around it is taken off; nothing is repaired: half a number is no number.

    Raises:
        ModelError: anything else.
    """
    body = text.strip()
    if body.startswith("```") and body.endswith("```") and "\n" in body:
        first, _, rest = body[:-3].partition("\n")
        if first in ("```", "```json"):
            body = rest.strip()
    if len(body) > MOST_CHARS:
        raise ModelError(Failure.TOO_LONG)
    try:
        return msgspec.json.decode(body.encode(errors="replace"), type=kind, strict=True)
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError, UnicodeError):
        raise ModelError(Failure.MALFORMED, "not the JSON that was asked for") from None
