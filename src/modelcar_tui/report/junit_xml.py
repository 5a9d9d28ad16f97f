"""A run as JUnit XML, which GitLab, Jenkins and GitHub's actions show as tests.

A suite for the verdict, one for QA, one for tries on real GPUs, one for the findings, one for the checks
before serving; a testcase a model, a try or a check. What is not known is an error: neither of them shows
that green.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

from modelcar_tui.advice import Severity
from modelcar_tui.cluster.types import State
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.qa import FAILED_STATUSES, QaModelResult, QaOutcome, cut_model_name, measured_line
from modelcar_tui.report.ending import NOT_TESTED, Ending, at, ending
from modelcar_tui.report.shown import shown
from modelcar_tui.report.text import finding_text, own_metadata
from modelcar_tui.report.tried import tries
from modelcar_tui.supervisor import RunState
from modelcar_tui.verdict import ModelOutcome, Verdict, long_words

TOOL = "modelcar-tui"
_OF_MODELS = (ExitStatus.NO_GO, ExitStatus.CLUSTER, ExitStatus.QA_FAILED, ExitStatus.UNKNOWN)
_NAMELESS = "(no name)"


class _Case(NamedTuple):
    """One testcase: passed where `how` is empty, else `failure`, `error` or `skipped`."""

    name: str
    how: str = ""
    kind: str = ""
    """The word: `NO-GO`, `CUDA_OOM`, ..."""
    message: str = ""
    next: str = ""
    notes: tuple[str, ...] = ()


class _Suite(NamedTuple):
    name: str
    cases: tuple[_Case, ...]
    seconds: float | None = None
    began: float | None = None


def junit(state: RunState) -> str:
    """The document, with its XML declaration. Hidden characters are told as code points."""
    root = ET.Element("testsuites", name=_name(state))
    suites = [suite for suite in _suites(state) if suite.cases]
    for number, suite in enumerate(suites):
        root.append(_element(suite, _properties(state) if not number else ()))
    for attribute, how in (("tests", ""), ("failures", "failure"), ("errors", "error")):
        root.set(attribute, str(_count([case for suite in suites for case in suite.cases], how)))
    if state.finish is not None:
        root.set("time", f"{state.finish.seconds:.3f}")
    ET.indent(root)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ET.tostring(root, encoding="unicode")}\n'


def _name(state: RunState) -> str:
    return shown(f"{TOOL}{' (DEMO)' if state.demo else ''} {Path(state.path).name}".rstrip())


def _suites(state: RunState) -> Iterator[_Suite]:
    """The verdict first; what no model's testcase tells, such as a stopped run, one of the run does."""
    end = ending(state)
    seconds = state.finish.seconds if state.finish is not None else None
    verdict = tuple(_verdicts(state, end))
    others = [_qa(state), _tries(state), _findings(state), _checks(state)]
    cases = [*verdict, *(case for suite in others for case in suite.cases)]
    red = any(case.how in ("failure", "error") for case in cases)
    if not verdict or not (_well(state) or (red and _told(state))):
        verdict = (_run(state, end), *verdict)
    yield _Suite("verdict", verdict, seconds, state.started)
    yield from others


def _well(state: RunState) -> bool:
    return state.finish is not None and state.finish.exit_status == 0


def _told(state: RunState) -> bool:
    """Whether the exit status is one that the models' own testcases tell."""
    return state.finish is not None and state.finish.exit_status in _OF_MODELS


def _run(state: RunState, end: Ending) -> _Case:
    """The run as a whole."""
    name = "the whole run"
    if _well(state):
        return _Case(name)
    if state.finish is None:
        return _Case(name, "error", end.word, end.why, end.next)
    status = f"exit status {state.finish.exit_status}"
    how = "failure" if end.told is not None and end.told.verdict is Verdict.NO_GO else "error"
    return _Case(name, how, end.word, f"{state.finish.summary} ({status})", end.next)


