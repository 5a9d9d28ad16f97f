"""`agent report RUN`: the report of an earlier run, also of one that was cut off."""

from __future__ import annotations

import sys
from pathlib import Path

from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.replay import load_run
from modelcar_tui.commands.report_files import check_report, put_report
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import reveal
from modelcar_tui.report import endings, form_of, render
from modelcar_tui.supervisor import Settings, recorded_run


def run_report(name: str, settings: Settings, *, output: str | None = None, form: str | None = None) -> int:
    """Make the report; status 0 where it was made, whatever the run's own status was.

    Args:
        name: Of the run: its id, the start of one, its folder, `last`, `demo:NAME`, or a journal's file.
        settings: Where runs are kept, and whether another's file may be replaced.
        output: Where it goes; standard output by default.
        form: One of `report.FORMS`; by default that of the ending of `output`, else Markdown.

    Raises:
        UserError: no such run, nothing can be read of it, no such form, or the report can't be written there.
    """
    form = form or _form(output)
    if output is not None:
        check_report(Path(output), form, settings)
    data = render(load_run(recorded_run(name, settings)), form)
    if output is None:
        # Its bytes, whatever the terminal's encoding: a page and XML say that they are UTF-8.
        sys.stdout.flush()
        sys.stdout.buffer.write(data)
    else:
        complain(put_report(Path(output), data, form, settings))
    return ExitStatus.GO


def _form(output: str | None) -> str:
    if output is None:
        return "md"
    if form := form_of(output):
        return form
    what = f"its ending stands for no form: {endings()}"
    raise UserError(Problem(where=reveal(output), what=what, fix="give one of them, or --format"))
