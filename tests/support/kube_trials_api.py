"""The paths of the stub API server of tries: what is asked of it, and what it refuses when a test says so."""

from __future__ import annotations

import json
import re
import time
import uuid
from contextlib import suppress
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from support.pod_log import send_json, send_log
from support.roles import beyond

if TYPE_CHECKING:
    from support.kube_trials import TrialCluster

TOKEN = "sha256~planted-token-of-the-kubeconfig"
Object = dict[str, Any]
REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class TrialHandler(BaseHTTPRequestHandler):
    """Paths of batch/v1 and v1."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the client's acknowledgement
    server: TrialCluster
    _silent = False
    """What was asked is done, and its answer lost."""

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self.server.now(), usegmt=True)

    def handle(self) -> None:
        with suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        cluster, size = self.server, int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else {}
        parts = urlsplit(self.path)
        cluster.on_request(self.command, parts.path)
        cluster.asked.append(f"{self.command} {parts.path}")
        if cluster.slow_s:
            time.sleep(cluster.slow_s)
        if cluster.away.is_set():
            self.close_connection = True
            return
        if (fault := cluster.fault(self.command, parts.path)) > 2:
            self._answer(fault, {"message": "planted"})
            return
        if fault:
            self.close_connection = True
            self._silent = fault == 2
            if fault == 1:
                return
        if cluster.expired.is_set() or self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Unauthorized"})
            return
        if cluster.confused.is_set():
            self._refuse(parts.path)
            return
        roles = ("try",) if f"/namespaces/{cluster.namespace}/" in parts.path else ()
        if (right := beyond(f"{self.command} {self.path}", *roles, *cluster.roles)) is not None:
            cluster.ungranted.add(right)
        match = re.fullmatch(
            r"/(?:api/v1|apis/batch/v1)/namespaces/([\w-]+)/(jobs|secrets|pods|events)(?:/([^/]+))?(/log)?",
            parts.path,
        )
        if match is None:
            self._other(parts.path, body)
        elif match[1] != cluster.namespace:
            self._refuse(parts.path)
        else:
            kind = "log" if match[4] else match[2]
            self._ours(kind, match[3] or "", dict(parse_qsl(parts.query)), body)

    def _ours(self, kind: str, name: str, query: dict[str, str], body: Object) -> None:
        if (told := self.server.refusals.get((self.command, kind))) is not None:
            self._answer(told[0], {"message": told[1].format(name=name or body["metadata"]["name"])})
        elif kind == "log":
            self._log(name, query)
        elif self.command == "POST":
            self._create(kind, body)
        elif self.command == "DELETE":
            self._delete(kind, name, body)
        else:
            self._get(kind, name, query)

    def _refuse(self, path: str) -> None:
        self._answer(403, {"message": f'forbidden: User "somebody" cannot get path "{path}"'})

    def _other(self, path: str, body: Object) -> None:
        cluster = self.server
        if path == REVIEW:
            asked = body["spec"].get("resourceAttributes", {})
            allowed = (asked.get("verb"), asked.get("resource")) not in cluster.denied
            self._answer(201, {**body, "status": {"allowed": allowed}})
            return
        if (found := cluster.objects.get(path)) is not None:
            self._answer(200, found)
            return
        below = [one for key, one in cluster.objects.items() if key.rpartition("/")[0] == path]
        self._answer(200, {"items": below}) if below else self._answer(404, {"message": f"{path} not found"})

    def _create(self, kind: str, body: Object) -> None:
        cluster = self.server
        with cluster.lock:
            held, name = (cluster.jobs if kind == "jobs" else cluster.secrets), body["metadata"]["name"]
            if name in held:
                self._answer(409, {"message": f"{name} already exists"})
                return
            cluster.posted.append(json.loads(json.dumps(body)))
            if kind == "jobs":
                cluster.create_job(body)
            else:
                body["metadata"]["uid"] = str(uuid.uuid4())
                held[name] = body
        self._answer(201, body)

    def _delete(self, kind: str, name: str, body: Object) -> None:
        cluster = self.server
        with cluster.lock:
            pod, held = cluster.pods.get(name), (cluster.jobs if kind == "jobs" else cluster.secrets)
            found = ({"metadata": {"uid": pod.uid}} if pod else None) if kind == "pods" else held.get(name)
            if found is None:
                self._answer(404, {"message": f'{kind} "{name}" not found'})
                return
            wanted = (body.get("preconditions") or {}).get("uid")
            if wanted not in (None, found["metadata"]["uid"]):
                self._answer(409, {"message": "the UID in the precondition does not match"})
                return
            if kind == "secrets":
                del held[name]
        if kind == "pods" and pod is not None:
            cluster.delete_pod(pod)
        elif kind == "jobs":
            cluster.delete_job(found)
        self._answer(200, {"status": "Success"})

    def _get(self, kind: str, name: str, query: dict[str, str]) -> None:
        cluster = self.server
        with cluster.lock:
            held: dict[str, Object] = {
                "jobs": cluster.jobs,
                "secrets": cluster.secrets,
                "pods": {key: pod.object() for key, pod in cluster.pods.items()},
                "events": {str(at): event for at, event in enumerate(cluster.events)},
            }[kind]
            if name:
                found = held.get(name)
                self._answer(
                    200 if found else 404, json.loads(json.dumps(found or {"message": f"{name} not found"}))
                )
                return
            labels = _pairs(query.get("labelSelector", ""))
            fields = _pairs(query.get("fieldSelector", ""))
            items = [
                one
                for one in held.values()
                if all(one["metadata"].get("labels", {}).get(key) == value for key, value in labels.items())
                and all(_field(one, key) == value for key, value in fields.items())
            ]
            items = json.loads(json.dumps(items))
        self._answer(200, {"items": items})

    def _log(self, name: str, query: dict[str, str]) -> None:
        pod = self.server.pods.get(name)
        one = pod.container(query.get("container", "")) if pod else None
        if one is None:
            self._answer(404, {"message": "no such pod or container"})
        elif self.server.lost.is_set():
            self._answer(500, {"message": f"Get https://{self.server.node}:10250/containerLogs: no route"})
        elif not one.has_log:
            self._answer(400, {"message": f"container {one.name} is waiting to start: PodInitializing"})
        else:
            send_log(self, one, query, self.server)

    def _answer(self, code: int, value: Object) -> None:
        if self._silent:
            return
        send_json(self, code, value)


def _pairs(selector: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in selector.split(",") if part)


def _field(one: Object, path: str) -> Any:
    found: Any = one
    for key in path.split("."):
        found = found.get(key, {})
    return found
