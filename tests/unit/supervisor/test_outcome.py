"""What a run comes to: QA's own result beats the estimate, in every face alike."""

from __future__ import annotations

import json

import pytest

from modelcar_tui.manifest.plan import Plan
from modelcar_tui.qa.types import QaModelResult, QaOutcome
from modelcar_tui.report.data import envelope, to_json
from modelcar_tui.report.text import plain
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.outcome import outcome_of
from modelcar_tui.supervisor.specialists.decision import finished
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.supervisor.steps import conclusion
from modelcar_tui.verdict.reports import DecisionReport, ModelVerdict, Verdict

NAMES = ("granite-3.1-8b-instruct", "llama-3.3-70b-instruct", "whisper")
SERVED = "each of the 3 models can be served"
OOM = QaModelResult(
    model=NAMES[1],
    status="FAILED",
    phase="call",
    cause="CUDA_OOM",
    line="CUDA out of memory.",
    means="it did not fit",
    fix="lower --max-model-len",
)
PASSED = tuple(QaModelResult(model=NAMES[number], status="PASSED", phase="call") for number in (0, 2))


def report(*verdicts: Verdict) -> DecisionReport:
    models = tuple(
        ModelVerdict(model=name, verdict=verdict, comparison="18 GiB vs 80 GiB", why=f"why of {name}")
        for name, verdict in zip(NAMES, verdicts or (Verdict.GO,) * 3, strict=False)
    )
    worst = next((verdict for verdict in verdicts if verdict is not Verdict.GO), Verdict.GO)
    plan = Plan(base="/x.yaml", base_sha256="", target="/y.yaml")
    return DecisionReport(verdict=worst, why=SERVED, models=models, plan=plan)


def failed(*models: QaModelResult, code: str = "CUDA_OOM") -> QaOutcome:
    return QaOutcome(code=f"QA_ERROR:{code}", message=f"told of {code}", fix=f"mend {code}", models=models)


def run(*events: e.AnyEvent) -> RunState:
    panes = (e.PanePlan("decision", "Decision", ()), e.PanePlan("qa", "QA", ()))
    opening = (
        e.RunStarted(run_id="r", manifest="m.yaml", panes=panes, version="1"),
        e.DecisionMade(report=report()),
    )
    return fold(
        e.Stamped(number, float(number), event) for number, event in enumerate((*opening, *events), 1)
    )


def verdicts(state: RunState) -> list[tuple[str, Verdict | None]]:
    assert state.decision is not None
    return [(str(model.verdict), model.predicted) for model in state.decision.models]


@pytest.mark.parametrize(
    ("outcome", "word", "verdict", "why"),
    [
        (None, "GO", Verdict.GO, SERVED),
        (QaOutcome(code="QA_OK", message="3 passed"), "GO", Verdict.GO, SERVED),
        (QaOutcome(code="QA_SKIPPED:NOT_WANTED", message=""), "GO", Verdict.GO, SERVED),
        (failed(OOM), "QA FAILED", Verdict.NO_GO, "llama-3.3-70b-instruct: it did not fit"),
        (
            failed(OOM, QaModelResult(model=NAMES[0], status="ERROR", phase="setup")),
            "QA FAILED",
            Verdict.NO_GO,
            "2 of 3 models failed: granite-3.1-8b-instruct, llama-3.3-70b-instruct (CUDA_OOM)",
        ),
        (
            failed(OOM, code="KILLED"),
            "QA FAILED",
            Verdict.NO_GO,
            "llama-3.3-70b-instruct: it did not fit; told of KILLED",
        ),
        (
            failed(QaModelResult(model=NAMES[0], status="ERROR", phase="setup"), code="TESTS_FAILED"),
            "QA FAILED",
            Verdict.NO_GO,
            "granite-3.1-8b-instruct: its test failed (setup)",
        ),
        (
            failed(QaModelResult(model="gone", status="FAILED")),
            "QA FAILED",
            Verdict.UNKNOWN,
            "told of CUDA_OOM",
        ),
        (failed(code="CLUSTER_UNHEALTHY"), "QA FAILED", Verdict.UNKNOWN, "told of CLUSTER_UNHEALTHY"),
        (failed(code="TIMEOUT"), "QA FAILED", Verdict.UNKNOWN, "told of TIMEOUT"),
        (
            failed(QaModelResult(model=NAMES[2], status=""), code="MODEL_TIMEOUT"),
            "QA FAILED",
            Verdict.NO_GO,
            "whisper: told of MODEL_TIMEOUT",
        ),
    ],
)
def test_the_outcome_of_a_run_that_was_predicted_go(
    outcome: QaOutcome | None, word: str, verdict: Verdict, why: str
) -> None:
    told = outcome_of(run(*(() if outcome is None else (e.QaFinished(outcome=outcome),))))
    assert told is not None
    assert (told.word, told.verdict, told.why, told.predicted) == (word, verdict, why, Verdict.GO)


