"""Secrets from a pipe: ours, and no child's."""

from __future__ import annotations

import json
import os
import sys

import pytest

from modelcar_tui.core import handed
from modelcar_tui.core.process import run_bounded
from modelcar_tui.core.secrets import redact

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
