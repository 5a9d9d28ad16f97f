"""A SOCKS5 proxy on loopback: it makes connections, refuses with a code, wants a login, or is none at all."""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from support.tunnel import relay


class SocksProxy(socketserver.ThreadingTCPServer):
    """`asked` holds the places that it was asked for, names as names."""

    daemon_threads = True

    def __init__(self, reply: int, login: str, manner: str) -> None:
        super().__init__(("127.0.0.1", 0), _Connect)
        self.reply, self.login, self.manner = reply, login, manner
        self.asked: list[str] = []
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.to: dict[str, str] = {}
        """Where a name leads; loopback takes the place of a cluster's network."""


class _Connect(socketserver.BaseRequestHandler):
    server: SocksProxy

    def handle(self) -> None:
        if self.server.manner == "http":
            self.request.recv(100)
            self.request.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        elif self.server.manner == "silent":
            time.sleep(5)
        elif self.server.manner != "closes" and self._logged_in():
            self._connect()

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            part = self.request.recv(size - len(data))
            if not part:
                raise ConnectionError
            data += part
        return data

    def _logged_in(self) -> bool:
        methods = self._read(self._read(2)[1])
        if not self.server.login:
            self.request.sendall(b"\x05\x00")
            return True
        if 2 not in methods:
            self.request.sendall(b"\x05\xff")
            return False
        self.request.sendall(b"\x05\x02")
        user = self._read(self._read(2)[1]).decode()
        password = self._read(self._read(1)[0]).decode()
        good = f"{user}:{password}" == self.server.login
        self.request.sendall(b"\x01" + (b"\x00" if good else b"\x01"))
        return good

    def _connect(self) -> None:
        kind = self._read(4)[3]
        packed = self._read({1: 4, 4: 16}.get(kind) or self._read(1)[0])
        families = {1: socket.AF_INET, 4: socket.AF_INET6}
        host = socket.inet_ntop(families[kind], packed) if kind in families else packed.decode()
        port = int.from_bytes(self._read(2), "big")
        self.server.asked.append(f"{host}:{port}")
        self.request.sendall(bytes([5, self.server.reply, 0, 3, 4]) + b"here" + b"\x00\x50")
        if self.server.reply:
            return
        with socket.create_connection((self.server.to.get(host, host), port), 5) as far:
            relay(self.request, far)


@contextmanager
def socks_proxy(reply: int = 0, login: str = "", manner: str = "") -> Iterator[SocksProxy]:
    """A `SocksProxy` for the block.

    Args:
        reply: what it answers to CONNECT (RFC 1928).
        login: `user:password` that it wants.
        manner: `http` answers as a web server, `silent` not at all, `closes` at once.
    """
    with SocksProxy(reply, login, manner) as proxy:
        threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield proxy
        proxy.shutdown()
