"""How long a step may take by default, in seconds. What was found out until then stays and is used.

`--timeout` limits the whole run. QA has budgets of its own (`qa.budget`), an answer of the operator has none,
and a write that has begun is not broken off.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable

MANIFEST_S = 60.0
IMAGES_S = 600.0
"""All images; one has 90 s (`ImageOptions`)."""
CLUSTER_S = 180.0
"""All that is asked of the cluster; the runtime image and each check of serving have 60 s of it."""
COMPARE_S = 300.0
"""Looked at between two models, as is the next one."""
ARGUMENTS_S = 300.0
GUEST_S = 600.0
"""A specialist of another package, without the time in which it waits for the operator."""
STOP_S = 45.0
"""The operator's own stop, while QA cleans up on the cluster; longer than QA's own grace."""

TRY_STOP_S = 75.0
"""The stop of a try, whose pod is given a minute to end so that its GPU is free again."""


async def unhurried(limit: asyncio.Timeout, answer: Awaitable[bool]) -> bool:
    """Wait for the operator's answer; meanwhile the time of `limit` stands still."""
    until, loop = limit.when(), asyncio.get_running_loop()
    if until is None:
        return await answer
    left = until - loop.time()
    limit.reschedule(None)
    try:
        return await answer
    finally:
        limit.reschedule(loop.time() + left)
