"""The outcome of about sixty states, written by hand: headline, status, reason, next step."""

from __future__ import annotations

from itertools import permutations

import msgspec
import pytest

from modelcar_tui.cluster.types import Check, State
from modelcar_tui.manifest.plan import Change, Decision, Operation, Plan
from modelcar_tui.qa.types import QaModelResult, QaOutcome
from modelcar_tui.verdict.known import Known
from modelcar_tui.verdict.outcome import run_outcome, settled, standing_decision
from modelcar_tui.verdict.reports import Condition, DecisionReport, Holds, ModelVerdict, Verdict, Vote

GO, NO, UN = Verdict.GO, Verdict.NO_GO, Verdict.UNKNOWN
ON_L40S = Condition(text="on L40S only", holds=Holds.YES)
BY_NAME = Condition(text="by name only: 1 image unread", holds=Holds.YES)
GUESSED = Condition(text="by name only: 1 image unread", holds=Holds.UNKNOWN, settles="log in to quay.io")
IF_FREE = Condition(text="if 1 L40S is free", holds=Holds.UNKNOWN, settles="oc get pods -A")
NOT_FREE = Condition(text="if 1 L40S is free", holds=Holds.NO, settles="free an L40S")
COUNT = Change(
    id="a/gpu_count",
    model="a",
    operation=Operation.GPU_COUNT,
    flag="gpu_count",
    new="2",
    reason="r",
    severity="required",
)
SIZE = Change(
    id="a/tp",
    model="a",
    operation=Operation.ADD,
    flag="--tensor-parallel-size",
    new="--tensor-parallel-size=2",
    reason="r",
    severity="required",
)
COSMETIC = Change(
    id="b/swap",
    model="b",
    operation=Operation.REMOVE,
    flag="--swap-space",
    old="--swap-space=4",
    reason="r",
)
CHANGES = (COUNT, SIZE, COSMETIC)
ALL = Decision(plan_digest="d", accepted=("a/gpu_count", "a/tp", "b/swap"), write=True)
SOME = Decision(plan_digest="d", accepted=("a/gpu_count", "a/tp"), write=True)
ONLY_COSMETIC = Decision(plan_digest="d", accepted=("b/swap",), write=True)
EDITED = Decision(plan_digest="d", accepted=("a/gpu_count",), edited={"a/gpu_count": "4"}, write=True)
REJECTED = Decision(plan_digest="d")
OOM = QaModelResult(
    model="a", status="FAILED", cause="CUDA_OOM", line="CUDA out of memory.", means="no room", fix="lower it"
)
PASSED = QaOutcome(
    code="QA_OK",
    message="2 passed",
    models=(QaModelResult(model="a", status="PASSED"), QaModelResult(model="b", status="PASSED")),
)
MODEL_FAILED = QaOutcome(
    code="QA_ERROR:CUDA_OOM",
    message="m",
    fix="f",
    models=(OOM, QaModelResult(model="b", status="PASSED")),
)
SUITE_FAILED = QaOutcome(code="QA_ERROR:DSC_NOT_READY", message="DSC is not ready", fix="oc get dsc")
LATE = QaOutcome(code="QA_ERROR:TIMEOUT", message="stopped at the limit", fix="raise --qa-timeout")
SKIPPED = QaOutcome(code="QA_SKIPPED:NOT_WANTED", message="--no-qa")
DENIED = Vote(who="License", verdict=NO, reason="licence of a not accepted")
DOUBT = Vote(who="License", verdict=UN, reason="no policy was read")
FINE = Vote(who="License", verdict=GO, reason="licences are fine")
SERVED = "each of the 2 models can be served as the manifest says"
GENERATED = "each of the 2 models can be served as the generated manifest says"
SHORT = "a: 150 GiB are more than 80"
BLIND = "no kubeconfig at ~/.kube/config"
TAKE = "accept: set gpu_count 2, add --tensor-parallel-size=2"
WITH = "with gpu_count 2, --tensor-parallel-size=2 accepted"


def one(
    name: str, verdict: Verdict, *conditions: Condition, why: str = "fits", settle: str = ""
) -> ModelVerdict:
    return ModelVerdict(
        model=name, verdict=verdict, comparison="", why=why, settle=settle, conditions=conditions
    )


