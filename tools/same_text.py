"""One answer of the product as canonical JSON, and its line in the baseline.

A line holds a name, twelve digits of the JSON's SHA-256 and a few figures in words, separated by tabs: git
shows what an answer has become, and the whole baseline stays small.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec


class Item(NamedTuple):
    """One answer."""

    text: str
    """Canonical JSON."""
    figures: str
    """What a person wants to read of it: outcome, GiB, tokens."""

    def line(self, name: str) -> str:
        """As it stands in the baseline."""
        return f"{name}\t{hashlib.sha256(self.text.encode()).hexdigest()[:12]}\t{self.figures}"


Named = tuple[str, Callable[[], Item]]
"""A name, and how to get its answer: a slice of a part costs only what is in it."""


def item(value: object, figures: str = "") -> Item:
    """`value` (msgspec structs, enums, plain values) as an item.

    Keys are sorted, floats are written by `repr`. No class or module is named in it, so that code may move.
    """
    plain = msgspec.to_builtins(value, order="deterministic", str_keys=True)
    text = json.dumps(plain, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return Item(text, " ".join(figures.split()))


def number(value: float | None, digits: int = 2) -> str:
    """A figure for a line; `-` where it is not known."""
    return "-" if value is None else f"{value:.{digits}f}"


def figures_only(line: str) -> str:
    """A line without its hash: what another Python must find, too, whose `sum` rounds otherwise."""
    name, _, figures = line.split("\t")
    return f"{name}\t{figures}"


def differing(before: str, after: str, *, most: int = 12) -> Iterator[str]:
    """The values in which two canonical texts differ, each by its path."""
    old, new = (dict(_leaves(json.loads(text))) for text in (before, after))
    paths = [path for path in {**old, **new} if old.get(path, _NONE) != new.get(path, _NONE)]
    for path in paths[:most]:
        yield f"{path}: {_short(old.get(path, _NONE))} -> {_short(new.get(path, _NONE))}"
    if len(paths) > most:
        yield f"... and {len(paths) - most} more"


def fields_that_differ(pairs: Iterable[tuple[str, str]]) -> Iterator[str]:
    """In how many of the pairs which field differs, whatever its place in a list."""
    counts: Counter[str] = Counter()
    for before, after in pairs:
        old, new = (dict(_leaves(json.loads(text))) for text in (before, after))
        paths = {path for path in {**old, **new} if old.get(path, _NONE) != new.get(path, _NONE)}
        counts.update({"".join("[]" if part.isdigit() else part for part in _parts(path)) for path in paths})
    for path, count in counts.most_common(20):
        yield f"{count} x {path}"


_NONE = object()


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(inner, f"{path}.{key}")
    elif isinstance(value, list) and value:
        for index, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{index}]")
    else:
        yield path, value


def _parts(path: str) -> Iterator[str]:
    return (part for part in path.replace("[", "\0").replace("]", "\0").split("\0") if part)


def _short(value: object) -> str:
    if value is _NONE:
        return "(nothing)"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else f"{text[:157]}..."
