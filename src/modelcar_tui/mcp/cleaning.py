"""Whatever leaves the server: without control characters, and without secrets by value or by shape."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modelcar_tui.core.secrets import redact
from modelcar_tui.core.text import clean, clean_block


def line(text: str, *, limit: int = 4000) -> str:
    """One line."""
    return clean(redact(text), limit=limit)


def lines(texts: Iterable[str]) -> str:
    """Several texts, a line each: none can pass for two, whatever a name or a label holds."""
    return "\n".join(line(text) for text in texts)


def block(text: str, *, limit: int) -> str:
    """Several lines."""
    return clean_block(redact(text), limit=limit)


def safe(value: Any) -> Any:
    """A document of an answer, each of its texts on one line."""
    if isinstance(value, str):
        return line(value)
    if isinstance(value, list):
        return [safe(item) for item in value]
    if isinstance(value, dict):
        return {safe(key): safe(item) for key, item in value.items()}
    return value
