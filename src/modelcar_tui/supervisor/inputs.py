"""What came by no file: kept as one, so that a run can be gone on with, and nobody else can read it."""

from __future__ import annotations

import hashlib
from itertools import count
from pathlib import Path

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import check_owner, private_folder, write_private
from modelcar_tui.supervisor.runs import command_folder
from modelcar_tui.supervisor.settings import Settings

INPUTS = "inputs"
"""Beside the folder of runs; what is generated from an input lies beside it."""
MOST_BYTES = 10 * 1024**2
"""As much as a manifest's file may have."""
_DIGITS = 12
"""Of the bytes' SHA-256, for a path that fits on a small screen."""


def keep_input(settings: Settings, data: bytes, name: str) -> Path:
    """The absolute path of a file with these bytes, mode 0600 in folders of mode 0700.

    The same bytes are one file. One that somebody has edited since stays as it is, and another is made.

    Args:
        settings: where runs are kept.
        data: all of it.
        name: of the file, such as `stdin.yaml`.

    Raises:
        UserError: it can't be kept.
    """
    digest = hashlib.sha256(data).hexdigest()[:_DIGITS]
    folder = command_folder(settings).absolute() / INPUTS
    path = folder / digest / name
    try:
        check_owner(private_folder(folder))
        for number in count(2):
            check_owner(private_folder(path.parent))
            if not path.exists():
                write_private(path, data)
                return path
            if path.read_bytes() == data:
                path.chmod(0o600)
                return path
            path = folder / f"{digest}-{number}" / name
    except OSError as error:
        what = f"can't keep what was given: {error.strerror or type(error).__name__}"
        problem = Problem(where=str(path), what=what, fix="give another folder with --state-dir")
        raise UserError(problem) from error
    raise AssertionError  # numbers do not end
