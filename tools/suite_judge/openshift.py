"""A stub of OpenShift's API on loopback: enough for the suite's model-car test and for our own reading.

It answers discovery, lists, label and field selectors, watches (what is there, then the end) and pods' logs
from a `Cluster`, which lets an InferenceService come up or fail as its name says (`failures`).
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

from suite_judge import objects
from suite_judge.cluster import Cluster
from suite_judge.failures import of
from suite_judge.objects import KINDS, Object

_PATH = re.compile(
    r"^/(?:api/(v1)|apis/([^/]+/[^/]+))(?:/namespaces/([^/]+)(?=/.))?(?:/([^/]+))?(?:/([^/]+))?(?:/([^/]+))?$"
)
ANSWER = (
    "renewable energy solar wind spanish german mandarin night sky stars great wall china history ethical ai "
    "healthcare apollo moon landing nasa the stale smell of old beer"
)
"""An answer in which the suite finds the words that it looks for."""


@contextmanager
def served(cluster: Cluster) -> Iterator[int]:
    """The cluster on a free port of loopback, for as long as the block runs."""

    class Bound(_Handler):
        here = cluster

    server = _Server(("127.0.0.1", 0), Bound)
    server.daemon_threads = True
    cluster.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield cluster.port
    finally:
        server.shutdown()
        server.server_close()


class _Server(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that was killed says nothing of the stub."""


class _RefusedError(Exception):
    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": reason,
            "message": message,
            "code": code,
        }


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    here: Cluster

    def log_message(self, *_: Any) -> None:
        """Say nothing: the report has what matters."""

    def _send(self, body: bytes, code: int = 200, kind: str = "application/json") -> None:
        self.send_response(code)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _json(self, found: Any, code: int = 200) -> None:
        self._send(json.dumps(found).encode(), code)

    def do_GET(self) -> None:
        try:
            self._answer()
        except _RefusedError as refusal:
            self._json(refusal.status, refusal.status["code"])
        except BrokenPipeError:
            return

    do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the names are the base class's

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        data = self.rfile.read(length)
        path, _, query = self.path.partition("?")
        if path.startswith("/route/"):
            self._route(path[7:])
            return
        if self.here.unauthorized:
            raise _RefusedError(401, "Unauthorized", "Unauthorized")
        self._forbid(path)
        if (told := _discovery(path)) is not None:
            self._json(told)
            return
        match = _PATH.match(path)
        group = (match[1] or match[2]) if match else ""
        if match is None or group not in KINDS or match[4] not in KINDS[group]:
            raise _RefusedError(404, "NotFound", f"the server could not find the requested resource {path}")
        with self.here.lock:
            self._object(group, match[4], match[3] or "", match[5] or "", match[6] or "", data, query)

    def _forbid(self, path: str) -> None:
        words = path.strip("/").split("/")
        if self.here.forbidden and self.here.forbidden in path and len(words) > 3:
            group, plural = words[1], words[3]
            raise _RefusedError(
                403,
                "Forbidden",
                f'{plural}.{group} is forbidden: User "dev" cannot list resource "{plural}" in API group '
                f'"{group}" at the cluster scope',
            )

    def _object(
        self, group: str, plural: str, namespace: str, name: str, sub: str, data: bytes, query: str
    ) -> None:
        here, key = self.here, (group, plural, namespace, name)
        if self.command == "POST":
            self._create(group, plural, namespace, json.loads(data))
        elif name:
            found = here.store.get(key)
            if found is None:
                raise _RefusedError(404, "NotFound", f'{plural} "{name}" not found')
            if sub == "log":
                self._send(_log(found, parse_qs(query)).encode(), kind="text/plain")
                return
            if self.command == "DELETE":
                here.delete(key)
            elif self.command in ("PUT", "PATCH") and data:
                _merge(found, json.loads(data))
            self._json(found)
        else:
            self._list(group, plural, namespace, parse_qs(query))

    def _create(self, group: str, plural: str, namespace: str, body: Object) -> None:
        name = body["metadata"]["name"]
        if (group, plural, namespace, name) in self.here.store:
            raise _RefusedError(409, "AlreadyExists", f'{plural} "{name}" already exists')
        if plural == "inferenceservices" and (why := of(name).refused):
            raise _RefusedError(403, "Forbidden", why.format(name=name))
        made = self.here.put(group, plural, namespace, body)
        if plural == "namespaces":
            made["status"] = {"phase": "Active"}
        if plural == "inferenceservices":
            self.here.serve(namespace, made)
        self._json(made, 201)

    def _list(self, group: str, plural: str, namespace: str, query: dict[str, list[str]]) -> None:
        items = [
            found
            for (g, p, n, _), found in self.here.store.items()
            if (g, p) == (group, plural) and namespace in ("", n) and _selected(found, query)
        ]
        if "watch" in query:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Connection", "close")
            self.end_headers()
            self.close_connection = True
            for item in items:
                self.wfile.write(json.dumps({"type": "ADDED", "object": item}).encode() + b"\n")
            return
        kind = f"{KINDS[group][plural][0]}List"
        self._json({"kind": kind, "apiVersion": group, "metadata": {"resourceVersion": "1"}, "items": items})

    def _route(self, rest: str) -> None:
        name, _, path = rest.partition("/")
        code, text = of(name).answer
        if code != 200:
            self._send(b"<html>The application is currently not available.</html>", code, "text/html")
        elif path.startswith("v1/models"):
            self._json({"data": [{"id": name, "object": "model", "max_model_len": 1024}]})
        else:
            said = text or ANSWER
            choice = {"text": said, "message": {"content": said}}
            self._json({"choices": [choice], "data": [{"embedding": [0.1, 0.2]}], "text": said})


