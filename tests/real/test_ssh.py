"""The dashboard over a real sshd on loopback: what the operator on the bastion has."""

from __future__ import annotations

import getpass
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "pty"))
from terminal import Terminal

SSHD = shutil.which("sshd", path="/usr/sbin:/usr/bin")
BIN = Path(sys.executable).parent

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(SSHD is None or not shutil.which("ssh"), reason="needs sshd and ssh (openssh-server)"),
]


@pytest.fixture
def ssh(tmp_path: Path) -> Iterator[list[str]]:
    """The `ssh -tt ... HOST` command line to a server of our own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    for name in ("host", "user"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / name], check=True)
    (tmp_path / "conf").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {tmp_path}/host\nPidFile {tmp_path}/pid\n"
        f"AuthorizedKeysFile {tmp_path}/user.pub\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n"
    )
    if getpass.getuser() == "root":
        Path("/run/sshd").mkdir(exist_ok=True)
    with subprocess.Popen([SSHD, "-D", "-f", tmp_path / "conf", "-E", tmp_path / "log"]) as server:
        try:
            _wait_for_port(port)
            yield [
                "ssh",
                "-tt",
                "-p",
                str(port),
                "-i",
                str(tmp_path / "user"),
                "-o",
                "StrictHostKeyChecking=no",
                "-o",
                f"UserKnownHostsFile={tmp_path}/known",
                "-o",
                "LogLevel=ERROR",
                f"{getpass.getuser()}@127.0.0.1",
            ]
        finally:
            server.terminate()


def _wait_for_port(port: int) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with socket.socket() as client:
            if client.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("sshd did not start")


def test_demo_runs_over_ssh_and_idles_without_a_byte(ssh: list[str], tmp_path: Path) -> None:
    state = tmp_path / "state"
    with Terminal([*ssh, f"{BIN}/modelcar-tui --demo --state-dir {state}"], columns=120, rows=40) as terminal:
        terminal.wait_for("DEMO")
        terminal.wait_for(lambda text: "to review" in text and "d " in text, 60)
        terminal.quiet(3.0)
        assert terminal.quiet(2.0) == 0
        assert b"\x1b[?1003h" not in terminal.sent, "the mouse is off over SSH"


def test_dropped_line_leaves_a_run_that_can_be_resumed(ssh: list[str], tmp_path: Path) -> None:
    state = tmp_path / "state"
    with Terminal([*ssh, f"{BIN}/modelcar-tui --demo --state-dir {state}"], columns=120, rows=40) as terminal:
        terminal.wait_for(lambda text: "to review" in text, 60)
        terminal.kill(signal.SIGKILL)
        terminal.wait_end()
    (run,) = (state / "runs").iterdir()
    _wait_until_free(run / "lock")
    command = [str(BIN / "agent"), "--resume", run.name, "--state-dir", str(state)]
    with Terminal([str(BIN / "modelcar-tui"), *command[1:]], columns=120, rows=40) as terminal:
        terminal.wait_for(lambda text: "to review" in text, 60)


def _wait_until_free(lock: Path) -> None:
    """The dashboard behind the dropped line has ended."""
    deadline = time.monotonic() + 20
    while subprocess.run(["flock", "-n", lock, "true"], check=False).returncode != 0:
        assert time.monotonic() < deadline, "the dashboard outlived its line"
        time.sleep(0.05)
