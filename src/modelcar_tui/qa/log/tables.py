"""The QA tables (`qa_*.yaml`), read once and compiled."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import msgspec

from modelcar_tui.core.decode import convert
from modelcar_tui.qa.log.saying import said
from modelcar_tui.qa.suite_facts import suffixes


class KnownFailure(msgspec.Struct, frozen=True, kw_only=True):
    """A cause that a line of the log gives away."""

    code: str
    near: tuple[str, ...]
    match: tuple[str, ...]
    means: str
    fix: str
    say: tuple[str, ...] = ()
    """Patterns of what more of the message is worth telling (a resource, a component)."""
    last: bool = False
    """It speaks for a run only where no model has another cause."""


class Hit(NamedTuple):
    """A known failure in a text."""

    rank: int
    """0 tells most."""
    known: KnownFailure
    start: int
    """Where in the text it stands."""


class Tables(msgspec.Struct, frozen=True, kw_only=True):
    """`qa_suite.yaml`, with its patterns compiled."""

    lines: dict[str, re.Pattern[str]]
    phases: dict[str, str]
    accepted: tuple[str, ...]
    words: dict[str, str]


@cache
def suite() -> Tables:
    """The grammar of the suite's output, and its words for accelerators."""
    raw, suffix = _load("qa_suite.yaml"), "|".join(suffixes())
    return Tables(
        lines={name: re.compile(pattern.replace("SUFFIX", suffix)) for name, pattern in raw["lines"].items()},
        phases=raw["phases"],
        accepted=tuple(raw["accelerators"]["accepted"]),
        words=raw["accelerators"]["words"],
    )


@cache
def failures() -> tuple[KnownFailure, ...]:
    """Known failures, most telling first."""
    return tuple(convert(_load("qa_failures.yaml"), list[KnownFailure]))


@cache
def coded(code: str) -> tuple[int, KnownFailure]:
    """The failure of a code, with its rank; of several the most general, which is the last.

    Raises:
        KeyError: there is none.
    """
    return {known.code: (rank, known) for rank, known in enumerate(failures())}[code]


class _Patterns(NamedTuple):
    """The failures' patterns, and for each word that must stand near one the ranks that it may mean."""

    compiled: tuple[re.Pattern[str], ...]
    near: tuple[tuple[str, tuple[int, ...]], ...]
    any_near: re.Pattern[str]
    """Any of the words: most lines hold none, and this finds it out four times as fast as one word after the
    other does."""


@cache
def _patterns() -> _Patterns:
    near: dict[str, list[int]] = {}
    for rank, known in enumerate(failures()):
        for word in known.near:
            near.setdefault(word, []).append(rank)
    compiled = tuple(re.compile("|".join(known.match), re.IGNORECASE) for known in failures())
    words = tuple((word, tuple(ranks)) for word, ranks in near.items())
    return _Patterns(compiled, words, re.compile(_any_of(near)))


def _any_of(words: Iterable[str]) -> str:
    """A pattern for any of the words that shares their beginnings."""
    tree: dict[str, Any] = {}
    for word in words:
        branch = tree
        for letter in word:
            branch = branch.setdefault(letter, {})
        branch[""] = {}
    return _grown(tree)


def _grown(tree: dict[str, Any]) -> str:
    if "" in tree:
        return ""
    branches = [re.escape(letter) + _grown(branch) for letter, branch in tree.items()]
    return branches[0] if len(branches) == 1 else f"(?:{'|'.join(branches)})"


@cache
def _tells(known: KnownFailure) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern, re.IGNORECASE) for pattern in known.say)


def recognise(line: str) -> tuple[int, KnownFailure] | None:
    """The known failure that a line names, with its rank (0 tells most), or None.

    A line of the log, an event, a container's message; lines of ordinary work (INFO) and source code of
    tracebacks name none.
    """
    hit = find(said(line))
    return None if hit is None else (hit.rank, hit.known)


def find(text: str) -> Hit | None:
    """The most telling known failure in what was said (one line or several), or None."""
    lower = text.lower()
    compiled, near, any_near = _patterns()
    if any_near.search(lower) is None:
        return None
    ranks = {rank for word, ranks in near if word in lower for rank in ranks}
    for rank in sorted(ranks):
        if match := compiled[rank].search(text):
            return Hit(rank, failures()[rank], match.start())
    return None


def detail(known: KnownFailure, text: str) -> str:
    """What more of the message the operator is told (`get "datascienceclusters"`); empty where nothing is."""
    for pattern in _tells(known):
        if match := pattern.search(text):
            return " ".join(" ".join(group.split()) for group in match.groups() if group)
    return ""


def _load(name: str) -> Any:
    import yaml

    text = resources.files("modelcar_tui.qa.log").joinpath(name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506
