"""Which functions of vLLM our arithmetic copies, and whether a release still has them as somebody last saw
them.

`fingerprints.json` beside this file is written by hand as to what is watched, `ours` (what copies it)
and `below` (where it may lie, for names that other classes have, too); `known` is written by this tool.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import msgspec

from vllm_judge.source import Source
from vllm_tables.history import Values, before, ordered, rows_of, values_by_release
from vllm_tables.layout import load, text_of
from vllm_tables.syntax import definitions, fingerprint

FILE = Path(__file__).parent / "fingerprints.json"
_ANYWHERE = ("vllm/",)


class Verdict(msgspec.Struct, frozen=True):
    """What one release's fingerprints say."""

    new: tuple[str, ...]
    """Functions with a fingerprint that nobody has looked at, or gone since the release before."""
    looked: tuple[str, ...]
    """Those of them that somebody has looked at now."""

    @property
    def open(self) -> tuple[str, ...]:
        """What still wants a look."""
        return tuple(name for name in self.new if name not in self.looked)


class Watched(msgspec.Struct, frozen=True):
    """One function, class or constant."""

    ours: str
    below: tuple[str, ...] = _ANYWHERE
    known: tuple[tuple[str, str | None], ...] = ()


class Fingerprints:
    """The file: reads a release, compares it, keeps what was looked at."""

    def __init__(self, file: Path = FILE) -> None:
        self._file = file
        self._content = load(file)
        self.watched = msgspec.convert(self._content["functions"], dict[str, Watched])
        rows = {name: one.known for name, one in self.watched.items()}
        self.releases: dict[str, Values] = values_by_release(rows, self._content["read"])

    def of(self, source: Source) -> dict[str, str | None]:
        """A release's fingerprint by function; None where it has none of that name."""
        return {name: fingerprint(self.nodes(source, name)) for name in self.watched}

    def nodes(self, source: Source, name: str) -> list[Any]:
        """The definitions of one watched function."""
        return definitions(source, name, self.watched[name].below)

    def judge(self, release: str, found: Mapping[str, str | None], looked: Collection[str] = ()) -> Verdict:
        """Compare, and keep what is known or was looked at; a release already kept is judged by what was
        kept.

        Args:
            release: its version.
            found: its fingerprints.
            looked: functions that somebody has looked at, or `all`.
        """
        known = {name: {value for _, value in one.known if value} for name, one in self.watched.items()}
        kept = self.releases.get(release)
        previous = before(release, self.releases)
        old = kept if kept is not None else self.releases[previous] if previous else {}
        new = tuple(
            name
            for name, value in found.items()
            if (value not in known[name] if value is not None else old.get(name) is not None)
        )
        seen = tuple(name for name in new if name in looked or "all" in looked)
        self.releases[release] = {
            name: value
            for name in found
            if (value := found[name] if name not in new or name in seen else old.get(name)) is not None
        }
        self._known()
        return Verdict(new, seen)

    def _known(self) -> None:
        rows = rows_of(self.releases)
        self.watched = {
            name: msgspec.structs.replace(
                one, known=tuple((since, value) for since, value in rows.get(name, []))
            )
            for name, one in self.watched.items()
        }

    def write(self) -> None:
        """Put what is known back into the file."""
        content = self._content | {
            "read": ordered(self.releases),
            "functions": {name: self._row(one) for name, one in sorted(self.watched.items())},
        }
        self._file.write_text(text_of(content, levels=2), "utf-8")

    @staticmethod
    def _row(one: Watched) -> dict[str, Any]:
        below = {} if one.below == _ANYWHERE else {"below": one.below}
        return {"ours": one.ours, **below, "known": one.known}
