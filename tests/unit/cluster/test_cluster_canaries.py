"""A credential that can't be sent is refused without a word of it; one that a server repeats is shown
nowhere."""

from __future__ import annotations

import base64
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cluster_support import kubeconfig, options
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcar_tui.cluster.gpu_info import gpu_info_text
from modelcar_tui.cluster.look import read_cluster
from modelcar_tui.cluster.report import accelerator_rows
from modelcar_tui.core.secrets import quoted, redact
from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_objects import CLUSTER_QUEUES, LOCAL_QUEUES, NODES, PODS
from modelcar_tui.demo.kube_operators import condition
from modelcar_tui.demo.kube_scenarios import openshift_ai
from modelcar_tui.demo.kube_store import Kind
from modelcar_tui.kube import client
from modelcar_tui.kube import kubeconfig as module
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.login import ask
from modelcar_tui.kube.transport import Transport
from modelcar_tui.kube.types import ClusterOptions, Rung
from support.echo_server import ECHOES, echo_server, shown
from support.masks import unnumbered

CANARY = "CANARYaaaa0001bbbb0002cccc0003"
LLM_SERVICES = Kind("serving.kserve.io", "v1alpha2", "llminferenceservices", "LLMInferenceService")
HEAD, TAIL = "CANARYaaaa0001", "bbbbCANARY0002"


def everything(report: Any) -> bytes:
    """All that a report of the cluster puts on screens and into files."""
    return (
        msgspec.json.encode(report)
        + gpu_info_text(report).encode()
        + json.dumps(accelerator_rows(report)).encode()
    )


@pytest.mark.parametrize("echo", sorted(ECHOES))
async def test_a_token_that_the_api_server_repeats_is_in_no_report(
    tmp_path: Path, echo: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client, "WAITS_S", 1.0)
    with echo_server(echo) as server:
        report = await read_cluster(options(kubeconfig(tmp_path, server.url, {"token": CANARY})))
    assert server.seen[0] == f"Bearer {CANARY}"
    assert shown(everything(report), CANARY) == []


@pytest.mark.parametrize("echo", ["json-500", "plain", "cut", "success", "status-line", "bad-header"])
async def test_a_login_that_the_api_server_repeats_is_in_no_report(tmp_path: Path, echo: str) -> None:
    with echo_server(echo) as server:
        user = {"username": "someone", "password": CANARY}
        report = await read_cluster(options(kubeconfig(tmp_path, server.url, user)))
    packed = base64.b64encode(f"someone:{CANARY}".encode()).decode()
    assert server.seen[0] == f"Basic {packed}"
    assert shown(everything(report), CANARY) == []
    assert packed.encode() not in everything(report)


GIVEN = ["json-500", "json-403", "plain", "cut-json", "base64", "quoted", "spelled", "success", "coloured"]


@pytest.mark.parametrize("echo", GIVEN)
async def test_a_plug_in_s_token_that_the_server_repeats_is_in_no_report(tmp_path: Path, echo: str) -> None:
    token = f"Given{sorted(ECHOES).index(echo):04}ffff0008gggg0009"
    program = tmp_path / "get-token"
    version = "client.authentication.k8s.io/v1beta1"
    given = {"apiVersion": version, "kind": "ExecCredential", "status": {"token": token}}
    program.write_text(f"#!/bin/sh\necho 'got {token}' >&2\ncat <<'END'\n{json.dumps(given)}\nEND\n")
    program.chmod(0o755)
    user = {"exec": {"apiVersion": version, "command": str(program), "interactiveMode": "Never"}}
    with echo_server(echo) as server:
        report = await read_cluster(options(kubeconfig(tmp_path, server.url, user)))
    assert server.seen[0] == f"Bearer {token}"
    assert shown(everything(report), token) == []


@pytest.mark.parametrize("echo", ["json-500", "plain", "success", "status-line", "json-401"])
async def test_an_id_token_that_the_server_repeats_is_in_no_report(tmp_path: Path, echo: str) -> None:
    claims = base64.urlsafe_b64encode(json.dumps({"exp": 4e9, "sub": CANARY}).encode()).decode().rstrip("=")
    token, config = f"e30.{claims}.{CANARY}", {"idp-issuer-url": "https://issuer.test", "client-id": "x"}
    user = {"auth-provider": {"name": "oidc", "config": {**config, "id-token": token}}}
    with echo_server(echo) as server:
        report = await read_cluster(options(kubeconfig(tmp_path, server.url, user)))
    assert server.seen[0] == f"Bearer {token}"
    assert shown(everything(report), token) == []


