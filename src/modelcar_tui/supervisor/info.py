"""What a specialist keeps in `info/`: whole files, and why one could not be kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from modelcar_tui.core.contain import Contained
from modelcar_tui.core.files import check_owner, write_private
from modelcar_tui.supervisor.runs import INFO
from modelcar_tui.supervisor.specialist import Context


class Kept(msgspec.Struct, frozen=True):
    """A file that was to be kept."""

    path: Path
    why_not: str = ""
    """Empty where it stands there."""

    @property
    def told(self) -> str:
        """The path, or why there is nothing."""
        return f"not written: {self.why_not}" if self.why_not else str(self.path)


def keep_info(context: Context, name: str, make: Callable[[], bytes]) -> Kept:
    """Write one file of the run's, or the command's, `info/`; a fault costs that file alone.

    Args:
        context: whose folder it is.
        name: of the file.
        make: gives its bytes; what it raises is a fault, too.
    """
    path = context.folder / INFO / name
    with Contained(str(path)) as caught:
        try:
            check_owner(path.parent)
            write_private(path, make())
        except OSError as error:
            return Kept(path, f"{path}: {error.strerror or error}; give another folder with --state-dir")
        return Kept(path)
    return Kept(path, caught.problem.what if caught.problem else "")
