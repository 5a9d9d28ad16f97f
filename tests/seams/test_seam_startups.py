"""How a start ends: the words of the log's reader are outcomes of the estimate, and the refusals of real
start-ups are read as what they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.memory import Outcome
from modelcar_tui.vllm import StartupLog
from modelcar_tui.vllm.startup_refusals import _FRAMES, _OOM, _RULES, DIED, OF_MEMORY, STARTS
from support.fake_vllm import structure

REFUSALS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data/vllm/startups/refusals.json").read_text("utf-8")
)


def test_every_outcome_that_the_reader_knows_is_one() -> None:
    said = {DIED, STARTS, "oom_load", "oom_graph_capture", *OF_MEMORY}
    said |= {rule.outcome for rule in _RULES} | {outcome for _, _, outcome in _FRAMES}
    said |= {end["outcome"] for end in structure()["ends"].values()} - {""}
    said.remove(_OOM)
    assert said <= {str(one) for one in Outcome}
    assert {str(one) for one in Outcome} - said == {"unknown"}


@pytest.mark.parametrize("real", REFUSALS, ids=[real["id"] for real in REFUSALS])
def test_a_real_refusal_is_read_as_what_it_was(real: dict[str, Any]) -> None:
    log = StartupLog()
    log.feed("INFO 01-02 03:04:05 [core.py:76] Initializing a V1 LLM engine (v0.19.0) with config: model='m'")
    log.feed("Traceback (most recent call last):")
    words = real["error"]
    log.feed(words if "Error: " in words else f"ValueError: {words}")
    assert log.end(healthy=False, exit_status=1).outcome == Outcome(real["outcome"])
