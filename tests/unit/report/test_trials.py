"""Tries in reports: each form tells what one was to be, how it ended, what it measured; as text alone."""

from __future__ import annotations

import json
import re

import pytest

from modelcar_tui.core.errors import Problem
from modelcar_tui.report import html_page, json_report, markdown, plain
from modelcar_tui.supervisor import RunState, Trial
from modelcar_tui.trial import TrialEnd
from support.trials import plan_of, start_of

HOSTILE = "a\x1b[31m<img src=x>\nb"


def run_with(**trial: object) -> RunState:
    fields = {"id": "x", "model": "one", "asked": 1.7e9, "plan": plan_of("one"), "allowed": True, **trial}
    return RunState(trials=(Trial(**fields),))  # type: ignore[arg-type]


@pytest.mark.parametrize("form", [plain, markdown, html_page])
def test_a_measured_start_stands_beside_its_prediction(form) -> None:
    told = form(run_with(end=TrialEnd(id="x", measured=start_of("one"), seconds=38.0, log="/r/x.log")))
    assert "Tries on real GPUs" in told and re.search(r"one\W[^\n]*starts", told)
    assert "weights 14.99 GiB measured, 15.00 GiB predicted" in told
    assert "in namespace models" in told and "/r/x.log" in told
    assert "Tries on real GPUs" not in form(RunState())


@pytest.mark.parametrize("form", [plain, markdown, html_page])
def test_why_nothing_was_measured_is_told_and_no_text_acts(form) -> None:
    problem = Problem(what="the node <b>went</b> away\x1b[2J", fix="try it again")
    told = form(run_with(model=HOSTILE, end=TrialEnd(id="x", problem=problem, left=("oc delete job x",))))
    assert "nothing was measured" in told and "oc delete job x" in told and "try it again" in told
    assert "\x1b" not in told
    if form is not plain:
        assert not re.search(r"(?<!\\)<(img|b>)", told)


def test_json_has_the_try_by_its_own_types() -> None:
    (one,) = json.loads(json_report(run_with(end=TrialEnd(id="x", measured=start_of("one")))))["run"][
        "trials"
    ]
    assert one["end"]["measured"]["figures"]["kv_tokens"] == 412_345.0 and one["plan"]["gpus"] == 1