def decided(*models: ModelVerdict, after: Verdict | None = None, **more: object) -> DecisionReport:
    verdicts = [model.verdict for model in models]
    worst = next((verdict for verdict in (NO, UN) if verdict in verdicts), GO)
    plan = Plan(base="x", base_sha256="", target="y", changes=CHANGES if after is not None else ())
    made = DecisionReport(verdict=worst, why=SERVED, models=models, plan=plan, with_changes=after)
    return msgspec.structs.replace(made, **more)


SHORT_A = one("a", NO, why="150 GiB are more than 80", settle="a larger GPU")
FITS = decided(one("a", GO), one("b", GO))
LIMITED = decided(one("a", GO, ON_L40S), one("b", GO, ON_L40S))
BY_NAMES = decided(one("a", GO, BY_NAME), one("b", GO, BY_NAME))
PARTLY = decided(one("a", GO, ON_L40S), one("b", GO))
BOTH = decided(one("a", GO, ON_L40S, BY_NAME), one("b", GO, ON_L40S, BY_NAME))
FREE = decided(one("a", UN, IF_FREE, why="free GPUs are not known"), one("b", GO))
FREE_GO = decided(one("a", GO, IF_FREE), one("b", GO))
TAKEN = decided(one("a", GO, NOT_FREE), one("b", GO))
TAKEN_UN = decided(one("a", UN, NOT_FREE, why="w"), one("b", GO))
GUESS = decided(one("a", UN, GUESSED, why="w"), one("b", UN, GUESSED, why="w"))
MIXED = decided(one("a", UN, IF_FREE, why="v"), one("b", UN, why="w", settle="log in"))
LACKS = decided(SHORT_A, one("b", GO))
MENDED = decided(SHORT_A, one("b", GO), after=GO)
UNMENDED = decided(SHORT_A, one("b", GO), after=NO)
DARK = decided(
    one("a", UN, why=BLIND, settle="oc login"), one("b", UN, why=BLIND, settle="oc login"), after=UN
)
WROTE = decided(one("a", GO), one("b", GO), plan=MENDED.plan, without_changes=NO)
WROTE_ON = decided(one("a", GO, ON_L40S), one("b", GO, ON_L40S), plan=MENDED.plan, without_changes=NO)
WROTE_PLAIN = decided(one("a", GO), one("b", GO), plan=MENDED.plan, without_changes=GO)
WROTE_SHORT = decided(SHORT_A, one("b", GO), plan=MENDED.plan, without_changes=NO)
TWO_REASONS = decided(
    one("a", NO, why="x"), one("b", NO, why="y", settle="mend y"), one("c", NO, why="y", settle="mend y")
)
LOCKED = decided(
    one("a", GO),
    one("b", GO),
    verdict=NO,
    why="KServe is switched off",
    checks=(Check(code="kserve", state=State.BLOCKED, what="KServe is switched off"),),
)
Row = tuple[str, Known, str, int, str, str]


def known(report: DecisionReport | None = None, **more: object) -> Known:
    return msgspec.structs.replace(Known(decision=report), **more)


