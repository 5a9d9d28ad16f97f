"""The decision for exactly the accepted changes: its verdicts, and the findings that are left."""

from __future__ import annotations

import msgspec
import pytest
from deciding_support import SHORT, cluster_of, h100, model

from modelcar_tui.advice.finding import Finding, Severity
from modelcar_tui.cluster.types import AcceleratorReport, Check, GpuNode, Runtime, State
from modelcar_tui.manifest.plan import Change, Decision, Operation, Plan
from modelcar_tui.manifest.types import Position
from modelcar_tui.verdict.accepting import accepted_model, decide_accepted, with_findings
from modelcar_tui.verdict.reports import DecisionReport, ModelRequirements, Verdict
from modelcar_tui.verdict.runtime import release_of, runtime_arguments

SWAP, UNKNOWN_FLAG = "--swap-space=4", "--foo-bar=1"


def change(
    name: str, operation: Operation, *, severity: str = "required", owner: str = "m", **items: str
) -> Change:
    flag = (items.get("old") or items["new"]).partition("=")[0]
    return Change(id=name, model=owner, operation=operation, flag=flag, reason="", severity=severity, **items)


SWAP_GOES = change("swap", Operation.REMOVE, old=SWAP)
FLAG_GOES = change("flag", Operation.REMOVE, old=UNKNOWN_FLAG)
SHORTER = change("length", Operation.ADD, severity="improvement", new="--max-num-seqs=64")


def report_of(
    *changes: Change, findings: tuple[Finding, ...] = (), checks: tuple[Check, ...] = ()
) -> DecisionReport:
    plan = Plan(base="/x.yaml", base_sha256="", target="/y.yaml", changes=changes)
    return DecisionReport(verdict=Verdict.UNKNOWN, why="before", plan=plan, findings=findings, checks=checks)


def cluster(*nodes: GpuNode, version: str | None = "0.19.1", args: tuple[str, ...] = ()) -> AcceleratorReport:
    runtime = Runtime(image="i", version=version, args=args)
    return msgspec.structs.replace(cluster_of(*(nodes or (h100(),))), runtime=runtime)


def answer(*accepted: str, **edited: str) -> Decision:
    return Decision(plan_digest="", accepted=accepted, edited=edited)


def accepted(
    what: ModelRequirements, report: DecisionReport, decision: Decision, vllm: str | None = None
) -> DecisionReport:
    return decide_accepted((what,), cluster(), report, decision, vllm=vllm)


def test_the_verdict_is_about_the_arguments_after_the_accepted_changes() -> None:
    what, report = model(SHORT, SWAP), report_of(SWAP_GOES)
    taken = accepted(what, report, answer("swap"))
    assert (taken.verdict, [each.verdict for each in taken.models]) == (Verdict.GO, [Verdict.GO])
    assert taken.why == "the model can be served as the generated manifest says"
    assert taken.plan is report.plan
    left = accepted(what, report, answer())
    assert left.verdict is Verdict.NO_GO


def test_a_model_takes_its_own_changes_alone() -> None:
    other = change("other", Operation.ADD, owner="n", new="--max-num-seqs=64")
    found = accepted_model(model(SHORT, SWAP), report_of(SWAP_GOES, other).plan, answer("swap", "other"))
    assert found.car.serving.args == (SHORT,)


def test_the_runtime_s_release_judges_unless_another_one_is_told() -> None:
    """0.11 has `--swap-space`, 0.19.1 does not."""
    what, report = model(SHORT, SWAP), report_of()
    assert accepted(what, report, answer()).verdict is Verdict.NO_GO
    assert accepted(what, report, answer(), vllm="0.11.0").verdict is Verdict.GO
    old = cluster(version="0.11.0")
    assert decide_accepted((what,), old, report, answer()).verdict is Verdict.GO
    codes = {finding.code for finding in with_findings((what,), old, report, answer()).findings}
    assert "flag-removed" not in codes
    newer = with_findings((what,), old, report, answer(), vllm="0.19.1").findings
    assert any("--swap-space" in finding.what for finding in newer)


def test_what_the_cluster_s_checks_block_stays_blocked() -> None:
    blocked = Check(code="x", state=State.BLOCKED, what="model-cars are off")
    found = accepted(model(SHORT), report_of(checks=(blocked,)), answer())
    assert (found.verdict, found.why) == (Verdict.NO_GO, "model-cars are off")


