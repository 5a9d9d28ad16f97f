"""Which releases of vLLM count as read, from `readings.json`: the one owner of that question.

A release in the tables counts as read once somebody has looked at each of vLLM's functions that our
arithmetic copies and that it changed (`make vllm`, docs/vllm-releases.md). Until then its own tables answer,
but as not read: figures are bounds, findings are not sure, and it is said.
"""

from __future__ import annotations

from functools import cache, lru_cache

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.vllm.release import Version, newer_than, parse_version, stand_in, was_read


class Readings(msgspec.Struct, frozen=True):
    """Everything in `readings.json`."""

    about: str
    read: tuple[str, ...]
    """Oldest first."""
    open: dict[str, tuple[str, ...]]
    """By release the functions of vLLM that nobody has looked at yet."""


@cache
def readings() -> Readings:
    """The table, decoded at the first call."""
    return table(__file__, "readings.json", Readings)


def is_open_release(vllm: str | None) -> bool:
    """Whether this very release is in the tables and still wants a look."""
    return was_read(vllm, readings().open)


def why_unread(vllm: str | None) -> str:
    """Why this release does not count as read, in a few words; empty where it does or lies between two that
    do."""
    if parse_version(vllm) is None:
        return ""
    if newer_than(vllm, readings().read):
        return "is newer than all that was read"
    return "was not looked at yet" if is_open_release(vllm) else ""


@lru_cache(maxsize=1024)
def answering_release(version: Version | None, table: tuple[str, ...]) -> str:
    """The release of a table that answers for this one: itself, or the one that stands in for it.

    For None the newest that counts as read, also where the table has a newer one that does not.
    """
    return stand_in(version or parse_version(readings().read[-1]), table)


@lru_cache(maxsize=512)
def release_standing_in(vllm: str | None) -> str:
    """The release that counts as read and whose habits are taken for this one's."""
    return stand_in(parse_version(vllm), readings().read)
