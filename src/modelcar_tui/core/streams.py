"""Standard output and error of a process of ours: what could not be delivered is known, with a status."""

from __future__ import annotations

import errno
import io
import os
import select
import stat
import sys
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any, TextIO

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.terminal import PIECE as TERMINAL_PIECE

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


_LOOK_MS = 200
"""How long a write waits for room before it looks whether it should still wait."""
_patient = [True]
_nowhere: list[IO[str]] = []
"""Kept open: what is opened next must not get the number of a standard stream."""


class OutputLost(Exception):  # noqa: N818 - what has happened, not whose error
    """Standard output takes nothing more. No OSError, which others expect of their files."""

    def __init__(self, number: int) -> None:
        """
        Args:
            number: The system's, of the write that failed; EAGAIN where it was not waited for a reader.
        """
        super().__init__(os.strerror(number))
        gone = number == errno.EPIPE
        self.status = ExitStatus.READER_GONE if gone else ExitStatus.OUTPUT
        why = "whoever read it went away" if gone else f"it can't be written ({os.strerror(number)})"
        if number == errno.EAGAIN:
            why = "nobody reads it"
        self.line = f"standard output: {why}; what was told is not complete"


class _Stream(io.FileIO):
    """Never waits inside the kernel: an end that was asked for need not wait for whoever reads us."""

    def __init__(self, handle: int) -> None:
        super().__init__(handle, "w", closefd=False)
        mode = os.fstat(handle).st_mode
        self._waits = not stat.S_ISREG(mode)
        # Where there is room, there is as much: of a pipe by POSIX, of a terminal by Linux.
        self._piece = TERMINAL_PIECE if stat.S_ISCHR(mode) else select.PIPE_BUF
        self._poll = select.poll()
        self._poll.register(handle, select.POLLOUT)

    def write(self, data: ReadableBuffer, /) -> int:
        """Some of `data`, when there is room.

        Raises:
            BlockingIOError: there is none, and it is not to be waited for.
        """
        if not self._waits:
            return super().write(data)
        while not self._poll.poll(_LOOK_MS if _patient[0] else 0):
            if not _patient[0]:
                raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return super().write(memoryview(data).cast("B")[: self._piece])


class _Output(_Stream):
    """Tells faults of standard output apart from those of every other file and socket."""

    def write(self, data: ReadableBuffer, /) -> int:
        try:
            return super().write(data)
        except OSError as error:
            raise OutputLost(error.errno or errno.EIO) from error


class _Talk(_Stream):
    """Standard error: what can't be written is dropped, for there is nowhere else to say so."""

    def write(self, data: ReadableBuffer, /) -> int:
        with suppress(OSError):
            return super().write(data)
        return len(memoryview(data).cast("B"))


def wait_no_more() -> None:
    """From here on what a reader does not take at once is lost. From any thread."""
    _patient[0] = False


def take_streams() -> None:
    """Replace `sys.stdout` and `sys.stderr` by ours over the same descriptors."""
    replace_closed_streams()
    sys.stdout = _like(sys.stdout, _Output)
    sys.stderr = _like(sys.stderr, _Talk)


def replace_closed_streams() -> None:
    """Python has None for a stream that was closed before it started (`<&-`)."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            stream = open(os.devnull, mode, encoding="utf-8")  # noqa: PTH123, SIM115
            setattr(sys, name, stream)
            _nowhere.append(stream)


def deliver() -> OutputLost | None:
    """Flush both; what was lost, if anything. Python's own flush at its end has other statuses and lines."""
    with suppress(OSError, ValueError):
        sys.stderr.flush()
    try:
        sys.stdout.flush()
    except OutputLost as lost:
        give_up_output()
        return lost
    except BrokenPipeError:  # of an embedding program's stream
        give_up_output()
        return OutputLost(errno.EPIPE)
    except (AttributeError, OSError, ValueError):  # somebody closed it, or took it away
        give_up_output()
        return OutputLost(errno.EBADF)
    return None


def give_up_output() -> None:
    """Let what is still buffered go nowhere."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
        sys.stdout.flush()
        return
    sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - ours was closed by somebody
    _nowhere.append(sys.stdout)


def _like(stream: TextIO, kind: type[_Stream]) -> TextIO:
    """The same descriptor, encoding and buffering; what the encoding lacks is told as its code point."""
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    raw: Any = kind(stream.fileno())
    at_once = stream.line_buffering or stream.write_through
    errors = "backslashreplace" if stream.errors == "strict" else stream.errors
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=errors, line_buffering=at_once
    )
