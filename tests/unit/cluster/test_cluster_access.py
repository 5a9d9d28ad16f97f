"""Every way not to get at the cluster has its own sentence and its next command; over real sockets."""

from __future__ import annotations

import base64
import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from cluster_support import kubeconfig, look_at, options

from modelcar_tui.cluster.access import REVIEWS
from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.demo.kube import StubCluster, start_stub_cluster
from modelcar_tui.demo.kube_certificates import Authority
from modelcar_tui.demo.kube_rights import Fault, Right, User
from modelcar_tui.demo.kube_scenarios import Scenario, openshift_ai
from modelcar_tui.kube.types import ClusterOptions, Rung
from support.api_answers import api_answers
from support.ladder import probe
from support.tunnel import tunnel


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Any:
    with start_stub_cluster(folder=tmp_path_factory.mktemp("stub")) as cluster:
        yield cluster


def authority(stub: StubCluster) -> str:
    return str(stub.kubeconfig_path.parent / "stub-ca.crt")


async def said(path: Path, rung: Rung, *words: str, **more: Any) -> str:
    """Probe, and check that the report of a whole look says the same and never "no GPUs"."""
    access = await probe(options(path, **more))
    assert access.rung is rung, access
    assert access.problem is not None
    text = str(access.problem)
    for word in words:
        assert word in text
    assert "\n" not in text
    report = await read_cluster(options(path, **more))
    assert report.access.rung is rung
    assert not report.inventory.known
    assert report.gpu_available is None
    return text


async def test_a_good_login(stub: StubCluster) -> None:
    access = await probe(options(stub.kubeconfig_path))
    assert (access.rung, access.user, access.version, access.missing) == (Rung.OK, "kubeadmin", "v1.34.2", ())
    assert access.healthy


async def test_a_wrong_token(stub: StubCluster, tmp_path: Path) -> None:
    path = kubeconfig(
        tmp_path, stub.url, {"token": "sha256~old"}, **{"certificate-authority": authority(stub)}
    )
    await said(path, Rung.UNAUTHENTICATED, "24 hours", "oc login")


async def test_an_expired_json_web_token_says_when(stub: StubCluster, tmp_path: Path) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 1_700_000_000}).encode()).decode().rstrip("=")
    path = kubeconfig(
        tmp_path, stub.url, {"token": f"aaa.{claims}.bbb"}, **{"certificate-authority": authority(stub)}
    )
    text = await said(path, Rung.UNAUTHENTICATED, "expired on 2023-11-14", "oc login")
    assert claims not in text


