"""Plays what no API server does itself: job controller, scheduler, one kubelet, garbage collector.

All of it goes through the real API: pods are created and bound, their status is written to the status
subresource, logs are asked of us by the API server over TLS as of any kubelet. A pod's command really runs,
as a child process; the fake suite stands in for the image's pytest.
"""

from __future__ import annotations

import base64
import os
import re
import shlex
import signal
import ssl
import subprocess
import sys
import threading
import time
import uuid
from contextlib import suppress
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
from server import ApiServer

from support import suite_tree

SUITE = Path(__file__).parents[1] / "support" / "fake_suite.py"
STAGE = "/run/modelcar-tui"
Object = dict[str, Any]


class Running:
    """A pod on our node."""

    def __init__(self, pod: Object) -> None:
        self.name: str = pod["metadata"]["name"]
        self.pod = pod
        self.lines: list[tuple[datetime, bytes]] = []
        self.child: subprocess.Popen[bytes] | None = None
        self.ended = False
        self.changed = threading.Condition()


class Patient:
    """A client that asks again while the API server is away, as controllers and kubelets do."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        self.close = client.close

    def get(self, path: str) -> httpx.Response:
        return self._again("GET", path)

    def put(self, path: str, json: Object) -> httpx.Response:
        return self._again("PUT", path, json=json)

    def post(self, path: str, json: Object) -> httpx.Response:
        return self._again("POST", path, json=json)

    def delete(self, path: str, params: dict[str, str] | None = None) -> httpx.Response:
        return self._again("DELETE", path, params=params)

    def _again(self, method: str, path: str, **more: Any) -> httpx.Response:
        for _ in range(300):
            try:
                return self._client.request(method, path, **more)
            except httpx.TransportError:
                time.sleep(0.1)
            except RuntimeError:  # closed: the test is over
                raise SystemExit from None
        raise TimeoutError(path)


class Controllers:
    """Runs until `stop`; looks at one namespace again and again."""

    def __init__(self, server: ApiServer, namespace: str, folder: Path, branch: str = "main") -> None:
        self.server, self.namespace, self.folder, self.branch = server, namespace, folder, branch
        self.api = Patient(server.client(server.admin))
        self.collects = True
        """Whether the garbage collector works."""
        self.refusal = ""
        """Why the admission of pods refuses them; then the controller makes an event instead."""
        self.starts = True
        """Whether the job controller makes pods."""
        self.cut_logs_after = 0
        self.waiting: Object | None = None
        """The state in which new pods' containers stay."""
        self.pods: dict[str, Running] = {}
        self._complained: set[str] = set()
        self.log_queries: list[dict[str, str]] = []
        self._done = threading.Event()
        suite_tree.write(folder / "image", branch)
        self.node = f"node-of-{namespace}"
        self._logs = LogServer(self)
        self._node()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._done.set()
        self._thread.join(10)
        for one in self.pods.values():
            self._kill(one, signal.SIGKILL)
        self._logs.shutdown()
        self._logs.server_close()
        self.api.close()

    def path(self, kind: str, name: str = "", sub: str = "") -> str:
        base = "/apis/batch/v1" if kind == "jobs" else "/api/v1"
        return "/".join(part for part in (f"{base}/namespaces/{self.namespace}/{kind}", name, sub) if part)

    def _node(self) -> None:
        """A Node whose kubelet is our log server."""
        value = {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": self.node},
            "status": {
                "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
                "daemonEndpoints": {"kubeletEndpoint": {"Port": self._logs.server_address[1]}},
                "conditions": [{"type": "Ready", "status": "True"}],
            },
        }
        answer = self.api.post("/api/v1/nodes", json=value)
        assert answer.status_code == 201, answer.text

    def _loop(self) -> None:
        while not self._done.wait(0.05):
            with suppress(httpx.TransportError):
                jobs = {job["metadata"]["uid"]: job for job in self._list("jobs")}
                pods = self._list("pods")
                self._control(jobs, pods)
                for pod in pods:
                    self._keep(pod)
                if self.collects:
                    self._collect(pods)

    def _list(self, kind: str) -> list[Object]:
        found: list[Object] = self.api.get(self.path(kind)).json().get("items", [])
        return found

    # The job controller

    def _control(self, jobs: dict[str, Object], pods: list[Object]) -> None:
        for uid, job in jobs.items():
            mine = [pod for pod in pods if _owner(pod) == uid]
            if job["spec"].get("suspend") or _finished(job) or job["metadata"].get("deletionTimestamp"):
                continue
            if not mine and self.refusal:
                self._complain(job)
            elif not mine and self.starts and not job.get("status", {}).get("active"):
                self._make_pod(job)
                self._status("jobs", job, active=1, startTime=_now())
            for pod in mine:
                phase = pod.get("status", {}).get("phase")
                if phase == "Succeeded":
                    self._finish(job, "Complete", succeeded=1, completionTime=_now())
                elif phase == "Failed":
                    self._finish(job, "Failed", failed=1)

    def _complain(self, job: Object) -> None:
        """Once a Job, as the real controller backs off."""
        meta = job["metadata"]
        if meta["uid"] in self._complained:
            return
        self._complained.add(meta["uid"])
        about = {"kind": "Job", "namespace": self.namespace, "apiVersion": "batch/v1"}
        event = {
            "metadata": {"name": f"{meta['name']}.{uuid.uuid4().hex[:12]}"},
            "reason": "FailedCreate",
            "involvedObject": {**about, "name": meta["name"], "uid": meta["uid"]},
            "type": "Warning",
            "message": f"Error creating: {self.refusal}",
            "firstTimestamp": _now(),
            "lastTimestamp": _now(),
        }
        answer = self.api.post(self.path("events"), json=event)
        assert answer.status_code == 201, answer.text

    def _make_pod(self, job: Object) -> None:
        template, name, uid = job["spec"]["template"], job["metadata"]["name"], job["metadata"]["uid"]
        owner = {"apiVersion": "batch/v1", "kind": "Job", "name": name, "uid": uid, "controller": True}
        meta = {
            "name": f"{name}-{uuid.uuid4().hex[:5]}",
            "ownerReferences": [owner],
            "labels": {**template["metadata"].get("labels", {}), "job-name": name, "controller-uid": uid},
        }
        answer = self.api.post(self.path("pods"), json={"metadata": meta, "spec": template["spec"]})
        assert answer.status_code == 201, answer.text
        target = {"apiVersion": "v1", "kind": "Node", "name": self.node}
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": meta["name"]},
            "target": target,
        }
        answer = self.api.post(self.path("pods", str(meta["name"]), "binding"), json=binding)
        assert answer.status_code == 201, answer.text

    def _finish(self, job: Object, condition: str, **more: Any) -> None:
        now = _now()
        one = {"type": condition, "status": "True", "lastProbeTime": now, "lastTransitionTime": now}
        if condition == "Failed":
            one |= {
                "reason": "BackoffLimitExceeded",
                "message": "Job has reached the specified backoff limit",
            }
        self._status("jobs", job, conditions=[one], active=0, **more)

    def _status(self, kind: str, value: Object, **more: Any) -> None:
        name = value["metadata"]["name"]
        for _ in range(5):
            fresh = self.api.get(self.path(kind, name))
            if fresh.status_code != 200:
                return
            current = fresh.json()
            if current["metadata"]["uid"] != value["metadata"]["uid"]:
                return  # another one of that name, made meanwhile
            current["status"] = {**current.get("status", {}), **more}
            answer = self.api.put(self.path(kind, name, "status"), json=current)
            if answer.status_code != 409:
                assert answer.status_code in (200, 404), answer.text
                return

    # The garbage collector

    def _collect(self, pods: list[Object]) -> None:
        secrets = self._list("secrets")
        # Asked last: an owner that was made just before what it owns is there by now.
        jobs = {job["metadata"]["uid"] for job in self._list("jobs")}
        for kind, items in (("pods", pods), ("secrets", secrets)):
            for one in items:
                owner = _owner(one)
                if owner and owner not in jobs and not one["metadata"].get("deletionTimestamp"):
                    self.api.delete(self.path(kind, one["metadata"]["name"]))

    # The kubelet

    def _keep(self, pod: Object) -> None:
        name = pod["metadata"]["name"]
        if pod["spec"].get("nodeName") != self.node:
            return
        if name not in self.pods:
            self.pods[name] = one = Running(pod)
            threading.Thread(target=self._play, args=(one,), daemon=True).start()
        elif pod["metadata"].get("deletionTimestamp"):
            one = self.pods[name]
            self._kill(one, signal.SIGINT)
            if one.ended or one.child is None:
                self.api.delete(self.path("pods", name), params={"gracePeriodSeconds": "0"})

    def _kill(self, one: Running, sign: signal.Signals) -> None:
        if one.child is not None and one.child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(one.child.pid, sign)

    def _play(self, one: Running) -> None:
        container = one.pod["spec"]["containers"][0]
        if self.waiting is not None:
            self._container(one, container, "Pending", self.waiting)
            return
        self._container(one, container, "Pending", {"waiting": {"reason": "ContainerCreating"}})
        stage = self.folder / one.name
        stage.mkdir()
        for volume in one.pod["spec"].get("volumes", []):
            if "secret" in volume:
                while (data := self._secret(volume["secret"]["secretName"])) is None:
                    if self._done.wait(0.02):
                        return
                for key, value in data.items():
                    (stage / key).write_bytes(base64.b64decode(value))
        temporary = stage.with_name(f"{stage.name}-tmp")
        temporary.mkdir()
        words = [
            w.replace("=/tmp/", f"={temporary}/").replace(STAGE, str(stage)) for w in container["command"]
        ]
        command = shlex.join(words).replace("uv run pytest", f"{sys.executable} {SUITE}")
        env = {e["name"]: e["value"].replace(STAGE, str(stage)) for e in container.get("env", [])}
        child = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {command}"],
            cwd=self.folder / "image",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"PATH": os.environ["PATH"], "FAKE_BRANCH": self.branch, "FAKE_FLOOD": "2000", **env},
        )
        one.child = child
        self._container(one, container, "Running", {"running": {"startedAt": _now()}})
        assert child.stdout is not None
        for line in child.stdout:
            with one.changed:
                one.lines.append((datetime.now(UTC), line.rstrip(b"\n")))
                one.changed.notify_all()
        code = child.wait()
        code = code if code >= 0 else 128 - code
        with one.changed:
            one.ended = True
            one.changed.notify_all()
        done = {
            "terminated": {"exitCode": code, "finishedAt": _now(), "reason": "Error" if code else "Completed"}
        }
        self._container(one, container, "Failed" if code else "Succeeded", done)

    def _secret(self, name: str) -> dict[str, str] | None:
        answer = self.api.get(self.path("secrets", name))
        return answer.json().get("data", {}) if answer.status_code == 200 else None

    def _container(self, one: Running, container: Object, phase: str, state: Object) -> None:
        status = {
            "name": container["name"],
            "image": container["image"],
            "imageID": "",
            "ready": "running" in state,
            "restartCount": 0,
            "state": state,
        }
        self._status("pods", one.pod, phase=phase, containerStatuses=[status])


