"""vLLM's command line, release by release, read from `vllm_arguments.json` once."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """One argument of the server."""

    flag: str
    kind: str
    """`flag` (no value), `int`, `human` (`16k`), `tokens` (`16k`, `auto`), `float`, `str`, `choice`, `json`,
    `json?` (JSON or a word), `list` and `ints` (several values)."""
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    first: str
    """The first read release that has it."""
    gone: str | None = None
    """The first read release that no longer has it."""
    deprecated: str | None = None
    instead: str = ""
    """What replaces it, once it is gone."""


class ArgumentTable(msgspec.Struct, frozen=True):
    """Everything in `vllm_arguments.json`."""

    about: str
    source: str
    versions: tuple[str, ...]
    template_flags: tuple[str, ...]
    """Flags that the serving runtimes' templates pass by themselves."""
    needs_remote_code: tuple[str, ...]
    """Architectures that vLLM's own tests start with `--trust-remote-code`."""
    remote_code_source: str
    flags: tuple[Flag, ...]

    def find(self, name: str) -> Flag | None:
        """The flag of this name or alias."""
        return _by_name().get(name)


@cache
def argument_table() -> ArgumentTable:
    """The table, decoded at the first call."""
    return msgspec.json.decode((Path(__file__).parent / "vllm_arguments.json").read_bytes(), type=ArgumentTable)


@cache
def _by_name() -> dict[str, Flag]:
    names: dict[str, Flag] = {}
    for flag in argument_table().flags:
        names.setdefault(flag.flag, flag)
        for alias in flag.aliases:
            names.setdefault(alias, flag)
    return names
