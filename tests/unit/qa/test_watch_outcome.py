"""The outcome under what was seen on the cluster, and every face that tells it."""

from __future__ import annotations

import json

import msgspec
import pytest

from modelcar_tui.core.facts import Fact, Source
from modelcar_tui.manifest.plan import Plan
from modelcar_tui.memory.types import Estimate, Outcome
from modelcar_tui.qa.measured import failed_line, failed_lines, measured_line
from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.types import QaMeasured, QaModelResult, QaOutcome
from modelcar_tui.qa.watch_models import service_name
from modelcar_tui.qa.watch_outcome import with_seen
from modelcar_tui.verdict.comparing import compare
from modelcar_tui.verdict.measured import measured
from modelcar_tui.verdict.reports import DecisionReport, ModelVerdict, Verdict

DENIED = "waiting for the image: unauthorized"


def result(model: str, status: str = "ERROR", cause: str = "READY_TIMEOUT") -> QaModelResult:
    return QaModelResult(
        model=model, status=status, cause=cause, means="30 minutes", fix="wait", line="Timed Out"
    )


def seen(model: str, cause: str = "IMAGE_PULL_DENIED", text: str = DENIED, at: float = 1.0) -> Seen:
    return Seen(
        model=model,
        object=service_name(model.split(" or ", maxsplit=1)[0]),
        text=text,
        cause=cause,
        means=f"it means {cause}",
        fix=f"mend {cause}",
        at=at,
    )


def outcome(*models: QaModelResult, code: str = "READY_TIMEOUT") -> QaOutcome:
    return QaOutcome(
        code=f"QA_ERROR:{code}", message="not ready", fix="wait", cause="Timed Out", models=models
    )


@pytest.mark.parametrize("code", ["ROUTE_TIMEOUT", "ROUTE_500", "ROUTE_503", "OBJECT_TIMEOUT"])
def test_what_the_pod_said_beats_what_only_its_route_showed(code: str) -> None:
    one = result("granite", status="FAILED", cause=code)
    told = with_seen(outcome(one, code=code), (seen("granite", "CUDA_OOM", "CUDA out of memory"),))
    assert (told.code, told.models[0].cause) == ("QA_ERROR:CUDA_OOM", "CUDA_OOM")


def test_what_the_pod_said_beats_the_suites_time_out() -> None:
    told = with_seen(outcome(result("granite")), (seen("granite"),))
    assert (told.code, told.message) == ("QA_ERROR:IMAGE_PULL_DENIED", "it means IMAGE_PULL_DENIED")
    assert (told.cause, told.fix) == (f"granite: {DENIED}", "mend IMAGE_PULL_DENIED")
    assert failed_line(told.models[0]) == (
        f"granite failed: IMAGE_PULL_DENIED: {DENIED}; next: mend IMAGE_PULL_DENIED"
    )


@pytest.mark.parametrize(
    ("model", "one"),
    [
        (result("granite", cause="WRONG_ANSWER"), seen("granite")),
        (result("granite", status="PASSED", cause=""), seen("granite")),
        (result("granite"), seen("granite", text="")),
        (result("granite"), seen("llama", text="")),
    ],
)
def test_a_cause_that_the_suite_knows_and_a_trouble_that_is_over_stay_apart(
    model: QaModelResult, one: Seen
) -> None:
    before = outcome(model)
    assert with_seen(before, (one,)) == before


def test_a_run_that_passed_keeps_only_the_figures() -> None:
    figure = QaMeasured(model="granite", what="weights_gib", value=15.27, line="x")
    passed = QaOutcome(code="QA_OK", message="1 passed", models=(result("granite", "PASSED", ""),))
    told = with_seen(passed, (seen("granite"),), (figure,))
    assert (told.code, told.models, told.measured) == ("QA_OK", passed.models, (figure,))
    assert with_seen(told, (), (msgspec.structs.replace(figure, value=1.0),)).measured == (figure,)


def test_a_budget_that_ended_the_run_stays_its_end_with_what_was_seen_as_its_cause() -> None:
    told = with_seen(outcome(result("granite", "", ""), code="MODEL_TIMEOUT"), (seen("granite"),))
    assert (told.code, told.message) == ("QA_ERROR:MODEL_TIMEOUT", "not ready")
    assert told.cause == f"granite: {DENIED}"
    assert failed_line(told.models[0]).startswith("granite was cut short: IMAGE_PULL_DENIED: waiting for")
    model = ModelVerdict(model="granite", verdict=Verdict.GO, comparison="", why="w")
    plan = Plan(base="/x.yaml", base_sha256="", target="/y.yaml")
    report = measured(DecisionReport(verdict=Verdict.GO, why="w", models=(model,), plan=plan), told)
    assert report.models[0].why.endswith(f"its QA used up its budget: not ready; {DENIED}")
    assert report.models[0].settle == "mend IMAGE_PULL_DENIED"


