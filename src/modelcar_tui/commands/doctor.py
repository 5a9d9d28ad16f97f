"""`agent doctor`: what is here, what is missing, and the command that mends it.

Each check has a thread of its own: one that hangs or dies costs only its own line. Nothing is written, and no
secret is told.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Mapping

import msgspec

from modelcar_tui.commands import doctor_here, doctor_outside
from modelcar_tui.commands.doctor_rows import Check, Patient, Row, State, warning
from modelcar_tui.commands.preferences import look
from modelcar_tui.core.crash import kind
from modelcar_tui.core.credentials import teach_environment
from modelcar_tui.core.exit_codes import ExitStatus, worst
from modelcar_tui.core.shown import masked_values, seen_json, shown, shown_lines

LIMIT_S = 20.0
"""The longest that all checks are waited for; those that ask others have shorter limits of their own."""
CHECKS: dict[str, Check] = {
    "python": doctor_here.python,
    "terminal": doctor_here.terminal,
    "settings": doctor_here.settings,
    "folders": doctor_here.folders,
    "cluster": doctor_outside.cluster,
    "clients": doctor_outside.clients,
    "podman": doctor_outside.podman,
    "registry": doctor_outside.registry,
    "proxies": doctor_here.proxies,
    "language model": doctor_here.model_key,
    "extras": doctor_here.extras,
    "last crash": doctor_here.last_crash,
}
"""In the order in which their lines are told."""
_WIDTH = 15


def run_doctor(args: argparse.Namespace) -> int:
    """Look, tell, and say by the status whether a run can work."""
    teach_environment()
    rows = examine(Patient(look(args), offline=args.offline), CHECKS)
    status = worst(*(row.stops for row in rows if row.state is not State.OK))
    if args.form == "json":
        tree = {"rows": msgspec.to_builtins(rows), "status": int(status), "works": status == ExitStatus.GO}
        sys.stdout.write(seen_json(json.dumps(masked_values(tree), indent=2, ensure_ascii=False)) + "\n")
        return status
    columns = _columns()
    for row in rows:
        sys.stdout.write(shown_lines(line(row, columns)) + "\n")
    stopping = [row.name for row in rows if row.stops and row.state is not State.OK]
    end = (
        f"a run is kept from working by: {', '.join(dict.fromkeys(stopping))}"
        if stopping
        else "a run can work"
    )
    sys.stdout.write(f"\n{shown(end)}\n")
    return status


def line(row: Row, columns: int | None = None) -> str:
    """One line; on a terminal that is too narrow for it cut at words, what mends it in lines of its own."""
    head = f"{row.state:<7}  {row.name:<{_WIDTH}}  "
    whole = f"{head}{row.what}{f'; {row.fix}' if row.fix else ''}"
    if columns is None or len(whole) <= columns or columns < 2 * len(head):
        return whole
    from textwrap import wrap

    parts = [row.what, *([row.fix] if row.fix else [])]
    room = columns - len(head)
    lines = [
        one for part in parts for one in wrap(part, room, break_long_words=False, break_on_hyphens=False)
    ]
    return head + f"\n{' ' * len(head)}".join(lines)


def _columns() -> int | None:
    """Of the terminal that is written to; None where there is none, and each row is one line."""
    try:
        return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None
    except (OSError, ValueError):
        return None


def examine(patient: Patient, checks: Mapping[str, Check], limit_s: float = LIMIT_S) -> list[Row]:
    """The rows of all checks, side by side, in their order."""
    found: dict[str, list[Row]] = {name: [] for name in checks}
    threads = {
        name: threading.Thread(target=_check, args=(check, patient, name, found[name]), daemon=True)
        for name, check in checks.items()
    }
    for thread in threads.values():
        thread.start()
    until = time.monotonic() + limit_s
    rows: list[Row] = []
    for name, thread in threads.items():
        thread.join(max(0.0, until - time.monotonic()))
        rows += list(found[name])
        if thread.is_alive():
            rows.append(warning(name, f"not known: no answer within {limit_s:g} s"))
    return rows


def _check(check: Check, patient: Patient, name: str, rows: list[Row]) -> None:
    """One check to its end; whatever it dies of is told by its kind, as its text may hold anything."""
    try:
        for row in check(patient):
            rows.append(row)
    except BaseException as error:  # noqa: BLE001 - see above
        rows.append(warning(name, f"not known: the check failed ({kind(error)})"))
