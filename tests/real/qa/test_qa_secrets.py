"""Planted secrets, searched for wherever a run could leave them."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
from pathlib import Path

import pytest

from modelcar_tui.core.secrets import Redactor
from modelcar_tui.qa.runner import QaSecrets
from support.masks import unnumbered
from support.qa_bench import AUTH, PASSWORD, TOKEN, Bench, eventually, podman

pytestmark = pytest.mark.real

CONFIG = json.dumps({"auths": {"registry.redhat.io": {"auth": AUTH}}})
NEEDLES = tuple(
    needle.encode()
    for needle in (
        PASSWORD,
        AUTH,
        TOKEN,
        base64.b64encode(CONFIG.encode()).decode(),
        AUTH[8:40],
        PASSWORD[4:24],
    )
)


def found_in(data: bytes) -> list[bytes]:
    return [needle for needle in NEEDLES if needle in data]


def command_lines() -> bytes:
    lines = b""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            lines += path.read_bytes() + b"\n"
        except OSError:
            continue
    return lines


def environments_of_podman() -> bytes:
    found = b""
    for path in Path("/proc").glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() in ("podman", "conmon"):
                found += (path.parent / "environ").read_bytes()
        except OSError:
            continue
    return found


@pytest.mark.parametrize("branch", ["3.2", "3.4ea1", "main"])
async def test_secrets_are_nowhere_while_it_runs_and_after(
    branch: str, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OCI_REGISTRY_PULL_SECRET", AUTH)
    request = bench.request("granite--leak", "llama--hang", branch=branch)
    argv: set[bytes] = set()
    task = asyncio.create_task(bench.run(request))

    async def watch() -> None:
        while not task.done():
            argv.update(command_lines().split(b"\n"))
            await asyncio.sleep(0.02)

    watcher = asyncio.create_task(watch())
    await eventually(lambda: any("(Function: pods)" in line for line in bench.lines()))
    assert any(b"--name=" + bench.name.encode() in line for line in argv)
    assert not found_in(b"\n".join(argv))
    assert not found_in(podman("inspect", bench.name).encode())
    assert not found_in(environments_of_podman())
    for path in (bench.stage.parent, bench.stage):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in bench.stage.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    # The pull secret is taken back as soon as the suite has read it.
    assert [path.name for path in bench.stage.iterdir() if found_in(path.read_bytes())] == ["kubeconfig"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    watcher.cancel()
    given = {bench.kubeconfig}
    for path in bench.folder.rglob("*"):
        if path.is_file() and path not in given:
            assert not found_in(path.read_bytes()), path
    assert not found_in("\n".join(bench.lines(None)).encode())
    assert sum("***" in unnumbered(line) for line in bench.lines()) >= 4
    assert not found_in(repr(bench.events).encode())
    assert not found_in(podman("events", "--stream=false", "--filter", f"container={bench.name}").encode())


@pytest.mark.parametrize("shape", ["plain", "config", "config64"])
async def test_secret_in_any_shape_reaches_the_suite(shape: str, bench: Bench) -> None:
    from modelcar_tui.core.secrets import Secret

    text = {
        "plain": f"planted-user:{PASSWORD}",
        "config": CONFIG,
        "config64": base64.b64encode(CONFIG.encode()).decode(),
    }[shape]
    outcome = await bench.runner().run(bench.request("granite"), QaSecrets(Secret(text)), bench.events.append)
    assert outcome.ok, outcome


async def test_callers_redactor_learns_what_passes(bench: Bench) -> None:
    redact = Redactor()
    await bench.run(bench.request("granite"), bench.runner(redact=redact))
    assert unnumbered(redact(f"{PASSWORD} {TOKEN} {AUTH}")) == "*** *** ***"
