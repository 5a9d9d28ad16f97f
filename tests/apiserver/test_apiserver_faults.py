"""A real API server that throttles, and a bad line to it: cut, stalled and slow, by a proxy on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cluster_support import options
from server import Account, ApiServer

from conftest import programs
from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube_objects import NODES, PODS, node, nvidia, pod
from modelcar_tui.kube.types import Rung
from support.ladder import probe

GPU_NODES, ALL_NODES = 40, 640
FREE = GPU_NODES * 7


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One request at a time is served; what comes meanwhile is answered with 429."""
    flags = (
        "--feature-gates=TTLAfterFinished=true,APIPriorityAndFairness=false",
        "--max-requests-inflight=1",
        "--max-mutating-requests-inflight=20",
    )
    running = ApiServer(programs(), tmp_path_factory.mktemp("apiserver"), flags=flags)
    labels = nvidia("NVIDIA-H100-80GB-HBM3", 81559, 8, "9.0", "hopper")
    try:
        running.start()
        for index in range(ALL_NODES):
            name, gpu = f"node-{index:05}", index < GPU_NODES
            running.make(NODES, node(name, labels if gpu else None, {"nvidia.com/gpu": "8"} if gpu else None))
            if gpu:
                running.make(PODS, pod(f"on-{name}", "default", name, {"nvidia.com/gpu": "1"}))
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def reader(server: ApiServer) -> Account:
    """Not an administrator: those are never throttled."""
    account = server.account()
    server.grant(account, {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]})
    return account


class Line:
    """A TCP proxy to the server whose downstream misbehaves."""

    def __init__(self, port: int) -> None:
        self.to = port
        self.cut_after: int | None = None
        """Bytes of one connection, from the server, after which it is reset."""
        self.stall_after: int | None = None
        self.rate: int | None = None
        """Bytes a second."""
        self.refuse = 0
        """So many connections are closed as soon as they come."""
        self.times = 1_000_000
        """How many connections go wrong."""
        self.connections = 0
        self.closed = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def stop(self) -> None:
        self.closed.set()
        self._listener.close()

    def _accept(self) -> None:
        while not self.closed.is_set():
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self.refuse:
                self.refuse -= 1
                near.close()
                continue
            far = socket.create_connection(("127.0.0.1", self.to), 5)
            threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, True), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, down: bool) -> None:
        passed = 0
        with suppress(OSError):
            while data := source.recv(16384):
                passed += len(data)
                if down and self.times and self.cut_after is not None and passed > self.cut_after:
                    self.times -= 1
                    break
                if down and self.times and self.stall_after is not None and passed > self.stall_after:
                    self.times -= 1
                    self.closed.wait(30)
                    break
                sink.sendall(data)
                if down and self.rate:
                    self.closed.wait(len(data) / self.rate)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()


@pytest.fixture
def line(server: ApiServer) -> Iterator[Line]:
    made = Line(server.port)
    yield made
    made.stop()


def through(server: ApiServer, line: Line | None, reader: Account, **more: Any) -> Any:
    path = server.kubeconfig(reader)
    if line is not None:
        text = Path(path).read_text().replace(f":{server.port}", f":{line.port}")
        Path(path).write_text(text)
    return options(
        path, **{"read_timeout_s": 3.0, "request_timeout_s": 15.0, "total_timeout_s": 60.0, **more}
    )


def free(report: AcceleratorReport) -> list[int | None]:
    return [pool.free for node in report.inventory.nodes for pool in node.pool]


def refused(server: ApiServer) -> int:
    """How many requests the server has answered with 429."""
    lines = [
        one for one in server.api.get("/metrics").text.splitlines() if one.startswith("apiserver_dropped_req")
    ]
    return sum(int(float(one.rpartition(" ")[2])) for one in lines)


