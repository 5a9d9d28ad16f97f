"""Why the cluster could not be asked: one sentence and one next command for every cause."""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import urlsplit

from modelcar_tui.core.counting import several
from modelcar_tui.core.credentials import without_login
from modelcar_tui.core.errors import Problem
from modelcar_tui.core.secrets import quoted
from modelcar_tui.core.text import clean
from modelcar_tui.kube.types import Rung

LOGIN = "log in again: oc login --web"
_NO_WAY = {errno.ECONNREFUSED, errno.ENETUNREACH, errno.EHOSTUNREACH}
_CHECK_SERVER = "check the server in the kubeconfig: oc whoami --show-server"
_CHECK_PROXY = "check proxy-url in the kubeconfig, or HTTPS_PROXY and NO_PROXY"


class Cause(NamedTuple):
    """A part of a refusal (meta/v1 StatusCause), fit to be shown."""

    field: str
    """`spec.replicas`; empty where it is about none."""
    message: str


class ClusterError(Exception):
    """The API server, or the way to it, said no."""

    def __init__(self, rung: Rung, problem: Problem, *, status: int = 0, token: str = "") -> None:
        super().__init__(str(problem))
        self.rung = rung
        self.problem = problem
        self.status = status
        """HTTP status; 0 when there was no answer."""
        self.token = token
        """The fresh continue token of a 410."""
        self.message = ""
        """The server's own words, fit to be shown; empty where it has none."""
        self.causes: tuple[Cause, ...] = ()
        """What it refuses, field by field."""

    @property
    def forbidden(self) -> bool:
        """Whether we may not, as opposed to could not."""
        return self.status == 403

    @property
    def missing(self) -> bool:
        """Whether the server does not have such a thing."""
        return self.status == 404


class SocksError(OSError):
    """A SOCKS proxy made no connection. `told` says why, in our words; `dead` where it does not answer."""

    def __init__(self, told: str, *, dead: bool = False) -> None:
        super().__init__(told)
        self.told = told
        self.dead = dead


def unreachable(error: BaseException, server: str, via: str = "") -> ClusterError:
    """The error for a request that got no whole answer: DNS, TCP, TLS, a proxy, silence, a cut."""
    chain = _chain(error)
    where = _address(server) + (f" (through {via})" if via else "")
    text = " ".join(str(part) for part in chain)
    if known := (
        _itself(chain, where, via)
        or _proxied(chain, text, via or where)
        or _connecting(chain, text, where)
        or _answering(chain, text, where)
    ):
        return known
    fix = "does it speak HTTPS? then write https:// in the kubeconfig" if server.startswith("http:") else ""
    return _no("broken", where, f"the connection broke: {_kind(chain)}", fix or "try again")


def _itself(chain: list[BaseException], where: str, via: str) -> ClusterError | None:
    """An error that says by its own kind what went wrong."""
    for part in chain:
        # urllib3 compares a tls-server-name itself, and says so by an error of its own.
        if isinstance(part, ssl.SSLCertVerificationError) or type(part).__name__ == "CertificateError":
            return _certificate(part, via if _by_proxy(chain) else where)
        if isinstance(part, socket.gaierror):
            return _no_name(via or where)
        if isinstance(part, SocksError):
            return _socks(part, via or where)
    return None


def _proxied(chain: list[BaseException], text: str, where: str) -> ClusterError | None:
    """A proxy for HTTP that makes no tunnel, or does not answer."""
    if tunnel := re.search(r"Tunnel connection failed: (\d{3})", text):
        return _tunnel(tunnel[1], where)
    return _no("proxy", where, "the proxy does not answer", _CHECK_PROXY) if _by_proxy(chain) else None


def _connecting(chain: list[BaseException], text: str, where: str) -> ClusterError | None:
    """TCP, then TLS."""
    if (numbers := {getattr(part, "errno", 0) for part in chain}) & _NO_WAY:
        return _no_way(where, refused=errno.ECONNREFUSED in numbers)
    tls = any(isinstance(part, ssl.SSLError) for part in chain) and "Connection broken" not in text
    return _handshake(chain, text, where) if tls else None


