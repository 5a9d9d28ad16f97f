"""The stub cluster: a small Kubernetes API server in this process, on loopback, for `--demo` and for the
tests.

It speaks the real protocol (`kubectl --kubeconfig ... get nodes` works), and misbehaves on demand.
"""

from __future__ import annotations

import json
import secrets
import ssl
import threading
from pathlib import Path
from typing import Any

from modelcar_tui.core.files import write_private
from modelcar_tui.demo.kube_certificates import Authority, Certificate, available
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.demo.kube_server import Server
from modelcar_tui.demo.kube_store import Store

CONTEXT = "demo"
_NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME: an API server shakes hands with an expired client and then answers
401."""


class StubCluster:
    """A running stub cluster. Use it as a context manager, or call `stop()`."""

    def __init__(self, server: Server, kubeconfig: Path, token: str, *, tls: bool) -> None:
        self.server = server
        self.kubeconfig_path = kubeconfig
        self.token = token
        port = server.server_address[1]
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
        self._thread = threading.Thread(
            target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )
        self._thread.start()

    @property
    def store(self) -> Store:
        """The objects; change them to change the cluster."""
        return self.server.store

    @property
    def requests(self) -> list[str]:
        """`METHOD path?query` of every request so far."""
        return self.server.log

    def stop(self) -> None:
        """Stop serving; idempotent."""
        self.server.stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(timeout=5)

    def __enter__(self) -> StubCluster:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_stub_cluster(
    scenario: Scenario | None = None,
    *,
    folder: Path,
    tls: bool | None = None,
    certificate: Certificate | None = None,
) -> StubCluster:
    """Start a stub cluster and write its kubeconfig (mode 0600) into `folder`.

    Args:
        scenario: a small OpenShift AI cluster by default.
        folder: an existing folder.
        tls: whether to serve HTTPS; by default where a certificate can be made. kubectl sends no token over
        HTTP.
        certificate: the server's certificate; made when None.
    """
    if certificate is None and (available() if tls is None else tls):
        certificate = Authority(folder).issue("stub-server")
    scenario = scenario or openshift_ai()
    store = Store()
    for kind, objects in scenario.objects.items():
        store.put(kind, objects)
    for kind, items in scenario.prepared.items():
        store.put_items(kind, items)
    token = "sha256~" + secrets.token_urlsafe(24)
    kinds = [*scenario.objects, *(kind for kind in scenario.prepared if kind not in scenario.objects)]
    server = Server(kinds, store, {token: scenario.user}, version=scenario.version)
    server.faults = scenario.faults
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate.certificate, certificate.key)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(certificate.ca)
        context.verify_flags = ssl.VerifyFlags(context.verify_flags | _NO_CHECK_TIME)
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    path = folder / "kubeconfig"
    cluster = StubCluster(server, path, token, tls=certificate is not None)
    write_kubeconfig(
        path,
        cluster.url,
        {"token": token},
        namespace=scenario.namespace,
        # A path in a kubeconfig is read from the kubeconfig's own folder on.
        cluster={"certificate-authority": str(certificate.ca.absolute())} if certificate else {},
    )
    return cluster


def write_kubeconfig(
    path: Path,
    url: str,
    user: dict[str, Any],
    *,
    namespace: str = "default",
    cluster: dict[str, Any] | None = None,
    context: str = CONTEXT,
) -> None:
    """A kubeconfig with one cluster, user and context, mode 0600. JSON is YAML."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "clusters": [{"name": context, "cluster": {"server": url, **(cluster or {})}}],
        "users": [{"name": context, "user": user}],
        "contexts": [
            {"name": context, "context": {"cluster": context, "user": context, "namespace": namespace}}
        ],
    }
    write_private(path, json.dumps(config, indent=1).encode())
