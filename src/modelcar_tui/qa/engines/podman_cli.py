"""podman as a child process: bounded output, a limit on time, no secret in its argv or environment."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, NamedTuple, cast

from modelcar_tui.core.secrets import quoted

MAX_OUTPUT = 4 * 1024**2
_SECRET_NAME = re.compile(r"(?:SECRET|API_KEY|TOKEN|PASSWORD|OC_LOGIN_COMMAND)$")


class Result(NamedTuple):
    """How a podman command ended."""

    status: int
    out: str
    err: str

    @property
    def why(self) -> str:
        """podman's last word on what went wrong, one cleaned and redacted line."""
        lines = [line for line in (self.err or self.out).splitlines() if line.strip()]
        told = [
            line
            for line in lines
            if line.startswith(("Error", "error", "time=")) and "level=warn" not in line
        ]
        last = (told or lines or [f"exit status {self.status}"])[-1]
        return quoted(last.removeprefix("Error: "), limit=400)


class Podman:
    """The podman program.

    Every method raises `FileNotFoundError` where the program is missing and `TimeoutError` at its limit.
    """

    def __init__(self, program: str = "podman") -> None:
        self.program = program

    async def __call__(self, *args: str, limit_s: float = 60.0) -> Result:
        """Run one command to its end."""
        async with self.process(*args) as child, asyncio.timeout(limit_s):
            out, err = await asyncio.gather(_read(child.stdout), _read(child.stderr))
            return Result(await child.wait(), out, err)

    @asynccontextmanager
    async def process(self, *args: str, merged: bool = False) -> AsyncIterator[asyncio.subprocess.Process]:
        """A child in its own session (the terminal's Ctrl-C is not for it), killed when the block is left."""
        env = {name: value for name, value in os.environ.items() if not _SECRET_NAME.search(name)}
        child = await asyncio.create_subprocess_exec(
            self.program,
            *args,
            env=env,
            start_new_session=True,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT if merged else asyncio.subprocess.PIPE,
        )
        try:
            yield child
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                await child.wait()

    async def inspect(self, name: str) -> dict[str, Any] | None:
        """`podman container inspect`, None where there is no such container."""
        return _first(await self("container", "inspect", name))

    async def inspect_image(self, image: str) -> dict[str, Any] | None:
        """`podman image inspect`, None where the image is not in the local store."""
        return _first(await self("image", "inspect", image))

    async def find(self, label: str) -> str | None:
        """The id of the container with a label, in whatever state it is.

        Raises:
            PodmanError: podman can't list containers.
        """
        result = await self("ps", "-a", "--no-trunc", "--quiet", "--filter", f"label={label}")
        if result.status:
            raise PodmanError(result)
        return next(iter(result.out.split()), None)


class PodmanError(Exception):
    """podman said no."""

    def __init__(self, result: Result) -> None:
        super().__init__(result.why)
        self.result = result


def _first(result: Result) -> dict[str, Any] | None:
    if result.status:
        if "no such" in result.err.lower() or "not known" in result.err.lower():
            return None
        raise PodmanError(result)
    found = json.loads(result.out)
    return found[0] if found else None


def stdout_of(child: asyncio.subprocess.Process) -> asyncio.StreamReader:
    """The stream of a child's output; `Podman.process` always opens it."""
    return cast("asyncio.StreamReader", child.stdout)


async def _read(stream: asyncio.StreamReader | None) -> str:
    if stream is None:
        return ""
    data = bytearray()
    while chunk := await stream.read(65_536):
        if len(data) < MAX_OUTPUT:
            data += chunk
    return data.decode("utf-8", "replace")
