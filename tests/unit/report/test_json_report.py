"""The JSON of a run against its published schema, for every state that a run can be in."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from modelcar_tui.report import json_report
from modelcar_tui.supervisor.state import Finish, RunState
from modelcar_tui.verdict.reports import Verdict
from pilot.states import STATES
from support.reporting import HOSTILE, hostile, rich, state_of


@cache
def validator() -> Any:
    schema = json.loads((files("modelcar_tui") / "schemas" / "report.schema.json").read_text("utf-8"))
    return jsonschema.validators.validator_for(schema)(schema)


def faults(document: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in validator().iter_errors(document)]


@pytest.mark.parametrize("name", STATES)
def test_every_state_fits_the_schema(name: str, tmp_path: Path) -> None:
    state = state_of(name, tmp_path)
    document = json.loads(json_report(state))
    assert faults(document) == []
    assert (document["verdict"] is None) == (state.finish is None)
    assert (document["exit_status"] is None) == (state.finish is None)


@pytest.mark.parametrize(
    "state",
    [
        RunState(),
        RunState(finish=Finish(exit_status=7, verdict=Verdict.UNKNOWN, summary="a fault", seconds=0.0)),
    ],
    ids=["empty", "failed early"],
)
def test_a_run_of_which_nothing_is_known_fits(state: RunState) -> None:
    assert faults(json.loads(json_report(state))) == []


def test_text_from_outside_stays_a_value(tmp_path: Path) -> None:
    run = rich(tmp_path)
    plain = json.loads(json_report(run))
    assert faults(plain) == []
    for payload in HOSTILE.values():
        if "\ud800" in payload:
            continue  # no journal holds one: msgspec decodes none
        odd = json.loads(json_report(hostile(run, payload)))
        assert odd.keys() == plain.keys()
        assert payload in odd["run"]["path"] and payload in odd["manifest"]
