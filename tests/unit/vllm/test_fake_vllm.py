"""The program that plays vLLM's server: its lines, its answer, its exit status."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from support import fake_vllm
from support.fake_vllm import Start, played

PROGRAM = str(Path(fake_vllm.__file__))
AWAY = ("--host", "127.0.0.1", "--port")


def play(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    told = {name: value for name, value in os.environ.items() if not name.startswith("FAKE_VLLM_")}
    return subprocess.run(
        [sys.executable, "-S", PROGRAM, *arguments],
        env=told | environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=60,
    )


def test_it_writes_the_lines_of_the_release_and_ends_as_vllm_does() -> None:
    arguments = ("serve", "/mnt/models", "-tp", "2")
    done = play(*arguments, FAKE_VLLM_RELEASE="0.13.0", FAKE_VLLM_END="refuses-kv")
    start = Start("0.13.0", "refuses-kv", {}, arguments)
    assert done.stdout.splitlines() == [line for said in played(start) for line in said.text.splitlines()]
    assert done.returncode == 1
    assert play("--no-such-flag", FAKE_VLLM_END="refuses-args").returncode == 2


def test_it_serves_health_where_it_is_told_to_until_it_is_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    server = subprocess.Popen(
        [sys.executable, "-S", PROGRAM, "serve", "m", *AWAY, port],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert server.stdout is not None
        assert any("Application startup complete" in line for line in server.stdout)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
            assert answer.status == 200
    finally:
        server.terminate()
    assert server.wait(20) == 0


def test_a_file_that_it_needs_and_an_end_that_it_does_not_know_are_told(tmp_path: Path) -> None:
    lacking = play("serve", str(tmp_path), FAKE_VLLM_NEEDS="config.json", FAKE_VLLM_END="killed")
    assert lacking.returncode == 1
    assert "does not appear to have a file named config.json" in lacking.stdout
    (tmp_path / "config.json").write_text("{}")
    assert (
        play("--model", str(tmp_path), FAKE_VLLM_NEEDS="config.json", FAKE_VLLM_END="killed").returncode
        == 137
    )
    assert play("serve", "m", FAKE_VLLM_END="nothing").returncode == 2
