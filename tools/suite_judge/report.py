"""Whether QA understood a run, and the report of a branch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import yaml

from modelcar_tui.qa.suite_facts import branches
from suite_judge.failures import FAILURES, of
from suite_judge.parts import FIXTURES
from suite_judge.running import LOGIN, TOKEN, Ran
from suite_judge.source import Suite

_HEAD = "# Runs of the real suite by branch, whose structure lies beside: `make test-suite RECORD=1`.\n"
Found = Sequence[tuple[Ran, Sequence[str]]]


def judged(ran: Ran, suite: Suite) -> list[str]:
    """What is wrong with what QA said, one line each."""
    scenario, outcome = ran.scenario, ran.outcome
    faults = []
    if outcome.code not in scenario.codes:
        faults.append(
            f"{outcome.code}, not {' or '.join(sorted(scenario.codes))}: {outcome.message} {outcome.cause}"
        )
    if outcome.code not in ("QA_OK",) and not outcome.fix:
        faults.append("no next step")
    told = {model.model: model for model in outcome.models}
    for name in scenario.models if scenario.name in ("pass", "failures") else ():
        wanted = of(name)
        model = told.get(name)
        if model is None:
            faults.append(f"{name}: not among the results")
        elif wanted is FAILURES["wrong"] and not branches()[suite.branch].checks_answers:
            faults += [f"{name}: {model.status}, though {suite.branch} takes any answer"] * (
                model.status != "PASSED"
            )
        elif not wanted.cause and model.status != "PASSED":
            faults.append(f"{name}: {model.status} {model.cause}, not PASSED")
        elif wanted.cause and model.cause != wanted.cause:
            faults.append(f"{name}: cause {model.cause or 'unknown'}, not {wanted.cause}: {model.line}")
        if name not in ran.models_named:
            faults.append(f"{name}: never named while it ran")
    faults += [f"{name} is no model of the manifest" for name in told if name not in scenario.models]
    if scenario.left != bool(outcome.leftovers):
        faults.append(f"left-overs: {', '.join(outcome.leftovers) or 'none named'}")
    kept = ran.log.read_text(errors="replace") if ran.log.exists() else ""
    faults += ["a secret is in the log" for secret in (TOKEN, LOGIN.partition(":")[2]) if secret in kept]
    return faults


def report(path: Path, suite: Suite, changed: str, wait_s: float, found: Found) -> None:
    """Write the report of a branch, in Markdown."""
    lines = [
        f"# QA against the suite's branch {suite.branch} ({suite.commit})",
        "",
        f"- {changed or 'nothing of the suite was changed'}",
        f"- the suite's own waits end after {wait_s:g} s; `oc` is not downloaded",
    ]
    lines += [f"- the clone lacks {name}" for name in suite.missing]
    lines += ["", "| run | outcome | seconds | wrong |", "|---|---|---|---|"]
    lines += [
        f"| {ran.scenario.name} | {ran.outcome.code} | {ran.seconds:.0f} | {len(faults)} |"
        for ran, faults in found
    ]
    for ran, faults in found:
        outcome = ran.outcome
        lines += [
            "",
            f"## {ran.scenario.name}",
            "",
            f"{outcome.code}: {outcome.message}",
            f"next: {outcome.fix}",
            "",
        ]
        lines += [f"- **wrong**: {fault}" for fault in faults]
        lines += [f"- warned: {text}" for text in ran.warnings]
        lines += [
            f"- {model.model}: {model.status} ({model.phase}) {model.cause} {model.line}"
            for model in outcome.models
        ]
        lines += [f"- left: {', '.join(outcome.leftovers)}"] if outcome.leftovers else []
    path.write_text("\n".join(lines) + "\n")


def record(suite: Suite, runs: Sequence[Ran]) -> None:
    """Keep beside the fixtures how their runs ended; those of other branches and scenarios stay."""
    path = FIXTURES / "runs.yaml"
    kept = yaml.safe_load(path.read_text()) if path.exists() else {}
    of_branch = kept.setdefault(suite.branch, {"runs": {}})
    of_branch["commit"] = suite.commit
    for ran in runs:
        of_branch["runs"][ran.scenario.name] = {
            "exit_status": ran.outcome.exit_status,
            "models": list(ran.scenario.models),
        }
    path.write_text(_HEAD + yaml.safe_dump(kept))
