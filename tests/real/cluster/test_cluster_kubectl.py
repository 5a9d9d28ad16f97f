"""kubectl itself against the stub; and where it takes a kubeconfig, so do we."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.demo.kube import StubCluster, start_stub_cluster, write_kubeconfig
from modelcar_tui.kube.types import ClusterOptions
from support.ladder import probe

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(
        not shutil.which("kubectl"), reason="kubectl is not installed (Debian: kubernetes-client)"
    ),
]


@pytest.fixture
def stub(tmp_path: Path) -> Any:
    with start_stub_cluster(folder=tmp_path, tls=True) as cluster:
        yield cluster


def kubectl(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["kubectl", f"--kubeconfig={path}", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def test_kubectl_reads_the_stub(stub: StubCluster) -> None:
    answer = kubectl(stub.kubeconfig_path, "get", "nodes", "-o", "wide")
    assert answer.returncode == 0, answer.stderr
    assert "gpu-h100-0" in answer.stdout
    paged = kubectl(stub.kubeconfig_path, "get", "nodes", "--chunk-size=5", "-o", "json")
    assert len(json.loads(paged.stdout)["items"]) == 12
    assert "kubeadmin" in kubectl(stub.kubeconfig_path, "auth", "whoami").stdout


V1 = "client.authentication.k8s.io/v1"
USERS: dict[str, Any] = {
    "token": {"token": "{token}"},
    "no token": {"token": ""},
    "as a user and groups": {"token": "{token}", "as": "ada", "as-groups": ["ops"]},
    "groups without a user": {"token": "{token}", "as-groups": ["ops"]},
    "exec": {"exec": {"apiVersion": V1, "command": "./get", "interactiveMode": "Never"}},
    "exec on the terminal": {"exec": {"apiVersion": V1, "command": "./get", "interactiveMode": "Always"}},
    "exec of another version": {
        "exec": {"apiVersion": f"{V1}beta1", "command": "./get", "interactiveMode": "Never"}
    },
    "exec that is not there": {"exec": {"apiVersion": V1, "command": "./no", "interactiveMode": "Never"}},
    "exec beside a token": {
        "token": "{token}",
        "exec": {"apiVersion": V1, "command": "./no", "interactiveMode": "Never"},
    },
    "exec beside an auth-provider": {
        "exec": {"apiVersion": V1, "command": "./get", "interactiveMode": "Never"},
        "auth-provider": {"name": "oidc", "config": {}},
    },
    "auth-provider without an issuer": {"auth-provider": {"name": "oidc", "config": {}}},
    "auth-provider that is broken": {
        "auth-provider": {
            "name": "oidc",
            "config": {"idp-issuer-url": "https://i.invalid", "client-id": "x", "id-token": "a.%%.c"},
        }
    },
    "auth-provider that was removed": {"auth-provider": {"name": "gcp", "config": {}}},
    "certificate without a key": {"client-certificate-data": "UEVN"},
}
CLUSTERS: dict[str, Any] = {
    "capitals": {"server": "HTTPS://{host}"},
    "a slash": {"server": "https://{host}/"},
    "a query": {"server": "https://{host}?a=b"},
    "no scheme": {"server": "{host}"},
    "another scheme": {"server": "ftp://{host}"},
    "insecure beside an authority": {"insecure-skip-tls-verify": True},
    "insecure": {"insecure-skip-tls-verify": True, "certificate-authority": ""},
    "another name": {"tls-server-name": "api.elsewhere"},
    "a proxy of SOCKS that is not there": {"proxy-url": "socks5://127.0.0.1:9"},
    "a proxy of SOCKS that resolves": {"proxy-url": "socks5h://127.0.0.1:9"},
    "a proxy without scheme": {"proxy-url": "127.0.0.1:9"},
}
CASES = [*((user, "") for user in USERS), *(("token", cluster) for cluster in CLUSTERS)]


@pytest.mark.parametrize(("user", "cluster"), CASES)
async def test_we_take_what_kubectl_takes_and_refuse_what_it_refuses(
    stub: StubCluster, tmp_path: Path, user: str, cluster: str
) -> None:
    status = {"apiVersion": V1, "kind": "ExecCredential", "status": {"token": stub.token}}
    (tmp_path / "get").write_text(f"#!/bin/sh\necho '{json.dumps(status)}'\n")
    (tmp_path / "get").chmod(0o755)
    text = json.dumps({"user": USERS[user], "cluster": CLUSTERS.get(cluster, {})})
    text = text.replace("{token}", stub.token).replace("{host}", stub.url.removeprefix("https://"))
    made: dict[str, Any] = json.loads(text)
    path = tmp_path / "own"
    trust = {"certificate-authority": str(tmp_path / "stub-ca.crt"), **made["cluster"]}
    server = trust.pop("server", stub.url)
    write_kubeconfig(path, server, made["user"], cluster={key: part for key, part in trust.items() if part})
    theirs = kubectl(path, "get", "--raw=/apis", "--request-timeout=5s")
    ours = await probe(ClusterOptions(kubeconfig=str(path), connect_timeout_s=5, read_timeout_s=5))
    assert ours.healthy == (theirs.returncode == 0), (ours, theirs.stderr)
