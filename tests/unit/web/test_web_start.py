"""`--web` on the command line: what it takes, where it listens, what it says."""

from __future__ import annotations

import os
import pty
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modelcar_tui import cli
from modelcar_tui.commands import start, web
from modelcar_tui.core.installing import install_libraries
from modelcar_tui.web import ADDRESS, PORT
from modelcar_tui.web.listening import listen


def words(*line: str) -> tuple[str, ...]:
    args = start.parser().parse_args(line)
    return web.own_words(args.words, args)


def test_its_own_options_are_not_its_runs() -> None:
    assert words("--web", "--web-port", "0", "--namespace", "ns", "--gpu=L40S:4") == (
        "--namespace",
        "ns",
        "--gpu=L40S:4",
    )
    assert words("--kubeconfig", "k", "--web-port=0", "--web", "--no-qa") == ("--kubeconfig", "k", "--no-qa")
    assert words("--web", "--no-qa", "--") == ("--no-qa",), "the page's own options follow"


def test_a_run_that_goes_on_hears_where_runs_are_and_how_it_is_shown() -> None:
    args = start.parser().parse_args(
        ["--web", "--state-dir", "s", "--namespace", "ns", "--no-ascii", "--no-qa", "--no-llm"]
    )
    assert web.own_words(args.words, args, web._RESUMED) == ("--state-dir", "s", "--no-ascii", "--no-llm")


@pytest.mark.parametrize(
    ("line", "asks"), [(["--web"], True), (["--web", "--qa"], True), (["--web", "--no-qa"], False)]
)
def test_qa_can_be_asked_for_unless_the_server_says_no(line: list[str], asks: bool) -> None:
    assert web._offer(start.parser().parse_args(line)).qa is asks


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (
            ["--web", "--report", "r.md"],
            "--web: takes no --report; leave it out: the page offers the report of each run",
        ),
        (["--web", "x.yaml"], "--web: takes no FILE; leave it out: the page asks for the manifest"),
        (["--web", "--resume", "last"], "--web: takes no --resume"),
        (["--web", "--replay", "last"], "--web: takes no --replay"),
        (["--web", "--headless"], "--web: takes no --headless"),
        (["--web", "--picture", "x.svg"], "--web: takes no --picture"),
        (["--web", "--size", "80x24"], "--web: takes no --size"),
        (["--web", "--report", "x.md"], "--web: takes no --report; leave it out: the page offers the report"),
        (["--web-port", "1"], "--web-port: is the port of --web; add --web"),
        (["--web", "--web-port", "0.0.0.0:80"], "the page is on 127.0.0.1 alone"),
        (["--web", "--web-port", "65536"], "give a port from 0 to 65535"),
    ],
)
def test_what_has_no_place_is_refused_in_one_line(
    line: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(line) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_without_the_extra_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("modelcar_tui.web.files.find_spec", lambda _: None)
    assert cli.main(["--web"]) == 2
    told = f"--web: the package textual-serve is not installed; {install_libraries('textual-serve')}\n"
    assert capsys.readouterr().err == told


def test_only_loopback_is_listened_at_and_a_port_that_is_taken_is_said() -> None:
    with listen(0) as first:
        address, port = first.getsockname()
        assert address == ADDRESS == "127.0.0.1"
        done = subprocess.run(
            [sys.executable, "-m", "modelcar_tui.cli", "--web", "--web-port", str(port)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == 2
        fix = "give another --web-port, or 0 for one that is free"
        assert done.stderr == f"127.0.0.1:{port}: another program listens there; {fix}\n"


def test_where_the_default_port_is_taken_another_is_had(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((ADDRESS, 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("modelcar_tui.web.listening.PORT", port)
        with listen(None) as other:
            assert other.getsockname()[1] not in (port, 0)
    assert PORT == 8765


def test_enter_in_the_terminal_prints_another_address_and_ctrl_c_ends_it(tmp_path: Path) -> None:
    child, master = pty.fork()
    if not child:
        program = [
            sys.executable,
            "-m",
            "modelcar_tui.cli",
            "--web",
            "--web-port=0",
            "--state-dir",
            str(tmp_path),
        ]
        os.execv(program[0], program)
    said = b""
    while b"Ctrl+C ends all runs" not in said:
        said += os.read(master, 4096)
    os.write(master, b"\n")
    while said.count(b"token=") < 2:
        said += os.read(master, 4096)
    assert len(set(re.findall(rb"token=(\S+)", said))) == 2
    assert re.search(rb"ssh -L (\d+):127\.0\.0\.1:\1 HOST", said)
    os.write(master, b"\x03")
    _, status = os.waitpid(child, 0)
    os.close(master)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGINT
