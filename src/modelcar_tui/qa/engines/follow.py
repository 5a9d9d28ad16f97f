"""Following a container's log by its `k8s-file`, with `podman logs -f` where the file can't be read.

The file is the better source: no polling in podman, and at full speed `podman logs -f` of podman 4.3 was seen
to lose bytes. Both are read from the start: the pipeline knows which lines it has already.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from modelcar_tui.core.log_lines import LineSplitter, RawLine
from modelcar_tui.core.stamps import seconds
from modelcar_tui.qa.engines.podman_cli import Podman, stdout_of
from modelcar_tui.qa.log.lines import K8sFile

CHUNK = 32_768
"""Bytes a turn of the loop: about 10 ms of work."""


class FileFollower:
    """Reads conmon's file."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._decode = K8sFile()

    def read(self) -> list[RawLine]:
        chunk = os.read(self._handle, CHUNK)
        return list(self._decode.feed(chunk)) if chunk else []

    def more(self) -> bool:
        """Whether the file holds bytes that were not read."""
        return os.lseek(self._handle, 0, os.SEEK_CUR) < os.fstat(self._handle).st_size

    def finish(self) -> Iterator[RawLine]:
        return self._decode.finish()


class CommandFollower:
    """Reads `podman logs -f --timestamps`; the queue is bounded, so podman waits for a slow reader."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes] = asyncio.Queue(maxsize=16)
        self.ended = False
        self._splitter = LineSplitter()

    async def pump(self, stream: asyncio.StreamReader) -> None:
        """Fill the queue until podman closes the stream."""
        while chunk := await stream.read(CHUNK):
            await self.queue.put(chunk)
        self.ended = True

    def read(self) -> list[RawLine]:
        if self.queue.empty():
            return []
        return [_stamped(line) for line in self._splitter.feed(self.queue.get_nowait())]

    def more(self) -> bool:
        """Whether lines can still come."""
        return not (self.ended and self.queue.empty())

    def finish(self) -> Iterator[RawLine]:
        if left := self._splitter.rest():
            yield _stamped(left)


@asynccontextmanager
async def following(
    podman: Podman, container: str, log_path: str
) -> AsyncIterator[FileFollower | CommandFollower]:
    """A follower of the container's log from its first line."""
    try:
        handle = os.open(log_path, os.O_RDONLY | os.O_CLOEXEC) if log_path else -1
    except OSError:
        handle = -1
    if handle >= 0:
        try:
            yield FileFollower(handle)
        finally:
            os.close(handle)
        return
    follower = CommandFollower()
    async with podman.process("logs", "-f", "--timestamps", container, merged=True) as child:
        pump = asyncio.create_task(follower.pump(stdout_of(child)))
        try:
            yield follower
        finally:
            pump.cancel()


def _stamped(line: bytes) -> RawLine:
    stamp, blank, text = line.partition(b" ")
    at = seconds(stamp.decode("ascii", "replace")) if blank else 0.0
    return RawLine(text, at) if at else RawLine(line, 0.0)
