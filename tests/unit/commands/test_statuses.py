"""Exit statuses that never lie: what was delivered, what a process was not given, which of many stands."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelcar_tui.commands.parser import EPILOG
from modelcar_tui.core.exit_codes import WORST_FIRST, ExitStatus, worst

BIN = Path(sys.executable).parent
GUIDE = Path(__file__).resolve().parents[3] / "docs" / "operating.md"
GO = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args: [--max-model-len=2048, --distributed-executor-backend=mp]
"""
NO_GO = GO.replace("gpu_count: 1", "gpu_count: 8")


@pytest.fixture
def run(tmp_path: Path) -> str:
    """The start of a shell line: a run of a manifest that is GO."""
    path = tmp_path / "one.base.yaml"
    path.write_text(GO)
    return f"{BIN}/agent --config {path} --gpu L40S:4 --no-qa --no-llm --state-dir {tmp_path}/state"


def shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
        check=False,
    )


def test_the_guide_the_help_and_the_code_have_one_table() -> None:
    table = GUIDE.read_text().partition("## Exit status")[2]
    told = {int(row[1]) for row in re.finditer(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert told == {int(status) for status in ExitStatus}
    assert {int(word) for word in re.findall(r"\b\d+\b", EPILOG)} == told


def test_the_guide_tells_the_order_in_which_the_code_chooses() -> None:
    line = re.search(r"the worst of them stands, in this order: ([\d, ]+)", GUIDE.read_text())
    assert line is not None
    assert [int(word) for word in line[1].split(",")] == list(map(int, WORST_FIRST))


def test_every_status_has_its_place_and_the_worst_stands() -> None:
    assert sorted(WORST_FIRST) == sorted(ExitStatus)
    assert worst() is ExitStatus.GO
    assert worst(0, 8, 1) is ExitStatus.NO_GO
    assert worst(ExitStatus.NO_GO, ExitStatus.READER_GONE) is ExitStatus.READER_GONE
    assert worst(ExitStatus.READER_GONE, ExitStatus.INTERRUPTED) is ExitStatus.INTERRUPTED


def test_a_reader_that_goes_away_is_never_a_go(run: str) -> None:
    done = shell(f"set -o pipefail; {run} --format jsonl | true")
    assert done.returncode == 141, done.stderr
    assert "standard output: whoever read it went away" in done.stderr
    assert "Exception ignored" not in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments", ["--help", "--version", "lint --codes", "runs"], ids=lambda text: text.replace(" ", "")
)
def test_a_full_standard_output_has_a_status_and_no_advice_about_runs(arguments: str, tmp_path: Path) -> None:
    where = f"--state-dir {tmp_path}" if arguments == "runs" else ""
    done = shell(f"{BIN}/agent {arguments} {where} >/dev/full")
    assert done.returncode == 9
    assert done.stderr == (
        "standard output: it can't be written (No space left on device); what was told is not complete\n"
    )


def test_a_full_standard_error_changes_no_status(run: str, tmp_path: Path) -> None:
    assert shell(f"{run} 2>/dev/full").returncode == 0
    assert shell(f"{BIN}/agent --bogus 2>/dev/full").returncode == 2
    (tmp_path / "one.base.yaml").write_text(NO_GO)
    assert shell(f"{run} 2>/dev/full").returncode == 1


@pytest.mark.parametrize(
    ("limit", "fix"),
    [
        ("-n 12", "ulimit -n 1024"),
        ("-n 9", "ulimit -n 1024"),
        ("-f 8", "ulimit -f unlimited"),
        ("-f 1", "ulimit -f unlimited"),
    ],
)
def test_a_limit_of_the_shell_is_named_with_the_command_that_raises_it(
    run: str, limit: str, fix: str
) -> None:
    done = shell(f"ulimit {limit}; {run}")
    assert done.returncode == 10, done.stderr
    line = done.stderr.splitlines()[-1]
    letter, number = limit.split()
    assert line.startswith("the shell's limit allows no ") and f"(ulimit {letter} is {number})" in line
    assert f"raise it: {fix}" in line


def test_a_run_that_a_limit_stopped_goes_on_where_it_was(run: str, tmp_path: Path) -> None:
    stopped = shell(f"ulimit -f 128; {run}")
    (folder,) = (tmp_path / "state" / "runs").iterdir()
    way_back = f"agent --resume {folder.name} --state-dir {tmp_path}/state"
    assert stopped.stderr.splitlines()[-1].endswith(way_back)
    again = shell(f"{BIN}/agent --resume {folder.name} --state-dir {tmp_path}/state")
    assert again.returncode == 0, again.stderr
    assert "**GO" in again.stdout


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_reader_that_stalls_holds_no_end_up(
    run: str, number: signal.Signals, status: int, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [*run.split(), "--format", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, pipesize=4096
    )
    assert process.stdout is not None and process.stderr is not None
    journal = "*/journal.jsonl"
    deadline = time.monotonic() + 30
    while not any((tmp_path / "state" / "runs").glob(journal)) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(2.0)
    assert process.poll() is None, "the pipe of 4 KiB is full and nobody reads it"
    process.send_signal(number)
    asked = time.monotonic()
    assert process.wait(10) == status
    assert time.monotonic() - asked < 5
    assert b"Traceback" not in process.stderr.read()
    process.stdout.close()
    process.stderr.close()


def test_a_signal_while_the_program_loads_is_its_status_and_no_traceback(run: str) -> None:
    process = subprocess.Popen(run.split(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    deadline = time.monotonic() + 10
    status = Path(f"/proc/{process.pid}/status")
    while time.monotonic() < deadline:  # until SIGTERM has a handler of ours
        caught = int(re.search(r"SigCgt:\s+(\w+)", status.read_text())[1], 16)  # type: ignore[index]
        if caught >> (signal.SIGTERM - 1) & 1:
            break
    process.terminate()
    assert process.wait(5) == 143
    assert b"Traceback" not in process.stderr.read()
    process.stderr.close()


def test_the_worst_of_many_cases_and_files_is_the_status(tmp_path: Path) -> None:
    cases = tmp_path / "cases.yaml"
    fits = "- {model: ibm-granite/granite-3.1-8b-instruct, gpu: L40S, args: --max-model-len=2048}\n"
    refused = fits.replace("2048", "1048576000")
    unknown = "- {gpu: L40S}\n"
    for text, status in ((fits, 0), (unknown + fits, 8), (unknown + refused + fits, 1)):
        cases.write_text(text)
        done = shell(f"{BIN}/agent estimate --cases {cases} --format jsonl")
        assert done.returncode == status, done.stdout
    good, bad = tmp_path / "good.yaml", tmp_path / "bad.yaml"
    good.write_text(GO)
    bad.write_text("model-car: 5\n")
    assert shell(f"{BIN}/agent lint {good} {good}").returncode == 0
    assert shell(f"{BIN}/agent lint {bad} {good}").returncode == 2
