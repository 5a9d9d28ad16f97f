"""`agent accelerator`: only the accelerator specialist, with a row a node."""

from __future__ import annotations

import sys

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.loops import run_once
from modelcar_tui.kube.types import Rung
from modelcar_tui.report.data import to_json
from modelcar_tui.report.text import markdown
from modelcar_tui.supervisor.alone import run_alone
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.specialists.accelerator import Accelerator


def run_accelerator(settings: Settings, *, form: str = "text") -> int:
    """Print the checklist and the nodes; status 3 when the cluster could not be looked at."""
    from modelcar_tui.cluster.report import gpu_info_text, rows

    report, state, events = run_once(run_alone(Accelerator(), settings, AcceleratorReport))
    if form == "jsonl":
        sys.stdout.writelines(msgspec.json.encode(stamped).decode() + "\n" for stamped in events)
    elif form == "json":
        sys.stdout.write(to_json(rows(report)))
    else:
        sys.stdout.write(markdown(state))
        sys.stdout.write(gpu_info_text(report))
    blind = report.access.rung not in (Rung.OK, Rung.WHAT_IF) or not report.inventory.known
    if blind and report.access.problem is not None and form != "text":
        sys.stderr.write(f"{report.access.problem}\n")
    return ExitStatus.CLUSTER if blind else ExitStatus.GO
