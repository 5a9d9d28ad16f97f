"""`agent accelerator`: only the accelerator specialist; a table of kinds, the checks, the nodes."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.output import check_output, put_output
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.shown import shown_lines
from modelcar_tui.kube import Rung
from modelcar_tui.report import sections, to_json, to_json_line
from modelcar_tui.supervisor import Accelerator, Settings, run_alone

_LEAST, _MOST = 40, 200
"""Cells of a line, whatever the terminal says."""


def run_accelerator(settings: Settings, *, form: str = "text", output: Path | None = None) -> int:
    """Print the accelerators, then the checklist; status 3 when the cluster could not be looked at.

    Args:
        settings: where to look.
        form: `text`, `json` (a row a node) or `jsonl` (the events).
        output: where the report is kept besides: text, or the whole as one JSON object where the name ends
            with `.json`.

    Raises:
        UserError: the report can't be kept there, or what stands there may not be replaced.
    """
    from modelcar_tui.cluster import accelerator_json, accelerator_rows, gpu_info_text

    if output is not None:
        check_output(output, settings)
    report, state, events = run_once(run_alone(Accelerator(), settings, AcceleratorReport))
    if form == "jsonl":
        sys.stdout.writelines(to_json_line(msgspec.to_builtins(stamped)) for stamped in events)
    elif form == "json":
        sys.stdout.write(to_json(accelerator_rows(report)))
    else:
        sys.stdout.write(shown_lines(gpu_info_text(report, cells=_cells())))
        sys.stdout.write("\n" + sections(state))
    blind = report.access.rung not in (Rung.OK, Rung.WHAT_IF) or not report.inventory.known
    if blind and report.access.problem is not None and form != "text":
        complain(str(report.access.problem))
    if output is not None:
        whole = output.suffix.lower() == ".json"
        said = put_output(
            output, accelerator_json(report) if whole else gpu_info_text(report).encode(), settings
        )
        (sys.stdout if form == "text" else sys.stderr).write(f"{said}\n")
    return ExitStatus.CLUSTER if blind else ExitStatus.GO


def _cells() -> int | None:
    """Of the terminal behind standard output; None where it goes elsewhere."""
    with suppress(OSError, ValueError):
        if sys.stdout.isatty() and (columns := os.get_terminal_size(sys.stdout.fileno()).columns):
            return min(max(columns, _LEAST), _MOST)
    return None
