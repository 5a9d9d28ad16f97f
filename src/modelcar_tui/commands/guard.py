"""The outermost layer of both commands: every end is a status and at most a few clear lines."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Callable

from modelcar_tui.core.crash import frames, kind
from modelcar_tui.core.ends import ENDS, Ended
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus, worst
from modelcar_tui.core.shortage import limited, shortage
from modelcar_tui.core.shown import shown
from modelcar_tui.core.streams import (
    OutputLost,
    deliver,
    give_up_output,
    replace_closed_streams,
    take_streams,
    wait_no_more,
)
from modelcar_tui.core.text import clean


class Told(SystemExit):
    """The command line has said it all: help, a version, a slip. Any other exit of a command is a fault."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def own_process(command: Callable[[], int]) -> int:
    """`guarded` as the whole of a process: signals, streams and the end are ours from here on."""
    try:
        take_streams()
        ENDS.install()
        status = guarded(command)
    except KeyboardInterrupt as error:
        status = _interrupted(error)
    return ENDS.over(status)


def guarded(command: Callable[[], int]) -> int:
    """Run a command; faults become one line a problem on stderr, never a traceback.

    The status is the worst of the command's own and of what became of its output.
    """
    replace_closed_streams()
    status = _status(command)
    lost = deliver()
    return status if lost is None else worst(status, _lost(lost))


def _status(command: Callable[[], int]) -> int:
    try:
        return command()
    except Told as told:
        return told.status
    except UserError as error:
        for problem in error.problems:
            complain(str(problem))
        return error.status if (short := limited(error)) is None else _say(short.line(), short.status)
    except KeyboardInterrupt as error:
        return _interrupted(error)
    except OutputLost as lost:
        give_up_output()
        return _lost(lost)
    except BaseException as error:  # noqa: BLE001 - a traceback would show local secrets and help nobody
        if (short := shortage(error)) is not None:
            return _say(short.line(), short.status)
        if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
            what = "a name of a file is longer than this system takes; give a shorter one"
            return _say(f"{shown(_named(error))[:60]}…: {what}", ExitStatus.USAGE)
        return _say(f"a fault of ours ({kind(error)}); details: {_keep(error)}", ExitStatus.INTERNAL)


def _named(error: OSError) -> str:
    return os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""


def complain(text: str) -> None:
    """One line on stderr."""
    sys.stderr.write(f"{clean(text)}\n")


def _say(text: str, status: ExitStatus) -> ExitStatus:
    complain(text)
    return status


def _lost(lost: OutputLost) -> ExitStatus:
    return _say(lost.line, lost.status)


def _interrupted(error: KeyboardInterrupt) -> ExitStatus:
    """The status of a signal that nobody listened to; whoever reads us is waited for no longer."""
    wait_no_more()
    return error.status if isinstance(error, Ended) else ExitStatus.INTERRUPTED


def _keep(error: BaseException) -> str:
    """Write the traceback, without local variables and the errors' texts, where only the user reads it."""
    from pathlib import Path
    from tempfile import mkdtemp

    from modelcar_tui.core.credentials import teach_environment
    from modelcar_tui.core.files import write_private
    from modelcar_tui.core.secrets import redact

    teach_environment()
    try:
        path = Path(mkdtemp(prefix="modelcar-tui-")) / "crash.txt"
        write_private(path, redact(frames(error)).encode())
    except OSError as failure:
        return f"not kept ({failure.strerror})"
    return str(path)
