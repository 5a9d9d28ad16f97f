"""A run as a Markdown document for a merge request, a ticket or a wiki: GitHub and GitLab render it.

Every text from outside passes `escaping`: none becomes a tag, a link, a picture, a heading or a name that
is called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from modelcar_tui.core.counting import several
from modelcar_tui.report.ending import NONE_ASKED, NOT_TESTED, at, ending, kept_id
from modelcar_tui.report.escaping import block, escaped, table
from modelcar_tui.report.shown import indented
from modelcar_tui.report.text import (
    TITLES,
    afterwards,
    answer_text,
    change_text,
    effect_text,
    finding_text,
    own_metadata,
    writing,
)
from modelcar_tui.report.tried import TITLE, tries
from modelcar_tui.supervisor import Pane, RunState, Step, unknowns
from modelcar_tui.supervisor.events import Status
from modelcar_tui.verdict import DecisionReport, ModelOutcome, RunOutcome, long_words

MARKER = "<!-- modelcar-tui report -->"
"""The last line: by it a report of ours is known."""
_NONE = "none"
_STEP = {Status.FAILED: "failed", Status.SKIPPED: "skipped", Status.WARNING: "warning"}


def markdown(state: RunState) -> str:
    """The whole document: title, outcome, models, the four sections, notes, result."""
    return "\n".join(_lines(state)) + "\n"


def _lines(state: RunState) -> Iterator[str]:
    of = "Model-car" if not _objects(state) else "Serving"
    yield f"# {of} report{': ' if state.path else ''}{escaped(Path(state.path).name)}" + (
        " (DEMO)" if state.demo else ""
    )
    yield ""
    if state.demo:
        yield "DEMO: a stub cluster, a loopback registry and a recorded QA log; nothing here is your cluster."
        yield ""
    end = ending(state)
    yield f"**{escaped(end.word)}**: {escaped(end.why)}"
    yield ""
    if end.next:
        yield f"next: {escaped(end.next)}"
        yield ""
    yield from _about(state)
    if end.told is not None:
        yield from _models(state, end.told)
    yield from _listed("What other specialists say", map(str, state.votes))
    yield from _listed("What is not known", unknowns(state, end.told))
    for pane in state.panes:
        yield from _section(state, pane)
    yield from _tries(state)
    yield from _language_model(state)
    yield from _listed("Notes", (notice.text for notice in state.notices))
    yield from _result(state)
    yield MARKER


def _about(state: RunState) -> Iterator[str]:
    """What the report is of: a row each, and none of what is not known."""
    own = own_metadata(state)
    rows: list[tuple[object, ...]] = [
        ("manifest", state.path),
        ("run", state.run_id),
        ("began", at(state.started)),
        ("lasted", f"{state.finish.seconds:.0f} s" if state.finish is not None else ""),
        ("vLLM", own.get("vllm_version") or (f"{state.vllm} (stated)" if state.vllm else "")),
        ("runtime image", own.get("vllm_runtime_image")),
        ("written by", f"modelcar-tui {state.version}" if state.version else "modelcar-tui"),
    ]
    yield from table(("about", "value"), [row for row in rows if row[1]])


def _models(state: RunState, told: RunOutcome) -> Iterator[str]:
    if not told.models:
        return
    needs = {one.model: one.comparison for one in state.decision.models} if state.decision else {}
    yield "## Models"
    yield ""
    titles: tuple[str, ...] = ("model", "verdict", "predicted", "measured by QA", "need", "reason", "next")
    rows = [_row(model, needs.get(model.model, "")) for model in told.models]
    if _objects(state) and state.manifest is not None:
        serves = {car.name: long_words(car) for car in state.manifest.models}
        titles = ("model", "serves", *titles[1:])
        rows = [(row[0], serves.get(str(row[0]), ""), *row[1:]) for row in rows]
    yield from table(titles, rows)


def _objects(state: RunState) -> bool:
    """Whether it is of something else than a list of model-cars."""
    return state.manifest is not None and state.manifest.shape in ("objects", "line")


def _row(model: ModelOutcome, need: str) -> tuple[object, ...]:
    measured = model.measured or NOT_TESTED
    return (
        model.model,
        model.headline,
        model.predicted,
        measured,
        need or "unknown",
        model.why,
        model.next or _NONE,
    )


def _section(state: RunState, pane: Pane) -> Iterator[str]:
    yield f"## {escaped(TITLES.get(pane.name, pane.title))}"
    yield ""
    yield from (_tick(step) for step in pane.steps)
    if pane.steps:
        yield ""
    for line in pane.lines:
        yield f"{'  ' if line.startswith('  ') else ''}- {escaped(line)}"
    if pane.lines:
        yield ""
    if pane.name == "decision" and state.decision is not None:
        yield from _decision(state, state.decision)
    if pane.name == "qa":
        yield from _qa(state)
    if pane.metadata:
        yield from _folded("for machines", pane.metadata)


def _tick(step: Step) -> str:
    said = ": ".join(escaped(part) for part in (_STEP.get(step.status, ""), step.detail) if part)
    done = "x" if step.status is Status.DONE else " "
    return f"- [{done}] {escaped(step.title)}{': ' * bool(said)}{said}"


def _folded(title: str, value: object) -> Iterator[str]:
    yield f"<details><summary>{title}</summary>"
    yield ""
    yield from block("json", indented(value).split("\n"))
    yield ""
    yield "</details>"
    yield ""


def _decision(state: RunState, report: DecisionReport) -> Iterator[str]:
    if report.predicted is not None:
        yield f"Predicted before QA: **{report.predicted.verdict}**: {escaped(report.predicted.why)}"
        yield ""
    if state.read_first:
        yield "Read first (chosen by the language model):"
        yield ""
        yield from (f"- {escaped(line)}" for line in state.read_first)
        yield ""
    file = Path(report.plan.base).name
    if report.findings:
        yield from (f"- {escaped(finding_text(finding, file))}" for finding in report.findings)
        yield ""
    if report.plan.changes:
        yield "### Proposed changes"
        yield ""
        yield from _changes(state, report)
        if effect := effect_text(report, state):
            yield escaped(effect)
            yield ""
        yield from block("diff", (line for hunk in report.hunks for line in (hunk.header, *hunk.lines)))
        yield ""
        yield "OPTIMIZED_SERVING_ARGUMENTS_JSON"
        yield ""
        yield from block("json", indented(report.optimized).split("\n"))
        yield ""
    yield escaped(writing(state))
    yield ""
    if state.written is not None and state.written.replaced:
        yield from (f"- {escaped(f'{Path(each.path).name} {each}')}" for each in state.written.replaced)
        yield ""


def _changes(state: RunState, report: DecisionReport) -> Iterator[str]:
    rows: list[tuple[object, ...]] = [
        (
            change.model,
            change_text(change),
            f"{change.severity}{'' if change.origin == 'rules' else ', by the language model'}",
            answer_text(change, state),
            change.reason,
        )
        for change in report.plan.changes
    ]
    yield from table(("model", "change", "class", "answer", "reason"), rows)


def _qa(state: RunState) -> Iterator[str]:
    """A row a model that the suite tells of, failed ones with cause and next step."""
    outcome = state.qa.outcome
    if outcome is None:
        return
    rows: list[tuple[object, ...]] = [
        (
            one.model,
            one.status.lower() or "cut short",
            ": ".join(part for part in (one.cause, one.means, one.line) if part) or _NONE,
            one.predicted or _NONE,
            one.fix or _NONE,
        )
        for one in outcome.models
    ]
    yield from table(("model", "QA", "cause", "our estimate had said", "next"), rows)


def _tries(state: RunState) -> Iterator[str]:
    told = list(tries(state))
    if not told:
        return
    yield f"## {TITLE}"
    yield ""
    for one in told:
        yield f"- {escaped(one.model)}: {escaped(one.word)}"
        yield from (f"  - {escaped(line)}" for line in one.lines)
    yield ""


def _language_model(state: RunState) -> Iterator[str]:
    llm = state.llm
    if llm.model or state.answers:
        yield "## Language model"
        yield ""
    if llm.model:
        yield f"{escaped(llm.model)} at {escaped(llm.host)}. It decides nothing. It was given as data:"
        yield ""
        yield from (f"- {escaped(item)}" for item in llm.shares)
        yield ""
        yield f"Cost: {llm.cost}."
        yield ""
        if llm.problem:
            yield f"Last problem: {escaped(llm.problem)}"
            yield ""
    elif state.answers:
        yield NONE_ASKED
        yield ""
    for answer in state.answers:
        yield f"**Question**: {escaped(answer.question)}"
        yield ""
        for line in (answer.text or answer.why).splitlines():
            if text := line.strip():
                # What a what-if comes to stands below its terms.
                yield f"{'  ' * line.startswith('  ')}- {escaped(text)}"
        yield ""
        if answer.credit:
            yield f"({escaped(answer.credit)})"
            yield ""


def _listed(title: str, texts: Iterable[str]) -> Iterator[str]:
    """A heading and a list; nothing where there is nothing to list."""
    if said := dict.fromkeys(texts):
        yield f"## {title}"
        yield ""
        yield from (f"- {escaped(text)}" for text in said)
        yield ""


def _result(state: RunState) -> Iterator[str]:
    yield "## Result"
    yield ""
    said = list(afterwards(state))
    if state.finish is not None and state.finish.resumable and (kept := kept_id(state)):
        said.append(f"it was only cut off; to go on: modelcar-tui --resume {kept}")
    if said:
        yield from (f"- {escaped(line)}" for line in said)
        yield ""
    end = ending(state)
    if state.finish is None:
        yield f"**{end.word}**: {several(state.seq, 'event')} told; there is no verdict and no exit status."
    else:
        yield (
            f"**{escaped(end.word)}** (exit status {state.finish.exit_status}): "
            f"{escaped(state.finish.summary)}"
        )
    yield ""
