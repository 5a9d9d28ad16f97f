"""SOCKS5 proxies: used as Go's clients use them, and each way to fail told in one line."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import pytest
from cluster_support import kubeconfig, options

from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.kube.types import Access, Rung
from support.ladder import probe
from support.socks_proxy import socks_proxy


async def through(folder: Path, proxy: str, server: str = "https://api.cluster.invalid:6443") -> Access:
    path = kubeconfig(folder, server, {"token": "x"}, **{"proxy-url": proxy})
    return await probe(options(path))


@pytest.mark.parametrize("login", ["", "me:p@ss/word"])
async def test_a_cluster_is_reached_and_its_name_is_left_to_the_proxy(tmp_path: Path, login: str) -> None:
    with start_stub_cluster(folder=tmp_path) as cluster, socks_proxy(login=login) as proxy:
        port = cluster.url.rpartition(":")[2]
        proxy.to = {"api.inside.invalid": "127.0.0.1"}
        trust: dict[str, Any] = {
            "certificate-authority": str(tmp_path / "stub-ca.crt"),
            "tls-server-name": "127.0.0.1",
            "proxy-url": f"SOCKS5://{'me:p%40ss%2Fword@' if login else ''}{proxy.host}",
        }
        path = kubeconfig(tmp_path, f"https://api.inside.invalid:{port}", {"token": cluster.token}, **trust)
        access = await probe(options(path))
        assert (access.user, access.via) == ("kubeadmin", f"proxy socks5://{proxy.host}")
        assert set(proxy.asked) == {f"api.inside.invalid:{port}"}
        trust |= {"proxy-url": f"socks5://{proxy.host}"}
        if login:
            access = await probe(options(kubeconfig(tmp_path, cluster.url, {"token": "x"}, **trust)))
            assert "the proxy wants a login" in str(access.problem)


async def test_one_of_the_environment_is_heeded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socks_proxy(reply=5) as proxy:
        for value in (f"socks5://{proxy.host}", f"socks5h://{proxy.host}"):
            monkeypatch.setenv("HTTPS_PROXY", value)
            access = await probe(options(kubeconfig(tmp_path, "https://api.x.invalid", {"token": "x"})))
            assert f"proxy {value}: the proxy answers: the cluster refuses" in str(access.problem)
    assert proxy.asked[0] == "api.x.invalid:443"


@pytest.mark.parametrize(
    ("reply", "says"),
    [
        (1, "it can't connect to the cluster"),
        (2, "its rules do not let us through"),
        (4, "the cluster's host can't be reached from it"),
        (5, "the cluster refuses its connection"),
        (8, "it does not know such addresses"),
        (99, "refused (99)"),
    ],
)
async def test_what_it_answers_is_told_as_its_own(tmp_path: Path, reply: int, says: str) -> None:
    with socks_proxy(reply=reply) as proxy:
        access = await through(tmp_path, f"socks5://{proxy.host}")
    assert access.rung is Rung.UNREACHABLE
    assert f"proxy socks5://{proxy.host}: the proxy answers: {says}" in str(access.problem)
    assert "proxy-url" in str(access.problem) and "try again" not in str(access.problem)


@pytest.mark.parametrize(
    ("manner", "says"),
    [
        ("http", "what answers there is no SOCKS5 proxy"),
        ("silent", "the proxy does not answer in time"),
        ("closes", "the proxy closed the connection"),
    ],
)
async def test_what_is_no_such_proxy_is_told(tmp_path: Path, manner: str, says: str) -> None:
    with socks_proxy(manner=manner) as proxy:
        access = await through(tmp_path, f"socks5://{proxy.host}")
    assert f"proxy socks5://{proxy.host}: {says}" in str(access.problem)


async def test_one_that_is_not_there_is_named(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        dead = f"socks5://127.0.0.1:{taken.getsockname()[1]}"
        access = await through(tmp_path, dead)
    assert f"proxy {dead}: the proxy does not answer; check proxy-url" in str(access.problem)
    for scheme in ("socks5", "http"):
        access = await through(tmp_path, f"{scheme}://nowhere.invalid:1080")
        assert "check proxy-url" in str(access.problem)
        assert "nowhere.invalid" in str(access.problem)


async def test_a_login_that_it_refuses_is_not_shown(tmp_path: Path) -> None:
    with socks_proxy(login="me:right") as proxy:
        access = await through(tmp_path, f"socks5://me:planted-and-wrong@{proxy.host}")
    assert "the proxy refuses the login in its address" in str(access.problem)
    assert "planted" not in str(access)
