"""Two kinds of table: values by the release since which they hold, names by the span that lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from vllm_judge.source import Source
from vllm_tables.history import before, names_by_release, ordered, rows_of, spans_of, values_by_release
from vllm_tables.layout import load, text_of

Groups = dict[str, dict[str, Any]]
"""What one release has: a value by group and key."""
Names = dict[str, list[str]]
"""What one release lists: names by group."""


class Table(Protocol):
    """One file of `vllm/`."""

    @property
    def name(self) -> str:
        """What it is called on the command line."""

    def read(self, source: Source) -> Any:
        """What one release has; None where it is too old to say."""

    def merge(self, folder: Path, read: Mapping[str, Any]) -> list[str]:
        """Put releases into the file below `folder`; says what changed, a line a fact."""


class ValueTable(msgspec.Struct, frozen=True, kw_only=True):
    """`groups`: group, key, `[[since, value], ...]`; null ends a value, or says that there is none."""

    name: str
    file: str
    about: str
    reader: Callable[[Source], Groups]

    def read(self, source: Source) -> Groups:
        """What one release has."""
        return self.reader(source)

    def merge(self, folder: Path, read: Mapping[str, Groups]) -> list[str]:
        """Put releases into the file below `folder`; says what changed, a line a fact."""
        content = load(folder / self.file)
        groups, known = content.get("groups", {}), content.get("read", [])
        rows = {f"{group}/{key}": row for group, keys in groups.items() for key, row in keys.items()}
        releases = values_by_release(rows, known)
        for release, found in read.items():
            releases[release] = {
                f"{group}/{key}": value for group, keys in found.items() for key, value in keys.items()
            }
        merged: dict[str, dict[str, Any]] = {}
        for both, row in rows_of(releases).items():
            group, _, key = both.partition("/")
            merged.setdefault(group, {})[key] = row
        written = {"about": self.about, "read": ordered(releases), "groups": merged}
        (folder / self.file).write_text(text_of(written), "utf-8")
        return [line for release in ordered(read) for line in said_values(self.name, release, releases)]


class NameTable(msgspec.Struct, frozen=True, kw_only=True):
    """`groups`: group, span of releases, names."""

    name: str
    file: str
    about: str
    reader: Callable[[Source], Names | None]

    def read(self, source: Source) -> Names | None:
        """What one release lists; None where it is too old to say."""
        return self.reader(source)

    def merge(self, folder: Path, read: Mapping[str, Names]) -> list[str]:
        """Put releases into the file below `folder`; says what changed, a line a fact."""
        content = load(folder / self.file)
        groups, known = content.get("groups", {}), content.get("read", [])
        every = sorted({*groups, *(group for found in read.values() for group in found)})
        merged, lines = {}, []
        order = ordered({*known, *read})
        for group in every:
            releases = names_by_release(groups.get(group, {}), known) | {
                release: set(found.get(group, ())) for release, found in read.items()
            }
            merged[group] = spans_of(releases)
            lines += [line for release in ordered(read) for line in said_names(group, release, releases)]
        written = {"about": self.about, "read": order, "groups": merged}
        (folder / self.file).write_text(text_of(written), "utf-8")
        return lines


def said_values(what: str, release: str, releases: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """What a release has otherwise than the read one before it."""
    previous = before(release, releases)
    if previous is None:
        return
    old, new = releases[previous], releases[release]
    for key in sorted({*old, *new}):
        if old.get(key) != new.get(key):
            yield f"{what} {key}: {_short(old.get(key))} -> {_short(new.get(key))}"


def said_names(what: str, release: str, releases: Mapping[str, set[str]]) -> Iterator[str]:
    """Names that a release has and the read one before it has not, and the other way round."""
    previous = before(release, releases)
    if previous is None:
        return
    for word, names in (
        ("new", releases[release] - releases[previous]),
        ("gone", releases[previous] - releases[release]),
    ):
        if names:
            yield f"{what} {word}: {', '.join(sorted(names))}"


def _short(value: Any) -> str:
    text = "nothing" if value is None else str(value)
    return text if len(text) <= 90 else text[:87] + "..."
