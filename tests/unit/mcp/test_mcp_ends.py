"""Standard output is the protocol's alone; a cancel, the end of input or a signal ends it at once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from modelcar_tui import agent
from support.mcp_server import Raw, environment

CHATTY = """
import os, subprocess
from modelcar_tui import api
from modelcar_tui.api import linting
real = linting.lint
def lint(*args, **more):
    print("chatty library", flush=True)
    os.write(1, b"chatty C code\\n")
    subprocess.run(["echo", "chatty child"], check=True)
    return real(*args, **more)
linting.lint = lint
"""
SLOW = """
import time
from modelcar_tui.api import linting
def lint(*args, **more):
    time.sleep(300)
linting.lint = lint
"""
BROKEN = """
from modelcar_tui.api import linting
def lint(*args, **more):
    raise ValueError("canary-in-an-exception")
linting.lint = lint
from modelcar_tui.api import earlier
earlier.list_runs = lint
"""
Start = Callable[..., Raw]


def test_nothing_else_is_written_to_standard_output(raw: Start, tmp_path: Path) -> None:
    server = raw(CHATTY)
    server.call(2, "lint", text="a: 1")
    assert server.read()["result"]["structuredContent"]["ok"] is False
    assert server.close() == 0
    assert server.process.stdout is not None
    assert server.process.stdout.read() == b""
    talk = (tmp_path / "talk").read_text()
    assert {"chatty library", "chatty C code", "chatty child"} <= set(talk.splitlines())


def test_a_slow_call_holds_nobody_up_and_is_cancelled(raw: Start) -> None:
    server = raw(SLOW)
    server.call(2, "lint", text="a: 1")
    server.ask(3, "ping")
    assert server.read()["id"] == 3
    server.send({"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}})
    server.call(4, "inventory", gpus=["L40S:1"])
    assert server.read()["id"] == 4


def test_the_end_of_input_ends_it_at_once_whatever_works(raw: Start) -> None:
    server = raw(SLOW)
    for number in range(2, 12):
        server.call(number, "lint", text="a: 1")
    server.ask(20, "ping")
    assert server.read()["id"] == 20
    began = time.monotonic()
    assert server.close() == 0
    assert time.monotonic() - began < 10


def test_a_client_that_reads_nothing_keeps_nothing_open(raw: Start) -> None:
    server = raw()
    for number in range(2, 30):  # more than a pipe holds
        server.call(number, "estimate", source="granite-3.1-8b-instruct", gpu="L40S", terms=True)
    until = time.monotonic() + 30
    while server.unread() < 40_000 and time.monotonic() < until:
        os.sched_yield()
    assert server.close() == 0


def test_a_client_that_is_gone_is_told_in_one_line(raw: Start, tmp_path: Path) -> None:
    server = raw()
    assert server.process.stdout is not None
    server.process.stdout.close()
    server.call(2, "lint", text="a: 1")
    assert server.process.wait(timeout=20) == 141
    (line,) = (tmp_path / "talk").read_text().splitlines()
    assert line.startswith("standard output: whoever read it went away")


def test_a_signal_ends_it_with_its_status(raw: Start) -> None:
    server = raw(SLOW)
    server.call(2, "lint", text="a: 1")
    server.ask(3, "ping")
    assert server.read()["id"] == 3
    server.process.send_signal(signal.SIGTERM)
    assert server.process.wait(timeout=20) == 143


def test_a_fault_of_ours_is_one_line_without_its_text(raw: Start, tmp_path: Path) -> None:
    server = raw(BROKEN)
    server.call(2, "lint", text="a: 1")
    told = server.read()["result"]
    assert told["isError"] is True
    assert told["content"][0]["text"].startswith("lint: a fault of ours (ValueError")
    server.ask(3, "resources/list")
    fault = server.read()["error"]
    assert fault["message"].startswith("a fault of ours (ValueError")
    assert server.close() == 0
    assert "canary" not in json.dumps([told, fault])
    assert "canary" not in (tmp_path / "talk").read_text()


def test_what_is_no_message_is_answered_and_so_is_the_next(raw: Start) -> None:
    server = raw()
    asked = (
        (b'{"jsonrpc": "2.0", "id": 9, "x": "' + b"a" * (5 * 1024 * 1024) + b'"}', None, "at most 4 MiB"),
        (b"no json", None, "no JSON"),
        (b"\xff\xfe", None, "no JSON"),
        (b"[" * 100_000, None, "no JSON, or nested too deeply"),
        (b'[{"jsonrpc": "2.0", "id": 3, "method": "ping"}]', None, "batches are not taken"),
        (b'{"id": 4, "method": "ping"}', 4, "no message of JSON-RPC"),
        (b'{"jsonrpc": "2.0", "id": "x", "method": 7}', "x", "no message of JSON-RPC"),
        (b'{"jsonrpc": "2.0", "id": 1.5, "method": "ping"}', None, "no message of JSON-RPC"),
        (b'{"jsonrpc": "2.0", "id": 5, "error": "x"}', None, "no message of JSON-RPC"),
    )
    for line, number, what in asked:
        server.write(line + b"\n\n")
        told = server.read()
        assert told["id"] == number
        assert what in told["error"]["message"]
    server.write(b'\xef\xbb\xbf{"jsonrpc": "2.0", "id": 2, "method": "ping"}\n')
    assert server.read() == {"jsonrpc": "2.0", "id": 2, "result": {}}
    server.call(3, "lint", text="a" * 1_100_000)
    assert server.read()["result"]["isError"] is True
    server.call(4, "lint", text="model-car: \ud83d")  # as a host writes what it cut by UTF-16 units
    assert server.read()["result"]["structuredContent"]["ok"] is False
    server.call(5, "lint", path="\udcff.yaml")
    assert "\ufffd.yaml: No such file" in server.read()["result"]["content"][0]["text"]
    server.write(b"no json\n" * 5000)  # their answers are not read
    assert server.close() == 0


def test_without_the_sdk_one_line_says_what_to_install(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['mcp'] = None\nfrom modelcar_tui import agent\nsys.exit(agent.main(['mcp']))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(tmp_path),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    start, _, fix = done.stderr.partition("; ")
    assert start == "agent mcp: the package mcp is not installed"
    assert " install " in fix and fix.count("\n") == 1 and "modelcar-tui[" not in fix


def test_a_root_that_is_no_folder_is_said_at_the_start(tmp_path: Path, capsys) -> None:
    assert agent.main(["mcp", "--root", str(tmp_path / "nonesuch")]) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert "is no folder" in told.err


def test_at_a_terminal_it_says_what_it_waits_for_and_ends_with_it(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "modelcar_tui.agent", "mcp"],
        env=environment(tmp_path),
        cwd=tmp_path,
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    os.close(theirs)
    assert process.stderr is not None
    assert b"waits for a program's messages" in process.stderr.readline()
    os.close(ours)
    out, talk = process.communicate(timeout=20)
    assert (process.returncode, out, talk) == (0, b"", b"")