@contextmanager
def others(server: ApiServer, reader: Account, count: int, pause: float) -> Iterator[None]:
    """Others who keep the server's only place taken, and pause between their requests."""
    done = threading.Event()

    def keep_busy() -> None:
        with server.client(reader) as api:
            while not done.wait(pause):
                api.get("/api/v1/nodes")

    threads = [threading.Thread(target=keep_busy, daemon=True) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        done.set()
        for thread in threads:
            thread.join()


async def test_throttled_requests_are_repeated_until_they_are_served(
    server: ApiServer, reader: Account
) -> None:
    """Real 429s, and in the end the whole truth."""
    with others(server, reader, 1, 0.05):
        before = refused(server)
        report = await read_cluster(through(server, None, reader, total_timeout_s=120.0))
        assert refused(server) > before, "the server refused nothing: this test proves nothing"
    assert report.access.rung is Rung.OK, report.access
    assert not report.inventory.partial, report.inventory.problems
    assert report.inventory.nodes_seen == ALL_NODES
    assert free(report) == [7] * GPU_NODES


async def test_a_server_that_is_never_free(server: ApiServer, reader: Account) -> None:
    """In the given time all of it, or what could be read and the reason; never a number that was not read."""
    with others(server, reader, 4, 0.0):
        began = time.monotonic()
        report = await read_cluster(through(server, None, reader, total_timeout_s=8.0))
        assert time.monotonic() - began < 12
    if report.access.rung is Rung.OK and report.inventory.known and not report.inventory.partial:
        assert free(report) == [7] * GPU_NODES
        return
    told = " ".join(str(p) for p in (*report.inventory.problems, report.access.problem) if p)
    assert "429" in told or "after its limit" in told, report
    assert set(free(report)) <= {7, None}


async def test_a_bad_line_that_mends(server: ApiServer, reader: Account, line: Line) -> None:
    line.cut_after, line.times = 300_000, 1
    report = await read_cluster(through(server, line, reader))
    assert line.times == 0
    assert not report.inventory.partial, report.inventory.problems
    assert report.inventory.nodes_seen == ALL_NODES
    assert sum(n or 0 for n in free(report)) == FREE


async def test_a_line_that_always_breaks_off_in_the_list(
    server: ApiServer, reader: Account, line: Line
) -> None:
    line.cut_after = 300_000
    report = await read_cluster(through(server, line, reader))
    assert not (report.inventory.known and not report.inventory.partial)
    told = " ".join(str(p) for p in (*report.inventory.problems, report.access.problem) if p)
    assert "cut off" in told or "broke" in told, told
    assert report.gpu_available in (None, True)


async def test_connections_that_are_closed_at_once(server: ApiServer, reader: Account, line: Line) -> None:
    line.refuse = 1
    report = await read_cluster(through(server, line, reader))
    assert report.access.rung is Rung.OK, report.access
    assert not report.inventory.partial
    line.refuse = 1000
    access = await probe(through(server, line, reader))
    assert access.rung is Rung.UNREACHABLE
    assert access.problem is not None


async def test_a_line_that_falls_silent(server: ApiServer, reader: Account, line: Line) -> None:
    line.stall_after = 300_000
    began = time.monotonic()
    report = await read_cluster(through(server, line, reader, read_timeout_s=1.0, total_timeout_s=20.0))
    assert time.monotonic() - began < 25
    told = " ".join(str(p) for p in (*report.inventory.problems, report.access.problem) if p)
    assert "in time" in told or "took longer" in told, told
    assert not (report.inventory.known and not report.inventory.partial)


async def test_a_slow_line_is_read_to_the_end(server: ApiServer, reader: Account, line: Line) -> None:
    line.rate = 400_000
    report = await read_cluster(through(server, line, reader))
    assert not report.inventory.partial, report.inventory.problems
    assert sum(n or 0 for n in free(report)) == FREE


async def test_a_line_too_slow_for_the_limit_is_given_up(
    server: ApiServer, reader: Account, line: Line
) -> None:
    line.rate = 20_000
    began = time.monotonic()
    report = await read_cluster(through(server, line, reader, request_timeout_s=2.0, total_timeout_s=20.0))
    assert time.monotonic() - began < 22
    assert not (report.inventory.known and not report.inventory.partial)


async def test_cancel_is_quick_while_a_page_is_on_its_way(
    server: ApiServer, reader: Account, line: Line
) -> None:
    line.rate = 20_000
    reached = asyncio.Event()
    task = asyncio.create_task(read_cluster(through(server, line, reader), on_access=lambda _: reached.set()))
    await asyncio.wait_for(reached.wait(), 30)
    await asyncio.sleep(0.5)
    began = time.monotonic()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert time.monotonic() - began < 0.5
    await asyncio.sleep(0.3)
    assert not [one for one in threading.enumerate() if one.name.startswith("cluster")]