async def test_what_a_plug_in_says_as_it_fails_holds_no_token(tmp_path: Path) -> None:
    program = tmp_path / "get-token"
    program.write_text(f"#!/bin/sh\necho 'refresh with {CANARY[::-1]} failed: session expired' >&2\nexit 1\n")
    program.chmod(0o755)
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}
    asked = options(kubeconfig(tmp_path, "https://api.test:6443", user))
    with pytest.raises(ClusterError) as caught:
        await ask(find_credentials(asked))
    assert "session expired" in str(caught.value)
    assert not shown(str(caught.value).encode(), CANARY[::-1])


LOGIN = f"could not get https://ci:{CANARY}@quay.test/v2: Authorization: Bearer {CANARY} refused"


def saying(found: Any) -> Any:
    """The object with that login in each message of a condition, all of which are False."""
    if isinstance(found, list):
        return [saying(one) for one in found]
    if not isinstance(found, dict):
        return found
    if found.keys() >= {"type", "status"}:
        kept = {key: value for key, value in found.items() if key != "severity"}
        return {**kept, "status": "False", "reason": "Error", "message": LOGIN}
    return {key: saying(value) for key, value in found.items()}


async def test_a_login_in_the_conditions_of_any_object_is_in_no_report(tmp_path: Path) -> None:
    scenario = openshift_ai()
    scenario.objects[LLM_SERVICES] = [
        {
            "metadata": {"name": "llm", "namespace": "default"},
            "spec": {},
            "status": {"conditions": [condition("Ready", "False")]},
        }
    ]
    scenario.objects[LOCAL_QUEUES] = [
        {"metadata": {"name": "team", "namespace": "default"}, "spec": {"clusterQueue": "a"}}
    ]
    scenario.objects[CLUSTER_QUEUES] = [
        {
            "metadata": {"name": "a"},
            "spec": {"resourceGroups": []},
            "status": {"conditions": [condition("Active", "False")]},
        }
    ]
    healthy = {NODES, PODS}
    scenario.objects = {
        kind: found if kind in healthy else saying(found) for kind, found in scenario.objects.items()
    }
    with start_stub_cluster(scenario, folder=tmp_path, tls=False) as cluster:
        report = await read_cluster(options(cluster.kubeconfig_path))
    told = everything(report)
    assert report.llm_services is not None
    assert told.count(b"quay.test") >= 4, "the operator's, the service's and the queue's words are told"
    assert shown(told, CANARY) == []


BAD = {
    "line feed": "\n",
    "carriage return": "\r",
    "nul": "\0",
    "tab": "\t",
    "escape": "\x1b[0m",
    "next line": "\x85",
    "separator": "\u2028",
    "delete": "\x7f",
}


def users(part: str) -> list[dict[str, Any]]:
    bad = f"{HEAD}{part}{TAIL}"
    return [
        {"token": bad},
        {"username": bad, "password": "x"},
        {"token": "t", "as": bad},
        {"token": "t", "as": "x", "as-uid": bad},
        {"token": "t", "as": "x", "as-groups": ["y", bad]},
        {"token": "t", "as": "x", "as-user-extra": {"key": [bad]}},
        {"token": "t", "as": "x", "as-user-extra": {bad: ["y"]}},
        {"auth-provider": {"name": "oidc", "config": {"id-token": bad}}},
    ]


def refused(path: Path) -> str:
    with pytest.raises(ClusterError) as caught:
        find_credentials(options(path))
    assert caught.value.rung is Rung.NO_KUBECONFIG
    line = str(caught.value.problem)
    assert line == str(caught.value)
    assert line.isprintable()
    assert not shown(line.encode(), HEAD)
    assert not shown(line.encode(), TAIL)
    return line


@pytest.mark.parametrize("part", BAD.values(), ids=BAD)
def test_what_no_header_can_carry_is_refused_in_one_line_without_it(tmp_path: Path, part: str) -> None:
    for user in users(part):
        line = refused(kubeconfig(tmp_path, "https://api.test:6443", user))
        assert "own-kubeconfig: user " in line
        says = "a line break (pasted over two lines?)" if part in "\n\r\x85\u2028" else "a control character"
        assert says in line
        assert "oc login --web" in line
        assert HEAD not in redact(f"whoever quotes {HEAD} or {TAIL}")


