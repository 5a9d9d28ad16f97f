"""A node's kubelet that really runs what a pod says: each container is a child process, probes are really
asked, volumes are folders."""

from __future__ import annotations

import base64
import http.client
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from support.stub_pod import Object, Pod, Running

FAKE_VLLM = Path(__file__).with_name("fake_vllm.py")


def fake_runtime(container: Object) -> list[str]:
    """The recorded start-ups instead of vLLM: whatever the runtime's command is, its arguments are kept."""
    return [sys.executable, str(FAKE_VLLM), *container.get("args", ())]


@dataclass
class Machine:
    """What a node has: programs, variables, folders."""

    runtime: Callable[[Object], list[str]] = fake_runtime
    """What really runs for the runtime's container, with its arguments."""
    container: str = "vllm"
    """The runtime's container; others run as they are written, with this interpreter for `python3`."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Added to the variables of every container; wins over the pod's."""
    inherited: Sequence[str] = ("PATH", "LANG", "TMPDIR", "HOME")
    maps_port: bool = True
    """Whether the port of the probes, and of `--port`, becomes one that is free on this machine."""
    only_paths: Sequence[str] = ()
    """Mount paths that are left alone, such as those that this machine has itself."""

    def argv(self, container: Object) -> list[str]:
        if container["name"] == self.container:
            return self.runtime(container)
        words = [*container.get("command", ()), *container.get("args", ())]
        return [sys.executable if word in ("python", "python3") else word for word in words]


class Held(Protocol):
    """What a kubelet asks of its cluster."""

    folder: Path
    machine: Machine
    secrets: dict[str, Object]
    hurry: float
    node: str
    pull_s: float
    waiting_reason: tuple[str, str]
    killed_for: str
    lost: threading.Event

    def stamp(self) -> str: ...
    def now(self) -> datetime: ...
    def scheduled(self, pod: Pod) -> bool: ...
    def told(self, pod: Pod, reason: str, message: str) -> None: ...
    def ended(self, pod: Pod) -> None: ...


