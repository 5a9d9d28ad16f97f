"""Tables of what `make vllm` reads as values: group, key, `[[since, value], ...]`."""

from __future__ import annotations

from functools import cache
from typing import Any

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.vllm.readings import answering_release
from modelcar_tui.vllm.release import at, parse_version


class ValueTable(msgspec.Struct, frozen=True):
    """One such file."""

    about: str
    read: tuple[str, ...]
    """Releases that were read, oldest first."""
    groups: dict[str, dict[str, tuple[tuple[str, Any], ...]]]
    """Null ends a value."""

    def value(self, group: str, key: str, vllm: str | None) -> Any:
        """What a release has, or the read one that stands in for it; None where it has none."""
        return at(self.history(group, key), answering_release(parse_version(vllm), self.read), None)

    def group(self, name: str, vllm: str | None) -> dict[str, Any]:
        """All values of a group that a release has."""
        found = {key: self.value(name, key, vllm) for key in self.groups.get(name, {})}
        return {key: value for key, value in found.items() if value is not None}

    def history(self, group: str, key: str) -> tuple[tuple[str, Any], ...]:
        """All that the key ever was."""
        return self.groups.get(group, {}).get(key, ())


@cache
def default_table() -> ValueTable:
    """`defaults.json`: `arguments` by flag, `batches` by use and card, `configuration` by field."""
    return table(__file__, "defaults.json", ValueTable)


@cache
def switch_table() -> ValueTable:
    """`switches.json`: defaults in `environment`, connectors that the hybrid KV cache manager works with."""
    return table(__file__, "switches.json", ValueTable)


@cache
def json_key_table() -> ValueTable:
    """`json_keys.json`: by flag the keys of its object, itself as the empty key; none where keys are free."""
    return table(__file__, "json_keys.json", ValueTable)


@cache
def capability_table() -> ValueTable:
    """`capabilities.json`: `min_capability` and more by class of vLLM's quantization."""
    return table(__file__, "capabilities.json", ValueTable)


@cache
def range_table() -> ValueTable:
    """`ranges.json`: `{"ge": 1}` by `arguments` and flag, and by flag and key of its object."""
    return table(__file__, "ranges.json", ValueTable)


@cache
def attention_table() -> ValueTable:
    """`attention.json`: what each attention backend can do, and which ones are tried."""
    return table(__file__, "attention.json", ValueTable)
