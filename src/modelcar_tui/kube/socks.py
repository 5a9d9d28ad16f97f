"""SOCKS5 (RFC 1928, RFC 1929): a connection that a proxy makes for us, as Go's clients ask for it.

Names are resolved by the proxy, also with `socks5://`; a login in the proxy's address is offered.
"""

from __future__ import annotations

import ipaddress
import socket
from typing import Any
from urllib.parse import urlsplit

from urllib3.connection import HTTPConnection

from modelcar_tui.core.credentials import login_in
from modelcar_tui.kube.errors import SocksError

PORT = 1080
_VERSION = 5
_NO_LOGIN, _LOGIN = 0, 2
_LONGEST = 255
_REFUSALS = {
    1: "it can't connect to the cluster",
    2: "its rules do not let us through to the cluster",
    3: "the cluster's network can't be reached from it",
    4: "the cluster's host can't be reached from it",
    5: "the cluster refuses its connection",
    6: "its connection to the cluster takes too long",
    7: "it does not connect for others",
    8: "it does not know such addresses",
}


def is_socks(proxy: str | None) -> bool:
    """Whether a proxy's address is one of these."""
    return bool(proxy) and str(proxy).startswith(("socks5://", "socks5h://"))


def through(kind: type[HTTPConnection], proxy: str) -> type[HTTPConnection]:
    """`kind`, whose connections `proxy` makes."""

    class Proxied(kind):  # type: ignore[valid-type, misc]
        def _new_conn(self) -> socket.socket:
            limit = self.timeout if isinstance(self.timeout, int | float) else None
            return connected(proxy, self._dns_host, self.port, limit)

    return Proxied


def connected(proxy: str, host: str, port: int, limit_s: float | None) -> socket.socket:
    """A connection to a host, made by the proxy.

    Raises:
        SocksError: it is not there, wants another login, or could not connect.
    """
    parts = urlsplit(proxy)
    try:
        sock = socket.create_connection((parts.hostname or "", parts.port or PORT), limit_s)
    except socket.gaierror:
        raise SocksError("its name can't be resolved", dead=True) from None
    except OSError:
        raise SocksError("the proxy does not answer", dead=True) from None
    try:
        _ask(sock, proxy, host, port)
    except SocksError:
        sock.close()
        raise
    except OSError as error:
        sock.close()
        told = "does not answer in time" if isinstance(error, TimeoutError) else "closed the connection"
        raise SocksError(f"the proxy {told}", dead=True) from None
    except BaseException:
        sock.close()
        raise
    return sock


def _ask(sock: socket.socket, proxy: str, host: str, port: int) -> None:
    login = login_in(proxy)
    methods = bytes([_NO_LOGIN, _LOGIN] if login else [_NO_LOGIN])
    sock.sendall(bytes([_VERSION, len(methods)]) + methods)
    version, method = _read(sock, 2)
    if version != _VERSION:
        raise SocksError("what answers there is no SOCKS5 proxy")
    if method == _LOGIN and login:
        user, password = login.user.encode()[:_LONGEST], login.password.encode()[:_LONGEST]
        sock.sendall(b"\x01" + bytes([len(user)]) + user + bytes([len(password)]) + password)
        if _read(sock, 2)[1] != 0:
            raise SocksError("the proxy refuses the login in its address")
    elif method != _NO_LOGIN:
        raise SocksError("the proxy wants a login")
    sock.sendall(bytes([_VERSION, 1, 0]) + _place(host) + port.to_bytes(2, "big"))
    version, reply, _, kind = _read(sock, 4)
    if version != _VERSION:
        raise SocksError("what answers there is no SOCKS5 proxy")
    if reply != 0:
        raise SocksError(f"the proxy answers: {_REFUSALS.get(reply, f'refused ({reply})')}")
    length = {1: 4, 4: 16}.get(kind) or _read(sock, 1)[0]
    _read(sock, length + 2)


def _place(host: str) -> bytes:
    try:
        address: Any = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode("idna" if not host.isascii() else "ascii")[:_LONGEST]
        return bytes([3, len(name)]) + name
    packed: bytes = address.packed
    return bytes([1 if address.version == 4 else 4]) + packed


def _read(sock: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = sock.recv(size - len(data))
        if not part:
            raise ConnectionResetError
        data += part
    return data
