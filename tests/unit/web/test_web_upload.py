"""What is sent with the form: bounded before it is read, named safely, kept where only its owner reads."""

from __future__ import annotations

import asyncio
import errno
import gzip
import json
import os
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from modelcar_tui.web.offer import MOST_MANIFEST
from modelcar_tui.web.order import safe_name
from support.web_server import Visitor, said, visited

HEAD = "POST %s/runs HTTP/1.1\r\nHost: localhost\r\nOrigin: http://localhost\r\n"
FORM = "Content-Type: multipart/form-data; boundary=edge\r\nContent-Length: %d\r\n"
PART = b'--edge\r\nContent-Disposition: form-data; name="manifest"; filename="a.yaml"\r\n\r\n'


def head_of(visitor: Visitor, length: int) -> str:
    """The head of a form of so many bytes."""
    (cookie,) = visitor.client.cookie_jar
    home = visitor.home.removeprefix(visitor.origin)
    return f"{HEAD % home}{FORM % length}Cookie: {cookie.key}={cookie.value}\r\n\r\n"


async def test_a_hundred_megabytes_are_refused_before_they_are_sent(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        reader, writer = await asyncio.open_connection("127.0.0.1", visitor.page.port)
        head = head_of(visitor, 100_000_000)
        writer.write(head.encode() + PART)
        answer = await asyncio.wait_for(reader.readuntil(b"</html>"), 20)
        writer.close()
        assert answer.startswith(b"HTTP/1.1 413 ")
        assert b"at most 1 MiB are taken" in answer
        assert not (tmp_path / "web").exists()


async def test_a_hundred_megabytes_in_chunks_are_cut_off_without_filling_the_memory(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield PART
        for _ in range(100):
            yield bytes(1_000_000)

    async with visited(tmp_path) as visitor:
        headers = {"Origin": visitor.origin, "Content-Type": "multipart/form-data; boundary=edge"}
        async with visitor.client.post(f"{visitor.home}/runs", data=chunks(), headers=headers) as answer:
            assert answer.status == 411
            assert "this is not the form" in await answer.text()
        assert not (tmp_path / "web").exists()


@pytest.mark.parametrize("field", ["manifest", "api_key", "pull_secret", "gpus", "form_key", "nonesuch"])
async def test_each_field_has_its_limit(tmp_path: Path, field: str) -> None:
    async with visited(tmp_path) as visitor:
        value: object = b"x" * (MOST_MANIFEST + 1) if field == "manifest" else "x" * (1 << 19)
        status, text = await visitor.post("/runs", **{field: value})
        assert (status, "too large" in text) == (413, True)


async def test_a_form_that_is_none_is_refused_in_one_line(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        for kind, body in (
            ("application/x-www-form-urlencoded", b"form_key=1"),
            ("multipart/form-data", b"--edge\r\n"),
            ("multipart/form-data; boundary=edge", b"--edge\r\nContent-Disp"),
            ("multipart/form-data; boundary=edge", b"nothing"),
            ("multipart/form-data; boundary=edge", (PART + b"\r\n") * 20 + b"--edge--"),
        ):
            headers = {"Origin": visitor.origin, "Content-Type": kind}
            async with visitor.client.post(f"{visitor.home}/runs", data=body, headers=headers) as answer:
                assert answer.status in (400, 403, 413, 415), (kind, body)
                assert "Back to the first page" in await answer.text()


FIELD = b'--edge\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'
HOSTILE = {
    "a charset that is none": FIELD % (b"_charset_", b"x" * 100),
    "a part without a name": b"--edge\r\nContent-Disposition: ;;;=\r\n\r\nx\r\n",
    "a name in no charset": b"--edge\r\nContent-Disposition: form-data; name*=none''%ff\r\n\r\nx\r\n",
    "one field ten thousand times": FIELD % (b"x", b"y") * 10_000,
    "a part in a part": b"--edge\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n--c\r\n\r\n--c--\r\n",
    "a head of a megabyte": b"--edge\r\nX: " + b"y" * 1_000_000 + b"\r\n\r\nx\r\n",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
async def test_a_hostile_form_is_refused_in_one_line_and_the_servers_terminal_says_nothing(
    tmp_path: Path, body: bytes, recwarn: pytest.WarningsRecorder
) -> None:
    async with visited(tmp_path) as visitor:
        headers = {"Origin": visitor.origin, "Content-Type": "multipart/form-data; boundary=edge"}
        url, data = f"{visitor.home}/runs", body + b"--edge--\r\n"
        async with visitor.client.post(url, data=data, headers=headers) as answer:
            assert answer.status in (400, 403)
            assert 'role="alert"' in await answer.text()
        assert [str(one.message) for one in recwarn] == []


async def test_a_packed_form_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        kind = {"Content-Type": "multipart/form-data; boundary=edge", "Content-Encoding": "gzip"}
        for data in (gzip.compress(PART + bytes(9_000_000) + b"\r\n--edge--\r\n"), b"no gzip"):
            headers = {"Origin": visitor.origin, **kind}
            async with visitor.client.post(f"{visitor.home}/runs", data=data, headers=headers) as answer:
                assert answer.status == 415


async def test_a_browser_that_leaves_while_it_sends_is_no_fault(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        head = head_of(visitor, 9000)
        for sent in (b"", PART[:20], PART + b"a: 1"):
            _, writer = await asyncio.open_connection("127.0.0.1", visitor.page.port)
            writer.write(head.encode() + sent)
            await writer.drain()
            await visitor.text("/")
            writer.transport.abort()
        await visitor.text("/")


async def test_what_is_kept_is_private_and_named_safely(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        await visitor.begin(manifest=b"model-car: []\n")
        (kept,) = (tmp_path / "web").rglob("*.yaml")
        assert kept.read_bytes() == b"model-car: []\n"
        assert kept.name == "one.base.yaml"
        assert stat.S_IMODE(kept.stat().st_mode) == 0o600
        assert {stat.S_IMODE(path.stat().st_mode) for path in (kept.parent, kept.parent.parent)} == {0o700}


@pytest.mark.parametrize("where", ["write_private", "Terminal.start"])
async def test_a_full_disk_leaves_nothing_of_a_run_that_never_began(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    async with visited(tmp_path) as visitor:
        with monkeypatch.context() as patched:
            patched.setattr(f"modelcar_tui.web.starting.{where}", full)
            status, text = await visitor.post("/runs", manifest=b"model-car: []")
        assert status in (503, 507) and "No space left on device" in text
        assert list((tmp_path / "web").iterdir()) == []
        await visitor.begin()


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("x.base.yaml", "x.base.yaml"),
        ("../../etc/passwd", "passwd.yaml"),
        ("..\\..\\boot.yml", "boot.yml"),
        ("--config=x.yaml", "config_x.yaml"),
        ("a b\x1b[31m\u202e.YAML", "a_b_31m.yaml"),
        (".hidden", "hidden.yaml"),
        ("yaml.py", "yaml.py.yaml"),
        ("", "manifest.yaml"),
        ("…", "manifest.yaml"),
        ("x" * 300 + ".yaml", "x" * 80 + ".yaml"),
    ],
)
def test_a_name_is_the_last_part_of_safe_signs(given: str, name: str) -> None:
    assert safe_name(given) == name


async def test_options_become_words_of_the_run(tmp_path: Path) -> None:
    async with visited(tmp_path, arguments=("--namespace", "ns")) as visitor:
        place = await visitor.begin(gpus="L40S:4, T4:1@2", demo="yes")
        socket = await visitor.watch(place)
        shown = await said(socket, r"words (\[.*\])\s")
        words = json.loads(re.findall(r"words (\[.*\])", re.sub(r"\r\n", "\n", shown))[0])
        assert words[:-1] == ["--namespace", "ns", "--demo", "--no-qa", "--gpu=L40S:4", "--gpu=T4:1@2"]
        assert words[-1].endswith("/one.base.yaml")


@pytest.mark.parametrize("gpus", ["L40S", "--help", "H100:8", "L40S:0", "<script>alert(1)</script>"])
async def test_gpus_that_are_none_are_said_so_and_nothing_begins(tmp_path: Path, gpus: str) -> None:
    async with visited(tmp_path) as visitor:
        status, text = await visitor.post("/runs", manifest=b"a: 1", gpus=gpus)
        assert (status, "GPUs: " in text) == (400, True)
        assert "<script>" not in text
        assert not (tmp_path / "web").exists()


async def test_without_a_manifest_only_a_demo_begins_and_with_an_empty_one_nothing(tmp_path: Path) -> None:
    async with visited(tmp_path) as visitor:
        assert "no manifest was chosen" in (await visitor.post("/runs"))[1]
        assert "is empty" in (await visitor.post("/runs", manifest=b""))[1]
        assert (await visitor.post("/runs", demo="yes"))[0] == 303
        (kept,) = (tmp_path / "web").rglob("*.yaml")
        assert kept.name == "sample_modelcar_config.base.yaml"


async def test_so_many_runs_and_no_more_are_open_at_once(tmp_path: Path) -> None:
    async with visited(tmp_path, most_runs=2) as visitor:
        first = await visitor.begin()
        await visitor.begin()
        status, text = await visitor.post("/runs", manifest=b"a: 1")
        assert (status, "2 runs are open, which is the limit" in text) == (429, True)
        await ended(visitor, first)
        await visitor.begin()


async def ended(visitor: Visitor, place: str) -> None:
    """End a run by its keys, and wait until its page says so."""
    socket = await visitor.watch(place)
    await socket.send_json(["stdin", "bye\r"])
    async for _ in socket:
        pass
    assert "exit status 5" in await visitor.text(place)
