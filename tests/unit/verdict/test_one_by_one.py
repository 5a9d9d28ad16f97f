"""What one model of a decision raises makes that one UNKNOWN with its reason; the others are judged, and only
their changes are proposed."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from deciding_support import SHORT, cluster_of, h100, model

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.plan import Plan
from modelcar_tui.manifest.reader import read_manifest
from modelcar_tui.verdict import accepting, one_by_one
from modelcar_tui.verdict.candidate import candidates
from modelcar_tui.verdict.one_by_one import (
    NOT_JUDGED,
    decided,
    drawn,
    lowered,
    optimized,
    proposals,
    remarks,
    undecided,
)
from modelcar_tui.verdict.reports import ModelRequirements, Verdict

CLUSTER = cluster_of(h100())
KINDS = candidates(CLUSTER)
VLLM = "0.19.0"
MANIFEST = "".join(
    f"  - name: {name}\n    image: oci://quay.io/x/{name}:1\n    serving_arguments:\n"
    "      gpu_count: 1\n      args: [--swap-space=4, --max-model-len=4096]\n"
    for name in ("good", "bad")
)


def named(name: str, *args: str) -> ModelRequirements:
    one = model(*(args or (SHORT,)))
    return msgspec.structs.replace(one, car=msgspec.structs.replace(one.car, name=name))


PAIR = (named("good"), named("bad"))


def fails_for_bad(monkeypatch: pytest.MonkeyPatch, room: Any, function: str) -> None:
    real = getattr(room, function)

    def raises(first: Any, *args: Any, **more: Any) -> Any:
        if "'bad'" in repr(first) or "'bad'" in repr(args[-1:]):
            raise KeyError("planted")
        return real(first, *args, **more)

    monkeypatch.setattr(room, function, raises)


def test_a_model_that_cannot_be_judged_is_unknown_and_the_others_are_judged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole = decided(PAIR, CLUSTER, KINDS, VLLM)
    fails_for_bad(monkeypatch, one_by_one, "decide_model")
    good, bad = decided(PAIR, CLUSTER, KINDS, VLLM)
    assert good == whole[0] and good.verdict is Verdict.GO
    assert bad.verdict is Verdict.UNKNOWN and "not known, because looking at it failed: KeyError" in bad.why
    assert bad.settle and not bad.runs_on and "planted" not in str(bad)


def test_what_is_left_at_the_time_limit_is_not_judged_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    verdicts = decided(PAIR, CLUSTER, KINDS, VLLM, until=time.monotonic() - 1)
    assert {(one.verdict, one.why) for one in verdicts} == {(Verdict.UNKNOWN, NOT_JUDGED)}


def test_a_no_go_stays_one_and_a_go_is_lowered() -> None:
    problem = Problem(what="not known", fix="run again")
    (go,) = decided(PAIR[:1], CLUSTER, KINDS, VLLM)
    assert lowered(go, None) is go
    assert lowered(go, problem).verdict is Verdict.UNKNOWN and not lowered(go, problem).runs_on
    no = msgspec.structs.replace(go, verdict=Verdict.NO_GO)
    assert lowered(no, problem).verdict is Verdict.NO_GO and "not known" in lowered(no, problem).warnings
    assert undecided(PAIR[0], problem).why == "not known"


def planned(folder: Path) -> tuple[Any, tuple[ModelRequirements, ...], Plan, dict[str, Problem]]:
    path = folder / "x.base.yaml"
    path.write_text("model-car:\n" + MANIFEST)
    manifest = read_manifest(path)
    models = tuple(
        msgspec.structs.replace(named(car.name, *car.serving.args), car=car) for car in manifest.models
    )
    verdicts = decided(models, CLUSTER, KINDS, VLLM)
    faults: dict[str, Problem] = {}
    found = proposals(models, verdicts, KINDS, faults, cluster=CLUSTER, vllm=VLLM, objective="minimal")
    plan = Plan(
        base=str(path),
        base_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        target=str(folder / "x.generated.yaml"),
        changes=tuple(change for one in found for change in one.changes),
    )
    return manifest, models, plan, faults


def test_a_model_whose_arguments_cannot_be_linted_or_mended_has_no_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest, models, plan, faults = planned(tmp_path)
    assert {change.model for change in plan.changes} == {"good", "bad"} and not faults
    fails_for_bad(monkeypatch, one_by_one, "lint_model")
    findings, faults = remarks(manifest, models, CLUSTER, vllm=VLLM)
    assert set(faults) == {"bad"} and {one.model for one in findings} == {"good"}
    fails_for_bad(monkeypatch, one_by_one, "propose_for")
    _, _, plan, faults = planned(tmp_path)
    assert {change.model for change in plan.changes} == {"good"} and set(faults) == {"bad"}


def test_changes_that_cannot_be_drawn_are_not_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, models, plan, faults = planned(tmp_path)
    whole, hunks = drawn(plan, faults)
    assert whole == plan and hunks and not faults
    fails_for_bad(monkeypatch, one_by_one, "_hunks")
    fewer, hunks = drawn(plan, faults)
    assert {change.model for change in fewer.changes} == {"good"} and hunks and set(faults) == {"bad"}
    assert [one.model_name for one in optimized(models, fewer, faults)] == ["good"]


def test_a_base_that_cannot_be_read_again_leaves_no_changes_and_says_so(tmp_path: Path) -> None:
    _, _, plan, faults = planned(tmp_path)
    Path(plan.base).unlink()
    fewer, hunks = drawn(plan, faults)
    assert not fewer.changes and not hunks and set(faults) == {"good", "bad"}


def test_the_verdict_for_accepted_changes_is_made_one_by_one_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelcar_tui.manifest.plan import Decision
    from modelcar_tui.verdict.reports import DecisionReport

    _, models, plan, _ = planned(tmp_path)
    fails_for_bad(monkeypatch, one_by_one, "decide_model")
    fails_for_bad(monkeypatch, one_by_one, "lint_model")
    report = DecisionReport(verdict=Verdict.GO, why="", plan=plan)
    everything = Decision(plan_digest=plan.digest, accepted=tuple(change.id for change in plan.changes))
    after = accepting.decide_accepted(models, CLUSTER, report, everything, vllm=VLLM)
    assert [(one.model, one.verdict) for one in after.models] == [
        ("good", Verdict.GO),
        ("bad", Verdict.UNKNOWN),
    ]
    left = accepting.with_findings(models, CLUSTER, report, everything, vllm=VLLM)
    assert "bad" not in {one.model for one in left.findings}
