"""Secrets from a pipe: ours, and no child's."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from modelcar_tui.core import handed
from modelcar_tui.core.process import run_bounded
from modelcar_tui.core.secrets import redact
from modelcar_tui.tui.clipboard import send

NAME = "OCI_REGISTRY_PULL_SECRET"
SHOW = [sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))"]


@pytest.fixture(autouse=True)
def nothing_handed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handed, "_handed", set())
    monkeypatch.setenv(NAME, "from-outside")


def pipe(data: bytes) -> int:
    reader, writer = os.pipe()
    os.write(writer, data)
    os.close(writer)
    return reader


async def child(env: dict[str, str] | None = None) -> dict[str, str]:
    done = await run_bounded(SHOW, timeout_s=20, limit=1 << 20, env=env)
    found: dict[str, str] = json.loads(done.stdout)
    return found


async def test_what_was_handed_is_ours_is_taught_and_reaches_no_child() -> None:
    reader = pipe(json.dumps({NAME: "canary-5512ab", "PATH": "/none", "GEMINI_API_KEY": 5}).encode())
    handed.take_handed(reader)
    assert os.environ[NAME] == "canary-5512ab"
    assert os.environ["PATH"] != "/none", "only secrets are taken"
    assert "GEMINI_API_KEY" not in os.environ
    assert "canary" not in redact("it is canary-5512ab")
    with pytest.raises(OSError):
        os.fstat(reader)
    for env in (None, os.environ | {"MORE": "1"}):
        assert NAME not in await child(env)


async def test_a_secret_of_the_environment_goes_where_it_always_went() -> None:
    handed.take_handed(pipe(b"{}"))
    assert (await child())[NAME] == "from-outside"


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{", b"\xff", b'"x"', b'{"OCI_REGISTRY_PULL_SECRET": "a\\u0000b"}']
)
def test_what_is_no_such_object_is_dropped_without_a_word(data: bytes) -> None:
    handed.take_handed(pipe(data))
    assert os.environ[NAME] == "from-outside"


def test_the_longest_secrets_that_a_form_takes_are_taken_whole(tmp_path: Path) -> None:
    secret = "\x01" * (1 << 18)  # six bytes each, as JSON
    (tmp_path / "handed").write_text(json.dumps({NAME: secret, "GEMINI_API_KEY": ""}))
    handed.take_handed(os.open(tmp_path / "handed", os.O_RDONLY))
    assert os.environ[NAME] == secret


def test_what_copies_by_tmux_is_handed_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "tmux"
    program.write_text(f"#!/bin/sh\nenv > {tmp_path}/told\ncat > {tmp_path}/copied\n")
    program.chmod(0o700)
    monkeypatch.setenv("TMUX", "here")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    handed.take_handed(pipe(json.dumps({NAME: "canary-5512ab"}).encode()))
    assert "tmux" in send("words", None, None)
    assert (tmp_path / "copied").read_text() == "words"
    assert NAME not in (tmp_path / "told").read_text()
