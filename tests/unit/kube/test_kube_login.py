"""Credentials that end, or are refused, in the middle: their giver is asked anew, as often as it helps."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from modelcar_tui.kube import login as module
from modelcar_tui.kube.connection import connect
from modelcar_tui.kube.errors import ClusterError
from modelcar_tui.kube.kubeconfig import find_credentials
from modelcar_tui.kube.types import ClusterOptions, Rung
from support.api_answers import ApiServer, api_answers

V1 = "client.authentication.k8s.io/v1"
ANYTHING = (200, {"kind": "Thing"})


class Bench:
    """A server, and a plug-in that gives what stands in a file, and counts how often."""

    def __init__(self, folder: Path, server: ApiServer) -> None:
        self.folder, self.server = folder, server
        (folder / "get").write_text(f"#!/bin/sh\necho x >> {folder}/asked\nsleep 0.1\ncat {folder}/says\n")
        (folder / "get").chmod(0o755)
        entry = {"apiVersion": V1, "command": "./get", "interactiveMode": "Never"}
        config = {
            "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": server.url}}],
            "users": [{"name": "u", "user": {"exec": entry}}],
        }
        (folder / "k").write_text(json.dumps(config))
        self.options = ClusterOptions(kubeconfig=str(folder / "k"))

    def gives(self, token: str, ends: str = "") -> None:
        status = {"token": token, **({"expirationTimestamp": ends} if ends else {})}
        text = json.dumps({"apiVersion": V1, "kind": "ExecCredential", "status": status})
        (self.folder / "says").write_text(text)

    @property
    def asked(self) -> int:
        return len((self.folder / "asked").read_text().split())


@pytest.fixture
def bench(tmp_path: Path) -> object:
    with api_answers(otherwise=ANYTHING) as server:
        yield Bench(tmp_path, server)


async def test_a_token_that_is_refused_is_renewed_once_for_all(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SOONEST_S", 0.0)
    bench.gives("first")
    bench.server.token = "first"
    async with connect(find_credentials(bench.options), bench.options) as client:
        assert (await client.read("/a"))["kind"] == "Thing"
        bench.gives("second")
        bench.server.token = "second"
        found = await asyncio.gather(*(client.read(f"/{number}") for number in range(6)))
        assert [one["kind"] for one in found] == ["Thing"] * 6
        assert bench.asked == 2
        bench.gives("third")
        bench.server.token = "third"
        assert [chunk async for chunk in client.log("/log")]
    assert bench.asked == 3


async def test_one_that_has_ended_is_renewed_before_it_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_SOONEST_S", 0.0)
    bench.gives("first", "2020-01-01T00:00:00Z")
    async with connect(find_credentials(bench.options), bench.options) as client:
        bench.gives("second", "2999-01-01T00:00:00Z")
        await client.read("/a")
        await client.read("/b")
    sent = [dict(asked.headers)["Authorization"] for asked in bench.server.asked]
    assert sent == ["Bearer second", "Bearer second"]
    assert bench.asked == 2


async def test_one_that_was_just_given_is_not_asked_for_again(bench: Bench) -> None:
    bench.gives("wrong")
    bench.server.token = "right"
    async with connect(find_credentials(bench.options), bench.options) as client:
        for _ in range(3):
            with pytest.raises(ClusterError) as caught:
                await client.read("/a")
            assert caught.value.status == 401
    assert bench.asked == 1


async def test_a_plug_in_that_fails_later_is_told_in_its_words(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.gives("first")
    async with connect(find_credentials(bench.options), bench.options) as client:
        await client.read("/a")
        bench.server.token = "second"
        (bench.folder / "get").write_text(
            f"#!/bin/sh\necho x >> {bench.folder}/asked\necho session over >&2\nexit 1\n"
        )
        monkeypatch.setattr(module, "_SOONEST_S", 0.0)
        with pytest.raises(ClusterError, match="session over") as caught:
            await client.read("/a")
        assert (caught.value.status, caught.value.rung) == (401, Rung.UNAUTHENTICATED)
        monkeypatch.setattr(module, "_SOONEST_S", 10.0)
        with pytest.raises(ClusterError, match="session over"):
            await client.read("/a")
    assert bench.asked == 2


async def test_what_is_not_sent_over_plain_http_is_not_asked_for(bench: Bench) -> None:
    config = json.loads((bench.folder / "k").read_text())
    config["clusters"][0]["cluster"]["server"] = "http://api.far.invalid"
    (bench.folder / "k").write_text(json.dumps(config))
    async with connect(find_credentials(bench.options), bench.options) as client:
        with pytest.raises(ClusterError, match="can't be resolved"):
            await client.read("/a")
    assert not (bench.folder / "asked").exists()
