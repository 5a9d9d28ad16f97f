"""One kubeconfig: what the nodes are read with, and what the QA suite's container is given.

The right answers are client-go's (tools/clientcmd): of each name the first file wins, a tokenFile before the
token beside it, a token before an exec plug-in, a name without an entry of its own refused.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from seam_support import REFUSED, params

from modelcar_tui.core.errors import UserError
from modelcar_tui.kube.credentials import Credentials
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.flattened import flatten
from modelcar_tui.kube.kubeconfig import find_credentials, kubeconfig_paths
from modelcar_tui.kube.login import ask
from modelcar_tui.kube.types import ClusterOptions

PEM = "-----BEGIN CERTIFICATE-----\nQUFBQQ==\n-----END CERTIFICATE-----\n"
KEY = "-----BEGIN PRIVATE KEY-----\nQkJCQg==\n-----END PRIVATE KEY-----\n"
SERVER = "https://api.x:6443"
TOKEN = {"token": "T"}
ANYTHING: dict[str, Any] = {}
"""Nothing is expected but that both say the same."""


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def config(
    user: Any = TOKEN, cluster: Any = None, *, context: Any = None, current: Any = "c", **more: Any
) -> dict[str, Any]:
    """A kubeconfig of one context, all of whose parts are called `c`."""
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": current,
        "clusters": [{"name": "c", "cluster": {"server": SERVER, **(cluster or {})}}],
        "users": [{"name": "c", "user": user}],
        "contexts": [{"name": "c", "context": context or {"cluster": "c", "user": "c"}}],
        **more,
    }


@dataclass(frozen=True)
class Case:
    """Files in a folder, those that KUBECONFIG names, and what is in them."""

    right: Mapping[str, Any] | str
    """The entries that count, `REFUSED`, or `ANYTHING`."""
    files: Mapping[str, Any]
    """By name; a text is written as it is."""
    named: tuple[str, ...] = ("k",)
    context: str | None = None


def one(right: Mapping[str, Any] | str, kubeconfig: Any, **beside: str) -> Case:
    """One kubeconfig, with files beside it (`_` for a dot)."""
    return Case(right, {"k": kubeconfig, **{name.replace("_", "."): text for name, text in beside.items()}})


def two(right: Mapping[str, Any] | str, first: Any, second: Any, **more: Any) -> Case:
    """A list of two, the second in a folder of its own."""
    return Case(right, {"k": first, "more/k": second, **more}, ("k", "more/k"))


WITHOUT_CURRENT = config(current="")
EXEC = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "no-such-plug-in"}}
OIDC = {"auth-provider": {"name": "oidc"}}
NAMELESS = [{"user": {"token": "T"}}, {"name": "c", "user": TOKEN}]
YAML = f"""\
apiVersion: v1
current-context: c
clusters: [{{name: c, cluster: {{server: "{SERVER}"}}}}]
contexts: [{{name: c, context: {{cluster: c, user: c}}}}]
users:
- name: c
  user: {{token: T}}
