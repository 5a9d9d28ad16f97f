"""An API server on loopback that runs Jobs: the command of a Job's container really runs, as a child process.

It knows Jobs, Secrets, Pods and their logs, enough for the Kubernetes engine; the fake suite plays the image.
Logs can be cut in the middle, the server can be away, pods can hang in Pending.
"""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import ssl
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from support import suite_tree
from support.pod_log import send_json, send_log
from support.roles import beyond

SUITE = Path(__file__).with_name("fake_suite.py")
STAGE = "/run/modelcar-tui"
_INSIDE = ("qa-job", "qa-watch")
_OUTSIDE = ("qa-watch", "cleanup")
"""The roles of docs/rbac.yaml that count in the namespace of Jobs, and in all others."""
TOKEN = "sha256~planted-token-of-the-kubeconfig"


class Pod:
    """A Job's pod and its child process."""

    def __init__(self, job: dict[str, Any], index: int | None = None) -> None:
        self.job = job["metadata"]["name"]
        self.uid = job["metadata"]["uid"]
        self.index = index
        self.name = f"{self.job}-{'' if index is None else f'{index}-'}{uuid.uuid4().hex[:5]}"
        self.late = False
        self.spec = job["spec"]["template"]["spec"]
        self.state: dict[str, Any] = {"waiting": {"reason": "ContainerCreating"}}
        self.started = ""
        self.lines: list[tuple[datetime, bytes]] = []
        self.child: subprocess.Popen[bytes] | None = None
        self.changed = threading.Condition()

    @property
    def ended(self) -> bool:
        return "terminated" in self.state

    def object(self) -> dict[str, Any]:
        meta: dict[str, Any] = {
            "name": self.name,
            "labels": {"job-name": self.job, "controller-uid": self.uid},
        }
        if self.index is not None:
            meta["annotations"] = {"batch.kubernetes.io/job-completion-index": str(self.index)}
        late = {"reason": "DeadlineExceeded"} if self.late else {}
        return {
            "metadata": meta,
            "status": {
                "phase": "Running",
                "containerStatuses": [{"name": "suite", "state": self.state}],
                **late,
            },
        }


