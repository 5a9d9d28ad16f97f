"""What is flattened for a container is what we use ourselves, whatever the kubeconfig looks like."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui.core.errors import UserError
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.flattened import flatten
from modelcar_tui.kube.kubeconfig import find_credentials, in_cluster
from modelcar_tui.kube.types import ClusterOptions

PEM = "-----BEGIN CERTIFICATE-----\nQUFBQQ==\n-----END CERTIFICATE-----\n"
SERVER = "https://api.x:6443"


def write(folder: Path, user: Any, cluster: Any = None, context: Any = None, **more: Any) -> ClusterOptions:
    config = {
        "current-context": "c",
        "contexts": [{"name": "c", "context": context or {"cluster": "c", "user": "u"}}],
        "clusters": [{"name": "c", "cluster": {"server": SERVER, **(cluster or {})}}],
        "users": [{"name": "u", "user": user}],
        **more,
    }
    (folder / "k").write_text(json.dumps(config))
    return ClusterOptions(kubeconfig=str(folder / "k"))


def sent(found: Credentials) -> dict[str, object]:
    """All that reaches the server, or decides how it is reached."""
    secrets = {
        name: secret.reveal() if (secret := getattr(found, name)) else None
        for name in ("token", "key", "basic")
    }
    plain = (
        "server",
        "namespace",
        "ca",
        "insecure",
        "server_name",
        "certificate",
        "proxy",
        "giver",
        "impersonate",
        "acting",
    )
    return {name: getattr(found, name) for name in plain} | secrets


KUBECONFIGS: dict[str, tuple[Any, Any]] = {
    "token": ({"token": " T\n"}, {}),
    "token of a file": ({"token": "stale", "tokenFile": "token"}, {}),
    "name and password": ({"username": "u", "password": "p:q"}, {}),
    "login in the address": ({}, {"server": "https://u:p%2F@api.x:6443/"}),
    "client certificate": ({"client-certificate": "ca.pem", "client-key": "ca.pem"}, {}),
    "authority": ({"token": "T"}, {"certificate-authority": "ca.pem"}),
    "other TLS name": ({"token": "T"}, {"tls-server-name": "inside.x"}),
    "no verification": ({"token": "T"}, {"insecure-skip-tls-verify": True}),
    "proxy": ({"token": "T"}, {"proxy-url": "http://me:secret-of-proxy@p:3128"}),
    "proxy of SOCKS": ({"token": "T"}, {"proxy-url": "socks5://p:1080"}),
    "impersonation": ({"token": "T", "as": "boss"}, {}),
    "impersonation of groups": (
        {"token": "T", "as": "boss", "as-groups": ["g"], "as-uid": "7", "as-user-extra": {"a": ["b"]}},
        {},
    ),
    "nobody": (None, {}),
}


@pytest.mark.parametrize("name", KUBECONFIGS)
async def test_the_container_gets_what_we_use(name: str, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("FILE\n")
    (tmp_path / "ca.pem").write_text(PEM)
    user, cluster = KUBECONFIGS[name]
    options = write(tmp_path, user, cluster)
    flat = await flatten(options)
    lent = tmp_path / "elsewhere" / "lent"
    lent.parent.mkdir()
    lent.write_bytes(flat.data)
    assert sent(find_credentials(ClusterOptions(kubeconfig=str(lent)))) == sent(find_credentials(options))


async def test_a_token_is_used_and_no_plug_in_is_asked_beside_it(tmp_path: Path) -> None:
    options = write(tmp_path, {"token": "T", "exec": {"command": "no-such-plug-in"}})
    assert (find_credentials(options).giver, find_credentials(options).plugin) == ("", None)
    assert json.loads((await flatten(options)).data)["users"][0]["user"] == {"token": "T"}


async def test_a_plug_in_s_token_replaces_it_and_goes_where_the_kubeconfig_says(tmp_path: Path) -> None:
    (tmp_path / "plugin").write_text('#!/bin/sh\necho \'{"status": {"token": "GIVEN"}}\'\n')
    (tmp_path / "plugin").chmod(0o755)
    cluster = {"proxy-url": "http://p:3128", "tls-server-name": "inside.x"}
    options = write(tmp_path, {"exec": {"command": "./plugin"}}, cluster)
    found = (await flatten(options)).credentials
    assert find_credentials(options).giver == found.giver == "exec plug-in plugin"
    assert found.plugin is None
    assert found.token is not None and found.token.reveal() == "GIVEN"
    assert (found.proxy, found.server_name) == ("http://p:3128", "inside.x")


@pytest.mark.parametrize(
    ("user", "cluster", "context", "said"),
    [
        ({"token": 123}, {}, None, "the token is no text"),
        ({"token": "T"}, {"certificate-authority-data": "%%%"}, None, "is not base64"),
        (
            {"token": "T"},
            {"certificate-authority-data": base64.b64encode(b"ab").decode()[:-1]},
            None,
            "base64",
        ),
        ({"token": "T"}, {"insecure-skip-tls-verify": "true"}, None, "neither true nor false"),
        ({"token": "T"}, {"server": ""}, None, "names no cluster with a server"),
        ({"token": "T"}, {"server": "api.x:6443/k8s"}, None, "has no https:// before it"),
        ({"token": "T"}, {"server": "ftp://api.x"}, None, "no address with http"),
        ({"token": "T"}, {"proxy-url": "p:3128"}, None, "proxy-url is no address"),
        ({"token": "T", "as-uid": "7"}, {}, None, "asks for as-uid without a user"),
        ({"client-certificate-data": "UEVN"}, {}, None, "without a client-key"),
        ({"token": "T"}, {"proxy-url": "http://"}, None, "proxy-url is no address"),
        ({"token": "T"}, {}, {"cluster": "c", "user": "who"}, "names a user who is not there"),
        ({"token": "T"}, {}, {"cluster": ["c"], "user": "u"}, "names no cluster"),
        ("T", {}, None, "is not a mapping"),
    ],
)
async def test_what_can_t_be_used_is_refused_for_both_in_the_same_words(
    user: Any, cluster: Any, context: Any, said: str, tmp_path: Path
) -> None:
    options = write(tmp_path, user, cluster, context)
    with pytest.raises(ClusterError, match=said) as ours:
        find_credentials(options)
    with pytest.raises(UserError, match=said) as theirs:
        await flatten(options)
    assert ours.value.problem == theirs.value.problems[0]


def test_a_context_without_a_user_is_nobody(tmp_path: Path) -> None:
    found = find_credentials(write(tmp_path, {"token": "T"}, context={"cluster": "c"}))
    assert (found.token, found.basic, found.certificate) == (None, None, None)


async def test_in_a_pod_the_suite_gets_the_pod_s_own_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (("token", "of-the-pod"), ("ca.crt", PEM), ("namespace", "models")):
        (tmp_path / name).write_text(text)
    monkeypatch.setattr("modelcar_tui.kube.kubeconfig.SERVICE_ACCOUNT", tmp_path)
    assert in_cluster() is None
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    lent = json.loads((await flatten(ClusterOptions())).data)
    assert lent["clusters"][0]["cluster"]["server"] == "https://10.0.0.1:443"
    assert lent["contexts"][0]["context"]["namespace"] == "models"
    assert lent["users"][0]["user"] == {"token": "of-the-pod"}
