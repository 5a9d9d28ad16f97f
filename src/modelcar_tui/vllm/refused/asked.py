"""What a list of arguments and a model ask of one release's engine, and how it says no."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

import msgspec

from modelcar_tui.models import ModelFacts, Shape, architecture_of, overridden, shape_of, text_config
from modelcar_tui.vllm.arguments.engine_args import config_overrides, given
from modelcar_tui.vllm.arguments.faults import refused_value
from modelcar_tui.vllm.arguments.parsing import Argument
from modelcar_tui.vllm.arguments.values import tokens_in
from modelcar_tui.vllm.release import reached
from modelcar_tui.vllm.value_table import default_table

TP, PP, DP = "--tensor-parallel-size", "--pipeline-parallel-size", "--data-parallel-size"
PCP = "--prefill-context-parallel-size"


class Refusal(msgspec.Struct, frozen=True, kw_only=True):
    """One reason for which the engine does not start."""

    code: str
    """A stable short name, such as `speculation`."""
    flag: str
    """The argument that is to blame."""
    what: str
    """One sentence."""
    fix: str = "delete it"
    """One sentence."""
    write: str = ""
    """What takes the argument's place; empty where it is deleted."""
    add: str = ""
    """The item that is missing beside it; then the argument itself stays."""


Refusals = Iterator[Refusal]


def needs(flag: str, other: str, fix: str = "delete it", add: str = "") -> Refusal:
    """What the engine wants beside a flag."""
    return Refusal(code="engine-needs", flag=flag, what=f"{flag} needs {other}", fix=fix, add=add)


class Asked:
    """Arguments that the parser takes, as the engine's configuration gets them.

    Args:
        arguments: as the release's parser takes them apart.
        release: one that was read.
        facts: what is known of the model; None leaves out what depends on it.
        gpus: the tensor parallel size where the arguments name none.
        capability: the GPU's compute capability x 10; None where it is not known, 0 where it is not NVIDIA's.
    """

    def __init__(
        self,
        arguments: tuple[Argument, ...],
        release: str,
        facts: ModelFacts | None = None,
        gpus: int = 1,
        capability: int | None = None,
    ) -> None:
        self.open = any(one.unknown for one in arguments)
        """Whether Kubernetes puts in what is not known here."""
        self.arguments = tuple(one for one in arguments if one.flag is not None and not one.unknown)
        self.release, self.facts, self.capability = release, facts, capability
        self._gpus = gpus
        self._given = given(self.arguments)

    def since(self, release: str) -> bool:
        """Whether this release is the named one or later."""
        return reached(release, self.release)

    def has(self, flag: str) -> bool:
        """Whether the flag is given in whatever form."""
        return flag in self._given

    def on(self, flag: str) -> bool | None:
        """Whether a switch is on or off; None where it is not given."""
        if flag not in self._given:
            return None
        value = self._given[flag]
        return value is None or str(value).strip().lower() not in ("false", "0", "no")

    def text(self, flag: str) -> str:
        """A flag's value as it is written; empty where there is none."""
        value = self._given.get(flag)
        return value.strip() if isinstance(value, str) else ""

    def number(self, flag: str) -> int | None:
        """A whole number that is given; None also where it is none."""
        return tokens_in(self.text(flag)) if self.text(flag) else None

    def of(self, flag: str, default: int) -> int:
        """A whole number that is given, else the release's own default, else `default`."""
        told = self.number(flag)
        if told is not None:
            return told
        stated = default_table().value("arguments", flag, self.release)
        return stated if isinstance(stated, int) and not isinstance(stated, bool) else default

    def object(self, flag: str) -> Mapping[str, Any]:
        """The object that a flag was given, dotted keys put together; empty where there is none."""
        value = self._given.get(flag)
        if isinstance(value, str):
            try:
                value = json.loads(value)
            except (ValueError, RecursionError):
                return {}
        return value if isinstance(value, dict) else {}

    def accepted(self, argument: Argument) -> bool:
        """Whether parser and range of the value are in order: what is not has its own fault."""
        if argument.flag is None or argument.value is None or argument.dotted:
            return False
        return refused_value(argument.flag, argument.value, self.release) is None

    @property
    def tp(self) -> int:
        """The tensor parallel size."""
        return max(self.number(TP) or self._gpus, 1)

    @property
    def pp(self) -> int:
        """The pipeline stages."""
        return max(self.number(PP) or 1, 1)

    @property
    def dp(self) -> int:
        """The data parallel ranks."""
        return max(self.number(DP) or 1, 1)

    @property
    def pcp(self) -> int:
        """The prefill context parallel ranks."""
        return max(self.number(PCP) or 1, 1)

    @cached_property
    def config(self) -> Mapping[str, Any]:
        """config.json with the arguments' overrides; empty where none is known."""
        told = self.facts.config if self.facts else None
        return overridden(told, config_overrides(self.arguments, self.release)) if told else {}

    @cached_property
    def text_config(self) -> Mapping[str, Any]:
        """The language model's part of it."""
        return text_config(self.config)

    @property
    def architecture(self) -> str:
        """The model's first architecture; empty where it is not known."""
        return architecture_of(self.config)

    @cached_property
    def shape(self) -> Shape | None:
        """The model's sizes; None where they are not known."""
        found = shape_of(self.config) if self.config else None
        return found if isinstance(found, Shape) else None