"""
OTHER = {"name": "other", "user": {"token": "OTHER"}}
CHOICE = config(
    users=[{"name": "c", "user": TOKEN}, OTHER],
    contexts=[
        {"name": "c", "context": {"cluster": "c", "user": "c"}},
        {"name": "d", "context": {"cluster": "c", "user": "other", "namespace": "ns"}},
    ],
)
CASES: dict[str, Case] = {
    "token": one({"token": "T", "server": SERVER, "namespace": "default"}, config()),
    "token with a line end": one({"token": "T"}, config({"token": "T\n"})),
    "token between blanks": one({"token": "T"}, config({"token": "  T  "})),
    "token with a blank within": one({"token": "T U"}, config({"token": "T U"})),
    "token over two lines": one(REFUSED, config({"token": "T\nU"})),
    "token that is a number": one(REFUSED, config({"token": 123})),
    "token that is empty": one({"token": None}, config({"token": ""})),
    "token and tokenFile": one({"token": "FILE"}, config({"token": "T", "tokenFile": "tok"}), tok="FILE"),
    "tokenFile": one({"token": "FILE"}, config({"tokenFile": "tok"}), tok="FILE\n"),
    "tokenFile that is gone": one(REFUSED, config({"tokenFile": "tok"})),
    "token and tokenFile that is gone": one(REFUSED, config({"token": "T", "tokenFile": "tok"})),
    "user name and password": one({"basic": "u:p"}, config({"username": "u", "password": "p"})),
    "token and user name": one({"token": "T"}, config({**TOKEN, "username": "u", "password": "p"})),
    "login in the server's address": one({"basic": "u:p"}, config({}, {"server": "https://u:p@api.x:6443"})),
    "no credentials": one({"token": None, "basic": None}, config({})),
    "user null": one({"token": None}, config(None)),
    "user that is a text": one(REFUSED, config("T")),
    "users null": one(REFUSED, config(users=None)),
    "users that are a mapping": one(REFUSED, config(users={"c": TOKEN})),
    "a user without a name beside": one({"token": "T"}, config(users=NAMELESS)),
    "clusters that are a mapping": one(REFUSED, config(clusters={"c": {"server": SERVER}})),
    "contexts null": one(REFUSED, config(contexts=None)),
    "no current-context": one(REFUSED, WITHOUT_CURRENT),
    "no current-context and no entry of it": one(REFUSED, config(current=None)),
    "current-context that is not there": one(REFUSED, config(current="nope")),
    "context with no user": one({"token": None}, config(context={"cluster": "c"})),
    "context whose user is not there": one(REFUSED, config(context={"cluster": "c", "user": "x"})),
    "context with no cluster": one(REFUSED, config(context={"user": "c"})),
    "context whose cluster is not there": one(REFUSED, config(context={"cluster": "x", "user": "c"})),
    "context chosen by name": Case({"token": "OTHER", "namespace": "ns"}, {"k": CHOICE}, context="d"),
    "context chosen by name without a current one": Case({"token": "T"}, {"k": WITHOUT_CURRENT}, context="c"),
    "context chosen that is not there": Case(REFUSED, {"k": CHOICE}, context="e"),
    "namespace": one({"namespace": "ns"}, config(context={"cluster": "c", "user": "c", "namespace": "ns"})),
    "namespace that is empty": one(
        {"namespace": "default"}, config(context={"cluster": "c", "user": "c", "namespace": ""})
    ),
    "ca file": one({"ca": PEM}, config(cluster={"certificate-authority": "ca.pem"}), ca_pem=PEM),
    "ca file that is gone": one(REFUSED, config(cluster={"certificate-authority": "ca.pem"})),
    "ca data": one({"ca": PEM}, config(cluster={"certificate-authority-data": b64(PEM)})),
    "ca data in lines": one({"ca": PEM}, config(cluster={"certificate-authority-data": f"\n{b64(PEM)}\n"})),
    "ca data and file that is gone": one(
        {"ca": PEM},
        config(cluster={"certificate-authority-data": b64(PEM), "certificate-authority": "ca.pem"}),
    ),
    "ca data not base64": one(REFUSED, config(cluster={"certificate-authority-data": "%%%"})),
    "ca data without padding": one(
        REFUSED, config(cluster={"certificate-authority-data": b64(PEM + "\n").rstrip("=")})
    ),
    "insecure-skip-tls-verify": one({"insecure": True}, config(cluster={"insecure-skip-tls-verify": True})),
    "insecure-skip-tls-verify as a text": one(REFUSED, config(cluster={"insecure-skip-tls-verify": "true"})),
    "tls-server-name": one({"server_name": "inside.x"}, config(cluster={"tls-server-name": "inside.x"})),
    "client certificate data": one(
        {"certificate": PEM, "key": KEY, "token": None},
        config({"client-certificate-data": b64(PEM), "client-key-data": b64(KEY)}),
    ),
    "client certificate files": one(
        {"certificate": PEM, "key": KEY},
        config({"client-certificate": "c.pem", "client-key": "k.pem"}),
        c_pem=PEM,
        k_pem=KEY,
    ),
    "client key that is gone": one(
        REFUSED, config({"client-certificate": "c.pem", "client-key": "k.pem"}), c_pem=PEM
    ),
    "client certificate data not base64": one(
        REFUSED, config({"client-certificate-data": "%%%", "client-key-data": b64(KEY)})
    ),
    "client key data not base64": one(
        REFUSED, config({"client-certificate-data": b64(PEM), "client-key-data": "%%%"})
    ),
    "no server": one(REFUSED, config(clusters=[{"name": "c", "cluster": {}}])),
    "cluster null": one(REFUSED, config(clusters=[{"name": "c", "cluster": None}])),
    "server that is empty": one(REFUSED, config(cluster={"server": ""})),
    # As in client-go it is asked over plain HTTP, and nothing of the user is sent there.
    "server without scheme": one({"server": "http://api.x:6443"}, config(cluster={"server": "api.x:6443"})),
    "server without scheme, with a path": one(REFUSED, config(cluster={"server": "api.x:6443/k8s"})),
    "server without scheme, IPv6": one(
        {"server": "http://[::1]:6443"}, config(cluster={"server": "[::1]:6443"})
    ),
    "server in capitals": one(
        {"server": "https://API.x:6443"}, config(cluster={"server": "HTTPS://API.x:6443/"})
    ),
    "server with a query": one({"server": SERVER + "/k"}, config(cluster={"server": SERVER + "/k?a=b#c"})),
    "insecure-skip-tls-verify beside a ca": one(
        REFUSED,
        config(cluster={"insecure-skip-tls-verify": True, "certificate-authority-data": b64(PEM)}),
    ),
    "client certificate without a key": one(REFUSED, config({"client-certificate-data": b64(PEM)})),
    "server with a slash": one({"server": SERVER}, config(cluster={"server": SERVER + "/"})),
    "server with a path": one(
        {"server": SERVER + "/k8s/clusters/c-1"}, config(cluster={"server": SERVER + "/k8s/clusters/c-1"})
    ),
    "server with a blank": one(REFUSED, config(cluster={"server": "https://api x:6443"})),
    "server of another scheme": one(REFUSED, config(cluster={"server": "ftp://api.x"})),
    "proxy-url": one({"proxy": "http://p:3128"}, config(cluster={"proxy-url": "http://p:3128"})),
    "proxy-url that is empty": one({"proxy": None}, config(cluster={"proxy-url": ""})),
    "proxy-url in capitals": one({"proxy": "http://p:3128"}, config(cluster={"proxy-url": "HTTP://p:3128"})),
    "proxy-url of SOCKS": one({"proxy": "socks5://p:1080"}, config(cluster={"proxy-url": "socks5://p:1080"})),
    "proxy-url that kubectl refuses": one(REFUSED, config(cluster={"proxy-url": "socks5h://p:1080"})),
    "proxy-url without scheme": one(REFUSED, config(cluster={"proxy-url": "p:3128"})),
    "proxy-url that is no address": one(REFUSED, config(cluster={"proxy-url": "http://"})),
    "as": one({"as": "boss", "token": "T"}, config({**TOKEN, "as": "boss"})),
    "as-groups without as": one(REFUSED, config({**TOKEN, "as-groups": ["g"]})),
    "an exec plug-in beside an auth-provider": one(REFUSED, config({**EXEC, **OIDC})),
    "a token beside an auth-provider": one({"token": "T"}, config({**TOKEN, **OIDC})),
    "as over two lines": one(REFUSED, config({**TOKEN, "as": "bo\nss"})),
    "a token beside an exec plug-in": one({"token": "T"}, config({**TOKEN, **EXEC})),
    "an exec plug-in that is null": one({"token": "T"}, config({**TOKEN, "exec": None})),
    "an auth-provider that is null": one({"token": "T"}, config({**TOKEN, "auth-provider": None})),
    "an empty file": one(REFUSED, ""),
    "a file of a comment": one(REFUSED, "# nothing\n"),
    "a list": one(REFUSED, [config()]),
    "a text": one(REFUSED, "hello\n"),
    "broken YAML": one(REFUSED, "a: [\n"),
    "YAML": one({"token": "T"}, YAML),
    "YAML of two documents": one({"token": "T"}, YAML + "---\n" + YAML.replace("token: T", "token: U")),
    "YAML in UTF-16": Case({"token": "T"}, {"k": b"\xff\xfe" + YAML.encode("utf-16-le")}),
    "YAML with a byte order mark": Case({"token": "T"}, {"k": b"\xef\xbb\xbf" + YAML.encode()}),
    "two files, all in the first": two(
        {"token": "T"}, config(), config({"token": "U"}, {"server": "https://y"})
    ),
    "two files, current-context in the second alone": two(
        {"token": "T"}, WITHOUT_CURRENT, {"current-context": "c"}
    ),
    "two files, the user in the second alone": two(
        {"token": "T"}, config(users=[]), {"users": [{"name": "c", "user": TOKEN}]}
    ),
    "two files, files beside the second": Case(
        {"token": "FILE", "ca": PEM},
        {
            "k": config(users=None, clusters=None),
            "more/k": config({"tokenFile": "tok"}, {"certificate-authority": "ca.pem"}),
            "more/tok": "FILE",
            "more/ca.pem": PEM,
        },
        ("k", "more/k"),
    ),
    "two files, the first empty": two({"token": "T"}, "", config()),
    "two files, the first of a comment": two({"token": "T"}, "# nothing\n", config()),
    "two files, the first not there": Case({"token": "T"}, {"k": config()}, ("gone", "k")),
    "two files, the second not there": Case({"token": "T"}, {"k": config()}, ("k", "gone")),
    "two files, the first a folder": Case(REFUSED, {"k": config(), "folder/x": ""}, ("folder", "k")),
    "two files, the first broken": two(REFUSED, "a: [\n", config()),
    "two files, the second a list": two(REFUSED, config(), [1]),
    "an empty place in the list": Case({"token": "T"}, {"k": config()}, ("", "k")),
    "no file at all": Case(REFUSED, {}, ("gone",)),
    "a folder": Case(REFUSED, {"folder/x": ""}, ("folder",)),
}


def written(case: Case, folder: Path) -> str:
    """The value of KUBECONFIG, once the files are there."""
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        text = content if isinstance(content, (str, bytes)) else json.dumps(content)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return os.pathsep.join(str(folder / name) if name else "" for name in case.named)


def by_cluster(kubeconfig: str, context: str | None) -> dict[str, Any] | str:
    """What the nodes are read with."""
    try:
        found: Credentials = find_credentials(ClusterOptions(kubeconfig=kubeconfig, context=context))
    except ClusterError:
        return REFUSED
    return {
        "server": found.server,
        "namespace": found.namespace,
        "token": found.token.reveal() if found.token else None,
        "basic": found.basic.reveal() if found.basic and not found.token else None,
        "ca": found.ca,
        "certificate": found.certificate,
        "key": found.key.reveal() if found.key else None,
        "insecure": found.insecure,
        "server_name": found.server_name,
        "proxy": found.proxy,
        "as": dict(found.impersonate).get("Impersonate-User"),
    }


def by_qa(kubeconfig: str, context: str | None) -> dict[str, Any] | str:
    """What the suite's container is given."""
    try:
        whole = json.loads(asyncio.run(flatten(ClusterOptions(kubeconfig=kubeconfig, context=context))).data)
    except UserError:
        return REFUSED
    cluster, user = whole["clusters"][0]["cluster"], whole["users"][0]["user"]
    address = urlsplit(cluster.get("server") or "")
    login = f"{address.username}:{address.password}" if address.username else None
    basic = f"{user['username']}:{user.get('password')}" if user.get("username") else login
    return {
        "server": address._replace(netloc=address.netloc.rpartition("@")[2]).geturl().rstrip("/"),
        "namespace": whole["contexts"][0]["context"].get("namespace") or "default",
        "token": user.get("token") or None,
        "basic": basic if not user.get("token") else None,
        "ca": _pem(cluster, "certificate-authority-data"),
        "certificate": _pem(user, "client-certificate-data"),
        "key": _pem(user, "client-key-data"),
        "insecure": cluster.get("insecure-skip-tls-verify") or False,
        "server_name": cluster.get("tls-server-name"),
        "proxy": cluster.get("proxy-url") or None,
        "as": user.get("as"),
    }


