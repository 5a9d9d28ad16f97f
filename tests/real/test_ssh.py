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
        terminal.wait_for("accept the 2 required", 60)
        terminal.quiet(3.0)
        assert terminal.quiet(2.0) == 0
        assert b"\x1b[?1003h" not in terminal.sent, "the mouse is off over SSH"


def test_dropped_line_leaves_a_run_that_can_be_resumed(ssh: list[str], tmp_path: Path) -> None:
    state = tmp_path / "state"
    with Terminal([*ssh, f"{BIN}/modelcar-tui --demo --state-dir {state}"], columns=120, rows=40) as terminal:
        terminal.wait_for("accept the 2 required", 60)
        terminal.kill(signal.SIGKILL)
        terminal.wait_end()
    (run,) = (state / "runs").iterdir()
    _wait_until_free(run / "lock")
    command = [str(BIN / "agent"), "--resume", run.name, "--state-dir", str(state)]
    with Terminal([str(BIN / "modelcar-tui"), *command[1:]], columns=120, rows=40) as terminal:
        terminal.wait_for("accept the 2 required", 60)


def _answer(terminal: Terminal) -> tuple[str, str]:
    """The two lines below the header."""
    rows = terminal.text.splitlines()
    return rows[1].rstrip(), rows[2].rstrip()


def _whole(*lines: str) -> bool:
    """Whether nothing of them is cut at the right; a model's name may be, in its middle."""
    return not any(line.endswith(("…", "~")) for line in lines)


def test_one_required_change_is_answered_in_two_lines_and_accepted_by_two_keys(
    ssh: list[str], tmp_path: Path
) -> None:
    command = f"LC_ALL=C.UTF-8 {BIN}/modelcar-tui --demo --state-dir {tmp_path / 'state'}"
    with Terminal([*ssh, command]) as terminal:
        terminal.wait_for("accept the 2 required", 60)
        first, second = _answer(terminal)
        assert first == " NO-GO ✗   llama-3.3-70b-instruct: needs 150 GiB, the card has 80"
        assert second == " next  A: accept the 2 required   d: review all 8"
        terminal.keys("A")
        terminal.wait_for("2 of 8 accepted")
        terminal.quiet(1.0)
        terminal.keys("W")
        terminal.wait_for("type write")


def test_a_failed_qa_is_answered_in_two_lines(ssh: list[str], tmp_path: Path) -> None:
    script = tmp_path / "failing.py"
    script.write_text(
        "import sys\nimport modelcar_tui.demo.run as run\nfrom modelcar_tui.cli import main\n"
        "run.RECORDING = 'failure-cuda-oom.log'\nsys.exit(main())\n"
    )
    start = f"{sys.executable} {script} --demo --state-dir {tmp_path / 'state'}"
    command = f"LC_ALL=C.UTF-8 MODELCAR_TUI_QA_SPEED=0 {start}"
    with Terminal([*ssh, command]) as terminal:
        terminal.wait_for("accept the 2 required", 60)
        terminal.keys("A")
        terminal.wait_for("2 of 8 accepted")
        terminal.quiet(1.0)
        terminal.keys("W")
        terminal.wait_for("type write")
        terminal.quiet(1.0)
        terminal.keys(*"write")
        terminal.wait_for("Start QA on", 60)
        terminal.quiet(1.0)
        terminal.keys("X")
        terminal.wait_for("Summary", 90)
        terminal.quiet(1.0)
        terminal.keys("\r")
        terminal.wait_for(lambda text: "Summary" not in text)
        first, second = _answer(terminal)
        assert first.startswith(" QA FAILED ✗   llama-3.3-70b-instruct: CUDA out of memory")
        assert second.startswith(" next ")
        assert _whole(first, second)


def test_no_cluster_is_answered_in_two_lines(ssh: list[str], tmp_path: Path) -> None:
    manifest = _manifest(tmp_path / "few.base.yaml", 3)
    with Terminal([*ssh, _alone(manifest, tmp_path)]) as terminal:
        terminal.wait_for("Summary", 120)
        terminal.quiet(1.0)
        terminal.keys("\r")
        terminal.wait_for(lambda text: "Summary" not in text)
        first, second = _answer(terminal)
        assert first.startswith(" UNKNOWN ?   no GPUs known: ")
        assert "kubeconfig" in first
        assert second.startswith(" next ")
        assert _whole(first, second)


def test_a_hundred_models_are_answered_in_two_lines(ssh: list[str], tmp_path: Path) -> None:
    manifest = _manifest(tmp_path / "many.base.yaml", 100)
    with Terminal([*ssh, _alone(manifest, tmp_path, "--gpu NVIDIA-L40S:4")]) as terminal:
        terminal.wait_for(lambda text: "of 100 models" in text and "d: review all" in text, 180)
        first, second = _answer(terminal)
        assert first.startswith((" NO-GO ✗ ", " UNKNOWN ? "))
        assert second.startswith(" next ")
        assert _whole(first, second)
        assert "100 by reason" in terminal.text


def _alone(manifest: Path, folder: Path, options: str = "") -> str:
    """The command with no cluster to be found and a registry that refuses."""
    home = f"HOME={folder} KUBECONFIG={folder}/none LC_ALL=C.UTF-8"
    return f"{home} {BIN}/modelcar-tui {manifest} --no-qa {options} --state-dir {folder / 'state'}"


def _manifest(path: Path, count: int) -> Path:
    """So many models of four kinds on a registry where nobody listens."""
    kinds = (
        "llama-3.3-70b-instruct",
        "mixtral-8x7b-instruct-v0.1",
        "granite-3.1-8b-instruct",
        "qwen2.5-7b-instruct",
    )
    lines = ["model-car:"]
    for at in range(count):
        name = f"{kinds[at % 4]}-{at:03}"
        lines += [f"  - name: {name}", f"    image: oci://127.0.0.1:9/rhelai1/modelcar-{name}:1.5"]
        lines += ["    serving_arguments:", "      gpu_count: 1", "      args: [--max-model-len=8192]"]
    path.write_text("\n".join(lines) + "\n")
    return path


def _wait_until_free(lock: Path) -> None:
    """The dashboard behind the dropped line has ended."""
    deadline = time.monotonic() + 20
    while subprocess.run(["flock", "-n", lock, "true"], check=False).returncode != 0:
        assert time.monotonic() < deadline, "the dashboard outlived its line"
        time.sleep(0.05)
