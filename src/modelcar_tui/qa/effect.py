"""One row of the question before QA: what it would do, how much it matters, and the way out."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

import msgspec


class EffectLevel(StrEnum):
    """How much a row matters; the most important first."""

    FAILS = "fails"
    """QA will fail of it."""
    WARNS = "warns"
    """Far-reaching, or it makes the result worth less."""
    TELLS = "tells"


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that QA would do or meet."""

    level: EffectLevel = EffectLevel.TELLS
    label: str = ""
    """A word or two: `rights`, `takes`, `lasts`; empty for a line of an older run."""
    text: str
    way_out: str = ""
    """What the operator can do about it; a command where there is one."""

    def __str__(self) -> str:
        """As one line: `will fail: llama: a cold pull takes 77 min; pull it first`."""
        head = f"{self.label}: {self.text}" if self.label else self.text
        return f"{head}; {self.way_out}" if self.way_out else head


def effect_rows(effects: Iterable[Effect | str]) -> tuple[Effect, ...]:
    """The effects as rows, what fails first; plain lines of older journals and of other packages tell."""
    rows = (one if isinstance(one, Effect) else Effect(text=one) for one in effects)
    order = list(EffectLevel)
    return tuple(sorted(rows, key=lambda one: order.index(one.level)))


def fails(text: str, way_out: str = "") -> Effect:
    """A row that says why QA will fail."""
    return Effect(level=EffectLevel.FAILS, label="will fail", text=text, way_out=way_out)


def warns(label: str, text: str, way_out: str = "") -> Effect:
    """A row that warns."""
    return Effect(level=EffectLevel.WARNS, label=label, text=text, way_out=way_out)


def tells(label: str, text: str) -> Effect:
    """A row that only tells."""
    return Effect(label=label, text=text)
