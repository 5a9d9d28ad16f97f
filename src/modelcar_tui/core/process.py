"""Child processes that can't hang us, fill our memory or read our keyboard."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import msgspec

from modelcar_tui.core.handed import for_children

_REAP_S = 5.0
_LOOK_S = 0.02


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
    linger_s: float | None = None,
) -> Finished:
    """Run `argv` with pipes of its own; kill it and all that it started at the time or size limit, or on
    cancel.

    Args:
        argv: the program and its arguments.
        timeout_s: how long all may take.
        limit: in bytes, for stdout and for stderr each.
        stdin: what it is given to read; nothing by default.
        env: its environment; ours by default.
        linger_s: how long children of its own may hold its pipes once it has ended; they are killed then.
            By default as long as all may take.

    Raises:
        OSError: the program is missing or not executable.
    """
    child = await asyncio.create_subprocess_exec(
        *argv,
        stdin=asyncio.subprocess.DEVNULL if stdin is None else asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
        env=for_children(env),
    )
    timed_out = whole = False
    out, err = _Sink(limit), _Sink(limit)
    pipes = asyncio.gather(_feed(child, stdin), out.drain(child.stdout), err.drain(child.stderr))
    try:
        async with asyncio.timeout(timeout_s):
            whole = await _ended(child, pipes, linger_s)
    except TimeoutError:
        timed_out = True
    except _OverflowError:
        pass
    finally:
        if not whole:  # also where it has ended itself, and a child of its own has not
            _kill(child.pid)
            pipes.add_done_callback(_seen)
            pipes.cancel()
            await asyncio.shield(_reap(child))
    return Finished(
        status=child.returncode if child.returncode is not None else -signal.SIGKILL,
        stdout=bytes(out.data),
        stderr=bytes(err.data),
        timed_out=timed_out,
        overflowed=out.full or err.full,
    )


async def _ended(
    child: asyncio.subprocess.Process, pipes: asyncio.Future[tuple[None, None, None]], linger_s: float | None
) -> bool:
    """Wait for its end; False where its pipes were still held `linger_s` later."""
    if linger_s is None:
        await pipes
        await child.wait()
        return True
    # On some Pythons `wait` waits for the pipes as well.
    while child.returncode is None and not pipes.done():
        await asyncio.wait([pipes], timeout=_LOOK_S)
    if not pipes.done():
        await asyncio.wait([pipes], timeout=linger_s)
    if not pipes.done():
        return False
    pipes.result()
    await child.wait()
    return True


def _kill(child: int) -> None:
    """Kill a child, its group, and whom it has started that left the group; those first, while they can be
    found."""
    for pid in _descendants(child):
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, signal.SIGKILL)
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


def _descendants(child: int) -> set[int]:
    """The children of a process, and theirs; none where the system does not show them."""
    parents: dict[int, int] = {}
    with suppress(OSError):
        for entry in Path("/proc").iterdir():
            with suppress(OSError, ValueError, IndexError):
                pid = int(entry.name)
                stat = (entry / "stat").read_text(errors="replace")
                parents[pid] = int(stat.rpartition(")")[2].split()[1])
    found: set[int] = set()
    new = {child}
    while new := {pid for pid, parent in parents.items() if parent in new} - found:
        found |= new
    return found


def _seen(pipes: asyncio.Future[tuple[None, None, None]]) -> None:
    """What nobody waits for any more, asyncio would write on stderr."""
    if not pipes.cancelled():
        pipes.exception()


async def _reap(child: asyncio.subprocess.Process) -> None:
    """A full pipe that nobody reads, or one that a grandchild holds, must not keep us waiting."""
    # To close the pipes first would ask for its end twice, and asyncio says so on stderr.
    with suppress(TimeoutError):
        async with asyncio.timeout(_REAP_S):
            while child.returncode is None:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_S)
    child._transport.close()  # type: ignore[attr-defined]


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