def _pem(entry: Mapping[str, Any], key: str) -> str | None:
    packed = entry.get(key)
    try:
        return base64.b64decode("".join(packed.split()), validate=True).decode() if packed else None
    except ValueError:
        return f"no base64: {packed}"


@pytest.mark.parametrize("case", params(CASES))
def test_the_nodes_and_the_suite_are_reached_with_the_same_credentials(case: Case, tmp_path: Path) -> None:
    kubeconfig = written(case, tmp_path)
    nodes, suite = by_cluster(kubeconfig, case.context), by_qa(kubeconfig, case.context)
    assert nodes == suite
    if isinstance(case.right, str) or isinstance(nodes, str):
        assert nodes == case.right
    else:
        assert {key: nodes[key] for key in case.right} == case.right


def test_the_file_of_the_home_folder_is_read_by_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    path = tmp_path / ".kube" / "config"
    path.parent.mkdir()
    path.write_text(json.dumps(config()))
    assert find_credentials(ClusterOptions()).files == kubeconfig_paths() == (path,)


def test_a_list_in_the_environment_is_read_by_both(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = written(CASES["two files, the second not there"], tmp_path)
    monkeypatch.setenv("KUBECONFIG", listed)
    assert find_credentials(ClusterOptions()).files == kubeconfig_paths() == (tmp_path / "k",)


def test_an_exec_plug_in_s_token_is_what_the_suite_is_given(tmp_path: Path) -> None:
    """A container has neither the plug-in nor its cache."""
    plugin = tmp_path / "log-in"
    status = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential"}
    plugin.write_text(f"#!/bin/sh\necho '{json.dumps({**status, 'status': {'token': 'GIVEN'}})}'\n")
    plugin.chmod(0o700)
    user = {"exec": {"apiVersion": status["apiVersion"], "command": "./log-in", "args": []}}
    kubeconfig = written(one(ANYTHING, config(user)), tmp_path)
    nodes = find_credentials(ClusterOptions(kubeconfig=kubeconfig))
    given = asyncio.run(ask(nodes)).credentials
    suite = by_qa(kubeconfig, None)
    assert (nodes.giver, nodes.token) == ("exec plug-in log-in", None)
    assert given.token is not None and given.token.reveal() == "GIVEN"
    assert isinstance(suite, dict) and suite["token"] == "GIVEN"


def test_a_broken_auth_provider_is_refused_for_both_in_the_same_words(tmp_path: Path) -> None:
    kubeconfig = written(one(REFUSED, config({"auth-provider": {"name": "oidc"}})), tmp_path)
    nodes = find_credentials(ClusterOptions(kubeconfig=kubeconfig))
    assert nodes.giver == "auth-provider oidc"
    with pytest.raises(ClusterError) as ours:
        asyncio.run(ask(nodes))
    with pytest.raises(UserError) as theirs:
        asyncio.run(flatten(ClusterOptions(kubeconfig=kubeconfig)))
    assert ours.value.problem == theirs.value.problems[0]


@pytest.mark.parametrize("entry", [{"as-groups": ["g"]}, {"as-uid": "7"}, {"as-user-extra": {"a": ["b"]}}])
def test_impersonation_of_more_than_a_user_is_sent_and_kept_for_the_suite(
    entry: dict[str, Any], tmp_path: Path
) -> None:
    kubeconfig = written(one(ANYTHING, config({**TOKEN, "as": "boss", **entry})), tmp_path)
    assert len(find_credentials(ClusterOptions(kubeconfig=kubeconfig)).impersonate) == 2
    given = json.loads(asyncio.run(flatten(ClusterOptions(kubeconfig=kubeconfig))).data)["users"][0]["user"]
    assert entry.items() <= given.items()