DIED = "a: no room"
TABLE: list[Row] = [
    # what it is, what is known, headline, exit status, reason, next step
    ("fits", known(FITS), "GO", 0, SERVED, ""),
    ("fits, QA passed", known(FITS, qa=PASSED), "GO", 0, SERVED, ""),
    ("fits, QA skipped", known(FITS, qa=SKIPPED), "GO", 0, SERVED, ""),
    ("fits, a model's QA failed", known(FITS, qa=MODEL_FAILED), "QA FAILED", 4, DIED, "lower it"),
    (
        "fits, the suite failed",
        known(FITS, qa=SUITE_FAILED),
        "QA FAILED",
        4,
        "DSC is not ready",
        "oc get dsc",
    ),
    ("fits, the suite was late", known(FITS, qa=LATE), "QA FAILED", 6, LATE.message, LATE.fix),
    ("one kind", known(LIMITED), "GO on L40S only", 0, SERVED, ""),
    ("one kind, QA passed", known(LIMITED, qa=PASSED), "GO on L40S only", 0, SERVED, ""),
    ("one kind, QA failed", known(LIMITED, qa=MODEL_FAILED), "QA FAILED", 4, DIED, "lower it"),
    ("one kind for one", known(PARTLY), "GO on L40S only (a)", 0, SERVED, ""),
    ("by name", known(BY_NAMES), "GO by name only: 2 images unread", 0, SERVED, ""),
    ("both", known(BOTH), "GO on L40S only, by name only: 2 images unread", 0, SERVED, ""),
    (
        "free?",
        known(FREE),
        "UNKNOWN, GO if 1 L40S is free (a)",
        8,
        "a: free GPUs are not known",
        "oc get pods -A",
    ),
    (
        "free? said as GO",
        known(FREE_GO),
        "UNKNOWN, GO if 1 L40S is free (a)",
        8,
        "a: GO only if 1 L40S is free, and whether that holds is not known",
        "oc get pods -A",
    ),
    (
        "free? blind",
        known(FREE, blind=True),
        "UNKNOWN, GO if 1 L40S is free (a)",
        3,
        "a: free GPUs are not known",
        "oc get pods -A",
    ),
    (
        "not free",
        known(TAKEN),
        "NO-GO",
        1,
        "a: GO only if 1 L40S is free, and that does not hold",
        "free an L40S",
    ),
    (
        "not free, unknown",
        known(TAKEN_UN),
        "NO-GO",
        1,
        "a: GO only if 1 L40S is free, and that does not hold",
        "free an L40S",
    ),
    (
        "guessed",
        known(GUESS),
        "UNKNOWN, GO by name only: 2 images unread",
        8,
        "w (2 models)",
        "log in to quay.io",
    ),
    (
        "one is unknown for more",
        known(MIXED),
        "UNKNOWN",
        8,
        "a: v; 1 more model for another reason",
        "oc get pods -A (and 1 more)",
    ),
    ("short", known(LACKS), "NO-GO", 1, SHORT, "a larger GPU"),
    ("short, blind", known(LACKS, blind=True), "NO-GO", 1, SHORT, "a larger GPU"),
    ("short, QA skipped", known(LACKS, qa=SKIPPED), "NO-GO", 1, SHORT, "a larger GPU"),
    ("short, changes mend it", known(MENDED), "NO-GO", 1, SHORT, TAKE),
    ("short, changes don't", known(UNMENDED), "NO-GO", 1, SHORT, "a larger GPU"),
    ("mended, rejected", known(MENDED, answer=REJECTED), "NO-GO", 5, SHORT, TAKE),
    ("fits, rejected", known(FITS, answer=REJECTED), "GO", 5, SERVED, ""),
    ("mended, accepted, not yet written", known(MENDED, answer=ALL), "NO-GO", 1, SHORT, TAKE),
    ("mended, could not be written", known(MENDED, answer=ALL, kept="full"), "NO-GO", 2, SHORT, TAKE),
    ("written, all", known(WROTE, answer=ALL, written=True), f"GO {WITH}", 0, GENERATED, ""),
    ("written, what is required", known(WROTE, answer=SOME, written=True), f"GO {WITH}", 0, GENERATED, ""),
    (
        "written, edited",
        known(WROTE, answer=EDITED, written=True),
        "GO with gpu_count 4 accepted",
        0,
        GENERATED,
        "",
    ),
    ("written, QA passed", known(WROTE, answer=ALL, written=True, qa=PASSED), f"GO {WITH}", 0, GENERATED, ""),
    (
        "written, QA failed",
        known(WROTE, answer=ALL, written=True, qa=MODEL_FAILED),
        "QA FAILED",
        4,
        DIED,
        "lower it",
    ),
    (
        "written, on one kind",
        known(WROTE_ON, answer=ALL, written=True),
        f"GO on L40S only, {WITH}",
        0,
        GENERATED,
        "",
    ),
    ("written, base was GO", known(WROTE_PLAIN, answer=ALL, written=True), "GO", 0, SERVED, ""),
    (
        "written, not enough",
        known(WROTE_SHORT, answer=ONLY_COSMETIC, written=True),
        "NO-GO",
        1,
        SHORT,
        "a larger GPU",
    ),
    ("dark", known(DARK), "UNKNOWN", 8, f"{BLIND} (2 models)", "oc login"),
    ("dark, blind", known(DARK, blind=True), "UNKNOWN", 3, f"{BLIND} (2 models)", "oc login"),
    (
        "dark, rejected",
        known(DARK, answer=REJECTED, blind=True),
        "UNKNOWN",
        5,
        f"{BLIND} (2 models)",
        "oc login",
    ),
    ("dark, QA failed", known(DARK, qa=SUITE_FAILED), "QA FAILED", 4, "DSC is not ready", "oc login"),
    (
        "two reasons",
        known(TWO_REASONS),
        "NO-GO",
        1,
        "y (2 models); 1 more model for another reason",
        "mend y",
    ),
    ("a check blocks", known(LOCKED), "NO-GO", 1, "KServe is switched off", ""),
    ("one model", known(decided(one("a", NO, why="too large"))), "NO-GO", 1, "too large", ""),
    ("fits, denied", known(FITS, votes=(DENIED,)), "NO-GO", 1, str(DENIED), "settle it with License"),
    ("fits, doubted", known(FITS, votes=(DOUBT,)), "UNKNOWN", 8, str(DOUBT), "settle it with License"),
    ("fits, fine", known(FITS, votes=(FINE,)), "GO", 0, SERVED, ""),
    ("one kind, denied", known(LIMITED, votes=(DENIED,)), "NO-GO", 1, str(DENIED), "settle it with License"),
    ("one kind, doubted", known(LIMITED, votes=(DOUBT,)), "UNKNOWN", 8, str(DOUBT), "settle it with License"),
    ("one kind, fine", known(LIMITED, votes=(FINE,)), "GO on L40S only", 0, SERVED, ""),
    (
        "denied and doubted",
        known(FITS, votes=(DOUBT, DENIED)),
        "NO-GO",
        1,
        str(DENIED),
        "settle it with License",
    ),
    ("short, fine", known(LACKS, votes=(FINE,)), "NO-GO", 1, SHORT, "a larger GPU"),
    ("short, doubted", known(LACKS, votes=(DOUBT,)), "NO-GO", 1, SHORT, "a larger GPU"),
    ("short, denied", known(LACKS, votes=(DENIED,)), "NO-GO", 1, f"{SHORT}; {DENIED}", "a larger GPU"),
    ("mended, denied", known(MENDED, votes=(DENIED,)), "NO-GO", 1, f"{SHORT}; {DENIED}", "a larger GPU"),
    ("mended, fine", known(MENDED, votes=(FINE,)), "NO-GO", 1, SHORT, TAKE),
    ("dark, fine", known(DARK, votes=(FINE,)), "UNKNOWN", 8, f"{BLIND} (2 models)", "oc login"),
    (
        "dark, denied",
        known(DARK, votes=(DENIED,), blind=True),
        "NO-GO",
        1,
        str(DENIED),
        "settle it with License",
    ),
    ("dark, doubted", known(DARK, votes=(DOUBT,)), "UNKNOWN", 8, f"{BLIND} (2 models); {DOUBT}", "oc login"),
    (
        "free? fine",
        known(FREE, votes=(FINE,)),
        "UNKNOWN, GO if 1 L40S is free (a)",
        8,
        "a: free GPUs are not known",
        "oc get pods -A",
    ),
    (
        "written, denied",
        known(WROTE, answer=ALL, written=True, votes=(DENIED,)),
        "NO-GO",
        1,
        str(DENIED),
        "settle it with License",
    ),
    (
        "denied, rejected",
        known(FITS, votes=(DENIED,), answer=REJECTED),
        "NO-GO",
        5,
        str(DENIED),
        "settle it with License",
    ),
    (
        "denied, QA failed",
        known(FITS, votes=(DENIED,), qa=MODEL_FAILED),
        "QA FAILED",
        4,
        f"{DIED}; {DENIED}",
        "lower it",
    ),
    (
        "passed, denied",
        known(FITS, votes=(DENIED,), qa=PASSED),
        "NO-GO",
        1,
        str(DENIED),
        "settle it with License",
    ),
    ("ended early", known(ended=UN, summary="no such file"), "UNKNOWN", 8, "no such file", ""),
    ("ended early, denied", known(ended=UN, summary="s", votes=(DENIED,)), "NO-GO", 1, str(DENIED), ""),
    ("ended early, fine", known(ended=UN, summary="s", votes=(FINE,)), "UNKNOWN", 8, "s", ""),
]


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_the_outcome_is_the_one_of_the_table(row: Row) -> None:
    _, state, headline, status, why, step = row
    told = run_outcome(state)
    assert told is not None
    assert (told.headline, told.status, told.why, told.next) == (headline, status, why, step)
    assert headline.startswith(told.word)
    assert told.line == f"{headline}: {why}"


