"""Whether the suite's namespaces are free: they have fixed names, and each test fails where one is there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.stamps import seconds
from modelcar_tui.kube import Client, ClusterError, ClusterOptions, Flattened, connect_as

LIMIT_S = 10.0


async def refuse_occupied_as(config: Flattened, options: ClusterOptions, spaces: Sequence[str]) -> None:
    """`refuse_occupied` with the credentials that the suite is lent.

    Raises:
        UserError: as there.
    """
    with suppress(ClusterError, TimeoutError):
        async with asyncio.timeout(LIMIT_S), connect_as(config, options) as client:
            await refuse_occupied(client, spaces)


async def refuse_occupied(client: Client, spaces: Sequence[str]) -> None:
    """Refuse to start where one of the namespaces is there; one that can't be asked for refuses nothing.

    Raises:
        UserError: another run is at work in it, or a broken one has left it.
    """
    for name in spaces:
        found = None
        with suppress(ClusterError):
            found = await client.find(f"/api/v1/namespaces/{name}")
        if found is not None:
            raise UserError(_occupied(name, found.get("metadata") or {}))


def _occupied(name: str, meta: dict[str, object]) -> Problem:
    what = f"the suite makes namespace {name}, which is on the cluster already"
    if meta.get("deletionTimestamp"):
        fix = f"oc wait --for=delete namespace/{name} --timeout=5m; then run again"
        return Problem(what=f"{what} and is being deleted", fix=fix, code="namespace-busy")
    created = seconds(str(meta.get("creationTimestamp") or ""))
    age = f" (made {max(time.time() - created, 0.0) / 60:.0f} min ago)" if created else ""
    fix = f"oc get pods -n {name}; wait for the run that is at work there, or oc delete namespace {name}"
    return Problem(what=f"{what}{age}", fix=fix, code="namespace-busy")
