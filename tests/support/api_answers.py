"""A server that gives each path the answer that it is told, and remembers what it was asked."""

from __future__ import annotations

import http.server
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import urlsplit


class Asked(NamedTuple):
    """One request."""

    method: str
    path: str
    headers: list[tuple[str, str]]


Told = tuple[int, Any]
"""A status, and a body: a text as it is, anything else as JSON."""


class ApiServer(http.server.ThreadingHTTPServer):
    """`answers` by path; whatever else gets `otherwise`. Both may be changed at any time."""

    daemon_threads = True

    def __init__(self, answers: Mapping[str, Told], otherwise: Told, host: str) -> None:
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, 0), _Handler)
        self.answers = dict(answers)
        self.otherwise = otherwise
        self.token = ""
        """The only token that is not answered with 401; empty for any."""
        self.asked: list[Asked] = []
        self.host = f"{f'[{host}]' if ':' in host else host}:{self.server_address[1]}"
        self.url = f"http://{self.host}"


class _Handler(http.server.BaseHTTPRequestHandler):
    server: ApiServer
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        path = urlsplit(self.path).path
        self.server.asked.append(Asked(self.command, path, list(self.headers.items())))
        status, body = self.server.answers.get(path, self.server.otherwise)
        if self.server.token and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            status, body = 401, {"kind": "Status", "message": "Unauthorized"}
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def api_answers(
    answers: Mapping[str, Told] | None = None,
    otherwise: Told = (404, "404 page not found"),
    host: str = "127.0.0.1",
) -> Iterator[ApiServer]:
    """An `ApiServer` for the block."""
    with ApiServer(answers or {}, otherwise, host) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()
