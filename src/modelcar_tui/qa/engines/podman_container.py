"""One container that runs the suite: found, awaited, stopped and removed."""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import Any, NamedTuple

from modelcar_tui.core.stamps import seconds
from modelcar_tui.qa.engines.podman_cli import Podman, PodmanError
from modelcar_tui.qa.engines.staging import LABEL
from modelcar_tui.qa.engines.stopping import interrupt_suite

_WAITING = ("created", "configured", "initialized")
PATIENCE = 10
"""Times in a row that podman may fail to answer about a running container before we give up on it."""


class Exit(NamedTuple):
    """How a container ended."""

    status: int | None
    """None when it vanished."""
    at: float
    """Seconds since 1970; 0 when it is not told."""


class Container:
    """A container of ours by its id."""

    def __init__(self, podman: Podman, container: str) -> None:
        self.id = container
        self._podman = podman
        self.log_path = ""
        self.started = 0.0
        """Seconds since 1970; 0 when it is not told."""
        self.running = False
        """Whether it ran when it was opened."""

    async def open(self) -> None:
        """Learn where its log is and since when it runs; start it where a killed process only created it."""
        for _ in range(2):
            found = await self._podman.inspect(self.id) or {}
            state = found.get("State") or {}
            self.log_path = str(((found.get("HostConfig") or {}).get("LogConfig") or {}).get("Path") or "")
            self.started = max(seconds(str(state.get("StartedAt") or "")), 0.0)
            self.running = bool(state.get("Running"))
            if state.get("Status") not in _WAITING:
                return
            result = await self._podman("start", self.id)
            if result.status and "running" not in result.err:
                raise PodmanError(result)

    async def wait(self) -> Exit:
        """Wait for its end, however long.

        Raises:
            PodmanError, TimeoutError: podman failed `PATIENCE` times in a row.
        """
        failures = 0
        while True:
            async with self._podman.process("wait", self.id) as child:
                out, _ = await child.communicate()
            try:
                found = await self._podman.inspect(self.id)
                failures = 0
            except (PodmanError, TimeoutError):
                failures += 1
                if failures >= PATIENCE:
                    raise
                await asyncio.sleep(1.0)
                continue
            if found is None:
                text = out.decode("ascii", "replace").strip()
                return Exit(int(text) if text.isdecimal() else None, 0.0)
            state = found.get("State") or {}
            if not state.get("Running"):
                ended = seconds(str(state.get("FinishedAt") or ""))
                return Exit(int(state.get("ExitCode", 0)), max(ended, 0.0))
            await asyncio.sleep(0.5)

    async def stop(self, grace_s: float) -> None:
        """Let the suite clean up on the cluster, for the grace at most; then kill it. Never raises."""
        with suppress(TimeoutError, OSError):
            if grace_s > 0:
                text = interrupt_suite(math.ceil(grace_s))
                told = await self._podman("exec", self.id, "/bin/sh", "-c", text, limit_s=grace_s + 10.0)
                if told.status != 1:
                    grace_s = 0  # it was asked, and had its time
        with suppress(TimeoutError, OSError):
            await self._podman("stop", f"--time={max(int(grace_s), 0)}", self.id, limit_s=grace_s + 20.0)

    async def remove(self) -> None:
        """Remove it, running or not. Never raises."""
        with suppress(TimeoutError, OSError):
            await self._podman("rm", "--force", "--time=0", self.id)


async def find(podman: Podman, run_id: str) -> Container | None:
    """The container of a run, in whatever state it is.

    Raises:
        PodmanError: podman can't list containers.
    """
    container = await podman.find(f"{LABEL}={run_id}")
    return None if container is None else Container(podman, container)


async def won_by_another(podman: Podman, run_id: str, told: str) -> Container | None:
    """The run's container where `podman run` of a client that an earlier, killed process left made it first.

    Args:
        told: What our own `podman run` said when it failed; the name lets only one container in.
    """
    if "in use" not in told:
        return None
    for _ in range(20):
        if (container := await find(podman, run_id)) is not None:
            return container
        await asyncio.sleep(0.25)
    return None


async def ids_running(podman: Podman) -> set[str] | None:
    """Run ids whose containers run now; None when podman does not say."""
    shown = f'{{{{index .Labels "{LABEL}"}}}}'
    try:
        result: Any = await podman("ps", "--filter", f"label={LABEL}", f"--format={shown}", limit_s=20.0)
    except (OSError, TimeoutError):
        return None
    return None if result.status else set(result.out.split())