def test_a_run_without_a_verdict_has_no_outcome_until_it_ends() -> None:
    assert outcome_of(RunState()) is None
    end = e.RunFinished(exit_status=2, verdict=Verdict.UNKNOWN, summary="no such file", seconds=0.0)
    told = outcome_of(fold([e.Stamped(1, 0.0, end)]))
    assert told is not None
    assert (told.word, told.why) == ("UNKNOWN", "no such file")


def test_only_the_model_that_failed_is_no_go_and_its_prediction_stays_beside_it() -> None:
    state = run(e.QaFinished(outcome=failed(OOM, *PASSED)))
    assert verdicts(state) == [("GO", None), ("NO-GO", Verdict.GO), ("GO", None)]
    assert state.decision is not None
    died = state.decision.models[1]
    assert died.why == "predicted GO, but its QA failed: CUDA_OOM: CUDA out of memory."
    assert (died.settle, died.runs_on) == ("lower --max-model-len", ())
    assert state.decision.predicted is not None
    assert state.decision.predicted.models == report().models


def test_a_model_that_the_suite_did_not_come_to_is_unknown() -> None:
    state = run(e.QaFinished(outcome=failed(OOM, PASSED[0], code="KILLED")))
    assert verdicts(state) == [("GO", None), ("NO-GO", Verdict.GO), ("UNKNOWN", Verdict.GO)]
    assert state.decision is not None
    untested = state.decision.models[2]
    assert untested.why == "predicted GO, but QA ended before it was tested: told of KILLED"
    assert untested.settle == "mend KILLED"
    blind = run(e.QaFinished(outcome=failed(code="DSC_NOT_READY")))
    assert verdicts(blind) == [("UNKNOWN", Verdict.GO)] * 3


def test_each_model_that_failed_is_told_by_its_own_cause() -> None:
    pull = QaModelResult(
        model=NAMES[0],
        status="ERROR",
        phase="setup",
        cause="IMAGE_PULL_DENIED",
        line="unauthorized",
        means="may not pull",
        fix="log in",
    )
    nameless = QaModelResult(model=NAMES[2], status="FAILED", phase="call")
    state = run(e.QaFinished(outcome=failed(OOM, pull, nameless)))
    assert state.decision is not None
    told = [(model.why.partition("its QA failed: ")[2], model.settle) for model in state.decision.models]
    assert told == [
        ("IMAGE_PULL_DENIED: unauthorized", "log in"),
        ("CUDA_OOM: CUDA out of memory.", "lower --max-model-len"),
        ("its test failed (call)", "read its first failure in the log"),
    ]


def test_a_second_qa_of_a_resumed_run_counts_and_not_the_first() -> None:
    interrupted = e.QaFinished(outcome=failed(OOM, code="INTERRUPTED"))
    again = e.QaStarted(container="c", image="i", log="l")
    assert verdicts(run(interrupted, again)) == [("GO", None)] * 3
    passed = run(interrupted, again, e.QaFinished(outcome=QaOutcome(code="QA_OK", message="")))
    told = outcome_of(passed)
    assert told is not None
    assert (told.word, passed.decision) == ("GO", report())


def test_a_decision_that_is_told_again_does_not_forget_qa() -> None:
    state = run(e.QaFinished(outcome=failed(OOM)), e.DecisionMade(report=report()))
    assert verdicts(state)[1] == ("NO-GO", Verdict.GO)