def test_a_model_that_the_suites_log_does_not_name_is_told_all_the_same() -> None:
    told = with_seen(outcome(code="TIMEOUT"), (seen("granite"),))
    assert (told.code, told.cause) == ("QA_ERROR:TIMEOUT", f"granite: {DENIED}")
    assert [(model.model, model.status, model.cause) for model in told.models] == [
        ("granite", "", "IMAGE_PULL_DENIED")
    ]


def test_a_figure_of_a_pods_log_stands_beside_the_estimate() -> None:
    figure = QaMeasured(model="granite", what="graphs_gib", value=0.89, line="x")
    estimate = Estimate(
        outcome=Outcome.STARTS, why="", cuda_graph_gib=Fact(value=0.84, source=Source.COMPUTED, unit="GiB")
    )
    model = ModelVerdict(model="granite", verdict=Verdict.GO, comparison="", why="w", estimate=estimate)
    plan = Plan(base="/x.yaml", base_sha256="", target="/y.yaml")
    report = DecisionReport(verdict=Verdict.GO, why="w", models=(model,), plan=plan)
    told = compare(with_seen(QaOutcome(code="QA_OK", message=""), (), (figure,)), report)
    assert measured_line(told.measured[0]) == (
        "granite: CUDA graphs 0.89 GiB per GPU measured, 0.84 predicted (5.6 % low)"
    )


def test_of_two_models_with_one_object_only_the_one_that_was_seen_is_explained() -> None:
    twins = "granite-3.1-8b-instruct", "granite-3.1-8b-instruct-fp8"
    told = with_seen(outcome(*map(result, twins)), (seen(twins[1]),))
    assert [model.cause for model in told.models] == ["READY_TIMEOUT", "IMAGE_PULL_DENIED"]
    both = with_seen(outcome(*map(result, twins)), (seen(" or ".join(twins)),))
    assert [model.cause for model in both.models] == ["IMAGE_PULL_DENIED"] * 2


def test_of_very_many_models_that_failed_the_first_are_told_and_the_others_counted() -> None:
    models = [result(f"model-{number}") for number in range(45)]
    lines = failed_lines(models)
    assert (len(lines), lines[-1]) == (21, "and 25 more models")


def test_a_name_that_the_suite_cut_is_the_models() -> None:
    whole = "granite-3.1-8b-instruct"
    told = with_seen(outcome(result(whole[:20])), (seen(whole),))
    assert told.models[0].cause == "IMAGE_PULL_DENIED"


def test_of_twelve_models_both_that_failed_are_named_with_their_cause_in_every_face() -> None:
    names = [f"model-{number}" for number in range(12)]
    results = [result(name, "PASSED", "") for name in names]
    results[3], results[8] = result(names[3]), result(names[8], "ERROR", "READY_TIMEOUT")
    oom = seen(names[8], "HOST_OOM", "killed: it used more memory than its limit (OOMKilled)")
    told = with_seen(outcome(*results), (seen(names[3]), oom))
    both = "model-3 (IMAGE_PULL_DENIED), model-8 (HOST_OOM)"
    assert told.message == f"2 of 12 models failed: {both}; model-3: it means IMAGE_PULL_DENIED"
    models = tuple(ModelVerdict(model=name, verdict=Verdict.GO, comparison="", why="w") for name in names)
    plan = Plan(base="/x.yaml", base_sha256="", target="/y.yaml")
    report = measured(DecisionReport(verdict=Verdict.GO, why="w", models=models, plan=plan), told)
    assert report.why == f"2 of 12 models failed: {both}"
    assert DENIED in report.models[3].why
    assert "OOMKilled" in report.models[8].why
    lines = failed_lines(told.models)
    assert [line.partition(" failed: ")[0] for line in lines] == ["model-3", "model-8"]
    document = json.loads(msgspec.json.encode(told))
    assert [model["cause"] for model in document["models"] if model["cause"]] == [
        "IMAGE_PULL_DENIED",
        "HOST_OOM",
    ]