def test_nothing_is_said_of_a_run_that_has_no_verdict_yet() -> None:
    assert run_outcome(Known(qa=PASSED, votes=(DENIED,), answer=ALL, written=True)) is None


@pytest.mark.parametrize("row", TABLE, ids=[row[0] for row in TABLE])
def test_telling_the_decision_again_changes_nothing(row: Row) -> None:
    state = row[1]
    if state.decision is None:
        return
    again = standing_decision(state.decision, state.qa, state.votes)
    assert standing_decision(again, state.qa, state.votes) == again
    assert run_outcome(msgspec.structs.replace(state, decision=again)) == run_outcome(state)
    assert standing_decision(again, None) == settled(state.decision)


def test_qa_and_votes_come_to_the_same_in_any_order() -> None:
    def apply(steps: tuple[str, ...]) -> DecisionReport:
        report, qa, votes = FITS, None, ()
        for step in steps:
            qa = MODEL_FAILED if step == "qa" else qa
            votes = (*votes, DENIED) if step == "vote" else votes
            report = standing_decision(FITS if step == "decision" else report, qa, votes)
        return report

    told = [apply(steps) for steps in permutations(("qa", "vote", "decision"))]
    assert all(report == told[0] for report in told)


def test_a_vote_never_raises_a_verdict_whatever_it_says() -> None:
    order = (NO, UN, GO)
    for row in TABLE:
        before = run_outcome(msgspec.structs.replace(row[1], votes=()))
        for vote in (DENIED, DOUBT, FINE):
            after = run_outcome(msgspec.structs.replace(row[1], votes=(vote,)))
            if before is not None and after is not None:
                assert order.index(after.verdict) <= order.index(before.verdict)
                assert order.index(after.verdict) <= order.index(vote.verdict)


