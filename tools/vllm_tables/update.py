"""Reads releases, merges them into the tables, and says what is new and what wants a look."""

from __future__ import annotations

import re
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from vllm_judge.source import Source
from vllm_tables import (
    architectures,
    arguments,
    attention,
    capabilities,
    defaults,
    graphs,
    json_keys,
    names,
    pipelines,
    ranges,
    readings,
    speculation,
    switches,
)
from vllm_tables.fingerprints import FILE, Fingerprints
from vllm_tables.history import before, ordered
from vllm_tables.stores import Table
from vllm_tables.syntax import difference

ROOM = Path(__file__).parents[2] / "src" / "modelcar_tui" / "vllm"
TABLES: dict[str, Table] = {
    table.name.replace(" ", "-"): table
    for table in (
        arguments.TABLE,
        names.TABLE,
        json_keys.TABLE,
        architectures.TABLE,
        pipelines.TABLE,
        defaults.TABLE,
        capabilities.TABLE,
        graphs.TABLE,
        ranges.TABLE,
        attention.TABLE,
        speculation.TABLE,
        switches.TABLE,
    )
}
FINGERPRINTS = "fingerprints"
_RELEASE = re.compile(r"\d+(\.\d+)+(\.post\d+)?")


class Update(msgspec.Struct, frozen=True, kw_only=True):
    """Where the tables lie, and what of them to write."""

    folder: Path = ROOM
    fingerprints: Path = FILE
    only: tuple[str, ...] = (*TABLES, FINGERPRINTS)
    looked: tuple[str, ...] = ()
    """Functions that somebody has looked at, or `all`."""

    def run(self, sources: Sequence[str]) -> Iterator[str]:
        """Every line to print; nothing is written before every release was read.

        Raises:
            SystemExit: there is no source, or it is no release.
        """
        started = time.monotonic()
        kept = Fingerprints(self.fingerprints)
        unknown = [name for name in self.looked if name != "all" and name not in kept.watched]
        if unknown:
            raise SystemExit(f"{', '.join(unknown)}: no such function in {self.fingerprints.name}")
        read = {found.release: found for found in (self._read(where, kept) for where in sources)}
        for name in self.only:
            if name in TABLES:
                told = {
                    release: one.facts[name] for release, one in read.items() if one.facts[name] is not None
                }
                yield from TABLES[name].merge(self.folder, told)
        if FINGERPRINTS in self.only:
            yield from self._compare(kept, read)
        yield f"{len(self.only)} tables of {len(read)} releases in {time.monotonic() - started:.0f} s"

    def _read(self, where: str, kept: Fingerprints) -> _Read:
        """One release, of which no syntax tree is kept: dozens of them do not fit into memory."""
        source = Source.open(where)
        release = source.version
        if not _RELEASE.fullmatch(release):
            raise SystemExit(f"{release}: no release's number; name the folder or archive vllm-NUMBER")
        facts = {}
        for name in self.only:
            try:
                facts[name] = TABLES[name].read(source) if name in TABLES else kept.of(source)
            except Exception as error:
                raise SystemExit(f"vLLM {release}: {name} could not be read: {error!r:.200}") from error
        return _Read(where, release, facts)

    def _compare(self, kept: Fingerprints, read: dict[str, _Read]) -> Iterator[str]:
        for release in ordered(read):
            verdict = kept.judge(release, read[release].facts[FINGERPRINTS], self.looked)
            if verdict.open:
                yield from _shown(kept, read, release, verdict.open)
            readings.note(self.folder, release, verdict.open)
            seen = f"; looked at {len(verdict.looked)} changed functions" if verdict.looked else ""
            yield f"vLLM {release} counts as {'not read' if verdict.open else 'read'}{seen}"
        kept.write()


class _Read(msgspec.Struct, frozen=True):
    """What one release has, by table."""

    where: str
    release: str
    facts: dict[str, Any]


def wants_a_look(lines: Collection[str]) -> bool:
    """Whether what was printed ends with a release that does not count as read."""
    return any(line.endswith(" counts as not read") for line in lines)


def _shown(
    kept: Fingerprints, read: dict[str, _Read], release: str, wanted: tuple[str, ...]
) -> Iterator[str]:
    """Each function that wants a look, what of ours copies it, and what changed in it."""
    previous = before(release, kept.releases)
    newer, older = Source.open(read[release].where), _older(read, previous)
    for name in wanted:
        yield f"LOOK {name} (copied in {kept.watched[name].ours}):"
        if older is None:
            yield f"    {previous or 'an older release'} is not here to compare with"
        else:
            changed = difference(kept.nodes(older, name), kept.nodes(newer, name))
            yield from (f"    {line}" for line in changed)


def _older(read: dict[str, _Read], release: str | None) -> Source | None:
    try:
        return Source.open(read[release].where if release in read else release) if release else None
    except SystemExit:
        return None