def _answering(chain: list[BaseException], text: str, where: str) -> ClusterError | None:
    """An answer that does not come, or not whole."""
    if any(isinstance(part, TimeoutError) or "Timeout" in type(part).__name__ for part in chain):
        fix = "check the network and VPN, then try again"
        return _no("timeout", where, "it does not answer in time", fix)
    if any("IncompleteRead" in type(part).__name__ for part in chain) or "Connection broken" in text:
        return _no("cut", where, "the answer was cut off in the middle", "try again")
    return None


def answered(status: int, message: str, server: str, *, token: str = "") -> ClusterError:
    """The error for an answer with a status that is none of the good ones."""
    where, message = _address(server), quoted(message)
    if status == 401:
        what = "the login has expired or is wrong (401)"
        return _no("unauthorized", where, what, LOGIN, Rung.UNAUTHENTICATED, status)
    if status == 403 and "system:anonymous" in message:
        what = "no credentials were sent: we are system:anonymous (403)"
        return _no("anonymous", where, what, LOGIN, Rung.UNAUTHENTICATED, status)
    if status == 403:
        what = message or "not allowed (403)"
        return _no("forbidden", where, what, _ask_for(message), Rung.FORBIDDEN, status)
    if 300 <= status < 400:
        what = f"it sends us elsewhere ({status}): this is the address of a console or a login page, not of"
        return _no("redirect", where, f"{what} the API", _CHECK_SERVER)
    if status == 400 and "HTTP request to an HTTPS server" in message:
        fix = "write https:// before the server's address in the kubeconfig"
        return _no("no-https", where, "it speaks HTTPS and was asked over plain HTTP (400)", fix)
    what = {
        404: "no such thing there (404)",
        410: "the list is too old to go on (410)",
        429: "too many requests (429)",
        503: "the API server is not ready (503)",
        504: "the API server timed out (504)",
    }.get(status, f"the API server answered {status}")
    told = f": {message}" if message and status not in (404, 410) else ""
    problem = Problem(where=where, what=what + told, fix="try again", code=f"http-{status}")
    return ClusterError(Rung.UNREACHABLE, problem, status=status, token=token)


def not_kubernetes(server: str, start: bytes) -> ClusterError:
    """The error for an answer that is no JSON."""
    page = any(mark in start[:500].lower() for mark in (b"<html", b"<!doctype"))
    return _another_api(server, f"the answer is {'a web page' if page else 'no JSON'}")


def too_large(server: str, limit: int) -> ClusterError:
    """The error for a body beyond every sensible size."""
    what = f"the answer is larger than {limit // 2**20} MiB"
    return _no("too-large", _address(server), what, "check that this is a Kubernetes API server")


def endless(where: str, pages: int, why: str) -> ClusterError:
    """The error for a list of which what was read is not all."""
    what = f"partial, because the server's list did not end after {several(pages, 'page')}: {why}"
    return _no("endless-list", where, what, "check the API server, or what stands before it")


def no_list(server: str) -> ClusterError:
    """The error for a list whose items are none."""
    return _another_api(server, "the items of its list are no list")


def _another_api(server: str, why: str) -> ClusterError:
    what = f"{why}: this is not a Kubernetes API, or something is in between"
    return _no("not-kubernetes", _address(server), what, _CHECK_SERVER)


def broke(server: str, via: str, how: str) -> ClusterError:
    """The error for a request that failed as nobody foresaw; `how` is the kind of the error."""
    where = clean(via or without_login(server), limit=200)
    return _no("broken", where, f"asking it failed: {how}", "try again")


def _address(server: str) -> str:
    return clean(without_login(server), limit=200)


def _no(
    code: str, where: str, what: str, fix: str, rung: Rung = Rung.UNREACHABLE, status: int = 0
) -> ClusterError:
    return ClusterError(rung, Problem(where=where, what=what, fix=fix, code=code), status=status)


def _no_way(where: str, *, refused: bool) -> ClusterError:
    if refused:
        fix = "check host and port: oc whoami --show-server; is the cluster up?"
        return _no("refused", where, "the connection is refused", fix)
    return _no("no-route", where, "there is no route to it", "check the network and VPN")


def _by_proxy(chain: list[BaseException]) -> bool:
    """Whether it is the proxy that was not reached."""
    return any(type(part).__name__ == "ProxyError" for part in chain)


