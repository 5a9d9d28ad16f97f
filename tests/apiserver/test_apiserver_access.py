"""The ladder to a real API server: every rung, every way to fall off it, each with its own sentence."""

from __future__ import annotations

import base64
import json
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cluster_support import options
from server import Account, ApiServer
from shapes import DEFINITIONS

from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.demo.kube_certificates import Authority
from modelcar_tui.demo.kube_operators import APPLICATIONS
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.kube.types import Access, Rung
from support.ladder import probe

READ = ["get", "list"]
NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": READ}
PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": READ}
TEMPLATES = {"apiGroups": ["template.openshift.io"], "resources": ["templates"], "verbs": READ}
INITIALIZATION = {
    "apiGroups": ["dscinitialization.opendatahub.io"],
    "resources": ["dscinitializations"],
    "verbs": READ,
}


@pytest.fixture(scope="module", autouse=True)
def loaded(server: ApiServer) -> None:
    server.load(openshift_ai(), DEFINITIONS)


async def said(path: Path, rung: Rung, *words: str, **more: Any) -> str:
    """The one line that tells why; a whole look says the same, and never "no GPUs"."""
    access = await probe(options(path, read_timeout_s=3, **more))
    assert access.rung is rung, access
    assert access.problem is not None
    text = str(access.problem)
    for word in words:
        assert word in text
    assert "\n" not in text
    report = await read_cluster(options(path, read_timeout_s=3, **more))
    assert (report.access.rung, report.inventory.known, report.gpu_available) == (rung, False, None)
    return text


async def reached(path: Path, **more: Any) -> Access:
    access = await probe(options(path, read_timeout_s=5, **more))
    assert access.rung is Rung.OK, access
    return access


async def test_an_administrators_token(server: ApiServer) -> None:
    access = await reached(server.kubeconfig())
    assert access.version.startswith("v1.")
    assert (access.missing, access.healthy) == ((), True)


async def test_a_wrong_token(server: ApiServer) -> None:
    path = server.kubeconfig(user={"token": "sha256~revoked"})
    text = await said(path, Rung.UNAUTHENTICATED, "24 hours", "oc login")
    assert "revoked" in text
    assert "sha256~" not in text


async def test_an_expired_service_account_token_says_when(server: ApiServer) -> None:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    head, claims = (
        part({"alg": "ES256"}),
        part({"iss": "https://kubernetes.default.svc", "exp": 1_700_000_000}),
    )
    path = server.kubeconfig(user={"token": f"{head}.{claims}.{part('no signature')}"})
    await said(path, Rung.UNAUTHENTICATED, "expired on 2023-11-14", "oc login")


async def test_an_expired_client_certificate_says_when(server: ApiServer) -> None:
    old = server.certificate("old", days=-3)
    path = server.kubeconfig(user={"client-certificate": str(old.certificate), "client-key": str(old.key)})
    await said(path, Rung.UNAUTHENTICATED, "client certificate expired on")


async def test_a_client_certificate_logs_in(server: ApiServer) -> None:
    carol = server.certificate("carol")
    data = {
        "client-certificate-data": base64.b64encode(carol.certificate.read_bytes()).decode(),
        "client-key-data": base64.b64encode(carol.key.read_bytes()).decode(),
    }
    access = await reached(server.kubeconfig(user=data))
    assert access.user == "carol"


async def test_a_client_certificate_of_another_authority(server: ApiServer, tmp_path: Path) -> None:
    other = Authority(tmp_path).issue("mallory", hosts=())
    path = server.kubeconfig(
        user={"client-certificate": str(other.certificate), "client-key": str(other.key)}
    )
    await said(path, Rung.UNAUTHENTICATED, "does not accept the client certificate")


async def test_no_credentials_is_not_a_matter_of_rights(server: ApiServer) -> None:
    await said(server.kubeconfig(user={}), Rung.UNAUTHENTICATED, "no token and no certificate", "oc login")


async def test_an_unknown_authority(server: ApiServer, tmp_path: Path) -> None:
    other = Authority(tmp_path, "another-ca").path
    path = server.kubeconfig(**{"certificate-authority": str(other)})
    await said(path, Rung.TLS, "authority that we don't know", "certificate-authority")


async def test_a_certificate_for_another_name(server: ApiServer) -> None:
    path = server.kubeconfig(**{"tls-server-name": "api.example"})
    await said(path, Rung.TLS, "another name", "tls-server-name")
    blind = server.kubeconfig(**{"certificate-authority": "", "insecure-skip-tls-verify": True})
    await reached(blind)


async def test_http_to_a_server_of_https(server: ApiServer, tmp_path: Path) -> None:
    from modelcar_tui.demo.kube import write_kubeconfig

    path = tmp_path / "kubeconfig"
    write_kubeconfig(path, server.url.replace("https", "http"), {"token": "x"})
    await said(path, Rung.UNREACHABLE, "HTTPS")


async def test_a_server_that_does_not_answer(server: ApiServer) -> None:
    stopped = server.program("kube-apiserver")
    stopped.send_signal(signal.SIGSTOP)
    try:
        access = await probe(options(server.kubeconfig()))
        assert (access.rung, access.healthy) == (Rung.UNREACHABLE, False)
        assert "does not answer in time" in str(access.problem)
    finally:
        stopped.send_signal(signal.SIGCONT)
    server.ready()
    await reached(server.kubeconfig())


async def test_impersonation(server: ApiServer) -> None:
    path = server.kubeconfig(user={"token": server.admin.token, "as": "dave"})
    access = await reached(path)
    assert access.user == "dave"
    assert [problem.code for problem in access.missing] == ["no-nodes", "no-pods"]


