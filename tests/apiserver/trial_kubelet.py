"""Plays the kubelet for the pods of tries on a real API server: init containers, probes and volumes as the
stub cluster plays them (`support.stub_kubelet`), their status written through the real API."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path

from kubelet import Controllers, Object, Running
from server import ApiServer

from support.stub_kubelet import Kubelet, Machine
from support.stub_pod import Pod


class Secrets:
    """The namespace's, as a kubelet finds them."""

    def __init__(self, controllers: TrialControllers) -> None:
        self._controllers = controllers

    def get(self, name: str) -> Object | None:
        data = self._controllers._secret(name)
        return None if data is None else {"data": data}


class TrialControllers(Controllers):
    """One node; its time is the machine's, its probes are asked `hurry` times as often."""

    def __init__(self, server: ApiServer, namespace: str, folder: Path, machine: Machine) -> None:
        self.machine, self.hurry = machine, 20.0
        self.secrets = Secrets(self)
        self.pull_s, self.waiting_reason, self.killed_for = 0.0, ("", ""), ""
        self.lost = threading.Event()
        self._stubs: dict[str, tuple[Kubelet, Pod]] = {}
        self._ending: set[str] = set()
        super().__init__(server, namespace, folder)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def stamp(self) -> str:
        return self.now().strftime("%Y-%m-%dT%H:%M:%SZ")

    def scheduled(self, pod: Pod) -> bool:
        return True

    def told(self, pod: Pod, reason: str, message: str) -> None:
        """Nobody asks for the kubelet's events here."""

    def ended(self, pod: Pod) -> None:
        """The Job's controller reads it from the pod's status."""

    def stop(self) -> None:
        super().stop()
        for kubelet, _ in self._stubs.values():
            kubelet.end()

    def _play(self, one: Running) -> None:
        meta = {"name": one.name, "uid": one.pod["metadata"]["uid"]}
        pod = Pod({"metadata": meta, "spec": {"template": {"spec": one.pod["spec"]}}}, self.node)
        pod.name = one.name
        kubelet = Kubelet(self, pod)  # type: ignore[arg-type]
        main = pod.main[0]
        one.lines, one.changed = main.lines, main.changed
        self._stubs[one.name] = (kubelet, pod)
        threading.Thread(target=kubelet.play, daemon=True).start()
        told: Object = {}
        while not self._done.wait(0.02):
            over = pod.stopped.is_set()
            status = pod.object()["status"]
            if status != told:
                told = status
                self._status("pods", one.pod, **status)
            if over:
                break
        with one.changed:
            one.ended = True
            one.changed.notify_all()

    def _keep(self, pod: Object) -> None:
        name = pod["metadata"]["name"]
        if not pod["metadata"].get("deletionTimestamp") or name not in self._stubs:
            super()._keep(pod)
            return
        kubelet, stub = self._stubs[name]
        if name not in self._ending:
            self._ending.add(name)
            threading.Thread(target=kubelet.end, daemon=True).start()
        if stub.stopped.is_set():
            self.api.delete(self.path("pods", name), params={"gracePeriodSeconds": "0"})
