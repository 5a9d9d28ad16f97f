"""Addresses of servers and proxies as kubectl takes them (client-go: rest/url_utils.go,
tools/clientcmd/client_config.go and helpers.go; Go's x/net/http/httpproxy for the environment)."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from modelcar_tui.core.credentials import address_fault, header_fault, login_in, teach_login, without_login

_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://")
PROXIES = ("http", "https", "socks5")
"""Schemes of a proxy-url."""
_STAND_IN = "http://"
_NO_PROXY = "is no address with http://, https:// or socks5:// and a host"


class AddressError(ValueError):
    """Nothing can be asked there; a predicate (`holds a blank`) without any part of the address."""


def server_address(text: str) -> tuple[str, bool]:
    """A kubeconfig's `server` with a scheme in small letters, without login, query and slash at its end; and
    whether it had no scheme.

    As in client-go, an address without a scheme is one of plain HTTP, and then it is no more than a host and
    a port. What stands in it is taught to the process.

    Raises:
        AddressError: nothing can be asked there.
    """
    bare = "://" not in text
    whole = _STAND_IN + text if bare else _small(text)
    _check(whole)
    parts = urlsplit(without_login(whole))
    if bare and parts.path not in ("", "/"):
        raise AddressError("has no https:// before it")
    return parts._replace(query="", fragment="").geturl().rstrip("/"), bare


def proxy_url(text: str) -> str:
    """A kubeconfig's `proxy-url` with its scheme in small letters.

    Raises:
        AddressError: kubectl would refuse it, or nothing can be asked there.
    """
    return _proxy(_small(text), PROXIES)


def environment_proxy(text: str) -> str:
    """The value of `HTTPS_PROXY` with a scheme; as in Go, without one it is `http`.

    Raises:
        AddressError: nothing can be asked there.
    """
    whole = _small(text) if "://" in text else f"{_STAND_IN}{text}"
    return _proxy(whole, (*PROXIES, "socks5h"))


def may_carry_credentials(server: str) -> bool:
    """Whether a login is sent there: over TLS, and to this machine."""
    parts = urlsplit(server)
    return parts.scheme == "https" or is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, which no proxy of the environment is used for."""
    return host in ("localhost", "::1") or host.startswith("127.")


def _proxy(address: str, schemes: tuple[str, ...]) -> str:
    """What holds for an address of http, holds for a proxy's of any scheme."""
    scheme, _, rest = address.partition("://")
    try:
        _check(f"{_STAND_IN}{rest}" if scheme in schemes else address)
    except AddressError as error:
        raise AddressError(_NO_PROXY if _STAND_IN in str(error) else str(error)) from None
    if scheme not in schemes:
        raise AddressError(_NO_PROXY)
    return address


def _check(address: str) -> None:
    teach_login(address)
    login = login_in(address)
    if fault := address_fault(address) or header_fault(login.user if login else ""):
        raise AddressError(fault)


def _small(address: str) -> str:
    return _SCHEME.sub(lambda found: found[0].lower(), address, count=1)
