"""Servers, and a run that they can tell of."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters, stdio_client

from modelcar_tui import Approve, judge
from modelcar_tui.demo import demo_settings, prepare_demo
from modelcar_tui.mcp import Asking
from modelcar_tui.mcp.serving import make_server
from support.mcp_server import MAIN, Raw, environment

Started = Callable[..., AbstractAsyncContextManager[Client]]


@pytest.fixture(scope="session")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A state folder with one run, of the demo."""
    folder = tmp_path_factory.mktemp("mcp") / "state"
    demo = demo_settings(state_dir=str(folder), approve=Approve.ALL, qa=False, llm=False)
    assert judge(prepare_demo(demo)).finish is not None
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The folder that the operator allows."""
    folder = tmp_path / "allowed"
    folder.mkdir()
    return folder


@pytest.fixture
def started(root: Path, state: Path, tmp_path: Path) -> Started:
    """Starts a server, connected to the SDK's own client."""

    @asynccontextmanager
    async def start(*words: str, mode: str = "auto") -> AsyncIterator[Client]:
        args = ["-m", "modelcar_tui.agent", "mcp", "--root", str(root), "--state-dir", str(state), *words]
        server = StdioServerParameters(
            command=sys.executable, args=args, env=environment(tmp_path), cwd=tmp_path
        )
        with (tmp_path / "talk").open("w") as talk:
            async with Client(
                stdio_client(server, errlog=talk), mode=mode, read_timeout_seconds=30
            ) as client:
                yield client

    return start


@pytest.fixture
def connected(root: Path, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Started:
    """Connects the SDK's own client to a server in this process: what a tool answers needs no other one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nonesuch"))

    @asynccontextmanager
    async def connect(**more: Any) -> AsyncIterator[Client]:
        server = make_server(Asking(roots=(str(root),), state_dir=str(state), **more))
        async with Client(server, read_timeout_seconds=30) as client:
            yield client

    return connect


@pytest.fixture
def raw(root: Path, tmp_path: Path) -> Iterator[Callable[..., Raw]]:
    """Starts a server with lines of Python before it."""
    servers: list[Raw] = []

    def start(before: str = "", *words: str) -> Raw:
        servers.append(Raw(f"{before}\n{MAIN}", root, tmp_path, *words))
        return servers[-1]

    yield start
    for server in servers:
        server.process.kill()
        server.process.wait()
        for stream in (server.process.stdin, server.process.stdout):
            if stream is not None:
                stream.close()
