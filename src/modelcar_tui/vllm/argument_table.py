"""vLLM's command line, release by release, read from `vllm_arguments.json` once."""

from __future__ import annotations

from functools import cache

import msgspec

from modelcar_tui.core.resources import table


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """What an argument takes, from one release on."""

    since: str
    kind: str
    """`flag` (on, or off by `--no-`), `switch` (only on), `int`, `human` (`16k`), `tokens` (`16k`, `auto`),
    `float`, `str`, `choice`, `option` (a choice in any case), `list` and `ints` (several values), `maybe` (a
    value that may be left out), `json`, `json?` (JSON or a word), `object` (of JSON), `sized` (such an
    object, with `80m` for numbers), `pairs` (`a=1,b=2`), `json|pairs`, `literal` (a dictionary of
    Python's)."""
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    none: bool = False
    """Whether `None` and an empty value are accepted."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One argument through all releases."""

    flag: str
    first: str
    """The first read release that has it."""
    gone: str | None = None
    """The first read release that no longer has it."""
    deprecated: str | None = None
    instead: str = ""
    """What replaces it, once it is gone."""
    forms: tuple[Form, ...]
    """Oldest first."""


class Flag(msgspec.Struct, frozen=True, kw_only=True):
    """One argument as one release has it (or last had it)."""

    flag: str
    kind: str
    choices: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    none: bool = False
    first: str
    gone: str | None = None
    deprecated: str | None = None
    instead: str = ""

    @property
    def valueless(self) -> bool:
        """Whether it never takes a value."""
        return self.kind in ("flag", "switch")

    @property
    def several(self) -> bool:
        """Whether it takes the items after it until the next flag."""
        return self.kind in ("list", "ints")

    @property
    def appends(self) -> bool:
        """Whether each use adds a value (argparse's `append`); of all others the last one counts."""
        return self.flag in ("--middleware", "--ignore-patterns") and not self.several


class ArgumentTable(msgspec.Struct, frozen=True):
    """Everything in `vllm_arguments.json`."""

    about: str
    source: str
    versions: tuple[str, ...]
    forms_read: tuple[str, ...]
    """Releases whose types, choices and short forms were read."""
    template_flags: tuple[str, ...]
    """Flags that the serving runtimes' templates pass by themselves."""
    needs_remote_code: tuple[str, ...]
    """Architectures that vLLM's own tests start with `--trust-remote-code`."""
    remote_code_source: str
    flags: tuple[Row, ...]

    def find(self, name: str) -> Flag | None:
        """The flag of this name or short form, in its newest shape, whether or not it is gone."""
        return _newest().get(name)


@cache
def known_arguments() -> ArgumentTable:
    """The table, decoded at the first call."""
    return table(__file__, "vllm_arguments.json", ArgumentTable)


def shaped(row: Row, form: Form) -> Flag:
    """The argument in one of its forms."""
    return Flag(
        flag=row.flag,
        kind=form.kind,
        choices=form.choices,
        aliases=form.aliases,
        none=form.none,
        first=row.first,
        gone=row.gone,
        deprecated=row.deprecated,
        instead=row.instead,
    )


@cache
def newest_flags() -> tuple[Flag, ...]:
    """Every argument in its newest shape, those that are gone included."""
    return tuple(shaped(row, row.forms[-1]) for row in known_arguments().flags)


@cache
def _newest() -> dict[str, Flag]:
    names = {flag.flag: flag for flag in newest_flags()}
    for flag in newest_flags():
        for alias in flag.aliases:
            names.setdefault(alias, flag)
    return names
