"""The lint, the proposals and the solver before a value that Kubernetes puts in."""

from __future__ import annotations

import pytest
from compatibility_support import H100, LLAMA, T4, car, facts

from modelcar_tui.advice.finding import Severity
from modelcar_tui.advice.lint.lint import lint_model
from modelcar_tui.advice.repairs.proposals import propose
from modelcar_tui.advice.solver.solver import solve
from modelcar_tui.memory.types import Outcome
from modelcar_tui.vllm.arguments.parsing import flags_of

ASKED = ("--max-model-len=$(MAX_LEN)", "--gpu-memory-utilization=$(UTIL)")


@pytest.mark.parametrize("release", ["0.8.5", "0.13.0", "0.33.0"])
def test_no_flag_that_takes_a_value_is_at_fault_for_a_variable(release: str) -> None:
    for flag in flags_of(release):
        if flag.valueless or flag.flag in ("--api-key", "--hf-token"):
            continue
        for args in ((f"{flag.flag}=$(VALUE)",), (flag.flag, "$(VALUE)")):
            found = lint_model(car(*args), vllm=release, facts=facts(LLAMA))
            others = [one for one in found if one.code not in ("variable", "two-item-flag", "open-door")]
            assert len(found) - len(others) >= 1 and not any(one.severity is Severity.ERROR for one in others)
            assert [one.code for one in found].count("variable") == 1
            changes = propose(car(*args), facts(LLAMA), H100, vllm=release)
            assert not any(change.old or change.flag == flag.flag for change in changes), args


def test_what_is_wrong_whatever_the_value_is_an_error() -> None:
    for item, code in (
        ("--swap-space=$(S)", "flag-removed"),
        ("--enforce-eager=$(S)", "value-unexpected"),
        ("--nope=$(S)", "flag-unknown"),
        ("--max-model-len $(S)", "blank-in-item"),
        ("--max-model-len=$$(S)", "value-wrong"),
    ):
        assert {finding.code for finding in lint_model(car(item), vllm="0.19.1")} == {code}


def test_a_whole_item_is_one_unknown_item_that_may_hold_what_is_missing() -> None:
    item = car("--enable-auto-tool-choice", "$(EXTRA_ARGS)", gpus=2)
    assert [finding.code for finding in lint_model(item, vllm="0.19.1")] == ["variable"]
    assert propose(item, facts(LLAMA), H100, vllm="0.19.1") == ()


def test_a_companion_with_an_unknown_value_stands_beside_its_switch() -> None:
    item = car("--enable-auto-tool-choice", "--tool-call-parser=$(P)")
    assert [finding.code for finding in lint_model(item, vllm="0.8.5")] == ["variable"]
    assert propose(item, facts(), None, vllm="0.8.5") == ()


@pytest.mark.parametrize("gpu", [H100, T4])
def test_the_estimate_is_unknown_and_the_solver_changes_nothing(gpu) -> None:
    for args in (ASKED, ("$(EXTRA_ARGS)",), ("--tensor-parallel-size=$(TP)",), ("--dtype=$(D)",)):
        for improvements in (False, True):
            found = solve(car(*args), facts(LLAMA), gpu, vllm="0.19.1", improvements=improvements)
            assert found.estimate_before is not None
            assert found.estimate_before.outcome is Outcome.UNKNOWN and "not known here" in found.why_not
            assert found.changes == ()


def test_sizes_that_are_not_known_disagree_with_nothing() -> None:
    for item in ("--tensor-parallel-size=$(TP)", "--pipeline-parallel-size=$(PP)"):
        assert [one.code for one in lint_model(car(item, gpus=4), vllm="0.19.1")] == ["variable"]


def test_what_the_runtimes_environment_says_is_judged_and_said() -> None:
    found = lint_model(car(*ASKED), vllm="0.19.1", environment={"MAX_LEN": "4k", "UTIL": "2"})
    assert [one.code for one in found] == ["value-range", "variable", "variable"]
    assert found[1].what == "$(MAX_LEN) is 4k: the serving runtime's environment says so"