def _verdicts(state: RunState, end: Ending) -> Iterator[_Case]:
    """A model each; of a run that has not ended none has a verdict yet."""
    if state.finish is not None and end.told is not None and end.told.models:
        cars = state.manifest.models if state.manifest is not None else ()
        serves = {car.name: long_words(car) for car in cars}
        yield from (_verdict(one, serves.get(one.model, "")) for one in end.told.models)
        return
    for name in _names(state):
        yield _Case(name, "error", end.word, end.why, end.next)


def _verdict(model: ModelOutcome, serves: str) -> _Case:
    how = {Verdict.GO: "", Verdict.NO_GO: "failure", Verdict.UNKNOWN: "error"}[model.verdict]
    measured = model.measured or NOT_TESTED
    said = (f"serves: {serves}",) if serves else ()
    notes = (
        f"{model.headline}: {model.why}",
        *said,
        f"predicted: {model.predicted}",
        f"measured: {measured}",
    )
    return _Case(model.model, how, str(model.verdict), model.why, model.next, notes)


def _names(state: RunState) -> list[str]:
    """Of all models, as far as they are known."""
    if state.decision is not None and state.decision.models:
        return [one.model for one in state.decision.models]
    if state.manifest is not None:
        return [car.name for car in state.manifest.models]
    return [model.car.name for model in state.models]


def _qa(state: RunState) -> _Suite:
    """A model each; which was not tested is skipped, with the reason."""
    outcome, names = state.qa.outcome, _names(state)
    if outcome is None:
        why = "QA was not run" if state.finish is not None else "QA has not ended"
        return _Suite("qa", tuple(_Case(name, "skipped", "", why) for name in names))
    if outcome.skipped:
        skipped = (_Case(name, "skipped", outcome.code, outcome.message, outcome.fix) for name in names)
        return _Suite("qa", tuple(skipped))
    return _Suite("qa", tuple(_tested(outcome, names)), outcome.seconds, state.qa.started.began)


def _tested(outcome: QaOutcome, names: list[str]) -> Iterator[_Case]:
    """What the suite tells of, then what it did not come to; its own end where no model failed."""
    told = [_result(one, outcome) for one in outcome.models]
    if not outcome.ok and not any(case.how in ("failure", "error") for case in told):
        cause = (outcome.cause,) if outcome.cause else ()
        told.insert(0, _Case("the whole suite", "failure", outcome.code, outcome.message, outcome.fix, cause))
    yield from told
    known = {one.model for one in outcome.models}
    for name in names:
        if name not in known and cut_model_name(name) not in known:
            yield _Case(name, "skipped", "", f"QA did not tell of it: {outcome.message}", outcome.fix)


def _result(one: QaModelResult, outcome: QaOutcome) -> _Case:
    figures = tuple(measured_line(each) for each in outcome.measured if each.model == one.model)
    said = (f"our estimate had said: {one.predicted}",) if one.predicted else ()
    how = {"PASSED": "", "SKIPPED": "skipped", "": "error"}.get(one.status, "failure")
    word = one.cause or (one.status if one.status in FAILED_STATUSES else "")
    why = ": ".join(part for part in (one.means, one.line) if part)
    if not one.status:
        why = why or f"QA ended before it: {outcome.message}"
    if how in ("failure", "error"):
        why = why or outcome.message
    return _Case(one.model, how, word, why, one.fix, (*said, *figures))


def _tries(state: RunState) -> _Suite:
    """A try each: passed where vLLM started, else skipped. What it measured counts in the verdict, which may
    be GO on another card; a try that could not be run leaves the run as good as it was."""
    return _Suite(
        "tries",
        tuple(
            _Case(one.model, "" if one.good else "skipped", "", one.word, "", one.lines)
            for one in tries(state)
        ),
    )


