"""Waiting for an API server that is away, or refuses for a while what it allowed before."""

from __future__ import annotations

import asyncio
import time

from modelcar_tui.kube.client import Client
from modelcar_tui.kube.decoding import Object
from modelcar_tui.kube.errors import ClusterError

REFUSED_S = 60.0
"""A server that has just started refuses everybody until it has read its roles and tokens."""


class Doubt:
    """Whether a refusal of what was allowed before is still not believed."""

    def __init__(self) -> None:
        self._until = 0.0

    @property
    def left(self) -> bool:
        """True for `REFUSED_S` from the first time that it is asked."""
        self._until = self._until or time.monotonic() + REFUSED_S
        return time.monotonic() < self._until


async def patient(client: Client, path: str, pause: float, *, allowed: bool = True) -> Object | None:
    """`Client.find` that waits for an API server that is away; the caller sets the limit.

    Args:
        client: of the cluster.
        path: of the object.
        pause: seconds between two tries.
        allowed: whether it was allowed before, so that a refusal may be a passing one.
    """
    doubt = Doubt()
    while True:
        try:
            return await client.find(path)
        except ClusterError as error:
            if error.status in (401, 403) and not (allowed and doubt.left):
                raise
            await asyncio.sleep(pause)


async def delete_and_wait(client: Client, path: str, pause: float) -> None:
    """Delete an object and wait until it is not there any more.

    Raises:
        ClusterError: we may not: waiting would never end.
    """
    try:
        await client.delete(path)
    except ClusterError as error:
        if not error.missing:
            raise
    while await client.find(path) is not None:  # noqa: ASYNC110 - the API server tells nobody
        await asyncio.sleep(pause)