@pytest.mark.parametrize("part", BAD.values(), ids=BAD)
async def test_a_password_is_sent_as_kubectl_sends_it_and_kept_nowhere(tmp_path: Path, part: str) -> None:
    password = f"{HEAD}{part}{TAIL}{part}"
    with echo_server("json-500") as server:
        user = {"username": "someone", "password": password}
        report = await read_cluster(options(kubeconfig(tmp_path, server.url, user)))
    assert base64.b64decode(server.seen[0].removeprefix("Basic ")).decode() == f"someone:{password}"
    for half in (HEAD, TAIL):
        assert shown(everything(report), half) == []
        assert "\x1b" in part or half not in redact(f"whoever quotes {half}")
    assert unnumbered(quoted(f"sent {password}")).startswith("sent ***")


def test_what_is_not_sent_is_no_fault(tmp_path: Path) -> None:
    stale = {"auth-provider": {"name": "oidc", "config": {"id-token": f"{HEAD}\n{TAIL}"}}}
    for user in (
        {"token": CANARY} | stale,
        {"token": CANARY, "username": f"{HEAD}\n{TAIL}", "password": "x"},
    ):
        found = find_credentials(options(kubeconfig(tmp_path, "https://api.test:6443", user)))
        assert found.token is not None
        assert found.token.reveal() == CANARY


def test_a_token_file_with_a_second_line_is_named(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"{HEAD}\n{TAIL}\n")
    line = refused(kubeconfig(tmp_path, "https://api.test:6443", {"tokenFile": str(tmp_path / "token")}))
    assert line.startswith(f"{tmp_path / 'token'}: the token holds a line break")


@pytest.mark.parametrize(("part", "says"), [("–", "not ASCII"), ("é", "not ASCII")])
def test_a_token_of_characters_that_no_token_has_is_refused(tmp_path: Path, part: str, says: str) -> None:
    assert says in refused(kubeconfig(tmp_path, "https://api.test:6443", {"token": f"{HEAD}{part}{TAIL}"}))


async def test_a_token_with_a_blank_is_sent_as_kubectl_sends_it_and_the_blank_is_told(tmp_path: Path) -> None:
    with echo_server("json-401") as server:
        report = await read_cluster(options(kubeconfig(tmp_path, server.url, {"token": f"{HEAD} {TAIL}"})))
    assert server.seen[0] == f"Bearer {HEAD} {TAIL}"
    assert "holds a blank (pasted over two lines?)" in str(report.access.problem)
    for half in (HEAD, TAIL):
        assert shown(everything(report), half) == []
        assert half not in redact(f"whoever quotes {half}")


def test_a_byte_order_mark_of_a_token_s_file_is_no_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xef\xbb\xbf" + CANARY.encode() + b"\r\n")
    found = find_credentials(
        options(kubeconfig(tmp_path, "https://api.test:6443", {"tokenFile": str(tmp_path / "token")}))
    )
    assert found.token is not None
    assert found.token.reveal() == CANARY
    says = refused(kubeconfig(tmp_path, "https://api.test:6443", {"token": f"\ufeff{HEAD}{TAIL}"}))
    assert "the token begins with a byte order mark" in says


async def test_a_path_of_a_gateway_with_an_at_sign_is_asked(tmp_path: Path) -> None:
    with echo_server("json-401") as server:
        report = await read_cluster(
            options(kubeconfig(tmp_path, f"{server.url}/t/me@corp", {"token": CANARY}))
        )
    assert server.seen
    assert report.access.server == f"{server.url}/t/me@corp"


@pytest.mark.parametrize("where", ["proxy-url", "HTTPS_PROXY"])
async def test_a_proxy_s_password_with_a_line_end_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    proxy = f"http://someone:{HEAD}%0A{TAIL}@127.0.0.1:1"
    if where == "HTTPS_PROXY":
        monkeypatch.setenv("HTTPS_PROXY", proxy)
    cluster = {"proxy-url": proxy} if where == "proxy-url" else {}
    report = await read_cluster(
        options(kubeconfig(tmp_path, "https://api.test:6443", {"token": CANARY}, **cluster))
    )
    assert "the proxy does not answer" in str(report.access.problem)
    assert shown(everything(report), HEAD) == []


def test_white_space_around_a_token_is_no_fault(tmp_path: Path) -> None:
    (tmp_path / "token").write_text(f"\n  {CANARY}\r\n")
    for user in ({"token": f" {CANARY}\n"}, {"tokenFile": str(tmp_path / "token")}):
        found = find_credentials(options(kubeconfig(tmp_path, "https://api.test:6443", user)))
        assert found.token is not None
        assert found.token.reveal() == CANARY


