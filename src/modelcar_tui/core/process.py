"""Child processes that can't hang us, fill our memory or read our keyboard."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress

import msgspec

_REAP_S = 5.0


class Finished(msgspec.Struct, frozen=True, kw_only=True):
    """How a child ended."""

    status: int
    stdout: bytes
    stderr: bytes
    timed_out: bool = False
    overflowed: bool = False
    """It wrote more than we take, and was killed."""


async def run_bounded(
    argv: list[str],
    *,
    timeout_s: float,
    limit: int,
    stdin: bytes | None = None,
    env: dict[str, str] | None = None,
) -> Finished:
    """Run `argv` with pipes of its own; kill its whole process group at the time or size limit, or on cancel.

    `limit` is in bytes, for stdout and for stderr each.

    Raises:
        OSError: the program is missing or not executable.
    """
    child = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env=env,
    )
    timed_out = False
    out, err = _Sink(limit), _Sink(limit)
    try:
        async with asyncio.timeout(timeout_s):
            await asyncio.gather(_feed(child, stdin), out.drain(child.stdout), err.drain(child.stderr))
            await child.wait()
    except TimeoutError:
        timed_out = True
    except _OverflowError:
        pass
    finally:
        if child.returncode is None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
            await asyncio.shield(_reap(child))
    return Finished(
        status=child.returncode if child.returncode is not None else -signal.SIGKILL,
        stdout=bytes(out.data),
        stderr=bytes(err.data),
        timed_out=timed_out,
        overflowed=out.full or err.full,
    )


async def _reap(child: asyncio.subprocess.Process) -> None:
    """A full pipe that nobody reads, or one that a grandchild holds, must not keep us waiting."""
    child._transport.close()  # type: ignore[attr-defined]
    with suppress(TimeoutError):
        async with asyncio.timeout(_REAP_S):
            await child.wait()


class _OverflowError(Exception):
    pass


class _Sink:
    def __init__(self, limit: int) -> None:
        self.data = bytearray()
        self.full = False
        self._limit = limit

    async def drain(self, stream: asyncio.StreamReader | None) -> None:
        while stream is not None and (chunk := await stream.read(65536)):
            if len(self.data) + len(chunk) > self._limit:
                self.full = True
                raise _OverflowError
            self.data += chunk


async def _feed(child: asyncio.subprocess.Process, data: bytes | None) -> None:
    if data is not None and child.stdin is not None:
        with suppress(BrokenPipeError, ConnectionResetError):
            child.stdin.write(data)
            await child.stdin.drain()
        child.stdin.close()
