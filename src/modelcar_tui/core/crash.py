"""What is told and kept of a fault of ours: the types and the places, never a value."""

from __future__ import annotations

import os
import traceback
from pathlib import Path

_MOST_LINES = 500


def kind(error: BaseException) -> str:
    """What kind of error it is and where it arose, on one line: `ValueError in reader.py, line 12`.

    Never its own text: that quotes what it choked on, which may be a header with a credential in it.
    """
    name = type(error).__name__
    if isinstance(error, OSError) and error.errno:
        name += f" ({os.strerror(error.errno)})"
    places = traceback.extract_tb(error.__traceback__)
    return f"{name} in {Path(places[-1].filename).name}, line {places[-1].lineno}" if places else name


def frames(error: BaseException) -> str:
    """The traceback of `error` and of what led to it, without local variables and without the errors' own texts.

    An error's text quotes what it choked on, which may be a header.
    """
    return "".join(_lines(error, set(), 0)[:_MOST_LINES])


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