def _discovery(path: str) -> Object | None:
    if path == "/version":
        return {"major": "1", "minor": "32", "gitVersion": "v1.32.0"}
    if path == "/api":
        return {"kind": "APIVersions", "versions": ["v1"]}
    if path == "/apis":
        groups: dict[str, list[Object]] = {}
        for group in KINDS:
            if "/" in group:
                name, version = group.split("/")
                groups.setdefault(name, []).append({"groupVersion": group, "version": version})
        listed = [{"name": n, "versions": v, "preferredVersion": v[0]} for n, v in groups.items()]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
    group = path.removeprefix("/api/").removeprefix("/apis/")
    if group not in KINDS:
        return None
    verbs = ["get", "list", "create", "delete", "patch", "update", "watch"]
    resources = [
        {"name": plural, "kind": kind, "namespaced": spaced, "singularName": kind.lower(), "verbs": verbs}
        for plural, (kind, spaced) in KINDS[group].items()
    ]
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group, "resources": resources}


def _selected(found: Object, query: dict[str, list[str]]) -> bool:
    labels = found["metadata"].get("labels") or {}
    for selector in query.get("labelSelector", []):
        for one in selector.split(","):
            name, equals, value = one.replace("==", "=").partition("=")
            if name not in labels or (equals and labels[name] != value):
                return False
    for selector in query.get("fieldSelector", []):
        for one in selector.split(","):
            path, _, value = one.replace("==", "=").partition("=")
            at: Any = found
            for part in path.split("."):
                at = at.get(part, "") if isinstance(at, dict) else ""
            if str(at) != value:
                return False
    return True


def _log(pod: Object, query: dict[str, list[str]]) -> str:
    name = pod["metadata"]["labels"].get("serving.kserve.io/inferenceservice", "")
    if query.get("container", [objects.SERVER])[0] != objects.SERVER:
        return ""
    return of(name).log


def _merge(found: Object, change: Any) -> None:
    if isinstance(change, dict):
        for name, value in change.items():
            if isinstance(value, dict) and isinstance(found.get(name), dict):
                _merge(found[name], value)
            else:
                found[name] = value
