"""A real kube-apiserver with etcd, on loopback, for as long as a test module lives."""

from __future__ import annotations

import base64
import itertools
import json
import os
import signal
import socket
import ssl
import subprocess
import time
import urllib.request
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx

from modelcar_tui.demo.kube import write_kubeconfig
from modelcar_tui.demo.kube_certificates import Authority, Certificate
from modelcar_tui.demo.kube_objects import CLAIMS, NAMESPACES, NODES, SLICES, USERS
from modelcar_tui.demo.kube_scenarios import Scenario
from modelcar_tui.demo.kube_store import Kind, Object

READY = ("/readyz", "/api/v1/namespaces/default")
START_S = 60.0
Rule = dict[str, list[str]]


class Account:
    """Somebody with a token; without rights until some are granted."""

    def __init__(self, name: str, groups: tuple[str, ...] = ()) -> None:
        self.name = name
        self.groups = groups
        self.token = f"sha256~token-of-{name}"


class ApiServer:
    """The two processes and an administrator's client."""

    def __init__(self, programs: Path, folder: Path, *, flags: Iterable[str] = ()) -> None:
        self.folder = folder
        self.authority = Authority(folder, "real-ca")
        self.admin = Account("admin", ("system:masters",))
        self._spare = [Account(f"user-{number}") for number in range(60)]
        self._numbers = itertools.count()
        self._etcd_port, self.port = _free_port(), _free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self._programs = programs
        self._flags = tuple(flags)
        self._command: tuple[str, ...] = ()
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self.api = self.client(self.admin)

    def start(self) -> None:
        """Start both and wait until the server is ready."""
        serving = self.authority.issue("apiserver")
        tokens = self.folder / "tokens.csv"
        tokens.write_text(
            "".join(
                f'{a.token},{a.name},{a.name},"{",".join(a.groups)}"\n' for a in (self.admin, *self._spare)
            )
        )
        signing = self._signing_key()
        peer = f"http://127.0.0.1:{_free_port()}"
        client = f"http://127.0.0.1:{self._etcd_port}"
        self._run(
            "etcd",
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        )
        self._command = (
            f"--etcd-servers={client}",
            "--etcd-compaction-interval=0",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            "--advertise-address=192.0.2.1",
            "--endpoint-reconciler-type=none",
            "--service-cluster-ip-range=10.0.0.0/24",
            f"--cert-dir={self.folder}",
            f"--tls-cert-file={serving.certificate}",
            f"--tls-private-key-file={serving.key}",
            f"--client-ca-file={self.authority.path}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={signing}",
            f"--service-account-key-file={signing}",
            # No controllers run here: nobody would make service accounts or take the not-ready taint away
            # again.
            "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition",
            "--kubelet-preferred-address-types=InternalIP",
            "--feature-gates=TTLAfterFinished=true",
            *self._flags,
        )
        self.restart()

    def _signing_key(self) -> Path:
        """A key for service accounts' tokens; the server reads a public key only out of this format."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1()).private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        path = self.folder / "signing.key"
        path.write_bytes(key)
        return path

    def restart(self) -> None:
        """Start the API server, also in place of one that dies for it without a word."""
        old = self._children.pop("kube-apiserver", None)
        if old is not None:
            old.kill()
            old.wait()
        self._run("kube-apiserver", *self._command)
        self.ready()

    def ready(self) -> None:
        """Wait until the server says that it is ready and has made its first namespaces, a moment later."""
        deadline = time.monotonic() + START_S
        while True:
            for child in self._children.values():
                assert child.poll() is None, self.words()
            try:
                if all(self.api.get(path).status_code == 200 for path in READY):
                    return
            except httpx.TransportError:
                pass
            assert time.monotonic() < deadline, self.words()
            time.sleep(0.1)

    def client(self, account: Account | None = None) -> httpx.Client:
        """A client of the test's own; nobody's when None."""
        headers = {"Authorization": f"Bearer {account.token}"} if account else {}
        return httpx.Client(
            base_url=self.url,
            verify=ssl.create_default_context(cafile=str(self.authority.path)),
            timeout=30,
            headers=headers,
            trust_env=False,
        )

    def stop(self) -> None:
        """End both processes."""
        self.api.close()
        for child in reversed(self._children.values()):
            child.send_signal(signal.SIGTERM)
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def words(self) -> str:
        """The last lines that the processes wrote."""
        return "\n".join(path.read_text(errors="replace")[-3000:] for path in self.folder.glob("*.log"))

    def _run(self, program: str, *arguments: str) -> None:
        with (self.folder / f"{program}.log").open("wb") as log:
            self._children[program] = subprocess.Popen(
                [self._programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={"PATH": os.environ["PATH"], "HOME": str(self.folder)},
            )

    def program(self, name: str) -> subprocess.Popen[bytes]:
        """One of the processes, `etcd` or `kube-apiserver`."""
        return self._children[name]

    # Who may log in

    def account(self) -> Account:
        """A user whom no other test has."""
        return self._spare.pop()

    def kubeconfig(
        self, account: Account | None = None, user: dict[str, Any] | None = None, **more: Any
    ) -> Path:
        """A kubeconfig for an account, or for any `user` entry; `more` goes to the cluster's entry."""
        path = self.folder / f"kubeconfig-{next(self._numbers)}"
        namespace = more.pop("namespace", "default")
        cluster = {"certificate-authority": str(self.authority.path), **more}
        entry = user if user is not None else {"token": (account or self.admin).token}
        write_kubeconfig(path, self.url, entry, cluster=cluster, namespace=namespace)
        return path

    def certificate(self, name: str, *, days: float = 30) -> Certificate:
        """A client certificate."""
        return self.authority.issue(name, hosts=(), days=days)

    def grant(self, account: Account, *rules: Rule, namespace: str = "") -> None:
        """Roles of these rules (`apiGroups`, `resources`, `verbs`); returns when the server has heard of
        them."""
        name = f"{account.name}-{next(self._numbers)}"
        kind = "Role" if namespace else "ClusterRole"
        meta = {"name": name, **({"namespace": namespace} if namespace else {})}
        base = "/apis/rbac.authorization.k8s.io/v1" + (f"/namespaces/{namespace}" if namespace else "")
        subject = {"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": account.name}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name}
        self.post(f"{base}/{kind.lower()}s", {"metadata": meta, "rules": list(rules)})
        self.post(
            f"{base}/{kind.lower()}bindings", {"metadata": meta, "subjects": [subject], "roleRef": role}
        )
        last = rules[-1]
        asked = {"verb": last["verbs"][-1], "group": last["apiGroups"][-1], "namespace": namespace}
        asked["resource"], _, asked["subresource"] = last["resources"][-1].partition("/")
        deadline = time.monotonic() + 10
        while not self.may(account, **asked):
            assert time.monotonic() < deadline, "the role did not come into force"
            time.sleep(0.02)

    def revoke(self, account: Account) -> None:
        """Take every cluster role away; returns when the server has heard of it."""
        base = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
        for one in self.get(base)["items"]:
            if any(subject["name"] == account.name for subject in one.get("subjects") or ()):
                self._good(self.api.delete(f"{base}/{one['metadata']['name']}"))
        deadline = time.monotonic() + 10
        while self.may(account, verb="list", resource="nodes"):
            assert time.monotonic() < deadline, "the role did not go"
            time.sleep(0.02)

    def may(self, account: Account, **asked: str) -> bool:
        """What a SubjectAccessReview says."""
        attributes = {key: value for key, value in asked.items() if value}
        spec = {"user": account.name, "groups": ["system:authenticated"], "resourceAttributes": attributes}
        path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
        return bool(self.post(path, {"spec": spec})["status"]["allowed"])

    # What it holds

    def post(self, path: str, body: Object) -> Object:
        """Make an object; a refusal fails the test with the server's words."""
        return self._good(self.api.post(path, json=body))

    def put(self, path: str, body: Object) -> Object:
        return self._good(self.api.put(path, json=body))

    def get(self, path: str, **query: str) -> Object:
        return self._good(self.api.get(path, params=query))

    def _good(self, answer: httpx.Response) -> Object:
        assert answer.status_code < 300, answer.text[:2000]
        found: Object = answer.json()
        return found

    def load(self, scenario: Scenario, definitions: dict[str, Object]) -> None:
        """Make everything that a stub cluster of this scenario holds; what the server drops fails the test.

        Left out: what a server of this age has no API for (DRA), and OpenShift's aggregated user API.
        """
        kinds = [kind for kind in scenario.objects if kind not in (SLICES, CLAIMS, USERS)]
        self.define((kind for kind in kinds if _name(kind) in definitions), definitions)
        for kind in sorted(kinds, key=lambda kind: kind is not NAMESPACES):
            for one in scenario.objects[kind]:
                self.make(kind, one)

    def define(self, kinds: Iterable[Kind], definitions: dict[str, Object]) -> None:
        """Make the kinds known."""
        wanted = list(kinds)
        for kind in wanted:
            self.post("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definitions[_name(kind)])
        for kind in wanted:
            deadline = time.monotonic() + 20
            while self.api.get(_path(kind)).status_code != 200:
                assert time.monotonic() < deadline, f"{kind.plural} did not appear"
                time.sleep(0.05)

    def make(self, kind: Kind, value: Object) -> Object:
        """One object with its status."""
        meta = value["metadata"]
        if kind is NAMESPACES and meta["name"] in ("default", "kube-system"):
            return value
        path = _path(kind, meta.get("namespace", ""))
        made = self.post(path, {**value, "apiVersion": kind.api, "kind": kind.kind})
        if value.get("status") and kind is not NAMESPACES and made.get("status") != value["status"]:
            answer = self.api.put(f"{path}/{meta['name']}/status", json={**made, "status": value["status"]})
            if answer.status_code != 404:  # 404: the kind has no such subresource
                made = self._good(answer)
        for part in ("spec", "objects", "data"):
            gone = lost(value.get(part), made.get(part))
            assert not gone, f"{kind.kind} {meta['name']}: the server dropped {part}{gone}"
        return made

    def nodes(self, values: Iterable[Object]) -> None:
        for one in values:
            self.make(NODES, one)

    def compact(self) -> None:
        """Forget the history in etcd: lists that are being read page by page expire."""
        # A list of the newest revision would outlive it.
        found = self._etcd("put", {"key": base64.b64encode(b"compact").decode(), "value": ""})
        self._etcd("compaction", {"revision": found["header"]["revision"], "physical": True})

    def _etcd(self, what: str, body: Object) -> Object:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._etcd_port}/v3/kv/{what}", json.dumps(body).encode()
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            found: Object = json.load(answer)
        return found


def _name(kind: Kind) -> str:
    return f"{kind.plural}.{kind.group}"


def _path(kind: Kind, namespace: str = "") -> str:
    base = f"/apis/{kind.api}" if kind.group else "/api/v1"
    return f"{base}/namespaces/{namespace}/{kind.plural}" if namespace else f"{base}/{kind.plural}"


def lost(given: Any, kept: Any) -> str:
    """The path of something given that was not kept; empty when all was."""
    if isinstance(given, dict):
        for key, value in given.items():
            if value in ({}, [], None, ""):
                continue
            if not isinstance(kept, dict) or key not in kept:
                return f".{key}"
            if gone := lost(value, kept[key]):
                return f".{key}{gone}"
    elif isinstance(given, list):
        if not isinstance(kept, list) or len(kept) < len(given):
            return "[]"
        for index, value in enumerate(given):
            if gone := lost(value, kept[index]):
                return f"[{index}]{gone}"
    return ""


def _free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
