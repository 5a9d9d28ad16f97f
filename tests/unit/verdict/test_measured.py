"""The decision under QA's own result: it beats the estimate, and the prediction stays beside it."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.manifest.plan import Plan
from modelcar_tui.qa.types import QaModelResult, QaOutcome
from modelcar_tui.verdict.measured import measured, qa_failed
from modelcar_tui.verdict.placement import Assignment
from modelcar_tui.verdict.reports import DecisionReport, ModelVerdict, Verdict

NAMES = ("granite-3.1-8b-instruct", "llama-3.3-70b-instruct", "whisper")
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


def report(*verdicts: Verdict, names: tuple[str, ...] = NAMES) -> DecisionReport:
    given = verdicts or (Verdict.GO,) * len(names)
    models = tuple(
        ModelVerdict(
            model=name, verdict=verdict, comparison="", why=f"why of {name}", settle="s", runs_on=("H100",)
        )
        for name, verdict in zip(names, given, strict=False)
    )
    worst = next((verdict for verdict in verdicts if verdict is not Verdict.GO), Verdict.GO)
    placed = tuple(Assignment(model=name, node="n", kind="k", units=1) for name in names)
    plan = Plan(base="/x.yaml", base_sha256="", target="/y.yaml")
    return DecisionReport(
        verdict=worst, why="w", models=models, plan=plan, placed=placed, together="t", missing=("more",)
    )


def failed(*models: QaModelResult, code: str = "CUDA_OOM") -> QaOutcome:
    return QaOutcome(code=f"QA_ERROR:{code}", message=f"told of {code}", fix=f"mend {code}", models=models)


def told(found: DecisionReport) -> list[tuple[Verdict, str, str]]:
    return [(model.verdict, model.why, model.settle) for model in found.models]


@pytest.mark.parametrize(
    ("outcome", "bad"),
    [
        (None, False),
        (QaOutcome(code="QA_OK", message=""), False),
        (QaOutcome(code="QA_SKIPPED:NOT_WANTED", message=""), False),
        (failed(), True),
    ],
)
def test_qa_failed_where_it_was_run_and_did_not_pass(outcome: QaOutcome | None, bad: bool) -> None:
    assert qa_failed(outcome) is bad
    assert (measured(report(), outcome) == report()) is not bad


def test_a_model_that_failed_is_no_go_by_its_own_cause_and_no_other_is() -> None:
    found = measured(report(), failed(OOM, *PASSED))
    assert found.verdict is Verdict.NO_GO
    assert found.why == "llama-3.3-70b-instruct: it did not fit"
    assert told(found) == [
        (Verdict.GO, f"why of {NAMES[0]}", "s"),
        (
            Verdict.NO_GO,
            "predicted GO, but its QA failed: CUDA_OOM: CUDA out of memory.",
            "lower --max-model-len",
        ),
        (Verdict.GO, f"why of {NAMES[2]}", "s"),
    ]
    died = found.models[1]
    assert (died.predicted, died.runs_on) == (Verdict.GO, ())
    assert [one.model for one in found.placed] == [NAMES[0], NAMES[2]]
    assert (found.together, found.missing) == ("", ())


def test_the_prediction_is_kept_and_a_second_result_replaces_the_first() -> None:
    first = measured(report(), failed(OOM, *PASSED))
    assert first.predicted is not None
    kept = first.predicted
    assert (kept.verdict, kept.why, kept.models) == (Verdict.GO, "w", report().models)
    assert (kept.together, kept.placed, kept.missing) == ("t", report().placed, ("more",))
    assert measured(first, None) == report()
    assert measured(first, QaOutcome(code="QA_OK", message="")) == report()
    assert measured(first, failed(OOM, *PASSED)) == first


def test_a_model_that_the_suite_did_not_come_to_is_unknown_and_so_is_the_whole_where_none_failed() -> None:
    found = measured(report(), failed(OOM, PASSED[0], code="KILLED"))
    assert told(found)[2] == (
        Verdict.UNKNOWN,
        "predicted GO, but QA ended before it was tested: told of KILLED",
        "mend KILLED",
    )
    assert found.why == "llama-3.3-70b-instruct: it did not fit; told of KILLED"
    blind = measured(report(), failed(code="DSC_NOT_READY"))
    assert (blind.verdict, blind.why) == (Verdict.UNKNOWN, "told of DSC_NOT_READY")
    assert {model.verdict for model in blind.models} == {Verdict.UNKNOWN}


def test_a_failure_beats_a_whole_that_was_unknown() -> None:
    found = measured(report(Verdict.UNKNOWN, Verdict.GO, Verdict.GO), failed(OOM, PASSED[1]))
    assert found.verdict is Verdict.NO_GO
    assert [model.verdict for model in found.models] == [Verdict.UNKNOWN, Verdict.NO_GO, Verdict.GO]


def test_what_is_not_told_of_a_failure_is_told_in_general() -> None:
    bare = QaModelResult(model=NAMES[0], status="ERROR", phase="setup")
    found = measured(report(), failed(bare, code="TESTS_FAILED"))
    assert told(found)[0] == (
        Verdict.NO_GO,
        "predicted GO, but its QA failed: its test failed (setup)",
        "read its first failure in the log",
    )
    assert found.why == f"{NAMES[0]}: its test failed (setup)"
    phaseless = msgspec.structs.replace(bare, phase="")
    assert "its test failed (call)" in told(measured(report(), failed(phaseless)))[0][1]


def test_a_model_that_was_being_tested_when_its_time_was_over_used_it_up() -> None:
    waiting = QaModelResult(model=NAMES[2], status="")
    found = measured(report(), failed(waiting, code="MODEL_TIMEOUT"))
    assert told(found)[2] == (
        Verdict.NO_GO,
        "predicted GO, but its QA used up its budget: told of MODEL_TIMEOUT",
        "mend MODEL_TIMEOUT",
    )
    assert told(found)[0][0] is Verdict.UNKNOWN
    assert found.why == "whisper: told of MODEL_TIMEOUT"
    other = measured(report(), failed(waiting, code="TIMEOUT"))
    assert told(other)[2][0] is Verdict.UNKNOWN
    passed = msgspec.structs.replace(waiting, status="PASSED")
    assert told(measured(report(), failed(passed, code="MODEL_TIMEOUT")))[2][0] is Verdict.GO


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (2, "m0 (OOM), m1"),
        (3, "m0 (OOM), m1, m2 (OOM)"),
        (4, "m0 (OOM), m1, m2 (OOM) and 1 more"),
        (6, "m0 (OOM), m1, m2 (OOM) and 3 more"),
    ],
)
def test_the_first_three_models_that_failed_are_told_with_their_causes(count: int, shown: str) -> None:
    names = tuple(f"m{number}" for number in range(count))
    results = tuple(
        QaModelResult(model=name, status="FAILED", cause="" if number == 1 else "OOM")
        for number, name in enumerate(names)
    )
    found = measured(report(names=(*names, "good")), failed(*results))
    assert found.why == f"{count} of {count + 1} models failed: {shown}"


def test_a_cut_name_that_is_a_whole_one_too_is_that_model_s() -> None:
    cut = NAMES[0][:20]
    found = measured(report(names=(NAMES[0], cut)), failed(QaModelResult(model=cut, status="FAILED")))
    assert [model.verdict for model in found.models] == [Verdict.UNKNOWN, Verdict.NO_GO]


def test_a_cut_name_that_fits_two_models_says_of_neither_that_it_failed() -> None:
    twins = msgspec.structs.replace(
        report(),
        models=tuple(
            ModelVerdict(model=f"a-name-of-twenty-chars-{end}", verdict=Verdict.GO, comparison="", why="w")
            for end in ("one", "two")
        ),
    )
    cut = QaModelResult(model="a-name-of-twenty-chars-one"[:20], status="FAILED")
    assert [model.verdict for model in measured(twins, failed(cut)).models] == [Verdict.UNKNOWN] * 2


def test_the_suite_cuts_names_to_twenty_characters() -> None:
    cut = QaModelResult(model=NAMES[1][:20], status="FAILED", cause="CUDA_OOM")
    found = [model.verdict for model in measured(report(), failed(cut, *PASSED)).models]
    assert found == [Verdict.GO, Verdict.NO_GO, Verdict.GO]


def test_qa_never_raises_a_verdict() -> None:
    for verdict in (Verdict.NO_GO, Verdict.UNKNOWN):
        for outcome in (QaOutcome(code="QA_OK", message=""), failed(), failed(code="TIMEOUT")):
            assert measured(report(verdict, Verdict.GO), outcome).verdict is verdict
