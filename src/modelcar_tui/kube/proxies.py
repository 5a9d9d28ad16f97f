"""The proxy on the way to a server: the kubeconfig's, else the environment's as Go's clients heed it."""

from __future__ import annotations

import base64
import ipaddress
from contextlib import suppress
from urllib.parse import urlsplit

from modelcar_tui.core.credentials import login_in, without_login
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.text import clean
from modelcar_tui.kube.addresses import AddressError, environment_proxy, is_loopback
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.types import Rung


def shown(proxy: str) -> str:
    """A proxy for a sentence: `proxy http://HOST:PORT`, without its login."""
    return f"proxy {clean(without_login(proxy), limit=100)}"


def login_header(proxy: str) -> dict[str, str]:
    """The header with the login that stands in a proxy's address; the library does not make it itself."""
    login = login_in(proxy)
    packed = base64.b64encode(f"{login.user}:{login.password}".encode()).decode() if login else ""
    return {"Proxy-Authorization": f"Basic {packed}"} if login else {}


def from_environment(server: str) -> str | None:
    """What `HTTPS_PROXY` (for a server of plain HTTP `HTTP_PROXY`) and `NO_PROXY` say for a server.

    Raises:
        ClusterError: the variable holds no address of a proxy.
    """
    from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

    parts = urlsplit(server)
    proxies = getproxies_environment()
    host = parts.hostname or ""
    told = proxies.get(parts.scheme)
    if not told or is_loopback(host):
        return None
    try:
        proxy, fault = environment_proxy(told), ""
    except AddressError as error:
        proxy, fault = "", str(error)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    if proxy_bypass_environment(f"{host}:{port}", proxies) or _in_a_network(host, proxies.get("no", "")):
        return None
    if fault:
        variable = f"{parts.scheme.upper()}_PROXY"
        what = f"the proxy's address {fault}"
        raise ClusterError(
            Rung.UNREACHABLE, Problem(where=variable, what=what, fix="mend it", code="proxy-address")
        )
    return proxy


def _in_a_network(host: str, exceptions: str) -> bool:
    """Whether `NO_PROXY` names a network that the address is in: Go's clients heed those, Python's do not."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    for part in exceptions.split(","):
        with suppress(ValueError):
            if "/" in part and address in ipaddress.ip_network(part.strip(), strict=False):
                return True
    return False
