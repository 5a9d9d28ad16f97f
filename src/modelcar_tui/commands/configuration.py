"""`agent configuration --config FILE`: only the first specialist, with the JSON of requirements."""

from __future__ import annotations

import sys

import msgspec

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.loops import run_once
from modelcar_tui.report import plain, to_json, to_json_line
from modelcar_tui.supervisor import Configuration, Settings, requirements_row, run_alone
from modelcar_tui.verdict import ConfigurationReport


def run_configuration(settings: Settings, *, form: str = "text") -> int:
    """Print the checklist and the requirements by model name."""
    report, state, events = run_once(run_alone(Configuration(), settings, ConfigurationReport))
    rows = {model.car.name: requirements_row(model) for model in report.models}
    if form == "jsonl":
        sys.stdout.writelines(to_json_line(msgspec.to_builtins(stamped)) for stamped in events)
    elif form == "json":
        sys.stdout.write(to_json(rows))
    else:
        sys.stdout.write(plain(state))
        sys.stdout.write(f"```json\n{to_json(rows)}```\n")
    return ExitStatus.GO
