"""Whether a file may be made in its folder: asked before the work, not after it."""

from __future__ import annotations

import os
from pathlib import Path

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.text import reveal


def check_folder(path: Path, other: str) -> None:
    """Refuse a place in which no file of ours can be made.

    Args:
        path: Of the file.
        other: What to do instead, such as `name another file with -o`.

    Raises:
        UserError: there is no such folder, it can't be written, or it is that of devices: whoever may write
            there would replace `/dev/stdout` for the whole machine.
    """
    where, folder = reveal(str(path)), path.parent
    if not folder.is_dir():
        from modelcar_tui.core.config_file import to_type  # no part of the first frame

        fix = to_type("mkdir -p {}", str(folder))
        raise UserError(Problem(where=where, what="there is no such folder", fix=fix))
    if os.path.realpath(folder) == "/dev":
        raise UserError(Problem(where=where, what="is no place for a file", fix=other))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(Problem(where=where, what="its folder can't be written", fix=other))