def ended(outcome: QaOutcome) -> RunState:
    """A run as `Steps.summarise` ends it."""
    state = run(e.QaFinished(outcome=outcome))
    told = outcome_of(state)
    assert told is not None and state.decision is not None
    status, summary = conclusion(state)
    events = (
        finished(state.decision),
        e.RunFinished(exit_status=status, verdict=told.verdict, summary=summary, seconds=1.0),
    )
    return fold((e.Stamped(9, 9.0, event) for event in events), state)


def test_json_tells_outcome_and_prediction_apart() -> None:
    document = json.loads(to_json(envelope(ended(failed(OOM)))))
    assert document["outcome"]["word"] == "QA FAILED"
    assert document["outcome"]["measured"] == "llama-3.3-70b-instruct: it did not fit"
    assert document["outcome"]["models"][NAMES[1]]["measured"].startswith("its QA failed: CUDA_OOM")
    assert {key: document[key] for key in ("predicted", "verdict", "exit_status")} == {
        "predicted": "GO",
        "verdict": "NO-GO",
        "exit_status": 4,
    }
    assert NAMES[1] in document["summary"]
    good = json.loads(to_json(envelope(ended(QaOutcome(code="QA_OK", message="3 passed")))))
    assert (good["outcome"]["word"], good["predicted"], good["verdict"], good["exit_status"]) == (
        "GO",
        "GO",
        "GO",
        0,
    )
    assert (good["outcome"]["conditions"], good["outcome"]["measured"]) == ([], "passed")


def test_the_report_says_go_of_no_run_whose_qa_died() -> None:
    text = plain(ended(failed(OOM)))
    assert "**QA FAILED** (exit status 4): QA_ERROR:CUDA_OOM: llama-3.3-70b-instruct: it did not fit" in text
    assert "- NO-GO llama-3.3-70b-instruct" in text
    assert f"Predicted before QA: GO: {SERVED}" in text
    assert "**GO**" not in text
    assert "- GO " not in text


@pytest.mark.parametrize(("code", "status"), [("CUDA_OOM", 4), ("TIMEOUT", 6), ("SUITE_CRASHED", 4)])
def test_the_exit_status_of_a_failed_qa_stays(code: str, status: int) -> None:
    for models in ((OOM,), ()):
        state = ended(failed(*models, code=code))
        assert state.finish is not None
        assert state.finish.exit_status == status


def test_a_result_that_is_told_again_does_not_lengthen_the_specialist_s_own_time() -> None:
    state = run(
        e.SpecialistStarted(specialist="decision"),
        finished(report()),
        finished(report(Verdict.NO_GO, Verdict.GO)),
    )
    pane = state.pane("decision")
    assert pane is not None
    assert (pane.started, pane.finished, pane.summary[:5]) == (3.0, 4.0, "NO-GO")


def test_the_next_step_is_what_helps_those_that_decide_the_verdict() -> None:
    models = tuple(
        ModelVerdict(model=name, verdict=verdict, comparison="", why="w", settle=settle)
        for name, verdict, settle in (
            ("a", Verdict.UNKNOWN, "log in"),
            ("b", Verdict.NO_GO, "delete --x"),
            ("c", Verdict.NO_GO, "delete --x"),
            ("d", Verdict.NO_GO, "add --y"),
            ("e", Verdict.GO, "never told"),
        )
    )
    plan = Plan(base="/x.yaml", base_sha256="", target="/y.yaml")
    state = RunState(decision=DecisionReport(verdict=Verdict.NO_GO, why="w", models=models, plan=plan))
    told = outcome_of(state)
    assert told is not None
    assert told.next == "delete --x (and 1 more)"
    assert conclusion(state) == (
        1,
        "w (3 models); next: delete --x (and 1 more)",
    )
    failed_qa = outcome_of(run(e.QaFinished(outcome=failed(OOM))))
    assert failed_qa is not None
    assert failed_qa.next == "lower --max-model-len"
    good = outcome_of(run())
    assert good is not None
    assert good.next == ""
