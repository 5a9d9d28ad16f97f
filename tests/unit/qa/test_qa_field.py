"""Each failure from the field is named with its cause, and ordinary lines name none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from modelcar_tui.core.resources import demo_logs
from modelcar_tui.qa.log.logparse import SuiteParser
from modelcar_tui.qa.log.tables import failures, recognise
from modelcar_tui.qa.outcome import classify
from modelcar_tui.qa.types import QaOutcome

DATA = Path(__file__).parents[2] / "data" / "qa"
FIELD: list[dict[str, Any]] = yaml.safe_load((DATA / "field_failures.yaml").read_text(encoding="utf-8"))
ORDINARY = (DATA / "ordinary_lines.txt").read_text(encoding="utf-8").splitlines()
TEST = "test_oci_model_car_raw_openai_inference"
NODE = f"tests/model_serving/model_runtime/vllm/modelcar/test_modelvalidation.py::TestVLLMModelCarRaw::{TEST}"


def run(lines: list[str]) -> QaOutcome:
    parser = SuiteParser()
    for line in (
        "============================= test session starts ==============================",
        "collecting ... collected 1 item",
        f"-------------- {TEST}[m-standard] --------------",
        "---------------------------- SETUP ----------------------------",
        *lines,
        f"TEST: TestVLLMModelCarRaw.{TEST}[m-standard] [setup] STATUS: ERROR",
        f"{NODE}[m-standard] ERROR",
        "=========================== short test summary info ============================",
        f"ERROR {NODE}[m-standard] - x",
        "=============================== 1 error in 9.00s ===============================",
    ):
        parser.feed(line)
    return classify(parser, exit_status=1)


@pytest.mark.parametrize("case", FIELD, ids=lambda case: case["what"])
def test_a_failure_from_the_field_has_its_cause(case: dict[str, Any]) -> None:
    outcome = run(case["lines"])
    assert outcome.code == f"QA_ERROR:{case['code']}"
    assert [model.cause for model in outcome.models] == [case["code"]]
    assert outcome.cause
    assert outcome.fix


@pytest.mark.parametrize("line", ORDINARY)
def test_an_ordinary_line_names_no_cause(line: str) -> None:
    assert recognise(line) is None


def test_every_cause_is_shown_by_a_failure_from_the_field() -> None:
    assert {known.code for known in failures()} == {case["code"] for case in FIELD}


def test_recordings_of_runs_that_passed_name_no_cause() -> None:
    for name in ("success", "success-single"):
        for line in (demo_logs() / f"{name}.log").read_text(encoding="utf-8").splitlines():
            assert recognise(line) is None, line


def test_a_root_decides_before_the_symptom_that_follows_it() -> None:
    outcome = run(
        [
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.",
            "RuntimeError: Engine core initialization failed. See root cause above.",
            "E   timeout_sampler.TimeoutExpiredError: Timed Out: 1799.9",
        ]
    )
    assert outcome.code == "QA_ERROR:CUDA_OOM"
