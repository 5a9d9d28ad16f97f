"""Tables of what `make vllm` reads as names: group, span of releases, names."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.vllm.readings import answering_release
from modelcar_tui.vllm.release import parse_version


class NameTable(msgspec.Struct, frozen=True):
    """One such file."""

    about: str
    read: tuple[str, ...]
    """Releases that were read, oldest first."""
    groups: dict[str, dict[str, tuple[str, ...]]]
    """Names by `first-last`, both read; `first` alone lasts up to the newest."""

    def names(self, group: str, vllm: str | None) -> frozenset[str]:
        """What a release lists, or the read one that stands in for it."""
        at = self.read.index(answering_release(parse_version(vllm), self.read))
        return frozenset(
            name
            for span, names in self.groups.get(group, {}).items()
            if self._holds(span, at)
            for name in names
        )

    def since(self, group: str, name: str) -> str:
        """The first read release that lists a name; empty where none does."""
        spans = [span for span, names in self.groups.get(group, {}).items() if name in names]
        return min((span.partition("-")[0] for span in spans), key=self.read.index, default="")

    def _holds(self, span: str, at: int) -> bool:
        first, _, last = span.partition("-")
        return self.read.index(first) <= at and (not last or at <= self.read.index(last))


@cache
def name_table() -> NameTable:
    """`names.json`: parsers, backends, connectors, methods, formats that vLLM registers."""
    return table(__file__, "names.json", NameTable)


@cache
def pipeline_table() -> NameTable:
    """`pipelines.json`: architectures without pipeline stages."""
    return table(__file__, "pipelines.json", NameTable)


@cache
def speculation_table() -> NameTable:
    """`speculation.json`: model types and architectures that become a draft of their own (MTP)."""
    return table(__file__, "speculation.json", NameTable)
