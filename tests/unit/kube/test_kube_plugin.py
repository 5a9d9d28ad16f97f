"""Exec plug-ins that are missing, fail, hang, or print no credential; what they are given; their end."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.kube import plugin as module
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.plugin import Given, ask_plugin
from modelcar_tui.kube.types import ClusterOptions, Rung

V1 = "client.authentication.k8s.io/v1"
CANARY = "CANARYaaaa0001bbbb0002cccc0003"


def credential(version: str = V1, **status: str) -> str:
    return json.dumps({"apiVersion": version, "kind": "ExecCredential", "status": status})


def found(folder: Path, script: str, cluster: dict[str, Any] | None = None, **more: Any) -> Credentials:
    """The credentials of a kubeconfig whose plug-in is a shell script beside it."""
    program = folder / "get-token"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    entry = {"apiVersion": V1, "command": "./get-token", "interactiveMode": "IfAvailable", **more}
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": "https://api.x:6443", **(cluster or {})}}],
        "users": [{"name": "u", "user": {"exec": entry}}],
    }
    (folder / "k").write_text(json.dumps(config))
    return find_credentials(ClusterOptions(kubeconfig=str(folder / "k")))


def printing(text: str) -> str:
    return f"cat <<'END'\n{text}\nEND"


async def refused(folder: Path, script: str, **more: Any) -> str:
    """The one line that tells why there is no credential."""
    with pytest.raises(ClusterError) as caught:
        await ask_plugin(found(folder, script, **more))
    line = str(caught.value)
    assert caught.value.rung is Rung.UNAUTHENTICATED
    assert line.startswith(f"{folder / 'k'}: the plug-in ")
    assert line.isprintable()
    assert caught.value.problem.fix
    assert "try again" not in line
    return line


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"command": "kubelogin-not-there"}, "plug-in kubelogin-not-there is not installed; install it"),
        (
            {
                "command": "gke-not-there",
                "installHint": "Install it by following\n\thttps://x.test/docs \x1b[1m",
            },
            "gke-not-there is not installed; Install it by following https://x.test/docs",
        ),
        ({"command": "bin/not-there", "installHint": ["x"]}, "plug-in not-there is not installed"),
        ({"command": "/no/not-there", "installHint": "see it"}, "plug-in not-there is not installed; see it"),
        ({"command": "./k"}, "plug-in k is not executable; chmod +x "),
        ({"command": ""}, "has no command"),
        ({"interactiveMode": "Always"}, "plug-in get-token wants to ask on the terminal"),
        ({"apiVersion": "client.authentication.k8s.io/v9"}, "an apiVersion that nobody knows"),
        ({"apiVersion": ["hush"]}, "an apiVersion that nobody knows"),
    ],
)
async def test_one_that_can_not_be_asked(tmp_path: Path, more: dict[str, Any], says: str) -> None:
    line = await refused(tmp_path, "exit 1", **more)
    assert says in line
    assert "hush" not in line


async def test_one_whose_interpreter_is_missing(tmp_path: Path) -> None:
    credentials = found(tmp_path, "")
    (tmp_path / "get-token").write_text("#!/no/such/python\n")
    with pytest.raises(ClusterError, match="the program of its first line"):
        await ask_plugin(credentials)
    (tmp_path / "get-token").write_bytes(b"\x7fELF-not-really")
    with pytest.raises(ClusterError, match="can't be run: "):
        await ask_plugin(credentials)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        (
            "printf 'loading\\n\\nError loading SSO Token: Token has expired\\n\\n' >&2; exit 255",
            "it gave no credential (exit 255): loading; Error loading SSO Token: Token has expired; log in",
        ),
        (
            "printf 'Error: unknown flag: --x\\nUsage:\\n a\\n b\\n c\\nrun it with --help\\n' >&2; exit 1",
            "(exit 1): Error: unknown flag: --x; run it with --help",
        ),
        ("printf '\\033[31mred\\033[0m failure\\r\\n' >&2; exit 2", "(exit 2): red failure"),
        (
            "printf 'sign in\\nTraceback (most recent call last):\\n x\\nBad: no account\\n' >&2; exit 1",
            "(exit 1): sign in; Bad: no account; log in",
        ),
        (
            "printf 'panic: no account\\n\\ngoroutine 1 [running]:\\nmain()\\n\\t/x.go:1\\n' >&2; exit 2",
            "(exit 2): panic: no account; log in",
        ),
        ("exit 3", "failed, it gave no credential (exit 3) and said nothing"),
        ("kill -9 $$", "(signal 9)"),
        ("echo oops >&2", "gave no credential (exit 0), it printed nothing: oops; check what it prints"),
        ("echo oops", "it printed no JSON"),
        ("read x </dev/tty || echo no terminal >&2; exit 4", "no terminal"),
        ("read x || echo nothing to read >&2; exit 4", "nothing to read"),
        ("echo '[]'", "its answer has no status"),
        (printing(f'{{"apiVersion":"{V1}","kind":"ExecCredential"}}'), "its answer has no status"),
        (printing('{"kind":"Status","status":"Failure"}'), "gave no credential of the apiVersion"),
        (
            printing(credential("client.authentication.k8s.io/v1beta1", token=CANARY)),
            f"that the kubeconfig asks for ({V1}), but client.authentication.k8s.io/v1beta1",
        ),
        (printing(credential(CANARY, token="t")), "gave no credential of the apiVersion"),
        (printing(credential()), "without a token"),
        (printing(credential(token="  ")), "without a token"),
        (printing(f'{{"status":{{"token":["{CANARY}"]}}}}'), "no text"),
        (printing(credential(token=f"CANARYaaaa0001\n{CANARY}")), "the token holds a line break"),
        (printing(credential(clientCertificateData="x")), "only one of certificate and key"),
        (printing(credential(token="t", clientKeyData=CANARY)), "only one of certificate and key"),
        ("yes", "printed more than 4 MiB and was ended"),
        ("yes >&2", "printed more than 4 MiB and was ended"),
        (f"echo 'refresh with {CANARY[::-1]} failed' >&2; exit 1", "refresh with"),
        (f"printf '{'x' * 70_000} {CANARY[::-1]}' >&2; exit 1", "said nothing"),
        (f"echo 'sent Bearer {CANARY[::-1]}' >&2; echo '{CANARY[::-1]}'; exit 1", "sent Bearer"),
    ],
)
async def test_one_that_gives_no_credential(tmp_path: Path, script: str, says: str) -> None:
    line = await refused(tmp_path, script)
    assert says in line
    for part in (CANARY, CANARY[::-1], "CANARYaaaa0001", CANARY[::-1][-12:]):
        assert part not in line


HANGS = {
    "asleep": "echo 'open https://login.test/device' >&2; sleep 60",
    "deaf to SIGTERM": "trap '' TERM; echo open >&2; while :; do sleep 1; done",
    "with children that hold its pipes": "trap '' TERM; (sleep 61) & sleep 62 & echo open >&2; wait",
    "slowly printing": "while :; do echo open >&2; sleep 0.1; done",
}


@pytest.mark.parametrize("name", HANGS)
async def test_one_that_hangs_is_ended_with_its_children_and_named(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXEC_TIMEOUT_S", 0.6)
    began = time.monotonic()
    line = await refused(tmp_path, f"echo $$ > {tmp_path}/group; {HANGS[name]}")
    assert time.monotonic() - began < 5
    assert "the plug-in get-token gave no token within 1 s and was ended: open" in line
    assert "log in with it" in line
    assert living(int((tmp_path / "group").read_text())) == []


async def test_one_that_hangs_is_told_within_ten_seconds_as_it_is_shipped() -> None:
    assert module.EXEC_TIMEOUT_S + module._LINGER_S <= 8


def living(group: int) -> list[str]:
    """The processes of a group that are not yet gone, after a moment."""
    deadline = time.monotonic() + 3
    left: list[str] = []
    while time.monotonic() < deadline:
        left = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdecimal():
                try:
                    state, _, of, *_ = (entry / "stat").read_text().rpartition(")")[2].split()
                except OSError:
                    continue
                if int(of) == group and state != "Z":
                    left.append(entry.name)
        if not left:
            return []
        time.sleep(0.02)
    return left


async def test_a_child_that_holds_the_pipes_of_one_that_has_answered_is_not_waited_for(
    tmp_path: Path,
) -> None:
    script = f"echo $$ > {tmp_path}/group; sleep 60 &\n{printing(credential(token='GIVEN'))}"
    began = time.monotonic()
    given = await ask_plugin(found(tmp_path, script))
    assert time.monotonic() - began < 5
    assert given.credentials.token is not None and given.credentials.token.reveal() == "GIVEN"
    assert living(int((tmp_path / "group").read_text())) == []


async def test_one_that_is_asked_while_the_run_is_stopped_is_ended(tmp_path: Path) -> None:
    task = asyncio.create_task(ask_plugin(found(tmp_path, f"echo $$ > {tmp_path}/group; sleep 60")))
    while not (tmp_path / "group").exists() or not (tmp_path / "group").read_text().strip():
        await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert living(int((tmp_path / "group").read_text())) == []


@pytest.mark.parametrize("version", ["v1", "v1beta1", "v1alpha1"])
async def test_what_it_is_given_and_gives(
    tmp_path: Path, version: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """KUBERNETES_EXEC_INFO, arguments and environment are client-go's."""
    monkeypatch.setenv("OURS", "ours")
    whole = f"client.authentication.k8s.io/{version}"
    answer = credential(whole, token=" GIVEN\n", expirationTimestamp="2099-01-01T00:00:00Z")
    script = (
        f'printf %s "$KUBERNETES_EXEC_INFO" > {tmp_path}/info; echo "$1|$2|$WHO|$OURS" > {tmp_path}/rest\n'
        "echo 'signing in ...' >&2\n" + printing(answer)
    )
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}
    credentials = found(
        tmp_path,
        script,
        cluster={"tls-server-name": "inside.x", "extensions": [{"name": "other"}, extension]},
        apiVersion=whole,
        provideClusterInfo=True,
        args=["a b", 7],
        env=[{"name": "WHO", "value": "me"}],
    )
    given = await ask_plugin(credentials)
    info = json.loads((tmp_path / "info").read_text())
    assert info == {
        "apiVersion": whole,
        "kind": "ExecCredential",
        "spec": {
            "interactive": False,
            "cluster": {
                "server": "https://api.x:6443",
                "tls-server-name": "inside.x",
                "config": {"audience": "x"},
            },
        },
    }
    assert (tmp_path / "rest").read_text() == "a b|7|me|ours\n"
    assert given.credentials.token is not None and given.credentials.token.reveal() == "GIVEN"
    assert given.ends == "2099-01-01T00:00:00Z"
    assert (given.credentials.plugin, given.credentials.giver) == (None, "exec plug-in get-token")


async def test_a_certificate_beside_a_token_is_used_as_well(tmp_path: Path) -> None:
    answer = credential(token="GIVEN", clientCertificateData="CERT", clientKeyData="KEY")
    given: Given = await ask_plugin(found(tmp_path, printing(answer)))
    assert given.credentials.certificate == "CERT"
    assert given.credentials.key is not None and given.credentials.key.reveal() == "KEY"


async def test_one_on_the_path_is_found_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    credentials = found(tmp_path, printing(credential(token="GIVEN")), command="get-token")
    assert (await ask_plugin(credentials)).credentials.token


@pytest.mark.parametrize(
    "beside",
    [
        {"token": "T"},
        {"username": "u", "password": "p"},
        {"client-certificate-data": "UEVN", "client-key-data": "UEVN"},
    ],
)
def test_none_is_asked_beside_another_credential(tmp_path: Path, beside: dict[str, str]) -> None:
    found(tmp_path, "exit 1")
    config = json.loads((tmp_path / "k").read_text())
    config["users"][0]["user"] |= beside
    (tmp_path / "k").write_text(json.dumps(config))
    credentials = find_credentials(ClusterOptions(kubeconfig=str(tmp_path / "k")))
    assert (credentials.plugin, credentials.giver) == (None, "")
