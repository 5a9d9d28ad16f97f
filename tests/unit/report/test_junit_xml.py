"""The JUnit XML of a run: valid by Jenkins' schema, and never green where the run is not."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
import xmlschema

from modelcar_tui.cluster.types import Check, State
from modelcar_tui.core.text import reveal
from modelcar_tui.report import envelope, junit, markdown
from modelcar_tui.supervisor.events import DecisionMade, QaFinished
from modelcar_tui.supervisor.state import Finish, RunState
from modelcar_tui.verdict.reports import Verdict
from pilot.states import BIG, STATES, qa_failed
from support.reporting import HOSTILE, hostile, rich, state_of
from support.reporting import told as state_after

XSD = Path(__file__).parents[2] / "data" / "junit" / "junit-10.xsd"
RED = {"failure", "error"}


@pytest.fixture(scope="module")
def schema() -> Any:
    return xmlschema.XMLSchema(XSD)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunState:
    return rich(tmp_path_factory.mktemp("rich"))


def cases(state: RunState, suite: str) -> dict[str, ET.Element]:
    root = ET.fromstring(junit(state))
    return {
        case.attrib["name"]: case
        for case in root.iterfind(f"testsuite[@name='modelcar-tui.{suite}']/testcase")
    }


def how(case: ET.Element) -> str:
    return next((one.tag for one in case if one.tag in RED | {"skipped"}), "passed")


@pytest.mark.parametrize("name", STATES)
def test_every_state_is_valid_and_counts_what_it_holds(name: str, tmp_path: Path, schema: Any) -> None:
    text = junit(state_of(name, tmp_path))
    schema.validate(text)
    root = ET.fromstring(text)
    for element in (root, *root.iterfind("testsuite")):
        assert int(element.attrib["tests"]) == len([*element.iter("testcase")])
        assert int(element.attrib["failures"]) == len([*element.iter("failure")])
        assert int(element.attrib["errors"]) == len([*element.iter("error")])
    names = [(case.attrib["classname"], case.attrib["name"]) for case in root.iter("testcase")]
    assert len(names) == len(set(names))
    assert "hostname" not in text


@pytest.mark.parametrize("payload", HOSTILE.values(), ids=HOSTILE)
def test_text_from_outside_stays_text(run: RunState, payload: str, schema: Any) -> None:
    plain, odd = junit(run), junit(hostile(run, payload))
    schema.validate(odd)
    shape = [(one.tag, sorted(one.attrib)) for one in ET.fromstring(plain).iter()]
    assert [(one.tag, sorted(one.attrib)) for one in ET.fromstring(odd).iter()] == shape
    names = [case.attrib["name"] for case in ET.fromstring(odd).iter("testcase")]
    assert any(reveal(payload) in name for name in names)
    assert odd.encode()  # no lone surrogate


def test_the_verdict_of_each_model_is_that_of_the_json_report(run: RunState) -> None:
    told = envelope(run)["outcome"]["models"]
    found = cases(run, "verdict")
    assert {name: how(case) for name, case in found.items()} == {
        name: {"GO": "passed", "NO-GO": "failure", "UNKNOWN": "error"}[model["word"]]
        for name, model in told.items()
    }
    bad = found[BIG].find("failure")
    assert bad is not None and bad.attrib["type"] == "NO-GO"
    assert bad.attrib["message"] == told[BIG]["why"]
    assert bad.text == f"{told[BIG]['why']}\nnext: {told[BIG]['next']}"


def test_a_failure_says_what_to_do(tmp_path: Path) -> None:
    state = state_of("waiting", tmp_path)
    finish = Finish(exit_status=1, verdict=Verdict.NO_GO, summary="NO-GO", seconds=1.0)
    state = msgspec.structs.replace(state, finish=finish)
    told = {name: one["next"] for name, one in envelope(state)["outcome"]["models"].items() if one["next"]}
    found = cases(state, "verdict")
    assert told
    for name, step in told.items():
        (bad,) = (one for one in found[name] if one.tag in RED)
        assert (bad.text or "").endswith(f"\nnext: {step}")


def test_predicted_and_measured_stand_in_each_of_the_outcome(run: RunState) -> None:
    told = envelope(run)["outcome"]["models"][BIG]
    (notes,) = cases(run, "verdict")[BIG].iterfind("system-out")
    assert f"predicted: {told['predicted']}" in (notes.text or "")
    assert f"measured: {told['measured'] or 'not tested'}" in (notes.text or "")


def test_a_model_that_was_no_go_before_its_qa_failed_says_both(tmp_path: Path) -> None:
    events = qa_failed(tmp_path)
    again = [one for one in events if isinstance(one, DecisionMade)][-1]  # the one on what was written
    run = state_after([one for one in events if one is not again])
    told = envelope(run)["outcome"]["models"][BIG]
    assert told["predicted"] == told["word"] == "NO-GO"
    failed = "its QA failed: CUDA_OOM: torch.OutOfMemoryError: CUDA out of memory."
    assert told["measured"].startswith(failed)
    assert f"| NO-GO | NO-GO | {failed}" in markdown(run)


def test_what_failed_in_qa_is_mended_before_what_was_predicted(tmp_path: Path) -> None:
    events = qa_failed(tmp_path)
    again = [one for one in events if isinstance(one, DecisionMade)][-1]
    assert again.report.models[0].verdict is Verdict.GO
    late = again.report.models[0].model
    end = next(one for one in events if isinstance(one, QaFinished))
    results = tuple(
        msgspec.structs.replace(end.outcome.models[1], model=late, fix="take another card")
        if one.model == late
        else msgspec.structs.replace(one, status="PASSED", cause="", line="", fix="")
        for one in end.outcome.models
    )
    ended = msgspec.structs.replace(end, outcome=msgspec.structs.replace(end.outcome, models=results))
    models = tuple(reversed(again.report.models))
    models = (
        msgspec.structs.replace(models[0], verdict=Verdict.NO_GO, settle="buy a larger cluster"),
        *models[1:],
    )
    judged = msgspec.structs.replace(
        again, report=msgspec.structs.replace(again.report, verdict=Verdict.NO_GO, models=models)
    )
    swap = {id(again): judged, id(end): ended}
    run = state_after([swap.get(id(one), one) for one in events])
    assert envelope(run)["next"].startswith("take another card")


def test_qa_tells_cause_and_next_step(run: RunState) -> None:
    found = cases(run, "qa")
    bad = found.pop(BIG).find("failure")
    assert bad is not None and bad.attrib["type"] == "CUDA_OOM"
    assert "CUDA ran out of memory" in bad.attrib["message"]
    assert {how(case) for case in found.values()} == {"passed"}


def test_figures_are_told_as_everywhere(run: RunState) -> None:
    assert run.qa.outcome is not None
    one = msgspec.structs.replace(run.qa.outcome.measured[0], model=BIG)
    outcome = msgspec.structs.replace(run.qa.outcome, measured=(one,))
    state = msgspec.structs.replace(run, qa=msgspec.structs.replace(run.qa, outcome=outcome))
    said = cases(state, "qa")[BIG].findtext("system-out") or ""
    assert f"{BIG}: weights 15.27 GiB per GPU measured, 15.19 predicted (0.5 % low)" in said


def test_a_qa_that_was_skipped_is_skipped_with_its_reason(run: RunState) -> None:
    assert run.qa.outcome is not None
    outcome = msgspec.structs.replace(
        run.qa.outcome,
        code="QA_SKIPPED:NO_GO",
        message="the verdict is NO-GO",
        fix="",
        models=(),
        measured=(),
    )
    state = msgspec.structs.replace(run, qa=msgspec.structs.replace(run.qa, outcome=outcome))
    found = cases(state, "qa")
    assert {how(case) for case in found.values()} == {"skipped"} and len(found) == 5
    skipped = found[BIG].find("skipped")
    assert skipped is not None and skipped.attrib["message"] == "the verdict is NO-GO"


def test_a_suite_that_did_not_start_fails_as_a_whole(run: RunState) -> None:
    assert run.qa.outcome is not None
    outcome = msgspec.structs.replace(
        run.qa.outcome, code="QA_ERROR:PODMAN_FAILED", message="podman could not run", models=()
    )
    state = msgspec.structs.replace(run, qa=msgspec.structs.replace(run.qa, outcome=outcome))
    found = cases(state, "qa")
    assert how(found.pop("the whole suite")) == "failure"
    assert {how(case) for case in found.values()} == {"skipped"}


@pytest.mark.parametrize("name", ["working", "waiting", "qa-running", "no-cluster"])
def test_a_run_that_has_not_ended_is_red_and_has_no_verdict(name: str, tmp_path: Path, schema: Any) -> None:
    state = state_of(name, tmp_path)
    found = cases(state, "verdict")
    assert found and {how(case) for case in found.values()} == {"error"}
    types = {bad.attrib["type"] for case in found.values() for bad in case.iter("error")}
    assert types == {"NOT FINISHED"}
    assert how(found["the whole run"]) == "error"


def test_an_empty_run_is_red(schema: Any) -> None:
    schema.validate(junit(RunState()))
    assert how(cases(RunState(), "verdict")["the whole run"]) == "error"


@pytest.mark.parametrize("status", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 129, 130, 131, 141, 143])
def test_no_run_that_ended_badly_is_green(status: int, tmp_path: Path) -> None:
    finish = Finish(exit_status=status, verdict=Verdict.UNKNOWN, summary="so it ended", seconds=1.0)
    for state in (
        RunState(finish=finish),
        msgspec.structs.replace(state_of("waiting", tmp_path), finish=finish),
    ):
        root = ET.fromstring(junit(state))
        assert int(root.attrib["failures"]) + int(root.attrib["errors"]) > 0


def test_a_run_that_was_stopped_says_so_beside_its_models(tmp_path: Path) -> None:
    finish = Finish(exit_status=130, verdict=Verdict.NO_GO, summary="stopped", seconds=1.0)
    found = cases(msgspec.structs.replace(state_of("waiting", tmp_path), finish=finish), "verdict")
    assert "stopped (exit status 130)" in (found["the whole run"].findtext("failure") or "")


def test_checks_of_one_name_are_numbered_and_unknown_ones_skipped(run: RunState, schema: Any) -> None:
    assert run.decision is not None
    checks = tuple(
        Check(code="pull-time", state=state, what=f"it is {state}", fix="mend it")
        for state in (State.OK, State.BLOCKED, State.UNKNOWN, State.WARNING)
    )
    decision = msgspec.structs.replace(run.decision, checks=checks)
    state = msgspec.structs.replace(run, decision=decision)
    schema.validate(junit(state))
    found = cases(state, "checks")
    names = ["pull-time", "pull-time (2)", "pull-time (3)", "pull-time (4)"]
    assert [*found] == names
    assert [how(case) for case in found.values()] == ["passed", "failure", "skipped", "passed"]
    assert found["pull-time (2)"].findtext("failure") == "it is blocked\nnext: mend it"


def test_no_two_testcases_have_one_name_whatever_models_are_called(tmp_path: Path) -> None:
    run = state_of("waiting", tmp_path)
    assert run.decision is not None
    names = ("granite", "granite", "granite (2)", "a\u202eb", "a<U+202E>b")
    models = [msgspec.structs.replace(run.decision.models[0], model=name) for name in names]
    decision = msgspec.structs.replace(run.decision, models=tuple(models))
    told = cases(msgspec.structs.replace(run, decision=decision), "verdict")
    assert [*told][1:] == ["granite", "granite (2)", "granite (2) (2)", "a<U+202E>b", "a<U+202E>b (2)"]


def test_the_properties_say_what_run_it_is(run: RunState) -> None:
    root = ET.fromstring(junit(msgspec.structs.replace(run, demo=True)))
    told = {one.attrib["name"]: one.attrib["value"] for one in root.iter("property")}
    assert told["tool"].startswith("modelcar-tui") and told["demo"] == "true"
    assert told["run"] == run.run_id and told["manifest"] == run.path
    assert told["exit_status"] == "4" and told["qa"] == "QA_ERROR:CUDA_OOM"
    assert root.attrib["name"].startswith("modelcar-tui (DEMO)")
    (began,) = {
        suite.attrib["timestamp"] for suite in root.iterfind("testsuite[@name='modelcar-tui.verdict']")
    }
    assert began.endswith("Z") and began[10] == "T"
