"""Forms of the reason and of the next step: each shorter than the one before, and true by itself."""

from __future__ import annotations

import msgspec
import pytest
import test_outcome_table as table

from modelcar_tui.qa.types import QaModelResult, QaOutcome
from modelcar_tui.verdict.brief import cause_in_words, clauses, tally
from modelcar_tui.verdict.outcome import run_outcome


@pytest.mark.parametrize(
    ("text", "forms"),
    [
        ("DSC is not ready", ["DSC is not ready"]),
        (
            "the GPUs are unknown: there is no kubeconfig at /x/config",
            ["no GPUs known: there is no kubeconfig at /x/config", "no GPUs known"],
        ),
        (
            "it needs 125 GiB a GPU (by name); even the least does not fit",
            [
                "it needs 125 GiB a GPU (by name); even the least does not fit",
                "it needs 125 GiB a GPU; even the least does not fit",
                "it needs 125 GiB a GPU",
            ],
        ),
        ("131,072 tokens need 40.0 GiB", ["131,072 tokens need 40.0 GiB"]),
        ("a, b and c do not fit", ["a, b and c do not fit"]),
    ],
)
def test_a_clause_is_left_out_as_a_whole(text: str, forms: list[str]) -> None:
    assert list(dict.fromkeys(clauses(text))) == forms


@pytest.mark.parametrize("row", table.TABLE, ids=[row[0] for row in table.TABLE])
def test_forms_get_shorter_and_none_drops_that_there_is_a_condition(row: table.Row) -> None:
    told = run_outcome(row[1])
    assert told is not None
    assert told.heads[0] == told.headline
    for forms in (told.heads, [str(form) for form in told.brief]):
        assert list(forms) == sorted(forms, key=len, reverse=True)
        assert len(set(forms)) == len(forms)
    if told.headline != told.word:
        assert all(head != told.word for head in told.heads)
    assert told.brief and len(told.brief[-1].what) <= 40
    for step in told.steps:
        assert step.forms
        assert all(step.command in form for form in step.forms)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("CUDA_OOM", "CUDA out of memory"),
        ("QA_ERROR:DSC_NOT_READY", "DSC not ready"),
        ("IMAGE_PULL_DENIED", "image pull denied"),
    ],
)
def test_a_code_of_qa_is_told_in_words(code: str, words: str) -> None:
    assert cause_in_words(code) == words


def test_models_are_counted_by_how_their_test_ended() -> None:
    def qa(*statuses: str, code: str = "QA_OK") -> QaOutcome:
        models = tuple(QaModelResult(model=str(at), status=status) for at, status in enumerate(statuses))
        return QaOutcome(code=code, message="m", models=models)

    assert tally(qa("PASSED", "PASSED")) == "2 passed"
    assert tally(qa("PASSED", "FAILED", "ERROR", "")) == "1 passed, 2 failed"
    assert tally(qa()) == tally(None) == ""
    assert tally(qa(code="QA_SKIPPED:REFUSED")) == "skipped"


def steps(**more: object) -> list[str]:
    told = run_outcome(table.known(table.MENDED, **more))
    assert told is not None
    return [str(step) for step in told.steps]


def test_the_steps_follow_where_the_run_stands() -> None:
    assert steps(asked=True) == ["A: accept the 2 required", "d: review all 3"]
    assert steps(asked=True, recorded=True) == ["d: see all 3"]
    marks = "1 of 3 accepted, not written"
    go_on = f"d: {marks}: review and write"
    assert steps(asked=True, marks=marks) == [go_on, "A: accept the 2 required"]
    assert table.MENDED.plan is not None
    needed = tuple(change.id for change in table.MENDED.plan.changes if change.severity == "required")
    assert steps(asked=True, marks=marks, marked=needed[:1]) == [go_on, "A: accept the 1 required"]
    assert steps(asked=True, marks=marks, marked=needed) == [go_on]
    assert steps(answer=table.ALL) == []
    assert steps(finished=True) == [
        "run it again and accept: set gpu_count 2, add --tensor-parallel-size=2",
        "o: summary",
    ]
    assert steps(finished=True, resumable="r1") == ["go on: modelcar-tui --resume r1"]
    written = {"answer": table.ALL, "written": True, "decision": table.WROTE}
    assert steps(**written, consent=True) == ["x: see what QA would do, then start or skip it"]
    assert steps(**written, testing=True) == ["l: log"]
    assert steps(**written, testing=True, hopeless=True) == [
        "S: stop QA, it will not mend itself",
        "l: log",
    ]
    assert steps(**written, qa=table.MODEL_FAILED, finished=True) == [
        "lower it",
        "l: log",
        "e: root cause",
        "o: summary",
    ]


def test_a_command_is_told_apart_from_the_words_about_it() -> None:
    help_ = "oc login --web https://API:6443, or name the GPUs: --gpu L40S:4"
    blind = table.decided(table.one("a", table.UN, why="w", settle=help_))
    told = run_outcome(table.known(blind, finished=True))
    assert told is not None
    login, gpus, _ = told.steps
    assert (login.command, gpus.command) == ("oc login --web https://API:6443", "--gpu L40S:4")
    assert gpus.forms == ("name the GPUs: --gpu L40S:4", "--gpu L40S:4")


def test_what_helps_does_not_say_the_reason_again() -> None:
    why = "it needs 125 GiB"
    help_ = f"{why}; no arguments make it start. What would: 8 x L40S on one node; 2 x H200"
    told = run_outcome(table.known(table.decided(table.one("a", table.NO, why=why, settle=help_))))
    assert told is not None
    assert [str(step) for step in told.steps] == ["8 x L40S on one node", "2 x H200", "o: summary"]


def test_a_name_stands_only_where_it_is_one_model_s() -> None:
    both = table.decided(*(table.one(name, table.NO, why="no GPU") for name in "ab"))
    told = run_outcome(table.known(both))
    one = run_outcome(table.known(table.LACKS))
    alone = run_outcome(table.known(msgspec.structs.replace(table.LACKS, models=(table.SHORT_A,))))
    assert told is not None and one is not None and alone is not None
    assert {form.model for form in told.brief} == {""}
    assert one.brief[0].model == "a"
    assert alone.brief[0].model == ""
