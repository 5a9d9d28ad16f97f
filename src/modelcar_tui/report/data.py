"""A run as JSON: one versioned envelope, for scripts."""

from __future__ import annotations

from typing import Any

import msgspec

from modelcar_tui.report.shown import indented, masked_values, on_one_line, seen_json
from modelcar_tui.report.text import own_metadata
from modelcar_tui.supervisor import RunState, outcome_of
from modelcar_tui.verdict import ModelOutcome, RunOutcome

SCHEMA = 2


def envelope(state: RunState) -> dict[str, Any]:
    """The whole state under `run`, each specialist's own under `specialists`; on top what most look for."""
    finish, told = state.finish, outcome_of(state)
    run = msgspec.to_builtins(state)
    del run["marks"]  # the way to an answer, with every step of it; the answer is in `approval`
    own = own_metadata(state)
    head = {
        "schema": SCHEMA,
        "tool": f"modelcar-tui {state.version}",
        "demo": state.demo,
        "manifest": state.path,
        "verdict": finish.verdict if finish else None,
        "predicted": told.predicted if told else None,
        "outcome": outcome_data(told) if told else None,
        "next": told.next if told and finish else None,
        "exit_status": finish.exit_status if finish else None,
        "summary": finish.summary if finish else None,
    }
    tail = {
        "qa": state.qa.outcome.code if state.qa.outcome else None,
        "optimized_serving_arguments": list(run["decision"]["optimized"]) if state.decision else [],
        "specialists": {pane.name: pane.metadata for pane in state.panes},
        "run": run,
    }
    # What a specialist says never replaces what the envelope says.
    document: dict[str, Any] = masked_values({**head, **own, **head, **tail})
    return document


def outcome_data(told: RunOutcome) -> dict[str, Any]:
    """The outcome of the run, and of each model by its name."""
    models = {model.model: _outcome(model) for model in told.models}
    steps = [{"key": step.key, "text": step.forms[0], "command": step.command} for step in told.steps]
    brief = [str(form) for form in told.brief]
    return {**_outcome(told), "brief": brief, "steps": steps, "models": models}


def _outcome(told: RunOutcome | ModelOutcome) -> dict[str, Any]:
    return {
        "word": told.word,
        "headline": told.headline,
        "conditions": msgspec.to_builtins(told.conditions),
        "predicted": told.predicted,
        "measured": told.measured or None,
        "why": told.why,
        "next": told.next,
    }


def to_json(value: Any) -> str:
    """Indented JSON with a final line end; what the eye does not see is escaped in its strings, what has the
    shape of a secret is masked."""
    return seen_json(indented(masked_values(msgspec.to_builtins(value)))) + "\n"


def to_json_line(value: Any) -> str:
    """One line of JSON of plain values, through the gate of `shown`."""
    return seen_json(on_one_line(masked_values(value))) + "\n"


def json_report(state: RunState) -> str:
    """`envelope` as the text of a file."""
    return to_json(envelope(state))
