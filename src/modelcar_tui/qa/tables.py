"""The QA tables (`qa_*.yaml`), read once and compiled."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import Any

import msgspec


class KnownFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A cause that a line of the log gives away."""

    code: str
    near: tuple[str, ...]
    match: tuple[str, ...]
    means: str
    fix: str


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """`qa_suite.yaml`, with its patterns compiled."""

    lines: dict[str, re.Pattern[str]]
    phases: dict[str, str]
    accepted: tuple[str, ...]
    words: dict[str, str]


@cache
def suite() -> Tables:
    """The grammar of the suite's output, and its words for accelerators."""
    raw = _load("qa_suite.yaml")
    return Tables(
        lines={name: re.compile(pattern) for name, pattern in raw["lines"].items()},
        phases=raw["phases"],
        accepted=tuple(raw["accelerators"]["accepted"]),
        words=raw["accelerators"]["words"],
    )


@cache
def failures() -> tuple[KnownFailure, ...]:
    """Known failures, most telling first."""
    return tuple(msgspec.convert(_load("qa_failures.yaml"), list[KnownFailure]))


@cache
def _patterns() -> tuple[tuple[tuple[str, ...], re.Pattern[str], KnownFailure], ...]:
    return tuple((f.near, re.compile("|".join(f.match), re.IGNORECASE), f) for f in failures())


def recognise(line: str) -> tuple[int, KnownFailure] | None:
    """The known failure that a line names, with its rank (0 tells most), or None."""
    lower = line.lower()
    for rank, (near, pattern, known) in enumerate(_patterns()):
        for word in near:
            if word in lower:
                if pattern.search(line):
                    return rank, known
                break
    return None


def _load(name: str) -> Any:
    import yaml

    text = resources.files("modelcar_tui.qa").joinpath(name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