class Kubelet:
    """Plays one pod; `play` runs in a thread of its own."""

    def __init__(self, cluster: Held, pod: Pod) -> None:
        self._cluster, self._pod = cluster, pod
        self._root = cluster.folder / pod.name
        self._ports: dict[int, int] = {}

    def play(self) -> None:
        pod = self._pod
        try:
            self._whole()
        finally:
            for one in (*pod.init, *pod.main):
                one.signal(signal.SIGKILL)
            pod.stopped.set()
        self._cluster.ended(pod)

    def _whole(self) -> None:
        pod, cluster = self._pod, self._cluster
        while not cluster.scheduled(pod):
            if pod.going.wait(0.02):
                return
        pod.condition("PodScheduled", "True", "")
        pod.on = cluster.node
        volumes = self._volumes()
        if volumes is None or not self._pulled():
            return
        for one in pod.init:
            self._run(one, volumes)
            if pod.going.is_set() or _status(one):
                self._over("Failed")
                return
        if cluster.waiting_reason[0].startswith("Create") and not self._stuck(pod.main[0]):
            return
        pod.phase = "Running"
        others = [threading.Thread(target=self._run, args=(one, volumes)) for one in pod.main[1:]]
        for each in others:
            each.start()
        self._run(pod.main[0], volumes)
        for each in others:
            each.join()
        self._over("Failed" if any(_status(one) for one in pod.main) else "Succeeded")

    def _over(self, phase: str) -> None:
        if not self._cluster.lost.is_set():
            self._pod.phase = phase

    def _stuck(self, one: Running) -> bool:
        """Keep a container from starting for as long as the cluster says why."""
        while self._cluster.waiting_reason[0]:
            reason, message = self._cluster.waiting_reason
            one.state = {"waiting": {"reason": reason, "message": message}}
            if self._pod.going.wait(0.02):
                return False
        one.state = {"waiting": {"reason": "PodInitializing"}}
        return True

    def _pulled(self) -> bool:
        first = (self._pod.init or self._pod.main)[0]
        reason = self._cluster.waiting_reason[0]
        if reason and not reason.startswith("Create") and not self._stuck(first):
            return False
        return not self._pod.going.wait(self._cluster.pull_s)

    # Volumes

    def _volumes(self) -> dict[str, Path] | None:
        """The folder of each volume; None where the pod ends before all Secrets are there."""
        found = {}
        for volume in self._pod.spec.get("volumes", ()):
            found[volume["name"]] = folder = self._root / "volumes" / volume["name"]
            folder.mkdir(parents=True)
            for source in _sources(volume):
                name = source.get("secretName") or source["name"]
                while (secret := self._cluster.secrets.get(name)) is None:
                    if self._pod.going.wait(0.01):
                        return None
                only = {item["key"]: item["path"] for item in source.get("items", ())}
                for key, value in secret["data"].items():
                    if only and key not in only:
                        continue
                    path = folder / only.get(key, key)
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_bytes(base64.b64decode(value))
        return found

    def _places(self, one: Running, volumes: Mapping[str, Path]) -> Iterator[tuple[str, str]]:
        for mount in sorted(one.spec.get("volumeMounts", ()), key=lambda mount: -len(mount["mountPath"])):
            if mount["mountPath"] in self._cluster.machine.only_paths:
                continue
            place = volumes[mount["name"]] / mount.get("subPath", "")
            place.mkdir(parents=True, exist_ok=True)
            yield mount["mountPath"].rstrip("/"), str(place)

    # Containers

    def _run(self, one: Running, volumes: Mapping[str, Path]) -> None:
        cluster, machine = self._cluster, self._cluster.machine
        places = dict(self._places(one, volumes))
        # In one pass: a place may lie below what another mount is called. Longer paths come first.
        mounted = re.compile(rf"({'|'.join(map(re.escape, places))})(?![\w.-])") if places else None

        def here(text: str) -> str:
            return mounted.sub(lambda found: places[found[1]], text) if mounted else text

        argv = self._ported(one, [here(word) for word in machine.argv(one.spec)])
        env = {name: os.environ[name] for name in machine.inherited if name in os.environ}
        env |= {each["name"]: here(each.get("value", "")) for each in one.spec.get("env", ())}
        work = self._root / "work" / one.name
        work.mkdir(parents=True, exist_ok=True)
        one.child = child = subprocess.Popen(
            argv,
            cwd=work,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={"PYTHONUNBUFFERED": "1", **env, **machine.env},
        )
        began = cluster.stamp()
        one.state = {"running": {"startedAt": began}}
        if self._pod.going.is_set():
            one.signal(signal.SIGKILL)
        probes = threading.Thread(target=self._probe, args=(one,), daemon=True)
        probes.start()
        assert child.stdout is not None
        for line in child.stdout:
            with one.changed:
                one.lines.append((cluster.now(), line.rstrip(b"\n")))
                one.changed.notify_all()
        code = child.wait()
        code = code if code >= 0 else 128 - code
        probes.join(5)
        if cluster.lost.is_set():
            return
        reason = one.killed or ("Error" if code else "Completed")
        with one.changed:
            ended = {"startedAt": began, "finishedAt": cluster.stamp(), "reason": reason}
            one.started = False
            one.state = {"terminated": {"exitCode": code, **ended}}
            one.changed.notify_all()

    def _ported(self, one: Running, argv: list[str]) -> list[str]:
        """The arguments with a port that is free on this machine."""
        probe = one.spec.get("startupProbe", {}).get("httpGet")
        if probe is None or not self._cluster.machine.maps_port:
            return argv
        wanted, free = str(probe["port"]), _free_port()
        self._ports[int(wanted)] = free
        found = [word for word in argv if word == f"--port={wanted}"]
        paired = [at for at in range(1, len(argv)) if argv[at - 1 : at + 1] == ["--port", wanted]]
        argv = [f"--port={free}" if word in found else word for word in argv]
        for at in paired:
            argv[at] = str(free)
        return argv if found or paired else [*argv, f"--port={free}"]

    # Probes

    def _probe(self, one: Running) -> None:
        if (reason := self._cluster.killed_for) and self._pod.main[0] is one:
            while len(one.lines) < 5 and not self._over_after(one, 0.01):
                pass
            one.killed = reason
            one.signal(signal.SIGKILL)
            return
        if self._until(one, "startupProbe", good=True):
            one.started = True
            self._until(one, "livenessProbe", good=False)

    def _until(self, one: Running, which: str, *, good: bool) -> bool:
        """Ask until the answer is `good` or the threshold is reached, which ends the container; whether it
        was good."""
        probe = one.spec.get(which)
        if probe is None:
            return good
        hurry, failures = self._cluster.hurry, 0
        pause = probe.get("periodSeconds", 10) / hurry
        if self._over_after(one, probe.get("initialDelaySeconds", 0) / hurry):
            return False
        while True:
            if self._answers(probe):
                failures = 0
                if good:
                    return True
            else:
                failures += 1
            if failures >= probe.get("failureThreshold", 3):
                break
            if self._over_after(one, pause):
                return False
        kind = which.removesuffix("Probe")
        self._cluster.told(self._pod, "Unhealthy", f"{kind.capitalize()} probe failed: refused")
        self._cluster.told(
            self._pod, "Killing", f"Container {one.name} failed {kind} probe, will be restarted"
        )
        one.signal(signal.SIGTERM)
        self._over_after(one, self._pod.spec.get("terminationGracePeriodSeconds", 30) / hurry)
        one.signal(signal.SIGKILL)
        return False

    def _over_after(self, one: Running, seconds: float) -> bool:
        """Whether the container has ended; waits so long for it."""
        end = time.monotonic() + seconds
        while one.child is not None and one.child.poll() is None:
            left = end - time.monotonic()
            if left <= 0 or self._pod.going.wait(min(left, 0.02)):
                return self._pod.going.is_set()
        return True

    def _answers(self, probe: Object) -> bool:
        limit = probe.get("timeoutSeconds", 1)
        port = int((probe.get("httpGet") or probe["tcpSocket"])["port"])
        port = self._ports.get(port, port)
        try:
            if "tcpSocket" in probe:
                socket.create_connection(("127.0.0.1", port), timeout=limit).close()
                return True
            asked = http.client.HTTPConnection("127.0.0.1", port, timeout=limit)
            asked.request("GET", probe["httpGet"].get("path", "/"))
            return asked.getresponse().status < 400
        except (OSError, http.client.HTTPException):
            return False

    def end(self) -> None:
        """What a kubelet does with a pod that is being deleted."""
        pod, grace = self._pod, self._pod.spec.get("terminationGracePeriodSeconds", 30) / self._cluster.hurry
        pod.going.set()
        every = (*pod.init, *pod.main)
        for one in every:
            one.signal(signal.SIGTERM)
        if not pod.stopped.wait(max(grace, 0.05)):
            for one in every:
                one.signal(signal.SIGKILL)
            pod.stopped.wait(10)


def _status(one: Running) -> int:
    """Its exit status; 1 where nobody saw its end."""
    return int(one.state.get("terminated", {}).get("exitCode", 1))


def _sources(volume: Object) -> list[Object]:
    """The Secrets of a volume."""
    if "secret" in volume:
        return [volume["secret"]]
    return [
        source["secret"] for source in volume.get("projected", {}).get("sources", ()) if "secret" in source
    ]


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
