"""The whole decision: what it tells while it decides, what it comes to, and what it leaves open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from deciding_support import cluster_of, h100, model

from modelcar_tui.advice import Severity
from modelcar_tui.cluster.types import AcceleratorReport, State
from modelcar_tui.core.errors import UserError
from modelcar_tui.manifest import Change, Decision, Operation, read_manifest
from modelcar_tui.verdict import (
    Case,
    ConfigurationReport,
    DecisionReport,
    Verdict,
    decide,
    decide_with,
    decide_written,
    not_decided,
)
from modelcar_tui.verdict import decision as room

MANIFEST = """\
model-car:
  - name: good
    image: oci://quay.io/x/good:1
    serving_arguments:
      gpu_count: 1
      args: [--max-model-len=8192]
  - name: bad
    image: oci://quay.io/x/bad:1
    serving_arguments:
      gpu_count: 1
      args: [--max-model-len=8192, --swap-space=4]
"""


class Heard:
    def __init__(self) -> None:
        self.steps: list[tuple[str, str]] = []
        self.details: dict[str, str] = {}
        self.notes: list[str] = []

    def step(self, step: str, status: str, detail: str = "") -> None:
        self.steps.append((step, status))
        self.details[step] = detail

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    path = tmp_path / "x.base.yaml"
    path.write_text(MANIFEST)
    manifest = read_manifest(path)
    models = tuple(msgspec.structs.replace(model(), car=car) for car in manifest.models)
    configuration = ConfigurationReport(manifest=manifest, models=models)
    return Case(configuration=configuration, cluster=cluster_of(h100()), vllm="0.19.0", objective="minimal")


def decided(case: Case, **limits: float) -> tuple[DecisionReport, Heard]:
    heard = Heard()
    return decide(case, heard, **{"compare_s": 60.0, "arguments_s": 60.0, **limits}), heard


def test_the_decision_tells_its_steps_in_order_and_proposes_what_is_required(case: Case) -> None:
    report, heard = decided(case)
    assert heard.steps == [
        ("compare", "running"),
        ("compare", "done"),
        ("quantization", "done"),
        ("arguments", "running"),
        ("arguments", "done"),
    ]
    assert heard.details["compare"] == "2 compared" and not heard.notes
    assert [(one.model, one.verdict) for one in report.models] == [
        ("good", Verdict.GO),
        ("bad", Verdict.NO_GO),
    ]
    assert (report.verdict, report.with_changes) == (Verdict.NO_GO, Verdict.GO)
    assert [(change.model, change.operation) for change in report.plan.changes if change.model == "bad"] == [
        ("bad", Operation.REMOVE)
    ]
    assert report.hunks and report.together and report.plan.target.endswith("x.generated.yaml")


def test_what_a_limit_leaves_is_not_known_and_said(case: Case) -> None:
    report, heard = decided(case, compare_s=-1)
    assert report.verdict is Verdict.UNKNOWN
    assert ("compare", "warning") in heard.steps and "-1 s" in heard.details["compare"]
    report, heard = decided(case, arguments_s=-1)
    assert ("arguments", "warning") in heard.steps
    assert [note.partition(":")[0] for note in heard.notes] == ["good", "bad"]
    assert not report.plan.changes


@pytest.mark.parametrize("name", ["candidates", "preflight"])
def test_a_part_that_fails_is_unknown_and_the_rest_is_decided(
    case: Case, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raises(*_: Any) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(room, name, raises)
    report, heard = decided(case)
    if name == "candidates":
        assert {one.verdict for one in report.models} == {Verdict.UNKNOWN}
    else:
        assert [check.code for check in report.checks if check.state is State.UNKNOWN] == ["unanswered"]
        assert report.plan.changes
    assert "planted" not in repr(report) + repr(heard.notes)


def test_changes_that_a_model_suggests_join_the_plan(case: Case) -> None:
    report, heard = decided(case)
    more = Change(
        id="good/--max-num-seqs",
        model="good",
        operation=Operation.ADD,
        flag="--max-num-seqs",
        new="--max-num-seqs=64",
        reason="",
        origin="model",
    )
    joined = decide_with(case, report, (more,), heard)
    assert joined.plan.changes == (*report.plan.changes, more)
    assert any("--max-num-seqs=64" in line for hunk in joined.hunks for line in hunk.lines)
    assert heard.details["arguments"].endswith("1 by the language model")
    odd = msgspec.structs.replace(more, operation=Operation.SET, old="--not-there=1")
    with pytest.raises(UserError):
        decide_with(case, report, (odd,), heard)


def test_where_a_report_is_missing_every_model_is_unknown(case: Case) -> None:
    manifest, known = case.configuration.manifest, case.configuration.models[:1]
    report = not_decided(manifest, known, "elsewhere.yaml", "accelerator has no report (it died)")
    assert report.verdict is Verdict.UNKNOWN and "it died" in report.why
    assert [(one.model, one.verdict) for one in report.models] == [
        ("good", Verdict.UNKNOWN),
        ("bad", Verdict.UNKNOWN),
    ]
    assert (report.plan.base, report.plan.base_sha256) == (manifest.path, manifest.sha256)
    bare = not_decided(None, (), "elsewhere.base.yaml", "w")
    assert (bare.models, bare.plan.base, bare.plan.target) == (
        (),
        "elsewhere.base.yaml",
        "elsewhere.generated.yaml",
    )


def errors(report: DecisionReport) -> list[str]:
    return [one.code for one in report.findings if one.severity is Severity.ERROR]


def written(case: Case, report: DecisionReport, cluster: AcceleratorReport | None) -> DecisionReport:
    changes = report.plan.changes
    answer = Decision(plan_digest=report.plan.digest, accepted=tuple(one.id for one in changes), write=True)
    return decide_written(case.configuration.models, cluster, report, answer, vllm=case.vllm)


def test_the_decision_on_what_was_written_may_be_made_twice(case: Case) -> None:
    report, _ = decided(case)
    once = written(case, report, case.cluster)
    assert (once.verdict, once.with_changes, once.without_changes) == (Verdict.GO, None, Verdict.NO_GO)
    errors = [
        [one.code for one in told.findings if one.severity is Severity.ERROR] for told in (report, once)
    ]
    assert errors[0] and not errors[1]
    assert written(case, once, case.cluster) == once
    assert written(case, report, None) == report


def test_a_written_manifest_that_cannot_be_judged_lowers_the_verdict(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelcar_tui.verdict import accepting

    report, _ = decided(case)

    def raises(*_: Any, **__: Any) -> None:
        raise KeyError("planted")

    monkeypatch.setattr(accepting, "decide_accepted", raises)
    after = written(case, report, case.cluster)
    assert after.verdict is Verdict.NO_GO and "planted" not in after.why
    assert {one.verdict for one in after.models} == {Verdict.UNKNOWN, Verdict.NO_GO}
    assert after.without_changes is Verdict.NO_GO