class Cluster(ThreadingHTTPServer):
    """The server and what it holds."""

    daemon_threads = True

    def __init__(self, folder: Path, branch: str = "main", tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self.server_address[1]}"
        self.folder = folder
        self.branch = branch
        self.jobs: dict[str, dict[str, Any]] = {}
        self.secrets: dict[str, dict[str, Any]] = {}
        self.pods: dict[str, Pod] = {}
        self.objects: dict[str, dict[str, Any]] = {}
        """Anything else, by its path."""
        self.log: list[str] = []
        self.ungranted: set[tuple[str, str]] = set()
        """What was asked for beyond docs/rbac.yaml."""
        self.posted: list[dict[str, Any]] = []
        self.cut_logs_after = 0
        self.away = threading.Event()
        self.too_old = False
        """Indexed Jobs know no limits per index."""
        self.quota = False
        self.confused = threading.Event()
        """Refuses everybody, as a server that has just started."""
        self.pending: dict[str, Any] | None = None
        """The state in which new pods stay."""
        self.clock_s = 0.0
        """How far the cluster's clock is from this machine's."""
        self.queue_s = 0.0
        """How long Kueue lets a Job wait."""
        self.pull_s = 0.0
        """How long a pod of the suite pulls its image."""
        self.refusals: dict[str, tuple[int, str]] = {}
        """What making something of a kind (`jobs`, `secrets`) is answered with."""
        self.not_admitted = ""
        """Why no pod is made."""
        self.output: bytes | None = None
        """What the probe's container prints instead of running."""
        self.lock = threading.RLock()
        suite_tree.write(folder / "image", branch)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def kubeconfig(self, user: dict[str, Any] | None = None, **cluster: Any) -> Path:
        path = self.folder / "kubeconfig"
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.url, **cluster}}],
            "users": [{"name": "u", "user": user or {"token": TOKEN}}],
        }
        path.write_text(json.dumps(config))
        return path

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.clock_s)

    def stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for pod in self.pods.values():
            self.kill(pod)
        assert self.ungranted == set()

    def kill(self, pod: Pod) -> None:
        if pod.child is not None and pod.child.poll() is None:
            os.killpg(pod.child.pid, signal.SIGKILL)

    def create_job(self, job: dict[str, Any]) -> None:
        job["metadata"]["uid"] = str(uuid.uuid4())
        job["spec"]["selector"] = {"matchLabels": {"controller-uid": job["metadata"]["uid"]}}
        job["metadata"]["creationTimestamp"] = self.stamp()
        self.jobs[job["metadata"]["name"]] = job
        if job["spec"].get("completionMode") == "Indexed":
            if self.too_old:
                del job["spec"]["backoffLimitPerIndex"]
                return
            waiting = iter(range(job["spec"]["completions"]))
            for _ in range(job["spec"]["parallelism"]):
                threading.Thread(target=self._indexes, args=(job, waiting), daemon=True).start()
            return
        if job["spec"].get("suspend"):
            threading.Timer(self.queue_s, self.start, args=(job,)).start()
        elif not self.not_admitted:
            self.start(job)

    def start(self, job: dict[str, Any]) -> None:
        """What the Job controller does, once Kueue lets it."""
        job["spec"]["suspend"] = False
        pod = Pod(job)
        self.pods[pod.name] = pod
        threading.Thread(target=self._play, args=(pod,), daemon=True).start()

    def _indexes(self, job: dict[str, Any], waiting: Iterator[int]) -> None:
        """Run indexes one after the other until there is none left, or the Job is suspended or deleted."""
        while True:
            with self.lock:
                index = next(waiting, None)
                held = self.jobs.get(job["metadata"]["name"])
                if index is None or held is None or held["spec"].get("suspend"):
                    return
                pod = Pod(job, index)
                self.pods[pod.name] = pod
            self._play(pod)

    def suspend(self, job: dict[str, Any]) -> None:
        job["spec"]["suspend"] = True
        for pod in [pod for pod in self.pods.values() if pod.job == job["metadata"]["name"]]:
            if not pod.ended:
                self.delete("pods", pod.name)

    def delete(self, kind: str, name: str) -> bool:
        with self.lock:
            if kind == "pods":
                pod = self.pods.pop(name, None)
                if pod is not None and pod.child is not None and pod.child.poll() is None:
                    os.killpg(pod.child.pid, signal.SIGINT)
                return pod is not None
            held = self.jobs if kind == "jobs" else self.secrets
            if held.pop(name, None) is None:
                return False
            if kind == "jobs":
                for pod in [pod for pod in self.pods.values() if pod.job == name]:
                    self.kill(pod)
                    del self.pods[pod.name]
            return True

    def _play(self, pod: Pod) -> None:
        if self.pending is not None:
            pod.state = self.pending
            return
        stage = self.folder / pod.name
        for volume in pod.spec["volumes"]:
            if "secret" not in volume:
                continue
            while (secret := self.secrets.get(volume["secret"]["secretName"])) is None:
                time.sleep(0.01)
            stage.mkdir()
            for name, data in secret["data"].items():
                (stage / name).write_bytes(base64.b64decode(data))
        if not pod.job.endswith("-probe"):
            time.sleep(self.pull_s)
        temporary = self.folder / f"{pod.name}-tmp"  # the pod's own /tmp
        temporary.mkdir()
        container = pod.spec["containers"][0]
        words = " ".join(
            "'"
            + w.replace("=/tmp/", f"={temporary}/")
            .replace(STAGE, str(stage))
            .replace("$(JOB_COMPLETION_INDEX)", str(pod.index))
            .replace("'", "'\\''")
            + "'"
            for w in container["command"]
        )
        words = words.replace("'uv' 'run' 'pytest'", f"'{sys.executable}' '{SUITE}'")
        if self.output is not None and pod.job.endswith("-probe"):
            (self.folder / "said").write_bytes(self.output)
            words = f"cat '{self.folder / 'said'}'"
        env = {e["name"]: e["value"].replace(STAGE, str(stage)) for e in container.get("env", [])}
        pod.child = subprocess.Popen(
            ["/bin/sh", "-c", f"exec {words}"],
            cwd=self.folder / "image",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={
                "PATH": os.environ["PATH"],
                "FAKE_BRANCH": self.branch,
                "FAKE_FLOOD": "5000",
                "FAKE_PACE": "0.02",
                **env,
            },
        )
        pod.started = self.stamp()
        pod.state = {"running": {"startedAt": pod.started}}
        assert pod.child.stdout is not None
        if (deadline := pod.spec.get("activeDeadlineSeconds")) is not None:
            threading.Timer(deadline, self._too_late, args=(pod,)).start()
        at = self.now()
        for number, line in enumerate(pod.child.stdout):
            # Several lines share one time, as they do when the runtime reads them at once.
            at = at if number % 3 else self.now()
            with pod.changed:
                pod.lines.append((at, line.rstrip(b"\n")))
                pod.changed.notify_all()
        code = pod.child.wait()
        with pod.changed:
            ended = {"startedAt": pod.started, "finishedAt": self.stamp()}
            pod.state = {"terminated": {"exitCode": code if code >= 0 else 128 - code, **ended}}
            pod.changed.notify_all()

    def _too_late(self, pod: Pod) -> None:
        if not pod.ended and pod.name in self.pods:
            pod.late = True
            self.kill(pod)


