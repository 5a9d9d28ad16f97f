"""A part of a composite config.json with what its class says where the file is silent.

`class_defaults.json` is written by `tools/tower_defaults.py` from transformers' own classes; vLLM reads every
config with them.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Any

import msgspec

from modelcar_tui.core.resources import table
from modelcar_tui.models.config import Config, Reader, text_part

_WIDTHS = ("hidden_size", "d_model", "n_embd", "dim")


class MissingSizeError(Exception):
    """A size that neither config.json nor its class states; says which."""


class Classes(msgspec.Struct, frozen=True):
    """Everything in `class_defaults.json`."""

    source: str
    parts: dict[str, dict[str, tuple[str, dict[str, Any]]]]
    """By `model_type` of a composite: each part's class, and what it is made with where the file has none."""
    classes: dict[str, dict[str, Any]]
    """Constants by `model_type`."""


@cache
def classes() -> Classes:
    """The table, read once."""
    return table(__file__, "class_defaults.json", Classes)


class Sizes:
    """Numbers of one part; asked for what is nowhere, it raises `MissingSizeError`.

    Args:
        name: of the part, for the error.
        given: what the file says.
        defaults: what the class says where the file is silent.
        kind: the class's `model_type`, where the file states none.
    """

    def __init__(self, name: str, given: Config, defaults: Config | None = None, kind: str = "") -> None:
        self.name = name
        self.given = given
        self.kind = kind or str(given.get("model_type") or "")
        self._defaults = defaults or {}
        self._read = Reader(given, self._defaults)

    def need(self, *names: str, default: int | None = None) -> int:
        """The first of `names` that is a positive whole number below 2**24."""
        found = self._read.integer(*names)
        if found is None:
            found = default
        if found is None:
            raise MissingSizeError(f"{names[0]} of its {self.name}")
        return found

    def maybe(self, *names: str, low: int = 0) -> int | None:
        """The same, or None; 0 and, from `low`, negative numbers count."""
        return self._read.integer(*names, low=low)

    def number(self, *names: str, default: float) -> float:
        """The first of `names` that is a number."""
        found = self._read.number(*names)
        return default if found is None else found

    def flag(self, *names: str, default: bool = False) -> bool:
        """The first of `names` that is true or false."""
        found = self._read.flag(*names)
        return default if found is None else found

    def text(self, *names: str) -> str:
        """The first of `names` that is a text, or the empty one."""
        return self._read.text(*names)

    def listing(self, *names: str) -> list[Any]:
        """The first of `names` that is a list, or an empty one."""
        return self._read.listing(*names)

    def side(self, name: str, default: int | None = None) -> int:
        """A length that may stand as `[height, width]`."""
        pair = self._read.listing(name)
        value = pair[0] if pair else None
        return value if isinstance(value, int) and value > 0 else self.need(name, default=default)

    def area(self, name: str, default: int | None = None) -> int:
        """A square's or a rectangle's."""
        pair = self._read.listing(name)
        if len(pair) == 2 and all(isinstance(side, int) and side > 0 for side in pair):
            return int(pair[0]) * int(pair[1])
        return self.side(name, default) ** 2

    def part(self, name: str) -> Sizes:
        """A part of this one, with its class's defaults."""
        given = self.given.get(name)
        usual, made = classes().parts.get(self.kind, {}).get(name, ("", {}))
        if isinstance(given, dict) and given:
            own = str(given.get("model_type") or "")
            known = own in classes().classes and own not in classes().parts
            kind = own if own and (known or not usual) else usual
            return Sizes(name, given, _defaults(kind), kind)
        return Sizes(name, {}, {**_defaults(usual), **made} if usual else None, usual)

    def has(self, name: str) -> bool:
        """Whether the file has a part of this name."""
        given = self.given.get(name)
        return isinstance(given, dict) and bool(given)


def composite(config: Config, usual: str) -> Sizes:
    """The whole file, with its own class's constants.

    Args:
        usual: the composite's `model_type`, where the file states another's.
    """
    told = str(config.get("model_type") or "")
    kind = told if told in classes().parts else usual
    return Sizes("config", config, _defaults(kind), kind)


def text_width(config: Config) -> int:
    """Width of the language model, which a projector ends in."""
    found = Reader(text_part(config), config).integer(*_WIDTHS, high=2**18)
    if found is None:
        raise MissingSizeError("hidden_size of its text part")
    return found


def _defaults(kind: str) -> Mapping[str, Any]:
    return classes().classes.get(kind, {})
