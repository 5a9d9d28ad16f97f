"""A program on a pseudo-terminal of its own, shown by one window at a time or by none."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import signal
import struct
import termios
from collections.abc import Mapping, Sequence
from contextlib import suppress

from modelcar_tui.core.ends import LIMIT_S
from modelcar_tui.core.secrets import Secret
from modelcar_tui.web.modes import Modes
from modelcar_tui.web.window import Window

_CHUNK = 16 * 1024
_LEAST, _MOST_COLUMNS, _MOST_ROWS = 2, 500, 300
_PATIENCE_S = 10.0
"""How long keys wait for a program that reads none."""
_TAIL_S = 2.0
"""For the last bytes of a program that has ended, while a child of its own still holds the terminal."""
_REPAINT_S = 2.0
_ENDS = ((signal.SIGHUP, LIMIT_S + 1), (signal.SIGTERM, 2.0), (signal.SIGKILL, 1.0))
"""The signals of an end, each with the seconds that it is given: the first with those that a run may take."""
ANOTHER = "another window shows this run"
OVER = "the run has ended"


class Terminal:
    """The master's side. The program goes on while nobody watches; what it says then is dropped, and a window
    that comes has all of it painted again."""

    def __init__(self, process: asyncio.subprocess.Process, master: int) -> None:
        self.process = process
        self.size = (80, 24)
        """Columns and rows."""
        self._master = master
        self._modes = Modes()
        self._window: Window | None = None
        self._said = asyncio.Event()
        self._silent = asyncio.Event()
        self._reading = False
        self._repainting: asyncio.Task[None] | None = None
        self._blocked: asyncio.Future[None] | None = None
        """Keys wait for it."""
        self._writing = asyncio.Lock()
        self._read_on()
        self._end = asyncio.create_task(self._wait())

    @classmethod
    async def start(
        cls,
        program: Sequence[str],
        arguments: Sequence[str],
        env: Mapping[str, str],
        handed: Mapping[str, Secret],
    ) -> Terminal:
        """Start a program on a new terminal of 80 x 24.

        Args:
            program: The words before the number of the pipe.
            arguments: The words after it. No secret.
            env: The whole environment. No secret.
            handed: What the program reads from the pipe, as one JSON object.

        Raises:
            OSError: there is no further terminal or process.
        """
        master, slave = os.openpty()
        reader, writer = os.pipe()
        try:
            _resize(master, 80, 24)
            os.set_blocking(master, False)
            process = await asyncio.create_subprocess_exec(
                *program,
                str(reader),
                *arguments,
                stdin=slave,
                stdout=slave,
                stderr=slave,
                pass_fds=(reader,),
                start_new_session=True,
                env=dict(env),
            )
        except BaseException:
            os.close(master)
            os.close(writer)
            raise
        finally:
            os.close(slave)
            os.close(reader)
        await _hand_over(writer, handed)
        return cls(process, master)

    @property
    def status(self) -> int | None:
        """The exit status, that of a signal as the shell tells it; None while it runs."""
        code = self.process.returncode if self._end.done() else None
        return code if code is None or code >= 0 else 128 - code

    @property
    def watched(self) -> bool:
        """Whether a window shows it."""
        return self._window is not None

    def show(self, columns: int, rows: int) -> Window:
        """A new window has it from here on; the one before is closed."""
        if self._window is not None:
            self._window.close(ANOTHER)
        window = self._window = Window(self._read_on)
        window.put(b"\x1bc" + self._modes.again())
        if self._end.done():
            window.close(OVER)
            return window
        self._read_on()
        self.size = _within(columns, rows)
        if self._repainting is not None:
            self._repainting.cancel()
        self._repainting = asyncio.create_task(self._repaint())
        return window

    def leave(self, window: Window) -> None:
        """A window has gone."""
        window.close("left")
        if self._window is window:
            self._window = None
            self._read_on()

    def resize(self, columns: int, rows: int) -> None:
        """The window's size has changed."""
        self.size = _within(columns, rows)
        if self._repainting is None or self._repainting.done():
            self._fit(*self.size)

    async def write(self, data: bytes) -> None:
        """Hand keys to the program; those that it does not read within some seconds are dropped."""
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(_PATIENCE_S), self._writing:
                while data and not self._end.done():
                    try:
                        data = data[os.write(self._master, data) :]
                    except BlockingIOError:
                        await self._writable()

    def close(self, why: str) -> None:
        """Close the window that shows it, if any."""
        if self._window is not None:
            self._window.close(why)

    async def stop(self) -> None:
        """End the program: hung up first, as by a line that is lost, killed in the end."""
        for number, seconds in _ENDS:
            if self._end.done():
                return
            with suppress(ProcessLookupError):
                if number == signal.SIGKILL:
                    os.killpg(self.process.pid, number)
                else:
                    self.process.send_signal(number)
            await asyncio.wait([self._end], timeout=seconds)

    async def _wait(self) -> None:
        await self.process.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_TAIL_S):
                await self._silent.wait()
        self._silent.set()  # a child that holds the terminal is heard no more: its number may be another's
        self._stop_reading()
        if self._repainting is not None:
            self._repainting.cancel()
        if self._blocked is not None:
            # The number may be another terminal's at once, so nobody may wait for it any more.
            asyncio.get_running_loop().remove_writer(self._master)
            _settle(self._blocked)
        os.close(self._master)
        self.close(OVER)

    async def _repaint(self) -> None:
        """A program paints all again for another size, and only then: so it is told of another one first."""
        columns, rows = self.size
        self._said.clear()
        self._fit(columns, rows - 1 if rows > _LEAST else rows + 1)
        with suppress(TimeoutError):
            async with asyncio.timeout(_REPAINT_S):
                await self._said.wait()
        self._fit(*self.size)

    def _fit(self, columns: int, rows: int) -> None:
        with suppress(OSError):
            _resize(self._master, columns, rows)

    def _read_on(self) -> None:
        full = self._window is not None and self._window.full
        if not self._reading and not full and not self._silent.is_set():
            self._reading = True
            asyncio.get_running_loop().add_reader(self._master, self._readable)

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            asyncio.get_running_loop().remove_reader(self._master)

    def _readable(self) -> None:
        try:
            data = os.read(self._master, _CHUNK)
        except BlockingIOError:
            return
        except OSError:  # EIO: nobody holds the other side
            data = b""
        if not data:
            self._stop_reading()
            self._silent.set()
            return
        self._said.set()
        self._modes.hear(data)
        if self._window is not None:
            self._window.put(data)
            if self._window.full:
                self._stop_reading()

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        ready: asyncio.Future[None] = loop.create_future()
        self._blocked = ready
        loop.add_writer(self._master, _settle, ready)
        try:
            await ready
        finally:
            self._blocked = None
            if not self._end.done():
                loop.remove_writer(self._master)


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


async def _hand_over(writer: int, handed: Mapping[str, Secret]) -> None:
    """Write all to the pipe without waiting for its reader; the pipe is closed when it has everything."""
    data = json.dumps({name: secret.reveal() for name, secret in handed.items()}).encode()
    loop = asyncio.get_running_loop()
    transport, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(writer, "wb", buffering=0))
    transport.write(data)
    transport.close()


def _within(columns: int, rows: int) -> tuple[int, int]:
    return min(max(columns, _LEAST), _MOST_COLUMNS), min(max(rows, _LEAST), _MOST_ROWS)


def _resize(master: int, columns: int, rows: int) -> None:
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