class Handler(BaseHTTPRequestHandler):
    """Paths of batch/v1 and v1."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # else each answer waits 40 ms for the client's acknowledgement
    server: Cluster

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        return format_datetime(self.server.now(), usegmt=True)

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def do_PATCH(self) -> None:
        self._serve()

    def do_DELETE(self) -> None:
        self._serve()

    def _serve(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else {}
        self.server.log.append(f"{self.command} {self.path}")
        parts = urlsplit(self.path)
        query = dict(parse_qsl(parts.query))
        if self.server.away.is_set():
            self.close_connection = True
            return
        if self.server.confused.is_set():
            self._answer(403, {"message": f'forbidden: User "somebody" cannot get path "{parts.path}"'})
            return
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Unauthorized"})
            return
        roles = _INSIDE if "/namespaces/qa/" in parts.path else _OUTSIDE
        if (right := beyond(f"{self.command} {self.path}", *roles)) is not None:
            self.server.ungranted.add(right)
        if parts.path in self.server.objects or "/namespaces/qa" not in parts.path:
            self._object(parts.path, body)
            return
        match = re.fullmatch(
            r"/(?:api/v1|apis/batch/v1)/namespaces/(\w+)/(jobs|secrets|pods|events)(?:/([^/]+))?(/log)?",
            parts.path,
        )
        if match is None or match[1] != "qa":
            self._answer(
                404 if match is None else 403, {"message": f"namespaces {parts.path} not found or forbidden"}
            )
            return
        kind, name = match[2], match[3]
        if match[4]:
            self._log(name, query)
        elif self.command == "POST":
            self._create(kind, body)
        elif self.command == "PATCH":
            assert self.headers["Content-Type"] == "application/merge-patch+json"
            assert body == {"spec": {"suspend": True}}
            with self.server.lock:
                self.server.suspend(self.server.jobs[name])
            self._answer(200, self.server.jobs[name])
        elif self.command == "DELETE":
            gone = self.server.delete(kind, name)
            self._answer(200 if gone else 404, {"message": f'{kind} "{name}" not found'})
        else:
            self._get(kind, name, query)

    def _object(self, path: str, body: dict[str, Any]) -> None:
        found = self.server.objects.get(path)
        forbidden = "/namespaces/other" in path
        if found is None:
            self._answer(403 if forbidden else 404, {"message": f"{path} not found or forbidden"})
        elif self.command == "DELETE" and body["preconditions"]["uid"] != found["metadata"]["uid"]:
            self._answer(409, {"message": "the UID in the precondition does not match"})
        else:
            if self.command == "DELETE":
                del self.server.objects[path]
            self._answer(200, found)

    def _create(self, kind: str, body: dict[str, Any]) -> None:
        with self.server.lock:
            held = self.server.jobs if kind == "jobs" else self.server.secrets
            name = body["metadata"]["name"]
            if kind in self.server.refusals:
                code, message = self.server.refusals[kind]
                self._answer(code, {"message": message.format(name=name)})
                return
            if self.server.quota:
                self._answer(403, {"message": f'{kind} "{name}" is forbidden: exceeded quota: no-jobs'})
                return
            if name in held:
                self._answer(409, {"message": f"{name} already exists"})
                return
            self.server.posted.append(json.loads(json.dumps(body)))
            if kind == "jobs":
                self.server.create_job(body)
            else:
                held[name] = body
        self._answer(201, body)

    def _get(self, kind: str, name: str | None, query: dict[str, str]) -> None:
        with self.server.lock:
            if kind == "events":
                message = f"Error creating: {self.server.not_admitted}"
                items = [{"message": message}] if self.server.not_admitted else []
                self._answer(200, {"items": items})
                return
            if kind == "pods" and name is None:
                _, _, of = query["labelSelector"].partition("=")
                items = [pod.object() for pod in self.server.pods.values() if of in (pod.job, pod.uid)]
                self._answer(200, {"items": items})
                return
            if name is None:
                key, _, value = query["labelSelector"].partition("=")
                several = {"jobs": self.server.jobs, "secrets": self.server.secrets}[kind]
                items = [item for item in several.values() if item["metadata"]["labels"].get(key) == value]
                self._answer(200, {"items": items})
                return
            held: dict[str, Any] = {"jobs": self.server.jobs, "secrets": self.server.secrets}.get(kind, {})
            pod = self.server.pods.get(name or "") if kind == "pods" else None
            found = pod.object() if pod else held.get(name or "")
        self._answer(200 if found else 404, found or {"message": f'{kind} "{name}" not found'})

    def _log(self, name: str, query: dict[str, str]) -> None:
        pod = self.server.pods.get(name)
        if pod is None:
            self._answer(404, {"message": "no such pod"})
            return
        if "waiting" in pod.state:
            self._answer(400, {"message": "container is waiting to start"})
            return
        send_log(self, pod, {"follow": "true"} | query, self.server)

    def _answer(self, code: int, value: dict[str, Any]) -> None:
        send_json(self, code, value)
