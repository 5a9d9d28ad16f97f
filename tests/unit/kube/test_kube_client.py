"""Any objects, writes, and logs that are followed, against a server that misbehaves on demand."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from modelcar_tui.kube.client import Client
from modelcar_tui.kube.decoding import Object
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.kubeconfig import Credentials
from modelcar_tui.kube.patience import delete_and_wait, patient
from modelcar_tui.kube.transport import Transport
from modelcar_tui.kube.types import ClusterOptions


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.go_on = threading.Event()
        self.objects: dict[str, Object] = {}
        self.seen: list[tuple[str, str, str, Object]] = []
        """Method, path, kind of the body and the body, once the answer is ready."""
        self.answers: list[tuple[int, Object]] = []
        """What is answered first, whatever is asked."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        if path.startswith("/log/"):
            self._log(path.removeprefix("/log/"))
        elif self.server.answers:
            self._answer(*self.server.answers.pop(0))
        elif path == "/text":
            self._answer(200, "text")
        else:
            found = self.server.objects.get(path)
            self._answer(200 if found else 404, found or {"message": f"{path} not found"})

    def do_POST(self) -> None:
        self._write()

    def do_PATCH(self) -> None:
        self._write()

    def do_DELETE(self) -> None:
        self._write()

    def _write(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path == "/slow":
            time.sleep(0.4)
        self.server.seen.append((self.command, self.path, self.headers["Content-Type"], body))
        if self.server.answers:
            self._answer(*self.server.answers.pop(0))
        else:
            self.server.objects.pop(self.path, None)
            self._answer(200, body)

    def _log(self, how: str) -> None:
        if how == "refused":
            self._answer(403, {"message": 'pods "x" is forbidden: you may not'})
            return
        if how == "headless":
            self.server.go_on.wait(30)
            return
        self.send_response(200)
        if how == "closing":
            self.send_header("Connection", "close")
        else:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._chunk(b"one\n", how)
        self.server.go_on.wait(30)
        if how != "broken":
            self._chunk(b"two\n", how)
            self._chunk(b"", how)
        self.close_connection = True

    def _chunk(self, data: bytes, how: str) -> None:
        try:
            self.wfile.write(data if how == "closing" else b"%x\r\n%s\r\n" % (len(data), data))
        except OSError:
            self.close_connection = True

    def _answer(self, code: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.go_on.set()
        server.shutdown()


@pytest.fixture
async def client(server: Server) -> AsyncIterator[Client]:
    found = Credentials(server=f"http://127.0.0.1:{server.server_address[1]}")
    async with Client(Transport(found, ClusterOptions()), threads=1) as client:
        yield client


@pytest.mark.parametrize("how", ["chunked", "closing"])
async def test_a_log_is_read_line_by_line_as_it_comes(server: Server, client: Client, how: str) -> None:
    async with asyncio.timeout(10), aclosing(client.log(f"/log/{how}", follow="true")) as log:
        assert await anext(log) == b"one\n"
        server.go_on.set()
        assert [chunk async for chunk in log] == [b"two\n"]


async def test_a_log_that_breaks_off_is_no_log_that_ended(server: Server, client: Client) -> None:
    async with asyncio.timeout(10), aclosing(client.log("/log/broken")) as log:
        assert await anext(log) == b"one\n"
        server.go_on.set()
        with pytest.raises(ClusterError) as caught:
            await anext(log)
    assert caught.value.status == 0


async def test_a_log_that_is_refused_says_why(client: Client) -> None:
    with pytest.raises(ClusterError, match="you may not") as caught:
        async for _ in client.log("/log/refused"):
            pass
    assert (caught.value.status, caught.value.forbidden) == (403, True)


async def test_a_log_that_is_silent_for_too_long_is_broken_off(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelcar_tui.kube.client.LOG_SILENCE_S", 0.3)
    with pytest.raises(ClusterError, match="does not answer in time"):
        async for chunk in client.log("/log/chunked"):
            assert chunk == b"one\n"


@pytest.mark.parametrize("how", ["chunked", "closing"])
async def test_a_log_that_is_left_gives_its_thread_back_at_once(
    server: Server, client: Client, how: str
) -> None:
    """The client has one thread here: if it still waited for the log, nothing else could be asked."""
    server.objects["/x"] = {"metadata": {"name": "x"}}

    async def follow() -> None:
        async with aclosing(client.log(f"/log/{how}")) as log:
            async for _ in log:
                began.set()

    for cancelled in (True, False):
        began = asyncio.Event()
        task = asyncio.create_task(follow())
        async with asyncio.timeout(5):
            await began.wait()
            if cancelled:
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert await client.read("/x")
            else:
                server.go_on.set()
                await task


async def test_a_client_that_is_closed_waits_for_no_log(server: Server, client: Client) -> None:
    task = asyncio.create_task(anext(client.log("/log/headless")))
    await asyncio.sleep(0.2)
    client.close()
    async with asyncio.timeout(5):
        with pytest.raises(ClusterError):
            await task


async def test_what_is_there_already_is_taken(server: Server, client: Client) -> None:
    server.objects["/jobs/a"] = {"metadata": {"name": "a", "uid": "1"}}
    server.answers.append((409, {"message": "a already exists"}))
    made = await client.create("/jobs", {"metadata": {"name": "a"}})
    assert made["metadata"]["uid"] == "1"
    assert await client.find("/jobs/b") is None


async def test_writes_are_sent_as_kubernetes_takes_them(server: Server, client: Client) -> None:
    await client.patch("/jobs/a", {"spec": {"suspend": True}})
    await client.delete("/jobs/a")
    await client.delete("/jobs/a", uid="u1")
    background = {"propagationPolicy": "Background"}
    assert server.seen == [
        ("PATCH", "/jobs/a", "application/merge-patch+json", {"spec": {"suspend": True}}),
        ("DELETE", "/jobs/a", "application/json", background),
        ("DELETE", "/jobs/a", "application/json", {**background, "preconditions": {"uid": "u1"}}),
    ]


async def test_a_write_that_is_under_way_is_waited_for_when_we_are_cancelled(
    server: Server, client: Client
) -> None:
    task = asyncio.create_task(client.create("/slow", {"metadata": {"name": "a"}}))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [path for _, path, *_ in server.seen] == ["/slow"]


async def test_a_server_that_has_too_much_to_do_is_asked_again(server: Server, client: Client) -> None:
    server.answers.append((429, {"message": "too many requests"}))
    assert await client.create("/jobs", {"metadata": {"name": "a"}}) == {"metadata": {"name": "a"}}


async def test_what_is_no_object_is_no_kubernetes(client: Client) -> None:
    with pytest.raises(ClusterError, match="not a Kubernetes API"):
        await client.read("/text")


async def test_a_refusal_of_what_was_allowed_is_doubted_for_a_while(
    server: Server, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.objects["/x"] = {"metadata": {"name": "x"}}
    server.answers += [(403, {"message": "no"}), (401, {"message": "no"})]
    assert await patient(client, "/x", 0.01) == server.objects["/x"]
    server.answers.append((403, {"message": "no"}))
    with pytest.raises(ClusterError):
        await patient(client, "/x", 0.01, allowed=False)
    server.answers += [(403, {"message": "no"})] * 100
    monkeypatch.setattr("modelcar_tui.kube.patience.REFUSED_S", 0.1)
    with pytest.raises(ClusterError):
        await patient(client, "/x", 0.05)


async def test_gone_is_when_it_is_not_there_any_more(server: Server, client: Client) -> None:
    server.objects["/x"] = {"metadata": {"name": "x"}}
    await delete_and_wait(client, "/x", 0.01)
    assert server.objects == {}
