"""What changes from release to release, kept as changes: values by "since", names by the span they are listed
in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelcar_tui.vllm import parse_version

Values = dict[str, Any]
"""One release's values by key; a key that is not there has none."""


def ordered(releases: Iterable[str]) -> list[str]:
    """Oldest first."""
    return sorted(releases, key=lambda release: parse_version(release) or ())


def values_by_release(rows: Mapping[str, Sequence[Sequence[Any]]], read: Sequence[str]) -> dict[str, Values]:
    """The rows `[[since, value], ...]` unrolled; None says that the value ends."""
    order = ordered(read)
    found: dict[str, Values] = {release: {} for release in order}
    for key, row in rows.items():
        changes = {change[0]: change[1] for change in row}
        value = None
        for release in order:
            value = changes.get(release, value)
            if value is not None:
                found[release][key] = value
    return found


def rows_of(releases: Mapping[str, Values]) -> dict[str, list[list[Any]]]:
    """The values of each release rolled up again: only what changed, with the release it changed in."""
    rows: dict[str, list[list[Any]]] = {}
    for key in sorted({key for values in releases.values() for key in values}):
        row: list[list[Any]] = []
        for release in ordered(releases):
            value = releases[release].get(key)
            if value != (row[-1][1] if row else None):
                row.append([release, value])
        rows[key] = row
    return rows


def names_by_release(spans: Mapping[str, Sequence[str]], read: Sequence[str]) -> dict[str, set[str]]:
    """The spans `first-last` (or `first`: up to the newest read) unrolled."""
    order = ordered(read)
    found: dict[str, set[str]] = {release: set() for release in order}
    for span, names in spans.items():
        first, _, last = span.partition("-")
        for release in order[order.index(first) : order.index(last) + 1 if last else None]:
            found[release].update(names)
    return found


def spans_of(releases: Mapping[str, Iterable[str]]) -> dict[str, list[str]]:
    """The names of each release rolled up into spans; one that was gone in between has two."""
    order = ordered(releases)
    sets = [set(releases[release]) for release in order]
    found: dict[tuple[int, int], list[str]] = {}
    for name in sorted({name for names in sets for name in names}):
        has = [name in names for names in sets] + [False]
        starts = [index for index in range(len(order)) if has[index] and not (index and has[index - 1])]
        for start in starts:
            end = has.index(False, start) - 1
            found.setdefault((start, end), []).append(name)
    newest = len(order) - 1
    return {
        order[start] + ("" if end == newest else f"-{order[end]}"): found[start, end]
        for start, end in sorted(found, key=lambda span: (span[0], -span[1]))
    }


def before(release: str, read: Iterable[str]) -> str | None:
    """The read release right before this one."""
    older = [
        other for other in ordered(read) if (parse_version(other) or ()) < (parse_version(release) or ())
    ]
    return older[-1] if older else None