def test_the_pod_s_own_token_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SERVICE_ACCOUNT", tmp_path)
    for name, text in (("token", f"{HEAD}\n{TAIL}"), ("ca.crt", ""), ("namespace", "ns")):
        (tmp_path / name).write_text(text)
    environ = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "443"}
    with pytest.raises(ClusterError) as caught:
        find_credentials(ClusterOptions(), environ)
    assert str(caught.value).startswith(f"{tmp_path / 'token'}: the token holds a line break")
    assert HEAD not in str(caught.value)


async def test_a_plug_in_s_token_is_checked_and_taught(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    program = tmp_path / "get-token"
    for token, good in ((f"{HEAD}\\n{TAIL}", False), (CANARY, True)):
        kind = '"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential"'
        given = f'{{{kind},"status":{{"token":"{token}"}}}}'
        program.write_text(f"#!/bin/sh\ncat <<'END'\n{given}\nEND\n")
        program.chmod(0o755)
        user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program)}}
        asked = options(kubeconfig(tmp_path, "https://api.test:6443", user))
        if good:
            assert (await ask(find_credentials(asked))).credentials.token is not None
            assert unnumbered(redact(CANARY)) == "***"
            continue
        with pytest.raises(ClusterError) as caught:
            await ask(find_credentials(asked))
        assert "get-token gave a token that can't be sent: the token holds a line break" in str(caught.value)
        assert not shown(str(caught.value).encode(), HEAD)


@pytest.mark.parametrize(
    "server",
    [
        f"https://someone:{CANARY}@127.0.0.1:1",
        f"https://{CANARY}@127.0.0.1:1",
        f"http://someone:{CANARY}@127.0.0.1:1/p",
        f"https://someone:{HEAD}/{TAIL}@127.0.0.1:1",
        f"https://someone:12/{CANARY}@127.0.0.1:1",
        f"https://someone:{HEAD}\n{TAIL}@127.0.0.1:1",
        f"https://someone:{HEAD} {TAIL}@127.0.0.1:1",
        f"https://127.0.0.1:{CANARY}",
        f"https://someone:{CANARY}@:1",
    ],
)
@pytest.mark.parametrize("where", ["server", "proxy-url", "HTTPS_PROXY"])
async def test_a_login_in_an_address_is_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, where: str
) -> None:
    cluster = {"proxy-url": server} if where == "proxy-url" else {}
    if where == "HTTPS_PROXY":
        monkeypatch.setenv("HTTPS_PROXY", server)
    address = server if where == "server" else "https://api.cluster.invalid:6443"
    report = await read_cluster(
        options(kubeconfig(tmp_path, address, {"token": "a-token-of-mine"}, **cluster))
    )
    assert report.access.problem is not None
    for part in (CANARY, HEAD, TAIL):
        assert shown(everything(report), part) == []


async def test_the_login_in_the_server_s_address_is_used_as_kubectl_uses_it(tmp_path: Path) -> None:
    with echo_server("json-401") as server:
        address = server.url.replace("http://", f"http://some%40one:{CANARY}@")
        report = await read_cluster(options(kubeconfig(tmp_path, address, {})))
    assert base64.b64decode(server.seen[0].removeprefix("Basic ")).decode() == f"some@one:{CANARY}"
    assert report.access.server == server.url


class Listener(http.server.BaseHTTPRequestHandler):
    """Remembers what it was sent."""

    seen: dict[str, str]

    def do_GET(self) -> None:
        type(self).seen = dict(self.headers.items())
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def listener() -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
odd = "aZ09~._-+/= \t\r\n\0\x1b\x7f\x80\x85\xa0éß–\u2028\U0001f511"
tricky = st.text(st.sampled_from(odd), min_size=1, max_size=40)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(secret=texts | tricky, kind=st.sampled_from(["token", "password", "as"]))
def test_any_text_is_sent_as_it_is_or_refused_without_being_quoted(
    tmp_path: Path, listener: str, secret: str, kind: str
) -> None:
    text = f"{HEAD}{secret}{TAIL}"
    user = {"token": {"token": text}, "password": {"username": "u", "password": text}, "as": {"as": text}}[
        kind
    ]
    asked = options(kubeconfig(tmp_path, listener, user))
    try:
        found = find_credentials(asked)
    except ClusterError as error:
        assert not shown(str(error).encode(), HEAD)
        assert not shown(str(error).encode(), TAIL)
        return
    transport = Transport(found, asked)
    assert transport.request("GET", "/version").status == 200
    transport.close()
    sent = Listener.seen.get("Impersonate-User" if kind == "as" else "Authorization", "")
    if kind == "password":
        sent = base64.b64decode(sent.removeprefix("Basic ")).decode().removeprefix("u:")
    elif kind == "as":
        sent = sent.encode("latin-1").decode()
    assert sent.removeprefix("Bearer ") == text
