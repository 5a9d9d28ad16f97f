"""A run as text for a terminal and for scripts: the four sections with their checklists, then the end.

For a document that others render see `document`: there text from outside is escaped.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelcar_tui.advice import Finding
from modelcar_tui.core.counting import several
from modelcar_tui.manifest import Change
from modelcar_tui.report.ending import NONE_ASKED, ending, kept_id
from modelcar_tui.report.escaping import fence
from modelcar_tui.report.shown import indented, shown_lines
from modelcar_tui.report.tried import TITLE, tries
from modelcar_tui.supervisor import Approve, Pane, RunState, Step, outcome_of
from modelcar_tui.supervisor.events import Status
from modelcar_tui.verdict import DecisionReport

TITLES = {
    "configuration": "Configuration",
    "accelerator": "Accelerator Compatibility",
    "decision": "Deployment Decision",
    "qa": "QA Validation",
}
"""Of our own four, by name: what stands over their sections."""
_MARK = {Status.DONE: "x", Status.WARNING: "!", Status.FAILED: "!", Status.SKIPPED: "-"}


def plain(state: RunState) -> str:
    """The whole report, as `agent` prints it."""
    return shown_lines("\n".join(_lines(state))) + "\n"


def sections(state: RunState) -> str:
    """The checklists and results alone: of one specialist without a run."""
    return (
        shown_lines("\n".join(line for pane in state.panes for line in _section(state, pane))).rstrip("\n")
        + "\n"
    )


def _lines(state: RunState) -> Iterator[str]:
    mark = " (DEMO)" if state.demo else ""
    told, end = outcome_of(state), ending(state)
    if told is not None:
        yield f"**{end.word}**: {end.why}"
        yield ""
        if end.next:
            yield f"next: {end.next}"
            yield ""
    yield f"# modelcar-tui{mark}" + (f": {state.path}" if state.path else "")
    yield ""
    if state.demo:
        yield "DEMO: a stub cluster, a loopback registry and a recorded QA log; nothing here is your cluster."
        yield ""
    for pane in state.panes:
        yield from _section(state, pane)
    yield from _tries(state)
    yield from _language_model(state)
    if state.finish is not None:
        yield "## Result"
        yield ""
        yield from (f"- {line}" for line in afterwards(state))
        yield ""
        word = told.headline if told is not None else state.finish.verdict
        yield f"**{word}** (exit status {state.finish.exit_status}): {state.finish.summary}"


def afterwards(state: RunState) -> Iterator[str]:
    """What was written where, and how to see the run again."""
    if state.written is not None:
        yield f"written: {state.written.path}"
        yield from (f"to apply it: {command}" for command in (state.to_apply,) if command)
    elif state.kept:
        yield f"nothing was written: {state.kept}"
    if state.qa.started.log:
        yield f"log: {state.qa.started.log}"
    if kept := kept_id(state):
        yield f"see it again: modelcar-tui --replay {kept}; all runs: agent runs"


def _section(state: RunState, pane: Pane) -> Iterator[str]:
    yield f"## {TITLES.get(pane.name, pane.title)}"
    yield ""
    for step in pane.steps:
        yield _tick(step)
    yield ""
    for line in pane.lines:
        yield f"{'  ' if line.startswith('  ') else ''}- {line.strip()}"
    if pane.metadata:
        yield ""
        yield from fence("json", indented(pane.metadata))
    if pane.name == "decision" and state.decision is not None:
        yield from _decision(state, state.decision)
    yield ""


def _tries(state: RunState) -> Iterator[str]:
    told = list(tries(state))
    if not told:
        return
    yield f"## {TITLE}"
    yield ""
    for one in told:
        yield f"- {one.model}: {one.word}"
        yield from (f"  - {line}" for line in one.lines)
    yield ""


def _language_model(state: RunState) -> Iterator[str]:
    """Which model was asked, what it was given, what it cost, and what was asked of the run."""
    llm = state.llm
    if llm.model or state.answers:
        yield "## Language model"
        yield ""
    if llm.model:
        yield f"{llm.model} at {llm.host}. It decides nothing. It was given as data:"
        yield from (f"- {item}" for item in llm.shares)
        yield ""
        cost = (
            f"{several(llm.calls, 'call')} ({llm.failed} failed), {several(llm.input_tokens, 'token')} in, "
            f"{llm.output_tokens} out"
        )
        yield f"Cost: {cost}, {llm.seconds:.1f} s."
        if llm.problem:
            yield f"Last problem: {llm.problem}"
        yield ""
    elif state.answers:
        yield NONE_ASKED
        yield ""
    for answer in state.answers:
        yield f"**Q:** {answer.question}"
        yield ""
        yield from (answer.text or answer.why).splitlines()
        if answer.credit:
            yield f"({answer.credit})"
        yield ""


def _tick(step: Step) -> str:
    word = {Status.FAILED: "failed: ", Status.SKIPPED: "skipped: "}.get(step.status, "")
    detail = f": {word}{step.detail}" if step.detail else (f" ({word.rstrip(': ')})" if word else "")
    return f"- [{_MARK.get(step.status, ' ')}] {step.title}{detail}"


def _decision(state: RunState, report: DecisionReport) -> Iterator[str]:
    yield ""
    told = outcome_of(state)
    yield f"**{told.headline}**: {told.why}" if told is not None else f"**{report.verdict}**: {report.why}"
    if report.predicted is not None:
        yield f"Predicted before QA: {report.predicted.verdict}: {report.predicted.why}"
    if state.read_first:
        yield ""
        yield "Read first (chosen by the language model):"
        yield from (f"- {line}" for line in state.read_first)
    if report.findings:
        yield ""
        for finding in report.findings:
            yield f"- {finding_text(finding, Path(report.plan.base).name)}"
    if report.plan.changes:
        yield ""
        yield "Proposed changes:"
        for change in report.plan.changes:
            yield (
                f"- {change.model}: {change_text(change)} ({change.severity}{_origin(change)}): "
                f"{change.reason}"
            )
        yield ""
        yield "OPTIMIZED_SERVING_ARGUMENTS_JSON"
        yield from fence("json", indented(report.optimized))
        yield from fence(
            "diff", "\n".join(line for hunk in report.hunks for line in (hunk.header, *hunk.lines))
        )
    yield ""
    yield writing(state)
    if state.written is not None:
        yield from (f"- {Path(each.path).name} {each}" for each in state.written.replaced)


def own_metadata(state: RunState) -> dict[str, Any]:
    """What our own four specialists found out, under the documented keys; a guest's is not among it."""
    own = (pane for pane in state.panes if pane.name in TITLES and not pane.foreign)
    return {key: value for pane in own for key, value in pane.metadata.items()}