async def test_an_expired_client_certificate_says_when(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    server, client = ca.issue("server"), ca.issue("alice", days=-3)
    with start_stub_cluster(folder=tmp_path, certificate=server) as cluster:
        user = {"client-certificate": str(client.certificate), "client-key": str(client.key)}
        path = kubeconfig(tmp_path, cluster.url, user, **{"certificate-authority": str(ca.path)})
        await said(path, Rung.UNAUTHENTICATED, "client certificate expired on")


async def test_a_client_certificate_logs_in(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    server, client = ca.issue("server"), ca.issue("alice")
    with start_stub_cluster(folder=tmp_path, certificate=server) as cluster:
        cluster.server.certificate_users["alice"] = next(iter(cluster.server.users.values()))
        data = {
            "client-certificate-data": base64.b64encode(client.certificate.read_bytes()).decode(),
            "client-key-data": base64.b64encode(client.key.read_bytes()).decode(),
        }
        ca_data = base64.b64encode(ca.path.read_bytes()).decode()
        path = kubeconfig(tmp_path, cluster.url, data, **{"certificate-authority-data": ca_data})
        assert (await probe(options(path))).user == "kubeadmin"


async def test_no_credentials_is_not_a_matter_of_rights(stub: StubCluster, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, stub.url, {}, **{"certificate-authority": authority(stub)})
    await said(path, Rung.UNAUTHENTICATED, "no token and no certificate", "oc login")


async def test_an_unknown_authority(stub: StubCluster, tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, stub.url, {"token": stub.token})
    await said(path, Rung.TLS, "authority that we don't know", "certificate-authority")


async def test_a_certificate_for_another_name(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    with start_stub_cluster(
        folder=tmp_path, certificate=ca.issue("server", hosts=("api.example",))
    ) as cluster:
        await said(cluster.kubeconfig_path, Rung.TLS, "another name", "tls-server-name")
        named = {"certificate-authority": str(ca.path), "tls-server-name": "api.example"}
        path = kubeconfig(tmp_path, cluster.url, {"token": cluster.token}, **named)
        assert (await probe(options(path))).healthy
        other = {**named, "tls-server-name": "api.elsewhere"}
        path = kubeconfig(tmp_path, cluster.url, {"token": cluster.token}, **other)
        await said(path, Rung.TLS, "another name", "tls-server-name")
        blind = {"insecure-skip-tls-verify": True}
        path = kubeconfig(tmp_path, cluster.url, {"token": cluster.token}, **blind)
        assert (await probe(options(path))).healthy


async def test_an_expired_server_certificate(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    with start_stub_cluster(folder=tmp_path, certificate=ca.issue("server", days=-1)) as cluster:
        await said(cluster.kubeconfig_path, Rung.TLS, "has expired")


async def test_a_server_without_tls(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        path = kubeconfig(tmp_path, cluster.url.replace("http:", "https:"), {"token": "x"})
        await said(path, Rung.TLS, "does not speak TLS")


async def test_refused(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        path = kubeconfig(tmp_path, f"https://127.0.0.1:{taken.getsockname()[1]}", {"token": "x"})
        await said(path, Rung.UNREACHABLE, "refused", "oc whoami --show-server")


async def test_a_name_that_does_not_resolve(tmp_path: Path) -> None:
    path = kubeconfig(tmp_path, "https://api.cluster.invalid:6443", {"token": "x"})
    await said(path, Rung.UNREACHABLE, "api.cluster.invalid can't be resolved", "DNS")


async def test_a_silent_server(tmp_path: Path) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        path = kubeconfig(tmp_path, f"http://127.0.0.1:{silent.getsockname()[1]}", {"token": "x"})
        await said(path, Rung.UNREACHABLE, "does not answer in time")


async def test_a_dead_proxy_is_named(stub: StubCluster, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"http://127.0.0.1:{taken.getsockname()[1]}"
        path = kubeconfig(tmp_path, stub.url, {"token": "x"}, **{"proxy-url": dead})
        text = await said(path, Rung.UNREACHABLE, "the proxy does not answer", "proxy-url")
        assert dead in text


async def test_a_web_page_in_between(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        cluster.server.faults.append(Fault(".*", "garbage", body="<html>log in to the hotel</html>"))
        await said(cluster.kubeconfig_path, Rung.UNREACHABLE, "a web page")


async def test_an_error_body_that_is_no_json(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        cluster.server.faults.append(Fault("version", "status", status=500, body="panic: \x1b[31mred"))
        text = await said(cluster.kubeconfig_path, Rung.UNREACHABLE, "500")
        assert "\x1b" not in text


async def test_no_kubeconfig(tmp_path: Path) -> None:
    access = await probe(ClusterOptions())
    assert access.rung is Rung.NO_KUBECONFIG
    assert "oc login" in str(access.problem)
    await said(tmp_path / "none", Rung.NO_KUBECONFIG, "no kubeconfig at", "--gpu")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("clusters: [", "not valid YAML"),
        ("[1, 2]", "not a kubeconfig"),
        ("clusters: {a: b}\n", "clusters is not a list"),
        ("clusters: [{name: 7, cluster: {}}]\n", "has no name"),
        ("", "no context is chosen"),
        ("current-context: x\ncontexts: [{name: y, context: {}}]\n", "no context x; there are: y"),
        ("current-context: y\ncontexts: [{name: y, context: {}}]\n", "no cluster with a server"),
        ("{" * 5000, "nested"),
    ],
)
async def test_a_broken_kubeconfig(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "config"
    path.write_text(content)
    await said(path, Rung.NO_KUBECONFIG, says)


async def test_a_missing_certificate_file_is_named(stub: StubCluster, tmp_path: Path) -> None:
    user = {"client-certificate": "gone.crt", "client-key": "gone.key"}
    path = kubeconfig(tmp_path, stub.url, user, **{"certificate-authority": authority(stub)})
    await said(path, Rung.NO_KUBECONFIG, str(tmp_path / "gone.crt"), "No such file")


async def test_a_key_that_is_none_does_not_ask_for_a_pass_phrase(stub: StubCluster, tmp_path: Path) -> None:
    (tmp_path / "bad").write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    user = {"client-certificate": authority(stub), "client-key": str(tmp_path / "bad")}
    path = kubeconfig(tmp_path, stub.url, user, **{"certificate-authority": authority(stub)})
    await said(path, Rung.NO_KUBECONFIG, "no pair")


async def test_an_exec_plug_in_that_is_not_there(stub: StubCluster, tmp_path: Path) -> None:
    user = {"exec": {"command": "get-token-not-there", "apiVersion": "client.authentication.k8s.io/v1"}}
    before = len(stub.requests)
    path = kubeconfig(tmp_path, stub.url, user)
    await said(path, Rung.UNAUTHENTICATED, f"{path}: the plug-in get-token-not-there is not installed")
    assert len(stub.requests) == before


PLUG_IN = """#!{python}
import json, sys
assert not sys.stdin or not sys.stdin.read(), "a plug-in must not reach the terminal"
status = {{"token": {token!r}}}
version = "client.authentication.k8s.io/v1"
print(json.dumps({{"apiVersion": version, "kind": "ExecCredential", "status": status}}))
"""


async def test_an_exec_plug_in_needs_neither_oc_nor_kubectl(
    stub: StubCluster, tmp_path: Path, monkeypatch: Any
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    program = tmp_path / "get-token"
    program.write_text(PLUG_IN.format(python=sys.executable, token=stub.token))
    program.chmod(0o755)
    user = {"exec": {"command": str(program), "apiVersion": "client.authentication.k8s.io/v1"}}
    path = kubeconfig(tmp_path, stub.url, user, **{"certificate-authority": authority(stub)})
    access = await probe(options(path))
    assert (access.user, access.via) == ("kubeadmin", "")
    program.write_text(f"#!{sys.executable}\nraise SystemExit('no smart card')\n")
    before = len(stub.requests)
    await said(path, Rung.UNAUTHENTICATED, "the plug-in get-token failed", "(exit 1): no smart card")
    assert len(stub.requests) == before
    program.write_text("#!/bin/sh\nexec /bin/sleep 60\n")
    monkeypatch.setattr("modelcar_tui.kube.plugin.EXEC_TIMEOUT_S", 1.0)
    await said(path, Rung.UNAUTHENTICATED, "gave no token within 1 s and was ended", "log in with it")
    monkeypatch.undo()
    program.write_text(PLUG_IN.format(python=sys.executable, token="sha256~revoked-already"))
    await said(path, Rung.UNAUTHENTICATED, "get-token gave a credential that the server does not take")


async def test_a_plug_in_behind_a_path_is_used_there(tmp_path: Path) -> None:
    """Rancher and Teleport serve many clusters at one address."""
    program = tmp_path / "get-token"
    program.write_text('#!/bin/sh\necho \'{"status": {"token": "of-the-plug-in"}}\'\n')
    program.chmod(0o755)
    user = {"exec": {"command": "./get-token", "apiVersion": "client.authentication.k8s.io/v1"}}
    who = {"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "u-ada"}}}
    prefix = "/k8s/clusters/c-m-1"
    with api_answers({f"{prefix}{REVIEWS}": (201, who)}) as server:
        server.token = "of-the-plug-in"
        access = await probe(options(kubeconfig(tmp_path, f"{server.url}{prefix}/", user)))
    assert (access.rung, access.user) == (Rung.OK, "u-ada"), access
    assert {asked.path.startswith(prefix) for asked in server.asked} == {True}


async def test_an_address_of_version_6_is_asked(tmp_path: Path) -> None:
    who = {"kind": "SelfSubjectReview", "status": {"userInfo": {"username": "ada"}}}
    try:
        listening = api_answers({REVIEWS: (201, who)}, host="::1")
        with listening as server:
            access = await probe(options(kubeconfig(tmp_path, server.url, {})))
    except OSError:
        pytest.skip("this machine has no IPv6")
    assert (access.user, access.server) == ("ada", server.url)


async def test_a_plug_in_s_certificate_logs_in(tmp_path: Path) -> None:
    ca = Authority(tmp_path)
    server, client, other = ca.issue("server"), ca.issue("alice"), ca.issue("bob")
    program = tmp_path / "get-certificate"
    user = {"exec": {"command": str(program), "apiVersion": "client.authentication.k8s.io/v1"}}
    with start_stub_cluster(folder=tmp_path, certificate=server) as cluster:
        cluster.server.certificate_users["alice"] = next(iter(cluster.server.users.values()))
        path = kubeconfig(tmp_path, cluster.url, user, **{"certificate-authority": str(ca.path)})
        for key in (client, other):
            pair = {
                "clientCertificateData": client.certificate.read_text(),
                "clientKeyData": key.key.read_text(),
            }
            program.write_text(f"#!/bin/sh\ncat <<'END'\n{json.dumps({'status': pair})}\nEND\n")
            program.chmod(0o755)
            if key is client:
                assert (await probe(options(path))).user == "kubeadmin"
            else:
                await said(path, Rung.NO_KUBECONFIG, "of the exec plug-in get-certificate are no pair")


async def test_somebody_is_impersonated_with_groups_and_the_rest(tmp_path: Path) -> None:
    """As client-go sends it: transport/round_trippers.go."""
    user = {
        "token": "x",
        "as": "böss",
        "as-uid": "7",
        "as-groups": ["ops", "system:masters"],
        "as-user-extra": {"example.org/a b%": ["1", "2"]},
    }
    with api_answers() as server:
        await probe(options(kubeconfig(tmp_path, server.url, user)))
    sent = [(name, value) for name, value in server.asked[0].headers if name.startswith("Impersonate")]
    assert sorted(sent) == [
        ("Impersonate-Extra-example.org%2Fa%20b%25", "1"),
        ("Impersonate-Extra-example.org%2Fa%20b%25", "2"),
        ("Impersonate-Group", "ops"),
        ("Impersonate-Group", "system:masters"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-User", "böss".encode().decode("latin-1")),
    ]


async def test_a_proxy_is_used(stub: StubCluster, tmp_path: Path) -> None:
    with tunnel() as proxy:
        named = {"certificate-authority": authority(stub), "proxy-url": proxy.url}
        path = kubeconfig(tmp_path, stub.url, {"token": stub.token}, **named)
        access = await probe(options(path))
    assert (access.user, access.via) == ("kubeadmin", f"proxy {proxy.url}")
    assert proxy.asked == [stub.url.removeprefix("https://")]


async def test_kubeconfig_lists_are_merged_first_wins(stub: StubCluster, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    first.write_text(
        json.dumps(
            {
                "current-context": "here",
                "contexts": [
                    {"name": "here", "context": {"cluster": "demo", "user": "demo", "namespace": "mine"}}
                ],
            }
        )
    )
    second.write_text(stub.kubeconfig_path.read_text())
    both = f"{first}:{tmp_path / 'missing'}:{second}"
    access = await probe(options(both))
    assert (access.healthy, access.context, access.namespace) == (True, "here", "mine")
    other = await probe(options(both, context="demo"))
    assert (other.healthy, other.namespace) == (True, "default")


def poor_user(*rights: Right) -> User:
    return User("alice", ("system:authenticated:oauth", "system:authenticated"), rights)


TEMPLATES_ONLY = Right("templates.template.openshift.io", "redhat-ods-applications")


async def test_a_user_without_rights_gets_reasons_not_no_gpus(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.user = poor_user(TEMPLATES_ONLY)
    with start_stub_cluster(scenario, folder=tmp_path) as cluster:
        report, _ = await look_at(cluster)
        assert report.access.rung is Rung.OK
        assert report.access.user == "alice"
        assert [problem.code for problem in report.access.missing] == ["no-nodes", "no-pods"]
        assert not report.inventory.known
        assert report.gpu_available is None
        assert "alice may not list nodes" in str(report.inventory.problems[0])
        assert "cluster-reader" in str(report.inventory.problems[0])
        assert report.runtime is None
        assert "vllm-cuda-runtime-template (nvidia.com/gpu)" in str(report.runtime_problem)
        assert not any("/nodes" in line for line in cluster.requests)


async def test_the_operators_gpus_fill_in_for_missing_rights(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.user = poor_user(TEMPLATES_ONLY)
    with start_stub_cluster(scenario, folder=tmp_path) as cluster:
        report, _ = await look_at(cluster, gpus=("NVIDIA-L40S:4",))
        assert report.access.rung is Rung.WHAT_IF
        assert report.gpu_available
        assert report.runtime is not None
        assert report.runtime.name == "vllm-cuda-runtime-template"


async def test_totals_without_pods(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.user = poor_user(Right("nodes"), TEMPLATES_ONLY)
    with start_stub_cluster(scenario, folder=tmp_path) as cluster:
        report, _ = await look_at(cluster)
        assert len(report.inventory.nodes) == 5
        assert all(pool.free is None for node in report.inventory.nodes for pool in node.pool)
        assert "free is unknown" in str(report.inventory.problems[0])
        assert report.runtime is not None


async def test_an_old_server_without_reviews_of_oneself(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        cluster.server.self_subject_reviews = False
        assert (await probe(options(cluster.kubeconfig_path))).user == "kubeadmin"
        cluster.server.users[cluster.token] = poor_user()
        # No user API for alice either: the refusal names her.
        cluster.server.faults.append(
            Fault("user.openshift.io", "status", status=404, body="404 page not found")
        )
        assert (await probe(options(cluster.kubeconfig_path))).user == "alice"


async def test_a_server_without_any_review_is_read_all_the_same(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        cluster.server.faults.append(Fault("selfsubject", "status", status=501, body="not implemented"))
        report, _ = await look_at(cluster)
        assert report.access.healthy
        assert report.access.missing == ()
        assert len(report.inventory.nodes) == 5


async def test_secrets_show_in_no_report(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        report, _ = await look_at(cluster)
        assert cluster.token not in repr(report)


async def test_a_what_if_needs_no_cluster() -> None:
    report = await read_cluster(ClusterOptions(gpus=("L40S:2",)))
    assert report.access.rung is Rung.WHAT_IF
    assert report.gpu_available
    assert report.gpu_provider == "NVIDIA"
    assert "VLLM_RUNTIME_IMAGE" in str(report.runtime_problem)


async def test_a_drip_fed_answer_ends_at_the_limit(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster:
        cluster.server.faults.append(Fault("version", "drip", seconds=0.05))
        cluster.server.faults.append(Fault("/nodes", "drip", seconds=0.05))
        began = time.monotonic()
        report, _ = await look_at(cluster, request_timeout_s=1.0)
        assert time.monotonic() - began < 60
        assert not report.inventory.known
        assert "in time" in str(report.inventory.problems[0])


async def test_no_thread_is_left_behind(tmp_path: Path) -> None:
    with start_stub_cluster(Scenario(), folder=tmp_path) as cluster:
        await look_at(cluster)
    deadline = time.monotonic() + 5
    while any(thread.name.startswith("cluster") for thread in threading.enumerate()):
        assert time.monotonic() < deadline
        await __import__("asyncio").sleep(0.01)
