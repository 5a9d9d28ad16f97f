"""A pod and its containers as a stub API server shows them."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import uuid
from contextlib import suppress
from datetime import datetime
from typing import Any

Object = dict[str, Any]
DIGEST = "sha256:" + "5e" * 32
"""Of the image that the node has pulled."""


class Running:
    """A container."""

    def __init__(self, spec: Object) -> None:
        self.spec = spec
        self.name: str = spec["name"]
        self.state: Object = {"waiting": {"reason": "PodInitializing"}}
        self.started = False
        self.lines: list[tuple[datetime, bytes]] = []
        self.changed = threading.Condition()
        self.child: subprocess.Popen[bytes] | None = None
        self.killed = ""

    @property
    def ended(self) -> bool:
        return "terminated" in self.state

    @property
    def has_log(self) -> bool:
        return "waiting" not in self.state

    def status(self, *, init: bool) -> Object:
        ready = (init and self.state.get("terminated", {}).get("exitCode") == 0) or self.started
        return {
            "name": self.name,
            "image": self.spec["image"],
            "imageID": f"{self.spec['image'].partition('@')[0]}@{DIGEST}" if self.has_log else "",
            "state": self.state,
            "lastState": {},
            "restartCount": 0,
            "ready": ready,
            "started": self.started,
        }

    def signal(self, number: signal.Signals) -> None:
        if self.child is not None and self.child.poll() is None:
            with suppress(ProcessLookupError):
                os.killpg(self.child.pid, number)


class Pod:
    """A pod on the way to the node, and on it."""

    def __init__(self, job: Object, node: str) -> None:
        self.job, self.uid = job["metadata"]["uid"], str(uuid.uuid4())
        self.name = f"{job['metadata']['name']}-{self.uid[:5]}"
        template = job["spec"]["template"]
        self.spec: Object = template["spec"]
        self.labels = {
            **(template.get("metadata") or {}).get("labels", {}),
            "job-name": job["metadata"]["name"],
            "controller-uid": self.job,
        }
        self.owner = {
            "apiVersion": "batch/v1",
            "kind": "Job",
            "name": job["metadata"]["name"],
            "uid": self.job,
            "controller": True,
        }
        self.on, self.node = "", node
        self.phase, self.reason, self.message = "Pending", "", ""
        self.conditions: list[Object] = []
        self.deleted = ""
        self.init = [Running(one) for one in self.spec.get("initContainers", ())]
        self.main = [Running(one) for one in self.spec["containers"]]
        self.going = threading.Event()
        """Somebody wants it to end."""
        self.stopped = threading.Event()
        """None of its processes runs, and none will."""

    def object(self) -> Object:
        meta: Object = {
            "name": self.name,
            "uid": self.uid,
            "labels": self.labels,
            "ownerReferences": [self.owner],
        }
        if self.deleted:
            meta |= {"deletionTimestamp": self.deleted, "deletionGracePeriodSeconds": 30}
        status: Object = {"phase": self.phase, "conditions": self.conditions}
        if self.on:
            status["initContainerStatuses"] = [one.status(init=True) for one in self.init]
            status["containerStatuses"] = [one.status(init=False) for one in self.main]
        for name in ("reason", "message"):
            if getattr(self, name):
                status[name] = getattr(self, name)
        spec = {**self.spec, **({"nodeName": self.on} if self.on else {})}
        return {"metadata": meta, "spec": spec, "status": status}

    def container(self, name: str) -> Running | None:
        return next((one for one in (*self.init, *self.main) if one.name == name), None)

    def condition(self, kind: str, status: str, reason: str, message: str = "") -> None:
        self.conditions = [one for one in self.conditions if one["type"] != kind]
        self.conditions.append({"type": kind, "status": status, "reason": reason, "message": message})
