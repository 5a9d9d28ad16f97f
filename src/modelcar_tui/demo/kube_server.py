"""The stub cluster's HTTP: the paths, verbs and error bodies of a Kubernetes API server, over loopback."""

from __future__ import annotations

import gzip
import json
import socket
import ssl
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, urlsplit

from modelcar_tui.demo.kube_rights import ANONYMOUS, Fault, User
from modelcar_tui.demo.kube_store import (
    BadRequestError,
    ExpiredError,
    Kind,
    Page,
    Store,
    Target,
    make_token,
    read_token,
)

_REASONS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "NotFound",
    405: "MethodNotAllowed",
    409: "AlreadyExists",
    410: "Expired",
    429: "TooManyRequests",
    500: "InternalError",
    504: "Timeout",
}
_WRITES = {"POST": "create", "PATCH": "patch"}
_TOO_OLD = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - "
    "objects that were created, modified, or deleted between the time the first chunk was returned and now "
    "may show up in the list."
)
"""An API server's own words: clients may look for them."""
_NO_PAGE = b"404 page not found\n"
_REVIEWS = ("authorization.k8s.io", "authentication.k8s.io")
"""Groups that are there whatever kinds the cluster has."""
_ONESELF = ("users.user.openshift.io", "~")
BODY_LIMIT = 1 << 20


class Server(ThreadingHTTPServer):
    """One stub API server; every request is counted in `log`."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, kinds: list[Kind], store: Store, users: dict[str, User], *, version: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.kinds = kinds
        self.store = store
        self.users = users
        self.version = version
        self.anonymous: User = ANONYMOUS
        self.certificate_users: dict[str, User] = {}
        self.faults: list[Fault] = []
        self.log: list[str] = []
        self.stopping = threading.Event()
        self.self_subject_reviews = True

    def fault_for(self, target: str) -> Fault | None:
        """The first fault that takes this request."""
        return next((fault for fault in list(self.faults) if fault.takes(target)), None)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are the point of the tests; they are not news."""


