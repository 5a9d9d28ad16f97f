"""A proxy that knows CONNECT, and nothing else."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Tunnel(socketserver.ThreadingTCPServer):
    """`asked` holds the places that it was asked to connect to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Connect)
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Connect(socketserver.BaseRequestHandler):
    server: Tunnel

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += self.request.recv(4096)
        host, _, port = head.split()[1].decode().partition(":")
        self.server.asked.append(f"{host}:{port}")
        with socket.create_connection((host, int(port)), 5) as far:
            self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            relay(self.request, far)


def relay(near: socket.socket, far: socket.socket) -> None:
    """Pass on what either side sends, until one ends or both are silent for five seconds."""
    while ready := select.select([near, far], [], [], 5)[0]:
        for side in ready:
            data = side.recv(65536)
            if not data:
                return
            (far if side is near else near).sendall(data)


@contextmanager
def tunnel() -> Iterator[Tunnel]:
    """A `Tunnel` for the block."""
    with Tunnel() as proxy:
        threading.Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield proxy
        proxy.shutdown()