class LogServer(ThreadingHTTPServer):
    """The kubelet's port."""

    daemon_threads = True

    def __init__(self, controllers: Controllers) -> None:
        super().__init__(("127.0.0.1", 0), LogHandler)
        self.controllers = controllers
        serving = controllers.server.authority.issue("kubelet")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(serving.certificate, serving.key)
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()


class LogHandler(BaseHTTPRequestHandler):
    """`/containerLogs/NAMESPACE/POD/CONTAINER`."""

    protocol_version = "HTTP/1.1"
    server: LogServer

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        controllers = self.server.controllers
        match = re.fullmatch(r"/containerLogs/[^/]+/([^/]+)/[^/]+", parts.path)
        one = controllers.pods.get(match[1]) if match else None
        if one is None:
            self.send_error(404)
            return
        controllers.log_queries.append(query)
        since = datetime.fromisoformat(query["sinceTime"]) if "sinceTime" in query else None
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        with suppress(OSError):
            self._write(one, since, "timestamps" in query, "follow" in query)

    def _write(self, one: Running, since: datetime | None, stamped: bool, follow: bool) -> None:
        controllers = self.server.controllers
        place = sent = 0
        while True:
            with one.changed:
                while follow and place >= len(one.lines) and not one.ended:
                    one.changed.wait(0.2)
                batch, ended = one.lines[place:], one.ended
                place += len(batch)
            data = b""
            for at, line in batch:
                if since is not None and at < since:
                    continue
                sent += 1
                stamp = at.strftime("%Y-%m-%dT%H:%M:%S.%f") + "000Z "
                data += (stamp.encode() if stamped else b"") + line + b"\n"
                if stamped and controllers.cut_logs_after and sent >= controllers.cut_logs_after:
                    controllers.cut_logs_after += 20
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(data) - 5, data[:-5]))
                    self.close_connection = True
                    return
            if data:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
            if (ended or not follow) and place >= len(one.lines):
                self.wfile.write(b"0\r\n\r\n")
                return


def _owner(value: Object) -> str:
    return next((str(one["uid"]) for one in value["metadata"].get("ownerReferences") or ()), "")


def _finished(job: Object) -> bool:
    conditions = job.get("status", {}).get("conditions") or []
    return any(one["type"] in ("Complete", "Failed") and one["status"] == "True" for one in conditions)


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