def finding_text(finding: Finding, file: str) -> str:
    """`warning unknown-key one.yaml:4:5: granite: ...`; the file where no line is known."""
    place = f"{file}:{finding.at.line}:{finding.at.column}" if finding.at else file
    whose = f"{finding.model}: " if finding.model else ""
    fix = f"; {finding.fix}" if finding.fix else ""
    return f"{finding.severity} {finding.code} {place}: {whose}{finding.what}{fix}"


def change_text(change: Change) -> str:
    """`--max-model-len=8192 -> --max-model-len=4096`, `gpu_count 1 -> 2`, `(nothing) -> --x=1`."""
    return f"{change.count_name}{change.old or '(nothing)'} -> {change.new or '(removed)'}"


def effect_text(report: DecisionReport, state: RunState) -> str:
    """What the changes make of the verdict; empty where they were not judged."""
    if state.written is not None:
        before = report.without_changes
        return f"The base manifest alone, without them: {before}." if before is not None else ""
    if not report.plan.changes or report.with_changes is None:
        return ""
    why = f": {report.why_with_changes}" if report.why_with_changes else ""
    return f"With all of them the verdict would be {report.with_changes}{why}."


def answer_text(change: Change, state: RunState) -> str:
    """What the operator said to one change: `accepted as --x=1`, `rejected`, `not answered`, ..."""
    answer = state.answer
    if answer is None or answer.who == Approve.SHOW:
        return _marked(change, state)
    if not answer.write or change.id not in answer.accepted:
        return "rejected"
    edited = answer.edited.get(change.id)
    left = "" if state.written is not None else ", not written"
    return f"accepted{f' as {edited}' if edited else ''}{left}"


def _marked(change: Change, state: RunState) -> str:
    if not state.marks_told or state.approval is None:
        return "not answered"
    now = state.marks.of(state.approval.plan_digest).now
    if change.id in now.accepted:
        return "marked accepted, not written"
    return "marked rejected" if change.id in now.rejected else "not answered"


def _origin(change: Change) -> str:
    return "" if change.origin == "rules" else ", by the language model"


def writing(state: RunState) -> str:
    """What was written, or why nothing was."""
    if state.written is not None:
        return (
            f"Written: {state.written.path} ({several(state.written.changes, 'change')}, sha256 "
            f"{state.written.sha256[:16]})"
        )
    if state.kept:
        return f"Nothing was written: {state.kept}"
    if state.decision is not None and state.decision.plan.changes:
        return "Nothing was written: the changes wait for approval (--approve all, or the dashboard)."
    return "Nothing was written: no change is proposed."