def _findings(state: RunState) -> _Suite:
    """A model each, and the manifest where something is wrong with it as a whole; only errors fail."""
    report = state.decision
    if report is None:
        return _Suite("lint", ())
    file = Path(report.plan.base).name
    of: dict[str, list[str]] = {name: [] for name in _names(state)}
    bad: dict[str, tuple[str, str, str]] = {}
    for finding in report.findings:
        name = finding.model or file
        of.setdefault(name, []).append(finding_text(finding, file))
        if finding.severity is Severity.ERROR:
            bad.setdefault(name, (finding.code, finding.what, finding.fix))
    cases = []
    for name, notes in of.items():
        kind, what, fix = bad.get(name, ("", "", ""))
        cases.append(_Case(name, "failure" if name in bad else "", kind, what, fix, tuple(notes)))
    return _Suite("lint", tuple(cases))


def _checks(state: RunState) -> _Suite:
    """What must be right before serving: what is not known is skipped, for the verdict says what hangs on
    it."""
    how = {State.BLOCKED: "failure", State.UNKNOWN: "skipped"}
    checks = state.decision.checks if state.decision is not None else ()
    return _Suite(
        "checks",
        tuple(
            _Case(one.code, how.get(one.state, ""), str(one.state), one.what, one.fix, (one.what,))
            for one in checks
        ),
    )


def _properties(state: RunState) -> tuple[tuple[str, str], ...]:
    own = own_metadata(state)
    end = ending(state)
    finish = state.finish
    told = (
        ("tool", f"{TOOL} {state.version}".rstrip()),
        ("demo", str(state.demo).lower()),
        ("run", state.run_id),
        ("manifest", state.path),
        ("vllm", str(own.get("vllm_version") or state.vllm or "")),
        ("outcome", end.word),
        ("predicted", str(end.told.predicted) if end.told is not None else ""),
        ("exit_status", str(finish.exit_status) if finish is not None else ""),
        ("qa", state.qa.outcome.code if state.qa.outcome is not None else ""),
    )
    return tuple((name, value) for name, value in told if value)


def _element(suite: _Suite, properties: Iterable[tuple[str, str]]) -> ET.Element:
    counts = {"tests": "", "failures": "failure", "errors": "error", "skipped": "skipped"}
    element = ET.Element("testsuite", name=f"{TOOL}.{suite.name}")
    for attribute, how in counts.items():
        element.set(attribute, str(_count(suite.cases, how)))
    if suite.seconds is not None:
        element.set("time", f"{suite.seconds:.3f}")
    if began := at(suite.began):
        element.set("timestamp", began)
    if properties:
        held = ET.SubElement(element, "properties")
        for name, value in properties:
            ET.SubElement(held, "property", name=name, value=shown(value))
    names: set[str] = set()
    for case in suite.cases:
        names.add(name := _free(shown(case.name) or _NAMELESS, names))
        element.append(_testcase(suite.name, case._replace(name=name)))
    return element


def _free(name: str, taken: set[str]) -> str:
    """The name, or `name (2)`, ...: those who read it take testcases of one name for one."""
    numbered = (f"{name} ({number})" for number in count(2))
    return next(one for one in chain((name,), numbered) if one not in taken)


def _testcase(suite: str, case: _Case) -> ET.Element:
    element = ET.Element("testcase", classname=f"{TOOL}.{suite}", name=case.name)
    if case.how:
        bad = ET.SubElement(element, case.how, message=shown(case.message))
        if case.kind:
            bad.set("type", shown(case.kind))
        lines = [case.message, *([f"next: {case.next}"] if case.next else [])]
        bad.text = "\n".join(map(shown, lines))
    notes = [note for note in case.notes if not case.how or note != case.message]
    if notes:
        ET.SubElement(element, "system-out").text = "\n".join(map(shown, notes))
    return element


def _count(cases: Iterable[_Case], how: str) -> int:
    """Those that ended so; all where `how` is empty."""
    return sum(not how or case.how == how for case in cases)