def test_without_a_runtime_nothing_is_known_of_its_release_and_its_arguments() -> None:
    bare = cluster_of(h100())
    car = model(SHORT).car
    assert (release_of(car, bare, None), runtime_arguments(car, bare)) == (None, ())
    told = cluster(args=("--port=8080",))
    assert (release_of(car, told, None), runtime_arguments(car, told)) == ("0.19.1", ("--port=8080",))
    assert release_of(car, told, "0.9.0") == "0.9.0"


# What else would help.

BIG = model(SHORT, "--gpu-memory-utilization=0.15")
"""NO-GO by memory, of which no finding says what to do."""


@pytest.mark.parametrize(
    ("changes", "decision", "settle"),
    [
        ((), answer(), ""),
        ((SWAP_GOES,), answer(), "accept as well: delete --swap-space=4"),
        ((SWAP_GOES, FLAG_GOES), answer(), "accept as well: delete --swap-space=4, delete --foo-bar=1"),
        ((SHORTER,), answer(), ""),
        ((SHORTER,), answer("length"), ""),
        (
            (SHORTER,),
            answer("length", length="--max-num-seqs=32"),
            "take as proposed: add --max-num-seqs=64",
        ),
        (
            (SWAP_GOES, SHORTER),
            answer("length", length="--max-num-seqs=32"),
            "accept as well: delete --swap-space=4; take as proposed: add --max-num-seqs=64",
        ),
        ((msgspec.structs.replace(SWAP_GOES, model="n"),), answer(), ""),
        ((msgspec.structs.replace(SHORTER, severity="required"),), answer("length"), ""),
    ],
)
def test_what_the_plan_holds_ready_and_was_not_taken_is_told(
    changes: tuple[Change, ...], decision: Decision, settle: str
) -> None:
    found = accepted(BIG, report_of(*changes), decision)
    assert found.verdict is Verdict.NO_GO
    assert found.models[0].settle == settle


def test_a_way_out_that_is_told_already_is_kept_and_a_go_needs_none() -> None:
    report = report_of(FLAG_GOES)
    stopped = accepted(model(SHORT, SWAP, UNKNOWN_FLAG), report, answer())
    assert stopped.models[0].settle == "delete --swap-space=4, delete --foo-bar=1"
    assert accepted(model(SHORT), report, answer()).models[0].settle == ""


# The findings that are left.


def test_what_an_accepted_change_mends_is_found_no_more() -> None:
    what, report = model(SHORT, SWAP, UNKNOWN_FLAG), report_of(SWAP_GOES, FLAG_GOES)

    def told(decision: Decision) -> tuple[bool, bool]:
        texts = [finding.what for finding in with_findings((what,), cluster(), report, decision).findings]
        return tuple(any(flag in text for text in texts) for flag in ("--swap-space", "--foo-bar"))  # type: ignore[return-value]

    assert told(answer()) == (True, True)
    assert told(answer("swap")) == (False, True)
    assert told(answer("swap", "flag")) == (False, False)


def test_a_finding_that_stays_keeps_its_place_and_the_readers_own_stay_as_they_are() -> None:
    what = model(SHORT, UNKNOWN_FLAG)
    (found,) = (
        finding
        for finding in with_findings((what,), cluster(), report_of(), answer()).findings
        if "--foo-bar" in finding.what
    )
    placed = msgspec.structs.replace(found, at=Position(7, 3))
    reader = Finding(code="r", severity=Severity.NOTE, model="", what="read with a remark")
    gone = Finding(code="g", severity=Severity.NOTE, model="m", what="mended meanwhile")
    left = with_findings((what,), cluster(), report_of(findings=(placed, reader, gone)), answer()).findings
    assert left[0] == reader
    assert gone not in left
    assert [finding.at for finding in left if "--foo-bar" in finding.what] == [Position(7, 3)]
    assert found.at != Position(7, 3)


def test_the_runtime_s_own_arguments_are_heard() -> None:
    what = model(SHORT, "--max-num-seqs=64")
    alone = with_findings((what,), cluster(), report_of(), answer()).findings
    beside = with_findings((what,), cluster(args=("--max-num-seqs=64",)), report_of(), answer()).findings
    assert {finding.what for finding in alone} < {finding.what for finding in beside}