def _no_name(where: str) -> ClusterError:
    host = where
    with suppress(ValueError):
        host = clean(urlsplit(where.removeprefix("proxy ")).hostname or where, limit=100)
    proxy = where.startswith("proxy ")
    fix = _CHECK_PROXY if proxy else "check the server in the kubeconfig, VPN and DNS"
    return _no("dns", where, f"the name {host} can't be resolved", fix)


def _socks(error: SocksError, where: str) -> ClusterError:
    """The SOCKS proxy made no connection."""
    if error.dead:
        return _no("proxy", where, error.told, _CHECK_PROXY)
    return _no("proxy-refuses", where, error.told, "check server and proxy-url in the kubeconfig")


def _tunnel(status: str, where: str) -> ClusterError:
    """The proxy answered, and made no tunnel."""
    if status == "407":
        fix = "put user and password into the proxy's address: HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
        return _no("proxy-login", where, "the proxy wants a login (407)", fix)
    fix = "except the cluster from the proxy (NO_PROXY), or have it let through"
    return _no("proxy-refuses", where, f"the proxy does not let us through to the cluster ({status})", fix)


def _certificate(error: BaseException, where: str) -> ClusterError:
    text = f"{getattr(error, 'verify_message', '')} {error}"
    if "Hostname mismatch" in text or "IP address mismatch" in text or "doesn't match" in text:
        what = "its certificate is for another name"
        fix = "use the name in the certificate, or set tls-server-name for the cluster in the kubeconfig"
        return _no("tls-name", where, what, fix, Rung.TLS)
    if "expired" in text:
        fix = "have it renewed, and check your clock"
        return _no("tls-expired", where, "its certificate has expired", fix, Rung.TLS)
    what = "its certificate is signed by an authority that we don't know"
    fix = "set certificate-authority for the cluster in the kubeconfig: oc login --certificate-authority=FILE"
    return _no("tls-ca", where, what, fix, Rung.TLS)


def _handshake(chain: list[BaseException], text: str, where: str) -> ClusterError:
    if any(isinstance(part, ssl.SSLEOFError) for part in chain):
        fix = "is there an API server behind the load balancer? try again"
        return _no("broken", where, "it closed the connection during the TLS handshake", fix)
    reason = "it does not speak TLS" if "WRONG_VERSION_NUMBER" in text else "the TLS handshake failed"
    fix = "check the server's address (https:// and port) in the kubeconfig"
    return _no("tls", where, reason, fix, Rung.TLS)


_KINDS = (
    ("RemoteDisconnected", "the server closed it without an answer"),
    ("BadStatusLine", "the answer is not HTTP"),
    ("LineTooLong", "a line of the answer is too long"),
    ("DecodeError", "the answer is not packed as it says"),
    ("Location", "the address can't be used"),
    ("ConnectionResetError", "the server reset it"),
    ("BrokenPipeError", "the server closed it"),
)


def _kind(chain: list[BaseException]) -> str:
    """What kind of error it is, in our own words: an error's text may quote a header, and the credential in
    it."""
    names = [kind.__name__ for part in chain for kind in type(part).__mro__]
    for name, words in _KINDS:
        if any(name in each for each in names):
            return words
    number = next((part.errno for part in chain if isinstance(part, OSError) and part.errno), 0)
    return os.strerror(number) if number else type(chain[-1]).__name__


def _ask_for(message: str) -> str:
    match = re.search(r'User "(?P<user>[^"]+)" cannot (?P<verb>\w+) resource "(?P<what>[^"]+)"', message)
    if match is None:
        return "ask an administrator for the role cluster-reader"
    return f"ask an administrator: oc adm policy add-cluster-role-to-user cluster-reader {match['user']}"


def _chain(error: BaseException | None) -> list[BaseException]:
    seen: list[BaseException] = []
    queue = [error]
    while queue and len(seen) < 20:
        part = queue.pop(0)
        if part is None or part in seen:
            continue
        seen.append(part)
        inner = [
            one for one in (getattr(part, "reason", None), *part.args[:2]) if isinstance(one, BaseException)
        ]
        queue += [*inner, part.__cause__, part.__context__]
    return seen
