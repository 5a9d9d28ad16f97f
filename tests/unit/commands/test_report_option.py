"""`--report FILE`: refused before anything runs, or written at the end, whatever the end is."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest

from modelcar_tui import agent, cli
from modelcar_tui.commands import dashboard, report_files, start
from modelcar_tui.commands.preferences import Preferences
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.files import write_atomic
from modelcar_tui.report import render
from modelcar_tui.supervisor import Engine
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.tui.replay import ReplayPort
from pilot.states import STATES
from support.reporting import rich, stamped

MANIFEST = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:9/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments: {gpu_count: COUNT, args: [--max-model-len=2048]}
"""


@pytest.fixture
def line(tmp_path: Path) -> list[str]:
    """A run of a manifest that is GO, without its program."""
    return made(tmp_path, 1)


def made(folder: Path, count: int) -> list[str]:
    path = folder / "one.base.yaml"
    path.write_text(MANIFEST.replace("COUNT", str(count)))
    more = ["--gpu", "L40S:4", "--no-qa", "--no-llm", "--state-dir", str(folder / "state")]
    return ["--config", str(path), *more]


def options(*files: Path) -> list[str]:
    return [word for file in files for word in ("--report", str(file))]


@pytest.mark.parametrize(("count", "status"), [(1, ExitStatus.GO), (8, ExitStatus.NO_GO)])
def test_all_forms_are_written_at_the_end_and_said_on_stderr(
    count: int, status: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = [tmp_path / name for name in ("r.md", "r.json", "r.xml")]
    assert agent.main([*made(tmp_path, count), "--format", "json", *options(*files)]) == status
    said = capsys.readouterr()
    assert said.err.splitlines()[-3:] == [f"report: {file}" for file in files]
    document = json.loads(files[1].read_bytes())
    assert document == json.loads(said.out) and document["exit_status"] == status
    assert files[0].read_text().splitlines()[2].startswith(f"**{document['outcome']['headline']}**")
    root = ET.fromstring(files[2].read_bytes())
    assert (int(root.attrib["failures"]) > 0) == (status == ExitStatus.NO_GO)


def test_its_mode_is_the_umasks(line: list[str], tmp_path: Path) -> None:
    file = tmp_path / "r.md"
    before = os.umask(0o027)
    try:
        assert agent.main([*line, *options(file)]) == 0
    finally:
        os.umask(before)
    assert file.stat().st_mode & 0o777 == 0o640


def test_a_report_of_ours_is_replaced_and_keeps_its_mode(line: list[str], tmp_path: Path) -> None:
    file = tmp_path / "r.xml"
    file.write_bytes(render(RunState(), "xml"))
    file.chmod(0o600)
    assert agent.main([*line, *options(file)]) == 0
    assert "granite-3.1-8b-instruct" in file.read_text() and file.stat().st_mode & 0o777 == 0o600
    assert not (tmp_path / "state" / "replaced").exists()


def refused(folder: Path) -> dict[str, tuple[list[Path], str]]:
    notes, link, ours = folder / "notes.md", folder / "link.json", folder / "ours.html"
    notes.write_text("# my own\n")
    (folder / "target.json").write_bytes(render(RunState(), "json"))
    link.symlink_to(folder / "target.json")
    ours.write_bytes(render(RunState(), "md"))  # ours, and none of this form
    (folder / "folder.xml").mkdir()
    os.mkfifo(folder / "pipe.json")
    return {
        "no form": ([folder / "r.txt"], "the form is that of the ending: .md, .html, .htm, .json, .xml"),
        "no folder": ([folder / "gone" / "r.md"], f"there is no such folder; mkdir -p {folder / 'gone'}"),
        "another hand": ([notes], "this file is no report of ours and is not replaced unasked"),
        "another form": ([ours], "this file is no report of ours and is not replaced unasked"),
        "a link": ([link], "this link is no report of ours and is not replaced unasked"),
        "a folder": ([folder / "folder.xml"], "a folder of this name is in the way"),
        "a pipe": ([folder / "pipe.json"], "a device, pipe or socket of this name is in the way"),
        "twice": ([folder / "r.md", folder / "folder.xml" / ".." / "r.md"], "is named twice"),
        "the second": ([folder / "r.md", notes], "is no report of ours"),
    }


CASES = [
    "no form",
    "no folder",
    "another hand",
    "another form",
    "a link",
    "a folder",
    "a pipe",
    "twice",
    "the second",
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("program", ["agent", "modelcar-tui"])
def test_a_place_is_refused_before_anything_runs(
    program: str, case: str, line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files, says = refused(tmp_path)[case]
    before = sorted(path.name for path in tmp_path.iterdir())
    run, words = (agent.main, line) if program == "agent" else (cli.main, ["--headless", *line[1:]])
    assert run([*words, *options(*files)]) == 2
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and not said.out
    # The one that is in order is not made either, and there is no run.
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize("program", ["agent", "modelcar-tui"])
def test_no_report_replaces_the_manifest_of_its_run(
    program: str, line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = tmp_path / "models.json"
    manifest.write_text("{}")
    run, words = (agent.main, ["--config"]) if program == "agent" else (cli.main, ["--headless"])
    odd = tmp_path / "." / ".." / tmp_path.name / "models.json"
    assert run([*words, str(manifest), "--force", *options(odd)]) == 2
    assert "is the manifest itself" in capsys.readouterr().err and manifest.read_text() == "{}"


def test_force_replaces_it_and_keeps_a_copy(
    line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes, target, link = tmp_path / "r.md", tmp_path / "target", tmp_path / "l.xml"
    notes.write_text("# my own\n")
    target.write_text("kept")
    link.symlink_to(target)
    assert agent.main([*line, "--force", *options(notes, link)]) == 0
    assert capsys.readouterr().err.count("; replaces what was ") == 2
    assert notes.read_text().startswith("# Model-car report") and target.read_text() == "kept"
    assert not link.is_symlink() and ET.fromstring(link.read_bytes()).tag == "testsuites"
    copies = sorted(path.read_text() for path in (tmp_path / "state" / "replaced").iterdir())
    assert copies == ["# my own\n", f"{target}\n", "kept"]


def test_what_comes_in_the_way_meanwhile_costs_a_line_and_not_the_status(
    line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file, other = tmp_path / "r.md", tmp_path / "r.xml"
    write = report_files.Reports.write

    def late(self: report_files.Reports, state: RunState) -> None:
        file.write_text("of another hand")
        write(self, state)

    monkeypatch.setattr(report_files.Reports, "write", late)
    assert agent.main([*line, *options(file, other)]) == 0
    *_, bad, good = capsys.readouterr().err.splitlines()
    assert bad.startswith(f"no report: {file}: this file is no report of ours")
    assert "; make it later: agent report " in bad and bad.endswith(" -o FILE")
    assert good == f"report: {other}" and file.read_text() == "of another hand"


@pytest.mark.parametrize("fault", [OSError(28, "No space left on device"), RuntimeError("secret")])
def test_a_report_that_fails_costs_a_line_and_not_the_status(
    fault: Exception,
    line: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fails(path: Path, data: bytes, **more: Any) -> None:
        if path.name == "r.md":
            raise fault
        write_atomic(path, data, **more)

    monkeypatch.setattr("modelcar_tui.core.files.write_atomic", fails)
    assert agent.main([*line, *options(tmp_path / "r.md")]) == 0
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("no report: ") and "make it later" in said and "secret" not in said
    assert not (tmp_path / "r.md").exists()


def test_a_replay_and_a_resumed_run_write_it_too(
    line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert agent.main(line) == 0
    state = ["--state-dir", str(tmp_path / "state"), "--no-llm"]
    for main, words, file in (
        (cli.main, ["--headless", "--replay"], "a.json"),
        (agent.main, ["--resume"], "b.json"),
    ):
        assert main([*words, "last", *state, *options(tmp_path / file)]) == 0
        said = capsys.readouterr().err
        assert f"report: {tmp_path / file}\n" in said and "not heard" not in said
    first, second = (json.loads((tmp_path / name).read_bytes()) for name in ("a.json", "b.json"))
    assert first["run"]["run_id"] == second["run"]["run_id"] and first["exit_status"] == 0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP], ids=lambda one: one.name)
def test_a_run_that_a_signal_ends_has_its_report_and_its_status(
    number: signal.Signals, tmp_path: Path
) -> None:
    files = [tmp_path / name for name in ("r.md", "r.xml")]
    words = [sys.executable, "-m", "modelcar_tui.agent", "--demo", "--no-llm", "--approve", "all"]
    words += ["--state-dir", str(tmp_path / "state"), *options(*files)]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for said in process.stderr:
            if said.startswith("[QA] "):
                break
        process.send_signal(number)
        rest = process.stderr.read()
        assert process.wait(60) == 128 + number
    assert [f"report: {file}" in rest.splitlines() for file in files] == [True, True]
    assert "QA_OK" not in files[0].read_text()
    root = ET.fromstring(files[1].read_bytes())
    assert int(root.attrib["errors"]) + int(root.attrib["failures"]) > 0


class _Ended(Engine):
    """An engine that has told a run already."""

    told = RunState()

    @property
    def state(self) -> RunState:
        return self.told


@pytest.mark.parametrize("end", [0, 4, 130, RuntimeError("a fault"), KeyboardInterrupt()], ids=str)
def test_a_dashboard_that_ends_however_leaves_a_report(
    end: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _Ended.told = rich(tmp_path)

    def shown(*_: object, **__: object) -> int:
        if isinstance(end, BaseException):
            raise end
        return int(end)

    monkeypatch.setattr("modelcar_tui.supervisor.Engine", _Ended)
    monkeypatch.setattr("modelcar_tui.tui.run_dashboard", shown)
    monkeypatch.setattr("sys.setswitchinterval", lambda _: None)
    file = tmp_path / "r.md"
    args = start.parser().parse_args(["x.yaml", "--state-dir", str(tmp_path / "s"), *options(file)])
    if isinstance(end, BaseException):
        with pytest.raises(type(end)):
            dashboard.run(args, preferences(args))
    else:
        assert dashboard.run(args, preferences(args)) == end
    assert capsys.readouterr().err.splitlines()[-1] == f"report: {file}"
    assert file.read_text().splitlines()[2].startswith("**QA FAILED**")


def test_a_run_that_did_not_begin_leaves_none(
    line: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "state").write_text("in the way of the run's folder")
    assert agent.main([*line, *options(tmp_path / "r.md")]) == 2
    assert "no report: the run did not begin\n" in capsys.readouterr().err
    assert not (tmp_path / "r.md").exists()


def test_a_replay_on_the_screen_reports_all_of_the_run(tmp_path: Path) -> None:
    make, _ = STATES["qa-failed"]
    events = stamped(make(tmp_path))
    journal = tmp_path / "journal.jsonl"
    journal.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in events))
    port = ReplayPort(journal)
    assert not port.drain()  # nothing is shown yet
    assert port.state.finish == fold(events).finish and port.state.decision == fold(events).decision


def preferences(args: argparse.Namespace) -> Preferences:
    from modelcar_tui.commands.preferences import take

    return take(args)


def test_nothing_is_imported_for_a_report_that_nobody_asks_for() -> None:
    code = "import sys, modelcar_tui.commands.report_files as r, argparse\n"
    code += "r.reports_of(argparse.Namespace(reports=[]))\n"
    code += (
        "print([m for m in sys.modules if m.startswith(('modelcar_tui.report', 'modelcar_tui.manifest'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
