"""Addresses as kubectl takes them: client-go's rest/url_utils.go and tools/clientcmd, Go's httpproxy."""

from __future__ import annotations

import pytest

from modelcar_tui.kube.addresses import (
    AddressError,
    environment_proxy,
    may_carry_credentials,
    proxy_url,
    server_address,
)


@pytest.mark.parametrize(
    ("text", "server", "bare"),
    [
        ("https://api.x:6443", "https://api.x:6443", False),
        ("https://api.x", "https://api.x", False),
        ("https://api.x:", "https://api.x:", False),
        ("HTTPS://API.X:6443/", "https://API.X:6443", False),
        ("HttP://api.x//", "http://api.x", False),
        ("https://api.x/k8s/clusters/c-1/", "https://api.x/k8s/clusters/c-1", False),
        ("https://api.x/k8s?a=b#c", "https://api.x/k8s", False),
        ("https://api.x?a=b", "https://api.x", False),
        ("https://me:pw@api.x:6443/k", "https://api.x:6443/k", False),
        ("https://[fd00::1]:6443", "https://[fd00::1]:6443", False),
        ("https://[::1]", "https://[::1]", False),
        ("https://[fe80::1%25eth0]:6443", "https://[fe80::1%25eth0]:6443", False),
        ("127.0.0.1:6443", "http://127.0.0.1:6443", True),
        ("localhost:8001/", "http://localhost:8001", True),
        ("api.x", "http://api.x", True),
        ("[::1]:6443", "http://[::1]:6443", True),
        ("me:pw@api.x:6443", "http://api.x:6443", True),
    ],
)
def test_a_server(text: str, server: str, bare: bool) -> None:
    assert server_address(text) == (server, bare)


@pytest.mark.parametrize(
    "text",
    [
        "api.x:6443/k8s/clusters/c-1",
        "//api.x:6443",
        "https:api.x:6443",
        "https//api.x",
        "ftp://api.x",
        "unix:///run/api",
        "https://",
        "https:///path",
        "https://api x",
        "https://api.x:99999",
        "https://api.x:port",
        "https://me:p/w@api.x",
        ":6443",
        "https://[::1",
        "https://api.x\n",
    ],
)
def test_no_server(text: str) -> None:
    with pytest.raises(AddressError) as caught:
        server_address(text)
    assert "api" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("http://p:3128", "http://p:3128"),
        ("HTTPS://me:pw@p:3128/", "https://me:pw@p:3128/"),
        ("Socks5://p", "socks5://p"),
    ],
)
def test_a_proxy_url(text: str, proxy: str) -> None:
    assert proxy_url(text) == proxy


@pytest.mark.parametrize(
    "text", ["p:3128", "socks5h://p:1", "socks4://p:1", "socks5://", "ftp://p", "//p:3128", "http://p:x"]
)
def test_no_proxy_url(text: str) -> None:
    with pytest.raises(AddressError, match=r"is no address with http://, https:// or socks5:// and a host"):
        proxy_url(text)


@pytest.mark.parametrize(
    ("text", "proxy"),
    [
        ("p:3128", "http://p:3128"),
        ("me:pw@p", "http://me:pw@p"),
        ("[::1]:3128", "http://[::1]:3128"),
        ("HTTP://p:3128", "http://p:3128"),
        ("socks5h://p:1080", "socks5h://p:1080"),
    ],
)
def test_a_proxy_of_the_environment(text: str, proxy: str) -> None:
    assert environment_proxy(text) == proxy


@pytest.mark.parametrize("text", ["ftp://p", "http://", "p p", "socks4://p"])
def test_no_proxy_of_the_environment(text: str) -> None:
    with pytest.raises(AddressError):
        environment_proxy(text)


def test_credentials_go_over_tls_and_to_this_machine_only() -> None:
    assert [
        may_carry_credentials(server)
        for server in ("https://api.x", "http://127.0.0.1:1", "http://[::1]:1", "http://api.x")
    ] == [True, True, True, False]
