"""Tells when it is time to look: the suite gives up a server that crashes after a second, and deletes its
pod.

A watch of the API server's rings when a pod changes, and so does the suite's own log when it goes on. What is
heard is only that there is something to see; lists say what.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from contextlib import aclosing

from modelcar_tui.core.contain import Contained
from modelcar_tui.kube import Client, ClusterError
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.watch_pods import LABEL

AGAIN_S = 2.0
"""The pause before a watch is begun anew."""
MOST = 3
"""Watches at a time: each holds a thread of the client."""
_LASTS = "240"
_GLANCE_S = 0.1
_APART_S = 0.2
"""Changes that come closer together are one."""


class Bell:
    """Rings for a client's namespaces.

    Args:
        client: of the cluster.
        pipeline: of the suite's log.
    """

    def __init__(self, client: Client, pipeline: Pipeline) -> None:
        self._client = client
        self._pipeline = pipeline
        self._rung = asyncio.Event()
        self._watches: dict[str, asyncio.Task[None]] = {}
        self._heard = self._stands()
        self._looked = 0.0

    async def wait(self, spaces: Iterable[str], pause_s: float) -> None:
        """Return when it rings in one of the namespaces, or after the pause."""
        self._listen(tuple(spaces)[:MOST])
        end = time.monotonic() + pause_s
        while (left := end - time.monotonic()) > 0:
            if self._stands() != self._heard:
                break
            try:
                async with asyncio.timeout(min(left, _GLANCE_S)):
                    await self._rung.wait()
            except TimeoutError:
                continue
            break
        await asyncio.sleep(self._looked + _APART_S - time.monotonic())
        self._looked = time.monotonic()
        self._rung.clear()
        self._heard = self._stands()

    def stop(self) -> None:
        """Listen no more."""
        self._listen(())

    def _stands(self) -> tuple[object, ...]:
        """Where the suite is, by its log."""
        result = self._pipeline.parser.result
        return result.model, result.phase, len(result.created)

    def _listen(self, spaces: tuple[str, ...]) -> None:
        for space in [space for space in self._watches if space not in spaces]:
            self._watches.pop(space).cancel()
        for space in spaces:
            if space not in self._watches:
                self._watches[space] = asyncio.create_task(self._watch(space), name=f"watch of {space}")

    async def _watch(self, space: str) -> None:
        path, query = f"/api/v1/namespaces/{space}/pods", {"watch": "true", "timeoutSeconds": _LASTS}
        while True:
            with Contained(space):
                try:
                    async with aclosing(self._client.log(path, labelSelector=LABEL, **query)) as changes:
                        async for _ in changes:
                            self._rung.set()
                except ClusterError as error:
                    if error.status in (401, 403):
                        return  # who may list but not watch is served by looks now and then
            await asyncio.sleep(AGAIN_S)
