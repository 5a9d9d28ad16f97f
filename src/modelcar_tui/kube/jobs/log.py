"""A pod's log through the API, with reconnects that lose and double nothing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime

from modelcar_tui.core.log_lines import LineSplitter, RawLine
from modelcar_tui.core.stamps import seconds
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.patience import Doubt

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 10.0


class Cursor:
    """Where we are in a log whose lines carry times: after the `ties`-th line of time `last`.

    A log is asked for "since" a whole second, so lines come again; several lines may share one time.
    """

    def __init__(self, last: float = 0.0, ties: int = 0) -> None:
        self.last = last
        self.ties = ties
        self._again = 0

    @property
    def since(self) -> dict[str, str]:
        """The query for a connection that goes on here."""
        if not self.last:
            return {}
        return {"sinceTime": datetime.fromtimestamp(int(self.last), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}

    def connect(self) -> None:
        """A new connection: lines may come again."""
        self._again = self.ties

    def is_new(self, at: float) -> bool:
        """Whether a line of this time was not had before; call it once a line, in order."""
        if at < self.last:
            return False
        if at == self.last and self._again > 0:
            self._again -= 1
            return False
        self.ties = self.ties + 1 if at == self.last else 1
        self.last = at
        self._again = 0
        return True


async def follow_log(
    client: Client, path: str, cursor: Cursor, *, container: str, ended: bool
) -> AsyncGenerator[list[RawLine], None]:
    """Batches of new lines until the server ends the log; broken connections are made anew for ever.

    The caller sets the limit. When the API server loses the node, it ends the log in the middle of a line as
    if that were all: so a line without an end counts only where the container had ended before, and what is
    missing is read by following once more after that.

    Args:
        client: of the cluster.
        path: of the pod's log.
        cursor: where to go on; moved along.
        container: whose log it is.
        ended: whether the container had ended already.

    Raises:
        ClusterError: the server says that there is no such log, or that we may not read it.
    """
    pause, doubt = FIRST_PAUSE_S, Doubt()
    while True:
        splitter = LineSplitter()
        cursor.connect()
        try:
            log = client.log(path, follow="true", timestamps="true", container=container, **cursor.since)
            async with aclosing(log) as chunks:
                async for chunk in chunks:
                    pause, doubt = FIRST_PAUSE_S, Doubt()
                    if lines := [line for raw in splitter.feed(chunk) if (line := _line(raw, cursor))]:
                        yield lines
        except ClusterError as error:
            if error.status in (404, 410) or (
                error.status in (401, 403) and not (cursor.last and doubt.left)
            ):
                raise
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE_S)
            continue
        if ended and (left := splitter.rest()) and (line := _line(left, cursor)):
            yield [line]
        return


def _line(raw: bytes, cursor: Cursor) -> RawLine | None:
    stamp, blank, text = raw.partition(b" ")
    at = seconds(stamp.decode("ascii", "replace")) if blank else 0.0
    if not at:
        # Not a log line: the kubelet's own remark, such as "unable to retrieve container logs".
        return None
    return RawLine(text, at) if cursor.is_new(at) else None
