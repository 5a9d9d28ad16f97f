"""What is told and kept of a fault of ours: the types and the places, never a value."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

from modelcar_tui.core.text import clean

_MOST_LINES = 500
_UNREADABLE = "its traceback can't be read"


def kind(error: BaseException) -> str:
    """What kind of error it is and where it arose, on one line: `ValueError in reader.py, line 12`.

    Never its own text: that quotes what it choked on, which may be a header with a credential in it.
    """
    name = class_name(type(error))
    if isinstance(error, OSError) and error.errno:
        name += f" ({os.strerror(error.errno)})"
    try:
        places = traceback.extract_tb(error.__traceback__)
    except Exception:  # noqa: BLE001 - an error of another package whose attributes raise
        places = traceback.StackSummary()
    return clean(f"{name} in {Path(places[-1].filename).name}, line {places[-1].lineno}") if places else name


def class_name(kind: type) -> str:
    """A class's own name on one clean line; nothing of another package runs to tell it."""
    return clean(str.__str__(vars(type)["__name__"].__get__(kind)), limit=60)


def frames(error: BaseException) -> str:
    """The traceback of `error` and of what led to it, without local variables and without the errors' own
    texts.

    An error's text quotes what it choked on, which may be a header.
    """
    try:
        return "".join(_lines(error, set(), 0)[:_MOST_LINES])
    except Exception:  # noqa: BLE001 - an error of another package whose attributes raise
        return f"{class_name(type(error))}: {_UNREADABLE}\n"


def _lines(error: BaseException, seen: set[int], depth: int) -> list[str]:
    lines: list[str] = []
    part: BaseException | None = error
    while part is not None and id(part) not in seen and len(lines) < _MOST_LINES:
        seen.add(id(part))
        lines.append(f"{'  ' * depth}{type(part).__module__}.{type(part).__qualname__}\n")
        lines += traceback.format_tb(part.__traceback__)
        for inner in part.exceptions[:20] if isinstance(part, BaseExceptionGroup) and depth < 5 else ():
            lines += _lines(inner, seen, depth + 1)
        part = part.__cause__ or (None if part.__suppress_context__ else part.__context__)
    return lines
