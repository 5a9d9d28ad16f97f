"""Which architectures vLLM's registry lists, by release."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table

Release = tuple[int, ...]


class Span(msgspec.Struct, frozen=True):
    """The read releases that list an architecture."""

    first: Release
    last: Release | None
    """None: the newest that was read lists it."""
    before: Release | None
    """The last read release that does not list it yet; None when the oldest does."""


class _File(msgspec.Struct, frozen=True):
    source: str
    read: list[str]
    spans: dict[str, list[str]]
    dropped: dict[str, str]


@cache
def architecture_spans() -> dict[str, Span]:
    """Every architecture of the registries of `architectures.json`, read once."""
    found = table(__file__, "architectures.json", _File)
    read = [numbers(release) for release in found.read]
    spans: dict[str, Span] = {}
    for key, names in found.spans.items():
        begin, _, end = key.partition("-")
        first = numbers(begin)
        at = read.index(first)
        for name in names:
            last = found.dropped.get(name) or end
            spans[name] = Span(first, numbers(last) if last else None, read[at - 1] if at else None)
    for name, last in found.dropped.items():
        spans.setdefault(name, Span(read[0], numbers(last), None))
    return spans


def numbers(release: str) -> Release:
    """`0.19.0` as numbers that compare."""
    return tuple(int(part) for part in release.split("."))