def test_each_model_has_its_own_word_prediction_and_measurement() -> None:
    told = run_outcome(known(LIMITED, qa=MODEL_FAILED))
    assert told is not None
    died, passed = told.models
    assert (died.word, died.predicted, died.measured) == (
        "NO-GO",
        GO,
        "its QA failed: CUDA_OOM: CUDA out of memory.",
    )
    assert (passed.headline, passed.predicted, passed.measured) == ("GO on L40S only", GO, "passed")
    assert (told.predicted, told.measured) == (GO, DIED)


def test_a_model_that_was_mended_says_by_what() -> None:
    told = run_outcome(known(WROTE, answer=ALL, written=True))
    assert told is not None
    assert [model.headline for model in told.models] == [f"GO {WITH}", "GO"]
    before = run_outcome(known(MENDED))
    assert before is not None
    assert [model.next for model in before.models] == ["set gpu_count 2, add --tensor-parallel-size=2", ""]


def test_more_than_three_conditions_and_changes_are_counted() -> None:
    many = tuple(Condition(text=f"if {number} is free", holds=Holds.UNKNOWN) for number in range(5))
    told = run_outcome(known(decided(one("a", UN, *many, why="w"))))
    assert told is not None
    assert told.headline == ("UNKNOWN, GO if 0 is free, if 1 is free, if 2 is free and 2 more conditions")
    changes = tuple(msgspec.structs.replace(COUNT, id=str(number)) for number in range(5))
    report = msgspec.structs.replace(WROTE, plan=msgspec.structs.replace(WROTE.plan, changes=changes))
    answer = Decision(plan_digest="d", accepted=tuple(str(number) for number in range(5)), write=True)
    told = run_outcome(known(report, answer=answer, written=True))
    assert told is not None
    assert told.headline.endswith("gpu_count 2 and 2 more accepted")
