"""The decision anew once a start was measured: verdicts and outlook change, the plan that waits does not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from deciding_support import cluster_of, h100, model

from modelcar_tui.manifest import Decision, read_manifest
from modelcar_tui.memory import Estimate, Outcome, estimate
from modelcar_tui.models import MeasuredStart
from modelcar_tui.qa import QaModelResult, QaOutcome
from modelcar_tui.verdict import (
    Case,
    ConfigurationReport,
    DecisionReport,
    ModelRequirements,
    Verdict,
    decide,
    decide_written,
    decided_again,
    standing_decision,
)

MANIFEST = """\
model-car:
  - name: good
    image: oci://quay.io/x/good:1
    serving_arguments: {gpu_count: 1, args: [--max-model-len=8192]}
  - name: other
    image: oci://quay.io/x/other:1
    serving_arguments: {gpu_count: 1, args: [--max-model-len=8192, --swap-space=4]}
"""
DIED = "measured on H100 with vLLM 0.19.0 on 2026-11-30: out of memory while loading"


class Silent:
    def step(self, *_: Any) -> None:
        """Heard by nobody."""

    def note(self, _: str) -> None:
        """Heard by nobody."""


@pytest.fixture(autouse=True)
def measured_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """An estimate that takes a measured start as its first source, whatever its arguments."""

    def first(facts: Any, *args: Any, **more: Any) -> Estimate:
        computed = estimate(msgspec.structs.replace(facts, measured=()), *args, **more)
        if not facts.measured:
            return computed
        start = facts.measured[0]
        outcome = Outcome(start.outcome)
        why = computed.why if outcome is Outcome.STARTS else DIED
        told = {"outcome": outcome, "why": why, "measured": start, "predicted": computed.outcome}
        return msgspec.structs.replace(computed, exact=True, **told)

    monkeypatch.setattr("modelcar_tui.verdict.deciding.estimate", first)


@pytest.fixture
def case(tmp_path: Path) -> Case:
    path = tmp_path / "x.base.yaml"
    path.write_text(MANIFEST)
    manifest = read_manifest(path)
    models = tuple(msgspec.structs.replace(model(), car=car) for car in manifest.models)
    configuration = ConfigurationReport(manifest=manifest, models=models)
    return Case(configuration=configuration, cluster=cluster_of(h100()), vllm="0.19.0", objective="minimal")


def decided(case: Case) -> DecisionReport:
    return decide(case, Silent(), compare_s=60.0, arguments_s=60.0)


def with_start(case: Case, outcome: str, name: str = "good") -> Case:
    start = MeasuredStart(
        id="a", at=1.0, model=name, fingerprint="f", gpu="H100", vllm="0.19.0", outcome=outcome
    )

    def learned(one: ModelRequirements) -> ModelRequirements:
        if one.car.name != name:
            return one
        facts = msgspec.structs.replace(one.image.model, measured=(start,))
        return msgspec.structs.replace(one, image=msgspec.structs.replace(one.image, model=facts))

    models = tuple(map(learned, case.configuration.models))
    configuration = msgspec.structs.replace(case.configuration, models=models)
    return msgspec.structs.replace(case, configuration=configuration)


def test_a_start_that_died_is_no_go_with_what_was_predicted_and_the_plan_stays(case: Case) -> None:
    before = decided(case)
    assert before.models[0].verdict is Verdict.GO
    after = decided_again(with_start(case, "oom_load"), before, {"good"})
    good, other = after.models
    assert good.verdict is Verdict.NO_GO and good.why == f"predicted GO, {DIED}"
    assert "run again" in good.settle
    assert after.verdict is Verdict.NO_GO and after.why != before.why
    assert other == before.models[1]
    for name in ("plan", "hunks", "findings", "checks", "optimized"):
        assert getattr(after, name) == getattr(before, name)
    assert after.plan.digest == before.plan.digest
    assert {one.model for one in before.placed} == {"good", "other"}
    assert {one.model for one in after.placed} == {"other"}


def test_a_start_as_predicted_changes_no_verdict_and_no_reason(case: Case) -> None:
    before = decided(case)
    after = decided_again(with_start(case, "starts"), before, {"good"})
    assert (after.verdict, after.why) == (before.verdict, before.why)
    assert after.models[0].estimate is not None and after.models[0].estimate.exact


def test_what_nobody_names_is_not_judged_again(case: Case) -> None:
    before = decided(case)
    assert decided_again(with_start(case, "oom_load"), before, frozenset()).models == before.models


def test_after_a_write_the_generated_manifest_is_judged(case: Case) -> None:
    report = decided(case)
    answer = Decision(
        plan_digest=report.plan.digest, accepted=tuple(change.id for change in report.plan.changes)
    )
    models = case.configuration.models
    written = decide_written(models, case.cluster, report, answer, vllm=case.vllm)
    assert written.verdict is Verdict.GO and report.verdict is not Verdict.GO
    after = decided_again(with_start(case, "oom_load"), written, {"good"}, written=answer)
    assert after.models[0].why == f"predicted GO, {DIED}"
    assert after.models[1].verdict is Verdict.GO  # with the change that was written
    assert (after.with_changes, after.without_changes) == (None, written.without_changes)
    assert after.findings == written.findings


def test_the_suite_s_result_of_the_real_model_stands_over_a_start_with_dummies(case: Case) -> None:
    before = decided(case)
    result = QaModelResult(model="good", status="FAILED", cause="CUDA_OOM")
    outcome = QaOutcome(code="QA_ERROR:TESTS_FAILED", message="1 failed", models=(result,))
    standing = standing_decision(before, outcome)
    after = standing_decision(decided_again(with_start(case, "starts"), standing, {"good"}), outcome)
    assert after.models[0].verdict is Verdict.NO_GO and "its QA failed" in after.models[0].why
    assert after.predicted is not None and after.predicted.models[0].verdict is Verdict.GO
