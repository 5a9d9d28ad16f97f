"""The cluster behind the stub: what is stored, and what its operators make of an InferenceService."""

from __future__ import annotations

import threading
import uuid
from typing import Any

from suite_judge import objects
from suite_judge.failures import of
from suite_judge.objects import KINDS, Object

Key = tuple[str, str, str, str]


class Cluster:
    """The stored objects.

    Args:
        unauthorized: Every request gets a 401.
        forbidden: Part of a path that nobody may read.
    """

    def __init__(self, *, unauthorized: bool = False, forbidden: str = "", **made: Any) -> None:
        self.unauthorized, self.forbidden = unauthorized, forbidden
        self.lock = threading.RLock()
        self.store: dict[Key, Object] = {}
        self.port = 0
        for group, plural, namespace, found in objects.cluster(**made):
            self.put(group, plural, namespace, found)

    def put(self, group: str, plural: str, namespace: str, found: Object) -> Object:
        """Store an object with what the API server adds."""
        meta = found.setdefault("metadata", {})
        found |= {"apiVersion": group, "kind": KINDS[group][plural][0]}
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("resourceVersion", "1")
        meta.setdefault("creationTimestamp", objects.stamp())
        if namespace:
            meta["namespace"] = namespace
        self.store[(group, plural, namespace, meta["name"])] = found
        return found

    def _pod(self, namespace: str, name: str, image: str, failure: Object) -> Object:
        return self.put("v1", "pods", namespace, objects.pod(name, image.replace("oci://", ""), failure))

    def _fail(self, namespace: str, name: str, image: str, before: Object) -> None:
        """The server that ran ends as its name asks, where it is still there."""
        with self.lock:
            key = ("v1", "pods", namespace, before["metadata"]["name"])
            if self.store.get(key) is before:
                after = self._pod(namespace, name, image, of(name).pod)
                after["metadata"] |= {"uid": before["metadata"]["uid"], "resourceVersion": "2"}

    def delete(self, key: Key) -> None:
        """Remove an object and what goes with it."""
        _, plural, namespace, name = key
        for other in list(self.store):
            within = plural == "namespaces" and other[2] == name
            owned = plural == "inferenceservices" and other[2] == namespace and other[3].startswith(name)
            if other == key or within or owned:
                del self.store[other]

    def serve(self, namespace: str, service: Object) -> None:
        """What KServe makes of an InferenceService, as its name asks."""
        name = service["metadata"]["name"]
        failure = of(name)
        ready = not failure.pod
        image = str(service["spec"]["predictor"]["model"].get("storageUri", ""))
        made = self.put("apps/v1", "deployments", namespace, objects.deployment(name, ready=ready))
        set_of = self.put(
            "apps/v1",
            "replicasets",
            namespace,
            {
                "metadata": {
                    "name": f"{name}-predictor-5d8f7c9b6",
                    "labels": {"serving.kserve.io/inferenceservice": name},
                }
            },
        )
        about, kind = set_of, "ReplicaSet"
        if "none" not in failure.pod:
            first = {"starting": True} if failure.after_s else failure.pod
            about, kind = self._pod(namespace, name, image, first), "Pod"
            if failure.after_s:
                later = threading.Timer(failure.after_s, self._fail, (namespace, name, image, about))
                later.daemon = True
                later.start()
        if failure.event[0]:
            self.put("v1", "events", namespace, objects.event(about, kind, *failure.event))
        state = "Loaded" if ready else "Pending"
        service["status"] = {
            "url": f"http://127.0.0.1:{self.port}/route/{name}",
            "conditions": [objects.condition("Ready", "True" if ready else "False")],
            "modelStatus": {
                "states": {"activeModelState": state, "targetModelState": state},
                "transitionStatus": "UpToDate" if ready else "InProgress",
            },
        }
        made["status"].setdefault("conditions", [])