# Rights


async def report_of(server: ApiServer, account: Account, **more: Any) -> AcceleratorReport:
    path = server.kubeconfig(account, namespace="team-a")
    return await read_cluster(options(path, read_timeout_s=5, **more))


async def test_without_rights_everything_has_its_reason(server: ApiServer) -> None:
    account = server.account()
    report = await report_of(server, account)
    assert report.access.rung is Rung.OK
    assert report.access.user == account.name
    assert [problem.code for problem in report.access.missing] == ["no-nodes", "no-pods"]
    assert (report.inventory.known, report.gpu_available) == (False, None)
    assert f"{account.name} may not list nodes" in str(report.inventory.problems[0])
    assert "cluster-reader" in str(report.inventory.problems[0])
    assert report.runtime is None
    assert "can't be listed" in str(report.runtime_problem)
    states = {check.code: check.state.value for check in report.checks}
    assert states["model-car-switch"] == "unknown"
    assert states["rights"] != "ok"


async def test_templates_are_readable_although_nodes_are_not(server: ApiServer) -> None:
    account = server.account()
    server.grant(account, TEMPLATES, namespace=APPLICATIONS)
    report = await report_of(server, account)
    assert not report.inventory.known
    assert report.runtime is None
    assert "vllm-cuda-runtime-template (nvidia.com/gpu)" in str(report.runtime_problem)
    stated = await report_of(server, account, gpus=("NVIDIA-L40S:4",))
    assert stated.runtime is not None
    assert stated.runtime.name == "vllm-cuda-runtime-template"


async def test_totals_without_pods(server: ApiServer) -> None:
    account = server.account()
    server.grant(account, TEMPLATES, namespace=APPLICATIONS)
    server.grant(account, NODES, INITIALIZATION)
    report = await report_of(server, account)
    assert [problem.code for problem in report.access.missing] == ["no-pods"]
    assert len(report.inventory.nodes) == 5
    assert {pool.free for node in report.inventory.nodes for pool in node.pool} == {None}
    assert "free is unknown" in str(report.inventory.problems[0])
    assert report.runtime is not None


async def test_pods_of_one_namespace_are_not_the_pods_of_the_nodes(server: ApiServer) -> None:
    account = server.account()
    server.grant(account, PODS, namespace="team-a")
    server.grant(account, NODES)
    report = await report_of(server, account)
    assert [problem.code for problem in report.access.missing] == ["no-pods"]
    assert {pool.free for node in report.inventory.nodes for pool in node.pool} == {None}


async def test_everything_for_a_reader(server: ApiServer) -> None:
    account = server.account()
    server.grant(account, {"apiGroups": ["*"], "resources": ["*"], "verbs": READ})
    report = await report_of(server, account)
    assert report.access.missing == ()
    free = {node.name: [pool.free for pool in node.pool] for node in report.inventory.nodes}
    assert free["gpu-h100-0"] == [4]
    assert free["gpu-h100-1"] == [6]


async def test_a_right_that_is_taken_away_in_the_middle(server: ApiServer) -> None:
    """Reviews come first, the lists later: the refusal of a list counts as well."""
    account = server.account()
    server.grant(account, NODES)
    server.grant(account, {"apiGroups": [""], "resources": ["pods"], "verbs": ["list"]})
    path = server.kubeconfig(account)

    def take(_: object) -> None:
        server.revoke(account)

    report = await read_cluster(options(path, read_timeout_s=5), on_access=take)
    assert report.access.missing == ()
    assert not report.inventory.known or report.inventory.problems
    assert report.gpu_available in (None, True)
    assert {pool.free for node in report.inventory.nodes for pool in node.pool} <= {None}


# Plug-ins


PLUG_IN = """#!{python}
import json, sys
if {wrong!r}:
    sys.exit({wrong!r})
status = {{"token": {token!r}}}
print(json.dumps({{"apiVersion": "client.authentication.k8s.io/v1beta1", "kind": "ExecCredential",
                  "status": status}}))
"""


@pytest.fixture
def plug_in(server: ApiServer, tmp_path: Path) -> Iterator[Any]:
    def made(*, token: str = "", wrong: str = "") -> Path:
        program = tmp_path / "get-token"
        program.write_text(PLUG_IN.format(python=sys.executable, token=token, wrong=wrong))
        program.chmod(0o755)
        entry = {
            "apiVersion": "client.authentication.k8s.io/v1beta1",
            "command": str(program),
            "interactiveMode": "Never",
        }
        return server.kubeconfig(user={"exec": entry})

    return made


async def test_an_exec_plug_in(server: ApiServer, plug_in: Any) -> None:
    account = server.account()
    server.grant(account, NODES, PODS)
    report = await read_cluster(
        options(plug_in(token=account.token), request_timeout_s=20, read_timeout_s=20)
    )
    assert (report.access.rung, report.access.user) == (Rung.OK, account.name), report.access
    assert report.access.via == ""
    assert len(report.inventory.nodes) == 5
    access = await probe(options(plug_in(token="sha256~old"), request_timeout_s=20, read_timeout_s=20))
    assert access.rung is Rung.UNAUTHENTICATED, access
    assert "get-token" in str(access.problem)
    access = await probe(options(plug_in(wrong="no smart card"), request_timeout_s=20, read_timeout_s=20))
    assert access.rung is Rung.UNAUTHENTICATED, access
    assert "get-token failed" in str(access.problem) and "no smart card" in str(access.problem)
