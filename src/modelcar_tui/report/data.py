"""A run as JSON: one versioned envelope, for scripts."""

from __future__ import annotations

from typing import Any

import msgspec

from modelcar_tui.supervisor.outcome import outcome_of
from modelcar_tui.supervisor.state import RunState

SCHEMA = 1


def envelope(state: RunState) -> dict[str, Any]:
    """The whole state under `run`, with what most scripts look for on top."""
    finish, told = state.finish, outcome_of(state)
    metadata = {key: value for pane in state.panes for key, value in pane.metadata.items()}
    return {
        "schema": SCHEMA,
        "tool": f"modelcar-tui {state.version}",
        "demo": state.demo,
        "manifest": state.path,
        "verdict": finish.verdict if finish else None,
        "predicted": told.predicted if told else None,
        "outcome": told.word if told and finish else None,
        "next": told.next if told and finish else None,
        "exit_status": finish.exit_status if finish else None,
        "summary": finish.summary if finish else None,
        **metadata,
        "qa": state.qa.outcome.code if state.qa.outcome else None,
        "optimized_serving_arguments": list(state.decision.optimized) if state.decision else [],
        "run": msgspec.to_builtins(state),
    }


def to_json(value: Any) -> str:
    """Indented JSON with a final line end."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode() + "\n"
