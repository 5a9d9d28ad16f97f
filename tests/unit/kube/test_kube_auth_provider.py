"""The auth-provider `oidc`: a good id-token is sent, one that has ended is renewed by oc or kubectl."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.kube.auth_provider import ask_provider
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.types import ClusterOptions, Rung
from support.api_answers import ApiServer, api_answers
from support.echo_server import certificate

ISSUER = {"idp-issuer-url": "https://issuer.invalid", "client-id": "me"}
CANARY = "CANARYaaaa0001bbbb0002cccc0003"


def id_token(**claims: Any) -> str:
    packed = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{packed}.c2ln"


def write(
    folder: Path, config: dict[str, Any] | None, name: str = "oidc", server: str = "https://a.x"
) -> Path:
    whole = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"auth-provider": {"name": name, "config": config}}}],
    }
    (folder / "k").write_text(json.dumps(whole))
    return folder / "k"


async def refused(path: Path) -> str:
    with pytest.raises(ClusterError) as caught:
        await ask_provider(find_credentials(ClusterOptions(kubeconfig=str(path))))
    assert caught.value.rung is Rung.UNAUTHENTICATED
    line = str(caught.value)
    assert line.startswith(f"{path}: ") and line.isprintable() and "try again" not in line
    return line


async def test_a_good_one_is_sent_and_its_end_is_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    ends = int(time.time()) + 600
    token = id_token(exp=ends, sub="ada")
    given = await ask_provider(
        find_credentials(ClusterOptions(kubeconfig=str(write(tmp_path, {**ISSUER, "id-token": token}))))
    )
    assert given.credentials.token is not None and given.credentials.token.reveal() == token
    assert (given.ends, given.credentials.provider) == (ends, None)
    assert given.credentials.giver == "auth-provider oidc"


@pytest.mark.parametrize(
    "token",
    [
        "a",
        "a.b",
        "a.%%%.c",
        f"a.{CANARY}.c",
        "a.bm8.c",
        "a.WzFd.c",
        "a..c",
        "a.e30.c.d",
    ],
)
@pytest.mark.parametrize("more", [{}, {"refresh-token": CANARY}])
async def test_a_broken_one_is_told_as_such(tmp_path: Path, token: str, more: dict[str, str]) -> None:
    line = await refused(write(tmp_path, {**ISSUER, "id-token": token, **more}))
    assert "the OIDC login is broken: its id-token is no JSON web token; log in again" in line
    assert CANARY not in line


@pytest.mark.parametrize(
    ("config", "says"),
    [
        (
            {**ISSUER, "id-token": id_token(exp=1_700_000_000)},
            "expired at 2023-11-14 22:13 UTC, and there is no refresh",
        ),
        ({**ISSUER, "id-token": id_token(exp=time.time() + 5)}, "the OIDC login expired at"),
        ({**ISSUER, "id-token": id_token(sub="x")}, "the OIDC login expired, and there is no refresh-token"),
        (ISSUER, "the OIDC login has no id-token, and there is no refresh-token"),
        ({"client-id": "me", "id-token": "a.b.c"}, "the OIDC login has no idp-issuer-url"),
        ({"idp-issuer-url": "https://x"}, "the OIDC login has no client-id"),
        (None, "the OIDC login has no idp-issuer-url"),
    ],
)
async def test_one_that_can_not_be_renewed(tmp_path: Path, config: dict[str, Any] | None, says: str) -> None:
    line = await refused(write(tmp_path, config))
    assert says in line
    assert "log in again" in line


@pytest.fixture
def issuer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """One with TLS, whose certificate signs itself (`tls.crt`); neither oc nor kubectl is here."""
    context, _ = certificate(tmp_path)
    monkeypatch.setenv("PATH", "/nonexistent")
    with api_answers() as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.url = f"https://{server.host}"
        server.answers = {
            "/.well-known/openid-configuration": (200, {"token_endpoint": f"{server.url}/token"})
        }
        yield server


def to_renew(issuer: ApiServer, **more: str) -> dict[str, Any]:
    return {
        "idp-issuer-url": issuer.url,
        "client-id": "me",
        "id-token": id_token(exp=1_700_000_000),
        "refresh-token": f"first-{CANARY}",
        **more,
    }


async def test_the_official_client_renews_it_and_the_file_keeps_its_layout(
    tmp_path: Path, issuer: ApiServer
) -> None:
    token = id_token(exp=time.time() + 600)
    told = {"id_token": token, "access_token": "x", "token_type": "Bearer", "refresh_token": "the-next"}
    issuer.answers["/token"] = (200, told)
    path = write(tmp_path, to_renew(issuer, **{"idp-certificate-authority": str(tmp_path / "tls.crt")}))
    path.write_text("# mine\n" + path.read_text())
    path.chmod(0o640)
    before = path.read_text()
    given = await ask_provider(find_credentials(ClusterOptions(kubeconfig=str(path))))
    assert given.credentials.token is not None and given.credentials.token.reveal() == token
    after = before.replace(id_token(exp=1_700_000_000), token).replace(f"first-{CANARY}", "the-next")
    assert path.read_text() == after
    assert path.stat().st_mode & 0o777 == 0o640


async def test_the_official_client_s_refusal_is_told_without_a_secret(
    tmp_path: Path, issuer: ApiServer
) -> None:
    issuer.answers["/token"] = (400, {"error": "invalid_grant", "error_description": f"gone {CANARY}"})
    path = write(tmp_path, to_renew(issuer, **{"idp-certificate-authority": str(tmp_path / "tls.crt")}))
    before = path.read_text()
    line = await refused(path)
    assert "it can't be renewed: " in line and "invalid_grant" in line
    assert CANARY not in line
    assert path.read_text() == before


async def test_no_login_is_sent_to_an_issuer_whose_certificate_nobody_knows(
    tmp_path: Path, issuer: ApiServer
) -> None:
    line = await refused(write(tmp_path, to_renew(issuer)))
    assert "it can't be renewed: " in line and "certificate" in line.lower()
    assert [asked.path for asked in issuer.asked] == []


async def test_a_login_out_of_a_pipe_is_not_renewed(tmp_path: Path, issuer: ApiServer) -> None:
    text = write(tmp_path, to_renew(issuer)).read_bytes()
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_bytes, args=(text,))
    writer.start()
    found = find_credentials(ClusterOptions(kubeconfig=str(pipe)))
    writer.join()
    with pytest.raises(ClusterError, match="neither oc nor kubectl is installed"):
        await asyncio.wait_for(ask_provider(found), 5)
    assert issuer.asked == []


async def test_a_login_that_can_not_be_kept_is_not_renewed(tmp_path: Path, issuer: ApiServer) -> None:
    config = to_renew(issuer)
    path = write(tmp_path, {**config, "extra-scopes": config["refresh-token"]})
    line = await refused(path)
    assert "expired at 2023-11-14 22:13 UTC, and neither oc nor kubectl is installed" in line
    assert CANARY not in line
    assert issuer.asked == []


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("gcp", "gke-gcloud-auth-plugin"),
        ("azure", "kubelogin convert-kubeconfig"),
        ("openstack", "oc login --token"),
    ],
)
async def test_those_that_oc_and_kubectl_know_no_more(tmp_path: Path, name: str, says: str) -> None:
    line = await refused(write(tmp_path, {"access-token": CANARY}, name))
    assert f"oc and kubectl know no auth-provider {name} any more" in line
    assert says in line
    assert CANARY not in line


@pytest.mark.real
@pytest.mark.skipif(not shutil.which("kubectl"), reason="needs kubectl")
@pytest.mark.parametrize("good", [True, False])
async def test_kubectl_renews_it_and_keeps_what_it_got(tmp_path: Path, good: bool) -> None:
    """With a real kubectl and an issuer on loopback; what it was given is in the kubeconfig afterwards."""
    with api_answers() as issuer:
        token = id_token(exp=time.time() + 600)
        issuer.answers = {
            "/.well-known/openid-configuration": (200, {"token_endpoint": f"{issuer.url}/token"}),
            "/token": (
                200,
                {"id_token": token, "access_token": "x", "token_type": "Bearer", "refresh_token": "next"},
            )
            if good
            else (400, {"error": "invalid_grant", "error_description": f"Session not active {CANARY}"}),
        }
        config = {
            "idp-issuer-url": issuer.url,
            "client-id": "me",
            "id-token": id_token(exp=1_700_000_000),
            "refresh-token": f"first-{CANARY}",
        }
        path = write(tmp_path, config, server="https://127.0.0.1:1")
        if good:
            given = await ask_provider(find_credentials(ClusterOptions(kubeconfig=str(path))))
            assert given.credentials.token is not None and given.credentials.token.reveal() == token
            assert "refresh-token: next" in path.read_text()
        else:
            line = await refused(path)
            assert "it can't be renewed: " in line and "invalid_grant" in line
            assert CANARY not in line
    assert "/token" in [asked.path for asked in issuer.asked]
