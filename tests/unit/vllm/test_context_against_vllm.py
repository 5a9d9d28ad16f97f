"""The context that a release takes, held against vLLM's own config (tests/data/vllm/contexts.jsonl)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.models.facts import ModelFacts
from modelcar_tui.models.model import Model, describe_model
from modelcar_tui.vllm.arguments.engine_args import read_engine_args
from modelcar_tui.vllm.context import implied_context, longest_context

DATA = Path(__file__).parents[2] / "data" / "vllm" / "contexts.jsonl"
ROWS: list[dict[str, Any]] = [json.loads(line) for line in DATA.read_text("utf-8").splitlines()]
NOT_ANSWERED = ("q-textcfg", "q5-textcfg")
"""A part for a text model in a config that has none: vLLM then finds no attention heads there."""
BEFORE_PARTS = {("gemma-text", "0.11.0"), ("gemma-textrope", "0.11.0")}
"""Before 0.11.1 a part was replaced as a whole."""
ALL = [(row, release) for row in ROWS for release in row["vllm"]]
OTHERWISE = [one for one in ALL if one[0]["id"] in NOT_ANSWERED or (one[0]["id"], one[1]) in BEFORE_PARTS]
"""Where vLLM stops over the structure of the config, which the context says nothing about."""
ASKED = [one for one in ALL if one not in OTHERWISE]


def ours(row: dict[str, Any], release: str) -> int:
    """The length that the server takes, 0 where it stops."""
    args = read_engine_args(tuple(row["args"]), 1, release)
    longest = longest_context(row["config"], args.overrides, release)
    asked = args.max_model_len
    if args.problems or (asked and longest is not None and asked > longest):
        return 0
    return asked or implied_context(row["config"], args.overrides, release) or 0


@pytest.mark.parametrize(("row", "release"), ASKED, ids=[f"{row['id']}-{one}" for row, one in ASKED])
def test_a_release_takes_the_context_that_we_say(row: dict[str, Any], release: str) -> None:
    assert ours(row, release) == row["vllm"][release]


def test_where_vllm_stops_over_the_structure_of_the_config_is_named() -> None:
    assert 0 < len(OTHERWISE) < 20
    assert all(ours(row, release) != row["vllm"][release] for row, release in OTHERWISE)


def test_an_override_that_a_release_does_not_hear_is_not_counted() -> None:
    yarn = next(row for row in ROWS if row["id"] == "q-yarn")
    assert {ours(yarn, release) for release in ("0.12.0", "0.16.0", "0.19.0")} == {40960}
    assert {ours(yarn, release) for release in ("0.8.5", "0.11.2", "0.19.1", "0.29.0")} == {131072}


def test_every_config_of_the_data_can_be_sized() -> None:
    facts = [ModelFacts(config=row["config"]) for row in ROWS]
    made = [describe_model(one, quantization=None, dtype="auto", overrides=None) for one in facts]
    assert all(isinstance(model, Model) for model in made)
