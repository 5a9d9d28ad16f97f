"""Earlier runs as answers: the list, one explained, and its report."""

from __future__ import annotations

import time
from typing import Any

from modelcar_tui import api
from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import clean
from modelcar_tui.mcp import inputs as i
from modelcar_tui.mcp import outputs as o
from modelcar_tui.mcp.answering import MOST_ROWS
from modelcar_tui.mcp.asking import Asking
from modelcar_tui.mcp.cleaning import block, lines, safe
from modelcar_tui.qa import QaOutcome
from modelcar_tui.report import change_text, envelope, markdown, to_json
from modelcar_tui.supervisor import RunState, outcome_of
from modelcar_tui.verdict import Condition, RunOutcome

MOST_REPORT = 4 * 1024 * 1024
"""Characters of a report."""
SCHEME = "modelcar://runs/"
_DEMO = "DEMO, not of your cluster: "


def list_runs(asking: Asking, given: i.RunsInput) -> tuple[str, o.RunsOutput]:
    """The earlier runs, newest first."""
    told = api.list_runs(state_dir=asking.state_dir, most=given.most)
    rows = [
        o.RunRow(
            id=run.id,
            kind=run.kind,
            began=_when(run.began),
            end=run.end,
            verdict=run.verdict,
            exit_status=run.exit_status,
            manifest=run.manifest,
            size_bytes=run.size,
        )
        for run in told.runs
    ]
    answer = o.RunsOutput(folder=told.folder, runs=rows, unreadable=list(told.unreadable), older=told.older)
    head = f"{several(len(rows), 'run')} in {told.folder}"
    each = (f"{row.id}  {_DEMO * (row.kind == 'demo')}{row.end}  {row.manifest}" for row in rows)
    return lines([head, *each]), answer


def explain_run(asking: Asking, given: i.RunInput) -> tuple[str, o.RunOutput]:
    """What a run came to, why, and what to do."""
    journal = asking.journal(given.run)
    state = api.load_run(journal)
    told, finish, run_id = outcome_of(state, recorded=True), state.finish, journal.parent.name
    models, changes = _models(told), _changes(state)
    answer = o.RunOutput(
        id=run_id,
        manifest=state.path,
        demo=state.demo,
        gpus=_gpus(state),
        began=_when(state.started),
        finished=finish is not None,
        end=api.end_of(state),
        exit_status=finish.exit_status if finish else None,
        **(_undecided(state) if told is None else _decided(told)),
        models=models[:MOST_ROWS],
        changes=changes[:MOST_ROWS],
        written=state.written.path if state.written else None,
        not_written=state.kept or None,
        qa=_qa(state.qa.outcome),
        problems=[*state.faults, *(notice.text for notice in state.notices)][:MOST_ROWS],
        left_out=sum(max(0, len(rows) - MOST_ROWS) for rows in (models, changes)),
        report=f"{SCHEME}{run_id}/report.md",
    )
    return lines(_lines(answer)), answer


def _gpus(state: RunState) -> str:
    """Whose GPUs the run was judged on."""
    report = state.cluster
    if report is None:
        return "not looked at"
    if report.inventory.origin != "cluster":
        return f"as stated ({report.inventory.origin}), no cluster was asked"
    if server := report.access.server:
        return f"of the cluster {server}"
    return f"not known: {report.access.rung.value}"


def _decided(told: RunOutcome) -> dict[str, Any]:
    """The run's word, and what follows from it."""
    return {
        "headline": told.headline,
        "verdict": told.verdict,
        "predicted": told.predicted,
        "why": told.why,
        "next": told.next or None,
        "conditions": _conditions(told.conditions),
        "steps": [o.StepOut(text=step.forms[0], command=step.command or None) for step in told.steps],
    }


def _undecided(state: RunState) -> dict[str, Any]:
    """The same of a run without a decision: how it ended, if it did."""
    finish = state.finish
    return {
        "headline": None,
        "verdict": finish.verdict if finish else None,
        "predicted": None,
        "why": finish.summary if finish else "no model was judged yet",
        "next": None,
        "conditions": [],
        "steps": [],
    }


def _lines(answer: o.RunOutput) -> list[str]:
    told = [f"{answer.id}: {_DEMO * answer.demo}{answer.headline or 'no verdict'}: {answer.why}"]
    told += [] if answer.finished else [f"{answer.end}: this may change"]
    told += [f"GPUs: {answer.gpus}"]
    told += [f"next: {answer.next}"] if answer.next else []
    told += [f"{model.model}: {model.headline}: {model.why}" for model in answer.models[:20]]
    told += [f"QA: {answer.qa.code}: {answer.qa.message}"] if answer.qa else []
    return told


def _models(told: RunOutcome | None) -> list[o.ModelOut]:
    return [
        o.ModelOut(
            model=one.model,
            word=one.word,
            headline=one.headline,
            predicted=one.predicted,
            measured=one.measured or None,
            why=one.why,
            next=one.next or None,
            conditions=_conditions(one.conditions),
        )
        for one in (told.models if told else ())
    ]


def _conditions(conditions: tuple[Condition, ...]) -> list[o.ConditionOut]:
    return [
        o.ConditionOut(text=one.text, holds=str(one.holds), settles=one.settles or None) for one in conditions
    ]


def _changes(state: RunState) -> list[o.ChangeOut]:
    plan = state.decision.plan if state.decision else None
    answer = state.answer
    return [
        o.ChangeOut(
            id=change.id,
            model=change.model,
            change=change_text(change),
            severity=change.severity,
            origin=change.origin,
            reason=change.reason,
            accepted=None if answer is None or answer.who == "show" else change.id in answer.accepted,
        )
        for change in (plan.changes if plan else ())
    ]


def _qa(outcome: QaOutcome | None) -> o.QaOut | None:
    if outcome is None:
        return None
    models = [
        o.QaModelOut(
            model=one.model,
            status=one.status,
            cause=one.cause or None,
            means=one.means or None,
            fix=one.fix or None,
        )
        for one in outcome.models[:MOST_ROWS]
    ]
    return o.QaOut(code=outcome.code, message=outcome.message, fix=outcome.fix or None, models=models)


def report(asking: Asking, uri: str) -> tuple[str, str]:
    """Media type and text of `modelcar://runs/ID/report.md` or `.json`.

    Raises:
        UserError: there is no such report, or it is too long.
    """
    run, _, name = uri.removeprefix(SCHEME).partition("/")
    if not uri.startswith(SCHEME) or name not in ("report.md", "report.json"):
        fix = f"{SCHEME}ID/report.md or report.json"
        raise UserError(Problem(where=clean(uri, limit=200), what="is no resource of ours", fix=fix))
    state = api.load_run(asking.journal(run))
    kind, text = (
        ("text/markdown", block(markdown(state), limit=MOST_REPORT + 1))
        if name == "report.md"
        else ("application/json", to_json(safe(envelope(state))))
    )
    if len(text) > MOST_REPORT:
        what = f"the report is longer than {MOST_REPORT // 1024**2} MiB"
        raise UserError(Problem(where=run, what=what, fix=f"agent --replay {run} --format json"))
    return kind, text


def _when(seconds: float | None) -> str | None:
    return None if seconds is None else time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
