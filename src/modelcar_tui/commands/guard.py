"""The outermost layer of both commands: every end is a status and at most a few clear lines."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

from modelcar_tui.core.crash import frames, kind
from modelcar_tui.core.errors import UserError, full_disk
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import clean


def guarded(command: Callable[[], int]) -> int:
    """Run a command; faults become one line a problem on stderr, never a traceback."""
    _replace_closed_streams()
    try:
        status = command()
        sys.stdout.flush()
    except UserError as error:
        for problem in error.problems:
            complain(str(problem))
        return error.status
    except KeyboardInterrupt:
        return ExitStatus.INTERRUPTED
    except BrokenPipeError:
        # The reader went away (`| head`): keep Python from complaining at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitStatus.GO
    except Exception as error:  # noqa: BLE001 - a traceback would show local secrets and help nobody
        if said := full_disk(error):
            complain(said)
            return ExitStatus.USAGE
        complain(f"a fault of ours ({kind(error)}); details: {_keep(error)}")
        return ExitStatus.INTERNAL
    return status


def _replace_closed_streams() -> None:
    """Python has None for a stream that was closed before it started (`<&-`)."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def complain(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{clean(text)}\n")


def _keep(error: BaseException) -> str:
    """Write the traceback, without local variables and the errors' texts, where only the user reads it."""
    from pathlib import Path
    from tempfile import mkdtemp

    from modelcar_tui.core.files import write_private
    from modelcar_tui.core.secrets import Redactor

    redact = Redactor()
    for name, value in os.environ.items():
        if any(word in name for word in ("SECRET", "KEY", "TOKEN", "PASSWORD")) and len(value) >= 6:
            redact.add(value)
    path = Path(mkdtemp(prefix="modelcar-tui-")) / "crash.txt"
    try:
        write_private(path, redact(frames(error)).encode())
    except OSError as failure:
        return f"not kept ({failure.strerror})"
    return str(path)
