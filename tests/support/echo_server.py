"""A server that repeats the Authorization header wherever it can: in bodies, headers, status lines, broken
HTTP.

It stands for an API server and for a registry with a token service (`/token`). It records what it was sent.
"""

from __future__ import annotations

import base64
import json
import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

TLS_HELLO = b"\x16"
"""The first byte of somebody who tries TLS first; he is to try without."""


def answer(status: str, body: bytes = b"", **headers: str) -> bytes:
    """A whole HTTP answer; an underscore in a header's name is a hyphen."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + body


def status_object(code: int, message: str) -> bytes:
    """A Kubernetes Status."""
    told = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}
    return json.dumps(told).encode()


def _json(code: int) -> Callable[[str], bytes]:
    def say(told: str) -> bytes:
        return answer(f"{code} X", status_object(code, f"sent {told}"), Content_Type="application/json")

    return say


def _spelled(told: str) -> bytes:
    message = "".join(f"\\u{ord(char):04x}" for char in told)
    return answer("500 X", b'{"kind":"Status","message":"' + message.encode() + b'"}')


def _success(told: str) -> bytes:
    item = {
        "metadata": {"name": told[:200], "labels": {"nvidia.com/gpu.product": told}},
        "status": {"allocatable": {"nvidia.com/gpu": "4"}},
    }
    body = {
        "gitVersion": told,
        "items": [item],
        "message": told,
        "status": {"userInfo": {"username": told, "groups": [told]}, "allowed": True},
    }
    return answer("200 OK", json.dumps(body).encode(), Content_Type="application/json")


def _packed(told: str) -> str:
    return base64.b64encode(f"header: {told}".encode()).decode()


ECHOES: dict[str, Callable[[str], bytes]] = {
    "json-500": _json(500),
    "json-403": _json(403),
    "json-401": _json(401),
    "json-404": _json(404),
    "json-429": _json(429),
    "json-503": _json(503),
    "plain": lambda told: answer("500 X", f"you sent {told}".encode()),
    "cut": lambda told: answer("500 X", f"{'x' * 270} {told}".encode()),
    "cut-json": lambda told: answer("500 X", status_object(500, f"{'x' * 270} {told}")),
    "often": lambda told: answer("500 X", f"{told} ".encode() * 2000),
    "base64": lambda told: answer("500 X", status_object(500, _packed(told))),
    "quoted": lambda told: answer("500 X", status_object(500, quote(told, safe=""))),
    "lower": lambda told: answer("500 X", status_object(500, told.lower())),
    "coloured": lambda told: answer("500 X", status_object(500, f"{told[:15]}\x1b[31m{told[15:]}")),
    "spelled": _spelled,
    "success": _success,
    "status-line": lambda told: answer(f"500 {told}"),
    "no-http": lambda told: f"{told}\r\n\r\n".encode(),
    "header": lambda told: answer("500 X", X_Echo=told, WWW_Authenticate=told),
    "bad-header": lambda told: answer("500 X", b"", **{f"{told} without colon\r\nX": "y"}),
    "bad-header-name": lambda told: f"HTTP/1.1 500 X\r\n{told}\x01: x\r\nContent-Length: 0\r\n\r\n".encode(),
    "bad-length": lambda told: f"HTTP/1.1 500 X\r\nContent-Length: {told}\r\n\r\n".encode(),
    "bad-chunk": lambda told: f"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n{told}\r\n".encode(),
    "bad-encoding": lambda told: answer("500 X", told.encode(), Content_Encoding="gzip"),
    "odd-encoding": lambda told: answer("500 X", told.encode(), Content_Encoding=told),
    "redirect": lambda told: answer("302 X", Location=f"http://127.0.0.1:1/{quote(told)}"),
    "redirect-host": lambda told: answer("302 X", Location=f"https://{told.split()[-1].strip('=')}/x"),
    "redirect-scheme": lambda told: answer("302 X", Location=f"{told.split()[-1].strip('=')}:x"),
    "redirect-login": lambda told: answer("302 X", Location=f"http://u:{told.split()[-1]}@127.0.0.1:1/"),
    "challenge": lambda told: answer(
        "401 X", WWW_Authenticate=f'Bearer realm="http://{told.split()[-1]}.invalid/"'
    ),
    "challenge-login": lambda told: answer(
        "401 X", WWW_Authenticate=f'Bearer realm="http://u:{told.split()[-1]}@127.0.0.1:1/"'
    ),
    "retry-after": lambda told: answer("429 X", status_object(429, told), Retry_After=told),
}
"""What the server says, by name; each is given the header's value."""


class EchoServer:
    """Runs until `stop`. `seen` holds the Authorization headers that it was sent."""

    def __init__(
        self, echo: str, *, challenge: str = "", token: str = "", tls: ssl.SSLContext | None = None
    ) -> None:
        """
        Args:
            echo: one of `ECHOES`.
            challenge: `basic` or `bearer`: how a request without the header is refused.
            token: what the token service gives.
            tls: what it speaks TLS with; without it, who tries TLS is sent away.
        """
        owner, self.seen = self, list[str]()
        self._say, self._challenge, self._token = ECHOES[echo], challenge, token

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                if tls is None and self.connection.recv(1, socket.MSG_PEEK) == TLS_HELLO:
                    return
                path = self.rfile.readline().decode("latin-1").split(" ")[1:2]
                sent, length = "", 0
                while line := self.rfile.readline().strip():
                    name, _, value = line.decode("latin-1").partition(":")
                    sent = value.strip() if name.lower() == "authorization" else sent
                    length = int(value) if name.lower() == "content-length" else length
                self.rfile.read(length)
                self.wfile.write(owner._answer(path[0] if path else "", sent))

        self._server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.host = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{'https' if tls else 'http'}://{self.host}"
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        ).start()

    def stop(self) -> None:
        """Stop serving."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, path: str, sent: str) -> bytes:
        if sent:
            self.seen.append(sent)
        if path.startswith("/token"):
            return answer("200 OK", json.dumps({"token": self._token}).encode())
        if self._challenge and not sent:
            asked = {"basic": 'Basic realm="x"', "bearer": f'Bearer realm="{self.url}/token",service="x"'}
            return answer("401 X", b"{}", WWW_Authenticate=asked[self._challenge])
        return self._say(sent)


@contextmanager
def echo_server(echo: str, **options: Any) -> Iterator[EchoServer]:
    """An `EchoServer` for the block."""
    server = EchoServer(echo, **options)
    try:
        yield server
    finally:
        server.stop()


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for 127.0.0.1, and the PEM of the authority that signed it: itself."""
    key, authority = folder / "tls.key", folder / "tls.crt"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-keyout",
            key,
            "-out",
            authority,
            "-days",
            "2",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ],
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority, key)
    return context, authority


def traces(canary: str) -> tuple[bytes, ...]:
    """What must not be found: the canary, its base64 in each alignment, and its halves; in lower case."""
    half = len(canary) // 2
    found = [canary, canary[:half], canary[half:], quote(canary, safe="")]
    for shift in range(3):
        packed = base64.b64encode(b"\0" * shift + canary.encode()).decode()
        found.append(packed[4 if shift else 0 : len(packed) - 4])
    return tuple(text.encode().lower() for text in found)


def shown(data: bytes, canary: str) -> list[bytes]:
    """The traces of a canary that stand in `data`."""
    low = data.lower()
    return [trace for trace in traces(canary) if trace in low]
