"""An API server on loopback that runs the Job of a try: a job controller, a kubelet that really starts the
containers and asks the probes (`stub_kubelet`), a garbage collector, and faults that a test switches on.

Time in this cluster may run faster (`hurry`): its clock, its deadlines and its probes, all together.
"""

from __future__ import annotations

import json
import signal
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from support.kube_trials_api import TOKEN, TrialHandler
from support.stub_kubelet import Kubelet, Machine, Pod

Object = dict[str, Any]


class TrialCluster(ThreadingHTTPServer):
    """The server and what it holds; `stop` it.

    Args:
        folder: pods' volumes and folders lie in it.
        machine: what the containers find on the node.
        namespace: the only one in which anything is allowed.
        hurry: how much faster the cluster's time runs.
    """

    daemon_threads = True

    def __init__(
        self,
        folder: Path,
        *,
        machine: Machine | None = None,
        namespace: str = "trials",
        hurry: float = 1.0,
        node: str = "gpu-1",
        product: str = "NVIDIA-L40S",
    ) -> None:
        super().__init__(("127.0.0.1", 0), TrialHandler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.folder, self.machine = folder, machine or Machine()
        self.namespace, self.hurry, self.node = namespace, hurry, node
        self._born, self._zero = datetime.now(UTC), time.monotonic()
        self.jobs: dict[str, Object] = {}
        self.secrets: dict[str, Object] = {}
        self.pods: dict[str, Pod] = {}
        self.events: list[Object] = []
        labels = {"nvidia.com/gpu.product": product}
        self.objects: dict[str, Object] = {
            f"/api/v1/nodes/{node}": {
                "metadata": {"name": node, "labels": labels},
                "status": {"conditions": [{"type": "Ready", "status": "True"}]},
            }
        }
        """Anything else, by its path; a list is asked for by the path above."""
        self.asked: list[str] = []
        """`METHOD path` of each request."""
        self.ungranted: set[tuple[str, str]] = set()
        """What was asked for beyond docs/rbac.yaml."""
        self.roles: tuple[str, ...] = ("try-cluster",)
        """Those that count outside the namespace."""
        self.posted: list[Object] = []
        self.lock = threading.RLock()
        self._kubelets: dict[str, Kubelet] = {}
        self._timers: list[threading.Timer] = []
        self._faults()
        folder.mkdir(parents=True, exist_ok=True)
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _faults(self) -> None:
        """All that a test may switch."""
        self.on_request: Callable[[str, str], None] = lambda method, path: None
        """Called before a request is served."""
        self.fault: Callable[[str, str], int] = lambda method, path: 0
        """The status that a request is answered with; 0 serves it, 1 closes the connection, 2 serves it and
        then closes."""
        self.refusals: dict[tuple[str, str], tuple[int, str]] = {}
        """What a method on a kind (`("POST", "jobs")`; logs are `log`) is answered with."""
        self.denied: set[tuple[str, str]] = set()
        """Verbs on resources that an access review says no to: `("create", "jobs")`."""
        self.not_admitted = ""
        """Why no pod is made: a quota, a security constraint, a LimitRange."""
        self.unschedulable = ""
        """Why the scheduler finds no node."""
        self.waiting_reason = ("", "")
        """Reason and message of a container that can't be pulled (`ErrImagePull`) or made (`CreateC...`)."""
        self.pull_s = 0.0
        self.queue_s: float | None = 0.0
        """How long Kueue lets a suspended Job wait; None for ever."""
        self.killed_for = ""
        """`OOMKilled`: the kernel kills the container as soon as it has begun to speak."""
        self.cut_logs_after = 0
        self.slow_s = 0.0
        self.away = threading.Event()
        """Every connection is closed without an answer."""
        self.confused = threading.Event()
        """Everybody is refused (403), as by a server that has just started."""
        self.expired = threading.Event()
        """Our token is not taken any more (401)."""
        self.lost = threading.Event()
        """The node is gone: no log, no news, and no pod of it ever ends."""
        self.collects = True
        """Whether the garbage collector works."""

    # Time

    def now(self) -> datetime:
        return self._born + timedelta(seconds=(time.monotonic() - self._zero) * self.hurry)

    def stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def after(self, seconds: float, work: Callable[..., None], *args: Any) -> None:
        """In so many seconds of the cluster's time."""
        timer = threading.Timer(seconds / self.hurry, work, args)
        timer.daemon = True
        self._timers.append(timer)
        timer.start()

    # What tests ask

    def kubeconfig(self) -> Path:
        path = self.folder / "kubeconfig"
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": self.url}}],
            "users": [{"name": "u", "user": {"token": TOKEN}}],
        }
        path.write_text(json.dumps(config))
        return path

    @property
    def left(self) -> list[str]:
        """All Jobs, Secrets and pods that are there."""
        with self.lock:
            return [
                *(f"job/{name}" for name in self.jobs),
                *(f"secret/{name}" for name in self.secrets),
                *(f"pod/{name}" for name in self.pods),
            ]

    @property
    def processes(self) -> int:
        """Containers that run."""
        with self.lock:
            pods = list(self.pods.values())
        every = [one for pod in pods for one in (*pod.init, *pod.main)]
        return sum(one.child is not None and one.child.poll() is None for one in every)

    def stop(self) -> None:
        self.shutdown()
        self.server_close()
        for timer in self._timers:
            timer.cancel()
        self.lost.clear()
        for pod in list(self.pods.values()):
            pod.going.set()
            for one in (*pod.init, *pod.main):
                one.signal(signal.SIGKILL)
            pod.stopped.wait(5)
        assert self.ungranted == set()

    # The job controller

    def create_job(self, job: Object) -> None:
        meta = job["metadata"]
        meta |= {"uid": str(uuid.uuid4()), "creationTimestamp": self.stamp()}
        job["spec"]["selector"] = {"matchLabels": {"controller-uid": meta["uid"]}}
        self.jobs[meta["name"]] = job
        if not job["spec"].get("suspend"):
            self.start(job)
        elif self.queue_s is not None:
            self.after(self.queue_s, self.start, job)

    def start(self, job: Object) -> None:
        """Make the Job's pod, as soon as Kueue lets it."""
        with self.lock:
            if self.jobs.get(job["metadata"]["name"]) is not job:
                return
            job["spec"]["suspend"] = False
            job["status"] = {"startTime": self.stamp()}
            if (limit := job["spec"].get("activeDeadlineSeconds")) is not None:
                self.after(limit, self._late, job)
            if self.not_admitted:
                about = {"kind": "Job", "uid": job["metadata"]["uid"], "name": job["metadata"]["name"]}
                self._event(about, "FailedCreate", f"Error creating: {self.not_admitted}")
                return
            pod = Pod(job, self.node)
            self.pods[pod.name] = pod
            kubelet = self._kubelets[pod.name] = Kubelet(self, pod)
        threading.Thread(target=kubelet.play, daemon=True).start()

    def _late(self, job: Object) -> None:
        with self.lock:
            if self.jobs.get(job["metadata"]["name"]) is not job or _over(job):
                return
            self.finish(job, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
            mine = [pod for pod in self.pods.values() if pod.job == job["metadata"]["uid"]]
        for pod in mine:
            self.delete_pod(pod)

    def finish(self, job: Object, kind: str, reason: str = "", message: str = "") -> None:
        """The Job is over; it goes when its time to live has passed."""
        with self.lock:
            condition = {"type": kind, "status": "True", "reason": reason, "message": message}
            job.setdefault("status", {})["conditions"] = [condition]
            if (ttl := job["spec"].get("ttlSecondsAfterFinished")) is not None:
                self.after(ttl, self.delete_job, job)

    def ended(self, pod: Pod) -> None:
        """A pod's processes have ended; a Job does not try again."""
        with self.lock:
            job = next((one for one in self.jobs.values() if one["metadata"]["uid"] == pod.job), None)
            if job is None or _over(job) or self.lost.is_set():
                return
            if pod.phase == "Succeeded":
                self.finish(job, "Complete")
            else:
                self.finish(
                    job, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
                )

    # Deleting

    def delete_job(self, job: Object) -> None:
        with self.lock:
            name, uid = job["metadata"]["name"], job["metadata"]["uid"]
            if self.jobs.get(name) is job:
                del self.jobs[name]
        if self.collects:
            self.collect(uid)

    def collect(self, owner: str) -> None:
        """What the garbage collector does once an owner is gone."""
        with self.lock:
            for name, secret in list(self.secrets.items()):
                owners = secret["metadata"].get("ownerReferences", ())
                if any(one["uid"] == owner for one in owners):
                    del self.secrets[name]
            mine = [pod for pod in self.pods.values() if pod.job == owner]
        for pod in mine:
            self.delete_pod(pod)

    def delete_pod(self, pod: Pod) -> None:
        """It goes once its processes have ended; on a lost node never."""
        with self.lock:
            if pod.deleted:
                return
            pod.deleted = self.stamp()
        if not self.lost.is_set():
            threading.Thread(target=self._end, args=(pod,), daemon=True).start()

    def _end(self, pod: Pod) -> None:
        self._kubelets[pod.name].end()
        with self.lock:
            self.pods.pop(pod.name, None)

    def push_away(self, pod: Pod, reason: str, message: str) -> None:
        """Preempted, or evicted by a taint: it is told why, and deleted."""
        pod.condition("DisruptionTarget", "True", reason, message)
        told = {"PreemptionByScheduler": "Preempted", "DeletionByTaintManager": "TaintManagerEviction"}
        self.told(pod, told.get(reason, reason), message)
        self.delete_pod(pod)

    def evict(self, pod: Pod, message: str) -> None:
        """The kubelet gives its room to others."""
        pod.going.set()
        for one in (*pod.init, *pod.main):
            one.signal(signal.SIGKILL)
        pod.stopped.wait(5)
        pod.phase, pod.reason, pod.message = "Failed", "Evicted", message

    # What the kubelet asks

    def scheduled(self, pod: Pod) -> bool:
        if self.unschedulable:
            pod.condition("PodScheduled", "False", "Unschedulable", self.unschedulable)
        return not self.unschedulable

    def told(self, pod: Pod, reason: str, message: str) -> None:
        self._event({"kind": "Pod", "uid": pod.uid, "name": pod.name}, reason, message)

    def _event(self, about: Object, reason: str, message: str) -> None:
        event = {
            "involvedObject": about,
            "reason": reason,
            "message": message,
            "lastTimestamp": self.stamp(),
        }
        self.events.append(event)


def _over(job: Object) -> bool:
    return bool(job.get("status", {}).get("conditions"))
