"""`-o FILE`: a report where the operator wants it; what another hand wrote there is not replaced unasked."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import write_private
from modelcar_tui.core.folders import check_folder
from modelcar_tui.core.shown import shown
from modelcar_tui.manifest import ChangedError, Keeping, Standing, not_asked, place_of_file
from modelcar_tui.supervisor import Settings, command_keeping

_REPORT = "agent-report"
"""Stands for the run in the records: a report that such a command wrote is its own the next time."""
_OTHER = "name another file with -o"


def check_output(path: Path, settings: Settings) -> None:
    """Refuse a place before anything is asked.

    Raises:
        UserError: there is no such folder, something is in the way, or it is another hand's and not
            `settings.force`.
    """
    check_folder(path, _OTHER)
    _allowed(_keeping(settings).look(path, b""), settings)


def put_output(path: Path, data: bytes, settings: Settings) -> str:
    """Write a report, atomically and for the operator alone; the line that says so.

    Raises:
        UserError: as `check_output`, or it can't be written.
    """
    keeping, said = _keeping(settings), ""
    standing = keeping.look(path, data)
    try:
        if _allowed(standing, settings):
            said = f"; {keeping.keep(standing)}"
        write_private(path, data)
    except ChangedError:
        fix = "look at it, then try again"
        raise UserError(Problem(where=shown(str(path)), what="it changed just now", fix=fix)) from None
    except OSError as error:
        what = f"the report can't be written ({error.strerror or error})"
        raise UserError(Problem(where=shown(str(path)), what=what, fix=_OTHER)) from None
    keeping.note(place_of_file(path), hashlib.sha256(data).hexdigest(), time.time())
    return f"saved: {shown(str(path))}{said}"


def _keeping(settings: Settings) -> Keeping:
    return msgspec.structs.replace(command_keeping(settings), run=_REPORT)


def _allowed(standing: Standing, settings: Settings) -> bool:
    """Whether a copy must be kept before it is replaced.

    Raises:
        UserError: it may not be replaced.
    """
    if standing.obstacle:
        raise UserError(Problem(where=shown(standing.path), what=standing.obstacle, fix=_OTHER))
    if standing.asks and not settings.force:
        raise UserError(not_asked(standing, what="is no report of ours as it was written"))
    return standing.asks
