"""Reading the logs of the suite's pods: seldom, and only their ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from typing import Any, NamedTuple

from modelcar_tui.core.secrets import Redactor
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.kube.jobs import Container, containers_of
from modelcar_tui.qa.watch_pods import SERVER

EVERY_S = 20.0
"""How often the log of a server that starts is looked at, for vLLM's figures."""
_TAIL = {"tailLines": "200", "limitBytes": "262144"}
_MOST_BYTES = 512 * 1024
_LIMIT_S = 15.0
_LINE = 1_000
"""Characters of a line that are kept."""


class LogTail(NamedTuple):
    """The lines of one log."""

    container: str
    lines: list[str]
    over: bool
    """The container had ended: its last lines tell why."""


class _Mark(NamedTuple):
    """What was read of a container."""

    ends: int = 0
    at: float = 0.0
    ready: bool = False


class LogReading:
    """Remembers what was read, so that each end of a container is read once.

    Args:
        redact: masks what it reads.
        every_s: pause between two looks at a server that starts.
    """

    def __init__(self, redact: Redactor, every_s: float = EVERY_S) -> None:
        self.refused: ClusterError | None = None
        """We may not read logs; nothing is asked any more."""
        self._redact = redact
        self._every = every_s
        self._marks: dict[tuple[str, str], _Mark] = {}

    async def read(self, client: Client, path: str, uid: str, pod: Mapping[str, Any]) -> list[LogTail]:
        """The logs that are worth reading now.

        Args:
            client: of the cluster.
            path: of the pod.
            uid: the pod's.
            pod: as it was listed.
        """
        found = []
        for container in containers_of(pod):
            key = uid, container.name
            mark = self._marks.get(key, _Mark())
            query = _wanted(container, mark, time.monotonic(), self._every)
            if query is None or self.refused is not None:
                continue
            lines = await self._lines(client, path, container.name, query)
            if lines is None:
                continue
            ends = _ends(container)
            self._marks[key] = _Mark(ends, time.monotonic(), container.ready)
            found.append(LogTail(container.name, lines, ends > mark.ends))
        return found

    async def _lines(
        self, client: Client, path: str, container: str, query: Mapping[str, str]
    ) -> list[str] | None:
        """The last lines, masked; None where there is no log now."""
        data = bytearray()
        try:
            async with asyncio.timeout(_LIMIT_S):
                async with aclosing(client.log(f"{path}/log", container=container, **_TAIL, **query)) as log:
                    async for chunk in log:
                        data += chunk
                        if len(data) > _MOST_BYTES:
                            break
        except ClusterError as error:
            if error.status in (401, 403):
                self.refused = error
            return None
        except TimeoutError:
            return None
        # A key has several lines: it is looked for before the text is cut into them.
        text = self._redact(bytes(data[:_MOST_BYTES]).decode("utf-8", "replace"))
        return [self._redact.line(line, limit=_LINE) for line in text.split("\n") if line.strip()]


def _wanted(container: Container, mark: _Mark, now: float, every_s: float) -> dict[str, str] | None:
    """The query for what is new in a container's log; None where nothing is worth reading."""
    if _ends(container) > mark.ends:
        return {} if container.state == "terminated" else {"previous": "true"}
    if container.name != SERVER or container.state != "running":
        return None
    if container.ready:
        return None if mark.ready else {}
    return {} if now - mark.at >= every_s else None


def _ends(container: Container) -> int:
    """How often it has ended badly: each end is read once, as it is or after the restart."""
    if container.state == "terminated":
        return container.restarts + bool(container.told.get("exitCode"))
    return max(container.restarts, container.told.get("reason") == "CrashLoopBackOff")
