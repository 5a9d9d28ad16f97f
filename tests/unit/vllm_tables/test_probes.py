"""What a key of an object takes is tried with the class that reads it."""

from __future__ import annotations

import argparse
import enum
from dataclasses import field
from pathlib import Path
from typing import Any, Literal

import pydantic
import pytest
from pydantic.dataclasses import dataclass


class Mode(enum.Enum):
    """As vLLM's: names are written, numbers are taken."""

    OFF = 0
    ON = 1


@dataclass(config=pydantic.ConfigDict(extra="forbid"))
class Inner:
    depth: int = pydantic.Field(default=1, ge=1)


@dataclass
class Outer:
    size: float = 1.0
    quick: bool = False
    policy: Literal["one", "two"] = "one"
    mode: Mode | None = None
    words: list[str] = field(default_factory=list)
    inner: Inner = field(default_factory=Inner)

    @pydantic.field_validator("mode", mode="before")
    @classmethod
    def _by_name(cls, value: Any) -> Any:
        return Mode[value.upper()] if isinstance(value, str) else value


ROWS: list[tuple[str, dict[str, Any]]] = [
    ("size", {"kind": "float"}),
    ("quick", {"kind": "bool"}),
    ("policy", {"kind": "choice", "choices": ["one", "two"]}),
    ("mode", {"kind": "choice|none", "choices": ["OFF", "ON"]}),
    ("words", {"kind": "list"}),
    ("inner", {"kind": "object"}),
    ("inner.depth", {"kind": "int"}),
]


def parse_dataclass(text: str) -> Outer:
    """As the parser of vLLM does."""
    return pydantic.TypeAdapter(Outer).validate_json(text)


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> dict[str, dict[str, Any]]:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[3] / "tools"))
    from vllm_tables.probes import probed

    action = argparse.Action(["--x"], "x", type=parse_dataclass)
    return dict(probed(action, Outer, ROWS))


def test_the_shapes_are_those_that_the_class_takes(found: dict[str, dict[str, Any]]) -> None:
    assert {key: row["takes"] for key, row in found.items() if key} == {
        "size": "t10-hwd",
        "quick": "t10dy",
        "policy": "",
        "mode": "nt10",
        "words": "el",
        "inner": "o",
        "inner.depth": "t1wd",
    }


def test_an_object_is_strict_where_it_refuses_other_keys(found: dict[str, dict[str, Any]]) -> None:
    assert found[""] == {} and found["inner"]["strict"] is True


def test_choices_tell_whether_case_counts_and_which_numbers_stand_for_them(
    found: dict[str, dict[str, Any]],
) -> None:
    assert found["policy"] == {"kind": "choice", "choices": ["one", "two"], "takes": ""}
    assert found["mode"]["case"] is True and found["mode"]["numbers"] == [0, 1]
