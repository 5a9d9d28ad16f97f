"""Who may ask the page for anything: one token a visitor, loopback names, no page from elsewhere."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from aiohttp import ClientSession, CookieJar, WSServerHandshakeError
from yarl import URL

from support.web_server import Visitor, visited


async def raw(visitor: Visitor, request: str) -> str:
    """The answer to bytes that no client would send; the cookie goes with them."""
    (cookie,) = visitor.client.cookie_jar
    request = request.replace("HOME", visitor.home.removeprefix(visitor.origin))
    head = f"{request}Cookie: {cookie.key}={cookie.value}\r\nConnection: close\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", visitor.page.port)
    writer.write(head.encode())
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return answer.decode(errors="replace")


async def test_a_token_is_good_once_and_each_visitor_has_a_session_of_its_own(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        place = await visitor.begin()
        address = visitor.page.new_address()
        home = f"{visitor.home.removeprefix(visitor.origin)}/"
        async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as other:
            async with other.get(address, allow_redirects=False) as answer:
                assert answer.status == 303
                assert answer.headers["Location"] == home
                cookie = answer.headers["Set-Cookie"]
                assert {"HttpOnly", "SameSite=Strict", f"Path={home}"} <= set(cookie.split("; "))
                assert len(cookie.partition("=")[2].partition(";")[0]) >= 43, "256 bits"
            async with other.get(address) as answer:
                assert answer.status == 403
                assert "opened before" in await answer.text()
            async with other.get(f"{visitor.home}/") as answer:
                assert answer.status == 200
            async with other.get(f"{visitor.home}{place}") as answer:
                assert answer.status == 404, "another's run"


@pytest.mark.parametrize("token", ["", "x", "0" * 43, "é"])
async def test_what_is_no_token_opens_nothing(tmp_path: Path, token: str) -> None:
    async with visited(tmp_path) as visitor, ClientSession() as other:
        async with other.get(f"{visitor.home}/", params={"token": token}) as answer:
            assert answer.status == 403
        assert not other.cookie_jar


@pytest.mark.parametrize("path", ["/", "/runs/1", "/runs/1/files/generated", "/static", "/nothing"])
async def test_without_a_session_nothing_is_shown(tmp_path: Path, path: str) -> None:
    async with visited(tmp_path) as visitor:
        await visitor.begin()
        async with ClientSession() as other, other.get(f"{visitor.home}{path}") as answer:
            assert answer.status == 403
            assert "no session here" in await answer.text()


async def test_a_server_at_another_port_is_sent_no_cookie_and_nobody_is_told_the_path_it_is_for(
    tmp_path: Path,
) -> None:
    async with visited(tmp_path) as visitor, visited(tmp_path) as other:
        assert visitor.home.rpartition("/")[2] != other.home.rpartition("/")[2]
        for place in ("/", "/runs/1", "/static/textual.js", "/index.html"):
            assert not visitor.client.cookie_jar.filter_cookies(URL(f"http://127.0.0.1:9{place}"))
        async with ClientSession() as stranger:
            for path in ("/", "/?token=x", "/static/none", "/runs/1", "/%zz"):
                async with stranger.get(f"{visitor.origin}{path}") as answer:
                    told = f"{answer.headers}{await answer.text()}"
                assert visitor.home.rpartition("/")[2] not in told


async def test_a_browser_that_has_a_session_keeps_it_and_its_runs_with_another_token(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        place = await visitor.begin()
        address = visitor.page.new_address()
        async with visitor.client.head(address) as answer:
            assert answer.status == 200, "with a session; no token is spent by it"
        for status in (200, 403):
            async with visitor.client.get(address) as answer:
                assert answer.status == status
        assert "Run 1" in await visitor.text(place)


async def test_where_no_further_visitor_has_room_it_is_said_and_the_address_stays_good(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with visited(tmp_path) as visitor, ClientSession(cookie_jar=CookieJar(unsafe=True)) as other:
        address = visitor.page.new_address()
        for most, status in ((1, 503), (2, 200)):
            monkeypatch.setattr("modelcar_tui.web.sessions.MOST_SESSIONS", most)
            async with other.get(address) as answer:
                assert answer.status == status
                assert ("which is the limit" in await answer.text()) is (status == 503)


async def test_to_ask_for_the_head_spends_no_token(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor, ClientSession(cookie_jar=CookieJar(unsafe=True)) as other:
        address = visitor.page.new_address()
        async with other.head(address) as answer:
            assert answer.status == 403
        async with other.get(address) as answer:
            assert answer.status == 200


HOSTS = [
    "evil.example",
    "evil.example:8765",
    "127.0.0.1.evil.example",
    "127.0.0.1@evil.example",
    "10.0.0.1",
    "",
]


@pytest.mark.parametrize("host", HOSTS)
async def test_a_name_that_is_not_loopback_is_refused(tmp_path: Path, host: str) -> None:
    async with visited(tmp_path) as visitor:
        assert " 403 " in (await raw(visitor, f"GET HOME/ HTTP/1.1\r\nHost: {host}\r\n"))[:20]


async def test_no_host_or_two_are_refused(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        for heads in ("", "Host: localhost\r\nHost: evil.example\r\n"):
            status = (await raw(visitor, f"GET HOME/ HTTP/1.1\r\n{heads}"))[:20]
            assert " 403 " in status or " 400 " in status


@pytest.mark.parametrize("host", ["127.0.0.1:9", "localhost:7", "LOCALHOST", "[::1]:8765"])
async def test_any_port_of_a_loopback_name_is_taken_as_a_tunnel_may_have_another(
    tmp_path: Path, host: str
) -> None:
    async with visited(tmp_path) as visitor:
        for more in ("", f"Origin: http://{host}\r\n"):
            answer = await raw(visitor, f"GET HOME/ HTTP/1.1\r\nHost: {host}\r\n{more}")
            assert " 200 " in answer[:20]


ORIGINS = [
    "http://evil.example",
    "null",
    "https://127.0.0.1:{port}",
    "http://127.0.0.1:1",
    "http://localhost:{port}",
]


@pytest.mark.parametrize("origin", ORIGINS)
async def test_another_origin_gets_nothing(tmp_path: Path, origin: str) -> None:
    async with visited(tmp_path) as visitor:
        place = await visitor.begin()
        told = origin.format(port=visitor.page.port)
        status, text = await visitor.post("/runs", origin=told, manifest=b"a: 1")
        assert (status, "another page" in text) == (403, True)
        async with visitor.client.get(f"{visitor.home}/", headers={"Origin": told}) as answer:
            assert answer.status == 403
        with pytest.raises(WSServerHandshakeError) as refused:
            await visitor.client.ws_connect(f"{visitor.home}{place}/socket", headers={"Origin": told})
        assert refused.value.status == 403


async def test_a_form_and_a_socket_must_tell_their_origin(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        place = await visitor.begin()
        assert (await visitor.post("/runs", origin=None, manifest=b"a: 1"))[0] == 403
        with pytest.raises(WSServerHandshakeError) as refused:
            await visitor.client.ws_connect(f"{visitor.home}{place}/socket")
        assert refused.value.status == 403


async def test_a_form_without_the_sessions_own_key_begins_nothing(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        for key in ("", "x" * 43, "é"):
            status, text = await visitor.post("/runs", form_key=key, manifest=b"a: 1")
            assert (status, "not of your session" in text) == (403, True)
        assert not (tmp_path / "web").exists(), "nothing is kept"


async def test_every_answer_has_the_headers(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        place = await visitor.begin()
        for path in ("/", place, f"{place}/files", f"{place}/files/none", "/static/textual.js", "/none"):
            at = visitor.origin if path.startswith("/static") else visitor.home
            async with visitor.client.get(f"{at}{path}") as answer:
                head = answer.headers
            assert head["Content-Security-Policy"].startswith("default-src 'none'; script-src 'self';")
            assert "unsafe" not in head["Content-Security-Policy"]
            assert head["Server"] == "modelcar-tui", "no versions"
            assert head["X-Frame-Options"] == "DENY"
            assert head["X-Content-Type-Options"] == "nosniff"
            kept = "private, no-cache" if path.startswith("/static/") else "no-store"
            assert head["Cache-Control"] == kept
            assert head["Referrer-Policy"] == "same-origin"


async def test_what_the_browser_has_is_not_sent_again_and_what_it_lacks_is_sent_small(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        url = f"{visitor.origin}/static/textual.js"
        async with visitor.client.get(url) as answer:
            assert answer.headers["Content-Encoding"] in ("gzip", "deflate")
            assert int(answer.headers["Content-Length"]) < 160_000
            assert len(await answer.read()) > 400_000
            mark = answer.headers["ETag"]
        async with visitor.client.get(url, headers={"If-None-Match": mark}) as answer:
            assert (answer.status, await answer.read()) == (304, b"")


PATHS = [
    "/static/../server.py",
    "/static/../../cli.py",
    "/static/%2e%2e/server.py",
    "/static/%2e%2e%2fserver.py",
    "/static/..%5c..%5cserver.py",
    "/static/%2fetc%2fpasswd",
    "//etc/passwd",
    "/static/",
    "/static/page.css%00",
    "/static/./page.css/..",
    "/static/index.html",
    "HOME/runs/1/files/../../../../etc/passwd",
    "HOME/runs/1/files/%2e%2e%2f%2e%2e%2fone.base.yaml",
    "HOME/runs/1/files/one.base.yaml",
    "HOME/runs/-1",
    "HOME/runs/1e3",
]


@pytest.mark.parametrize("path", PATHS)
async def test_no_path_leads_out_of_the_table(tmp_path: Path, path: str) -> None:
    async with visited(tmp_path) as visitor:
        await visitor.begin()
        answer = await raw(visitor, f"GET {path} HTTP/1.1\r\nHost: localhost\r\n")
        assert answer[9:12] in ("404", "400")
        assert "root:" not in answer
        assert "def " not in answer


async def test_another_method_is_refused(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        for method in ("PUT", "DELETE", "OPTIONS", "TRACE"):
            answer = await raw(
                visitor, f"{method} HOME/runs HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
            )
            assert answer[9:12] in ("405", "404")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"SECRET\r\n\r\n",
        b"GET /SECRET HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nSECRET\r\n\r\n",
        b"GET /" + b"SECRET" * 2000 + b" HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\n" + b"A: SECRET\r\n" * 300 + b"\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: SECRET\r\n\r\n",
        b"\x16\x03\x01SECRET\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_answered_without_its_words_or_the_librarys_version(
    tmp_path: Path, request_bytes: bytes
) -> None:
    async with visited(tmp_path) as visitor:
        reader, writer = await asyncio.open_connection("127.0.0.1", visitor.page.port)
        writer.write(request_bytes)
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
    assert answer.startswith(b"HTTP/1.") and b" 400 " in answer.splitlines()[0]
    assert b"SECRET" not in answer and b"aiohttp" not in answer.lower() and b"Python" not in answer
    assert b"Server: modelcar-tui" in answer and b"Content-Security-Policy: default-src 'none'" in answer
    assert answer.endswith(b"this is no request that the page understands\n")