class Handler(BaseHTTPRequestHandler):
    """Answers as kube-apiserver does, including the text 404 of unknown groups and lists without kinds."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = 60

    @property
    def cluster(self) -> Server:
        return cast("Server", self.server)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Nothing on stderr."""

    def _serve(self) -> None:
        size = min(int(self.headers.get("Content-Length") or 0), BODY_LIMIT)
        body = self.rfile.read(size) if size else b""
        self.cluster.log.append(f"{self.command} {self.path}")
        fault = self.cluster.fault_for(self.path)
        if fault is not None and self._misbehave_first(fault):
            return
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        user = self._user()
        if user is None:
            self._send(401, _status(401, "Unauthorized"), fault)
            return
        code, answer = self._answer(user, parts.path, query, body)
        self._send(code, answer, fault)

    do_GET = do_POST = do_PATCH = _serve  # noqa: N815 - the names that http.server calls

    def _misbehave_first(self, fault: Fault) -> bool:
        """Faults that need no answer of ours; True when the request is done with."""
        match fault.kind:
            case "status":
                body = fault.body.encode() or _status(fault.status, _REASONS.get(fault.status, "error"))
                self._send(fault.status, body, None, fault.headers)
            case "close":
                self._hang_up()
            case "silent":
                self.cluster.stopping.wait(fault.seconds or 60)
                self._hang_up()
            case "garbage":
                self._send(200, fault.body.encode() or b"<html>not json</html>", None, fault.headers)
            case "empty":
                self._send(200, b"", None)
            case "expire":
                token = dict(parse_qsl(urlsplit(self.path).query)).get("continue", "")
                self.cluster.store.compact()
                fresh = _restart(token) if fault.fresh else ""
                self._send(410, _status(410, _TOO_OLD, token=fresh), None)
            case "delay":
                self.cluster.stopping.wait(fault.seconds)
                return False
            case _:
                return False
        return True

    def _user(self) -> User | None:
        """Who asks; None when a token is there and is not known."""
        header = self.headers.get("Authorization", "")
        if header.startswith("Bearer "):
            return self.cluster.users.get(header.removeprefix("Bearer ").strip())
        if header:
            return None
        if isinstance(self.connection, ssl.SSLSocket):
            certificate = cast("dict[str, Any]", self.connection.getpeercert() or {})
            for part in certificate.get("subject", ()):
                for key, value in part:
                    if key == "commonName":
                        return self.cluster.certificate_users.get(value)
        return self.cluster.anonymous

    def _answer(self, user: User, path: str, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        if path == "/version":
            major, minor = self.cluster.version.removeprefix("v").split(".")[:2]
            return 200, _json({"major": major, "minor": minor, "gitVersion": self.cluster.version})
        if path in ("/healthz", "/readyz", "/livez"):
            return 200, b"ok"
        bare = path.rstrip("/")
        if bare in ("/api", "/apis"):
            return (403, _no_path(user, path)) if user.name == ANONYMOUS.name else (200, self._groups(bare))
        if one := next((one for one in self._listed_groups() if bare == f"/apis/{one['name']}"), None):
            return 200, _json({"kind": "APIGroup", "apiVersion": "v1", **one})
        at = Target.of(path)
        if at is None:
            return (404, _NO_PAGE) if user.may("get", "*", "", "") else (403, _no_path(user, path))
        if self.command == "POST" and at.plural.startswith("selfsubject"):
            return self._review(user, at, body)
        return self._resource(user, at, query, body)

    def _resource(self, user: User, at: Target, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        kinds = [kind for kind in self.cluster.kinds if kind.api == at.api]
        if not at.plural and (kinds or at.group in _REVIEWS):
            return 200, self._resources(at.api, kinds)
        kind = next((one for one in kinds if one.plural == at.plural), None)
        if (at.full, at.name) == _ONESELF and kind is not None and user.name != ANONYMOUS.name:
            who = {"kind": "User", "apiVersion": kind.api, "metadata": {"name": user.name}}
            return 200, _json({**who, "groups": list(user.groups)})
        if (verb := self._denied(user, at)) is not None:
            return 403, _forbidden(user, verb, at)
        if kind is None:
            return 404, _unknown() if kinds and not at.group else _NO_PAGE
        return self._read(kind, at, query, body)

    def _denied(self, user: User, at: Target) -> str | None:
        """The verb for which the user has no right."""
        verb = _WRITES.get(self.command, at.verb)
        return None if user.may(verb, at.plural, at.group, at.ns) else verb

    def _rehearse(self, kind: Kind, at: Target, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """A write with `dryRun=All`: what would be kept. No other is allowed, for nothing is stored here."""
        if query.get("dryRun") != "All":
            return 405, _status(405, "this cluster only takes dry runs")
        value = json.loads(body)
        name = at.name or value["metadata"].get("name", "")
        there = self.cluster.store.get(kind, name, at.ns) is not None
        named = at._replace(name=name)
        if self.command == "POST":
            told = f'{named.full} "{name}" already exists'
            return (409, _status(409, told, named.details)) if there else (201, _json(value))
        if not there:
            return 404, _status(404, f'{named.full} "{name}" not found', named.details)
        return 200, _json(value)

    def _read(self, kind: Kind, at: Target, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        """GET of one object, or LIST; a write that is only tried."""
        if self.command in _WRITES:
            return self._rehearse(kind, at, query, body)
        if at.name:
            found = self.cluster.store.get(kind, at.name, at.ns)
            if found is None:
                return 404, _status(404, f'{at.full} "{at.name}" not found', at.details)
            return 200, found.whole()
        try:
            return 200, _list(kind, self.cluster.store.page(kind, at.ns, query))
        except ExpiredError as gone:
            return 410, _status(410, _TOO_OLD, token=gone.token)
        except BadRequestError as wrong:
            return 400, _status(400, str(wrong))

    def _review(self, user: User, at: Target, body: bytes) -> tuple[int, bytes]:
        if user.name == ANONYMOUS.name:
            return 403, _forbidden(user, "create", at)
        if at.plural == "selfsubjectreviews":
            if not self.cluster.self_subject_reviews:
                if user.may("create", at.plural, at.group, ""):
                    return 404, _unknown()
                return 403, _forbidden(user, "create", at)
            return 201, _json(
                {
                    "kind": "SelfSubjectReview",
                    "apiVersion": "authentication.k8s.io/v1",
                    "metadata": {"creationTimestamp": "2026-11-01T00:00:00Z"},
                    "status": {"userInfo": {"username": user.name, "groups": list(user.groups)}},
                }
            )
        try:
            asked = json.loads(body)["spec"]["resourceAttributes"]
        except (ValueError, KeyError, TypeError):
            return 400, _status(400, "the object is not a SelfSubjectAccessReview")
        wanted = (asked.get(key, "") for key in ("verb", "resource", "group", "namespace"))
        return 201, _json(
            {
                "kind": "SelfSubjectAccessReview",
                "apiVersion": "authorization.k8s.io/v1",
                "metadata": {"creationTimestamp": None},
                "spec": {"resourceAttributes": asked},
                "status": {"allowed": user.may(*wanted)},
            }
        )

    def _groups(self, path: str) -> bytes:
        if path == "/api":
            return _json({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})
        return _json({"kind": "APIGroupList", "apiVersion": "v1", "groups": self._listed_groups()})

    def _listed_groups(self) -> list[dict[str, Any]]:
        names: dict[str, list[str]] = {group: ["v1"] for group in _REVIEWS}
        for kind in self.cluster.kinds:
            if kind.group and kind.version not in names.setdefault(kind.group, []):
                names[kind.group].append(kind.version)
        groups = []
        for name, versions in names.items():
            listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
            groups.append({"name": name, "versions": listed, "preferredVersion": listed[0]})
        return groups

    def _resources(self, api: str, kinds: list[Kind]) -> bytes:
        resources = [
            {
                "name": kind.plural,
                "singularName": kind.kind.lower(),
                "namespaced": kind.namespaced,
                "kind": kind.kind,
                "verbs": ["get", "list", "watch"],
                "shortNames": list(kind.short),
            }
            for kind in kinds
        ]
        return _json(
            {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api, "resources": resources}
        )

    def _send(
        self, code: int, body: bytes, fault: Fault | None, headers: dict[str, str] | None = None
    ) -> None:
        kind = fault.kind if fault else ""
        text = body[:1] not in (b"{", b"[")
        takes_gzip = "gzip" in self.headers.get("Accept-Encoding", "")
        zipped = kind == "gzip" or (len(body) > 128 * 1024 and takes_gzip)
        if zipped:
            body = gzip.compress(body, 1)
        self.send_response(code)
        self.send_header("Content-Type", "text/plain; charset=utf-8" if text else "application/json")
        self.send_header("Content-Length", str(len(body) + (1000 if kind == "length" else 0)))
        if zipped:
            self.send_header("Content-Encoding", "gzip")
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self._write(body, kind, fault.seconds if fault else 0)

    def _write(self, body: bytes, kind: str, seconds: float) -> None:
        """The body, or as much of it as a fault lets through, at its pace."""
        if kind == "drip":
            for at in range(0, len(body), 20):
                self.wfile.write(body[at : at + 20])
                self.wfile.flush()
                if self.cluster.stopping.wait(seconds or 0.1):
                    break
            return
        self.wfile.write(body[: len(body) // 2] if kind == "cut" else body)
        if kind in ("cut", "length"):
            self._hang_up()

    def _hang_up(self) -> None:
        self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
        time.sleep(0)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _status(code: int, message: str, details: dict[str, str] | None = None, *, token: str = "") -> bytes:
    """A Status; empty details are left out one by one, but `{}` is written where the real server writes
    it."""
    told = {} if details is None else {"details": {key: value for key, value in details.items() if value}}
    return _json(
        {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {"continue": token} if token else {},
            "status": "Failure",
            "message": message,
            "reason": _REASONS.get(code, ""),
            **told,
            "code": code,
        }
    )


def _unknown() -> bytes:
    return _status(404, "the server could not find the requested resource", {})


def _no_path(user: User, path: str) -> bytes:
    return _status(403, f'forbidden: User "{user.name}" cannot get path "{path}"', {})


def _forbidden(user: User, verb: str, at: Target) -> bytes:
    where = f'in the namespace "{at.ns}"' if at.ns else "at the cluster scope"
    quoted = f'"{at.name}" ' if at.name else ""
    what = f'resource "{at.plural}" in API group "{at.group}" {where}'
    return _status(
        403, f'{at.full} {quoted}is forbidden: User "{user.name}" cannot {verb} {what}', at.details
    )


def _list(kind: Kind, page: Page) -> bytes:
    meta: dict[str, Any] = {"resourceVersion": page.resource_version}
    if page.token:
        meta["continue"] = page.token
    if page.remaining is not None:
        meta["remainingItemCount"] = page.remaining
    head = {"kind": f"{kind.kind}List", "apiVersion": kind.api, "metadata": meta}
    return _json(head)[:-1] + b',"items":[' + b",".join(one.body for one in page.items) + b"]}"


def _restart(token: str) -> str:
    """A token that goes on at the same place in a new snapshot."""
    try:
        return make_token(0, read_token(token)[1])
    except BadRequestError:
        return ""
