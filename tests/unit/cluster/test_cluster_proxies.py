"""Proxies that refuse, networks that are excepted from them, addresses that are not the API's,
impersonation."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cluster_support import kubeconfig, options

from modelcar_tui.demo.kube import start_stub_cluster
from modelcar_tui.demo.kube_rights import Fault
from modelcar_tui.kube.proxies import from_environment
from modelcar_tui.kube.types import Rung
from support.ladder import probe


@contextmanager
def proxy_that_says(status: str) -> Iterator[str]:
    """A proxy that answers every CONNECT with a status."""

    class Refusal(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode())

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Refusal) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ("407 Proxy Authentication Required", "the proxy wants a login (407)"),
        ("403 Forbidden", "the proxy does not let us through to the cluster (403)"),
        ("502 Bad Gateway", "the proxy does not let us through to the cluster (502)"),
    ],
)
async def test_a_proxy_that_refuses_is_told_from_one_that_is_dead(
    tmp_path: Path, status: str, says: str
) -> None:
    with proxy_that_says(status) as proxy:
        path = kubeconfig(
            tmp_path, "https://api.cluster.invalid:6443", {"token": "x"}, **{"proxy-url": proxy}
        )
        access = await probe(options(path))
    assert access.rung is Rung.UNREACHABLE
    assert says in str(access.problem)


@pytest.mark.parametrize(
    ("server", "exceptions", "proxied"),
    [
        ("https://10.1.2.3:6443", "10.0.0.0/8,.cluster.local", False),
        ("https://10.1.2.3:6443", "192.168.0.0/16", True),
        ("https://10.1.2.3:6443", "10.1.2.3", False),
        ("https://api.prod.example.com:6443", ".example.com", False),
        ("https://api.prod.example.com:6443", "example.com", False),
        ("https://api.prod.example.org:6443", "example.com,10.0.0.0/8,/,nonsense/99", True),
        ("https://[fd00::5]:6443", "fd00::/8", False),
        ("https://api.prod.example.com:6443", "*", False),
        ("https://127.0.0.1:6443", "", False),
        ("https://api.prod.example.com", "api.prod.example.com:443", False),
        ("http://api.prod.example.com", "api.prod.example.com:80", False),
        ("http://api.prod.example.com", "api.prod.example.com:443", True),
    ],
)
def test_what_no_proxy_excepts(
    monkeypatch: pytest.MonkeyPatch, server: str, exceptions: str, proxied: bool
) -> None:
    for name in ("https_proxy", "http_proxy", "no_proxy", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("NO_PROXY", exceptions)
    assert (from_environment(server) is not None) is proxied


async def test_the_address_of_a_console_is_told(tmp_path: Path) -> None:
    with start_stub_cluster(folder=tmp_path, tls=False) as cluster:
        cluster.server.faults.append(Fault("", "status", status=302, headers={"Location": "https://oauth"}))
        access = await probe(options(cluster.kubeconfig_path))
    assert access.rung is Rung.UNREACHABLE
    assert "sends us elsewhere (302)" in str(access.problem)


@pytest.mark.parametrize("value", ["{host}", "HTTP://{host}", "http://{host}/"])
async def test_a_proxy_of_the_environment_is_taken_as_go_takes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    with proxy_that_says("403 Forbidden") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", value.format(host=proxy.removeprefix("http://")))
        access = await probe(options(kubeconfig(tmp_path, "https://api.x.invalid", {"token": "x"})))
    assert f"proxy {proxy}" in str(access.problem)
    assert "does not let us through" in str(access.problem)


async def test_an_environment_without_a_proxy_s_address_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks4://p:1")
    path = kubeconfig(tmp_path, "https://api.x.invalid", {"token": "x"})
    access = await probe(options(path))
    assert str(access.problem).startswith("HTTPS_PROXY: the proxy's address is no address with http://")
    monkeypatch.setenv("NO_PROXY", "api.x.invalid")
    assert "can't be resolved" in str((await probe(options(path))).problem)
