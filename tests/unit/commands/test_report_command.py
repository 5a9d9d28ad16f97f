"""`agent report RUN`: of runs that have ended, were cut off, or have a damaged journal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from modelcar_tui import agent
from modelcar_tui.core import resources
from modelcar_tui.report import FORMS, junit, markdown
from modelcar_tui.supervisor.state import fold
from pilot.states import STATES
from support.reporting import stamped

ID = "20261009-080000-abcdef"


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the journal of one of `STATES` as the run `ID`; its folder of state."""

    def keep(name: str) -> Path:
        folder = tmp_path / "state" / "runs" / ID
        folder.mkdir(parents=True)
        make, _ = STATES[name]
        lines = [msgspec.json.encode(one) for one in stamped(make(tmp_path))]
        (folder / "journal.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        return tmp_path / "state"

    return keep


def report(state: Path, *words: str) -> int:
    return agent.main(["report", *words, "--state-dir", str(state)])


def test_by_default_it_is_markdown_on_stdout_and_the_status_is_its_own(
    kept: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept("qa-failed")
    make, _ = STATES["qa-failed"]
    want = markdown(fold(stamped(make(tmp_path))))
    folder = state / "runs" / ID
    for name in (ID, ID[:10], "last", str(folder), str(folder / "journal.jsonl")):
        assert report(state, name) == 0
        said = capsys.readouterr()
        assert (said.out, said.err) == (want, ""), name


@pytest.mark.parametrize("form", [form for form in FORMS if form != "html"])
def test_the_form_is_that_of_the_ending_or_as_it_is_told(
    form: str, kept: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, file = kept("finished"), tmp_path / f"r.{form}"
    assert report(state, "last", "--format", form) == 0
    out = capsys.readouterr().out
    assert report(state, "last", "-o", str(file)) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"report: {file}\n") and file.read_text() == out
    assert report(state, "last", "-o", str(tmp_path / "other.txt"), "--format", form) == 0
    assert (tmp_path / "other.txt").read_text() == out
    # Its own is replaced, another hand's is not.
    assert report(state, "last", "-o", str(file)) == 0
    file.write_text("mine")
    assert report(state, "last", "-o", str(file)) == 2 and file.read_text() == "mine"
    assert report(state, "last", "-o", str(file), "--force") == 0 and file.read_text() == out


@pytest.mark.parametrize("name", ["working", "waiting", "qa-running"])
def test_a_run_that_was_cut_off_has_no_verdict_in_any_form(
    name: str, kept: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept(name)
    journal = state / "runs" / ID / "journal.jsonl"
    with journal.open("ab") as file:
        file.write(b'[99,1.0,{"kind":"RunFin')  # a line that a crash cut short
    assert report(state, "last") == 0
    assert "**NOT FINISHED**: this run has not ended" in capsys.readouterr().out
    assert report(state, "last", "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["verdict"] is None and document["exit_status"] is None and document["next"] is None
    assert report(state, "last", "--format", "html") == 0
    page = capsys.readouterr().out
    assert page.count("NOT FINISHED") == 2 and "<b>Next:</b> modelcar-tui --resume " in page
    assert report(state, "last", "--format", "xml") == 0
    root = ET.fromstring(capsys.readouterr().out)
    assert {bad.attrib["type"] for bad in root.iterfind("testsuite[1]/testcase/error")} == {"NOT FINISHED"}


@pytest.mark.parametrize("harm", [b"\xff\xfe\x00\n", b"{}\n", b"[1,2]\n", b'[7,1.0,{"kind":"Mystery"}]\n'])
def test_of_a_damaged_journal_it_tells_what_stands_before_the_damage(
    harm: bytes, kept: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept("finished")
    journal = state / "runs" / ID / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:9], harm, *lines[9:]]))
    assert report(state, "last") == 0
    said = capsys.readouterr()
    note = (
        "the journal can't be read from line 10 on (damaged, or of a newer release): "
        "the report tells what stands before it"
    )
    assert said.err == f"note: {note}\n"
    assert f"- {note}\n" in said.out and "**NOT FINISHED**" in said.out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nonesuch"], "no run 'nonesuch'; see `agent runs`"),
        (["./gone"], "no recorded run here: No such file or directory; give a run of `agent runs`"),
        (["last", "-o", "r.txt"], "r.txt: its ending stands for no form: .md, .html, .htm, .json, .xml"),
        (["last", "-o", "gone/r.md"], "there is no such folder; mkdir -p gone"),
    ],
)
def test_a_slip_is_one_line_and_status_2(
    words: list[str], says: str, kept: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert report(kept("finished"), *words) == 2
    said = capsys.readouterr()
    assert says in said.err and said.err.count("\n") == 1 and not said.out


@pytest.mark.parametrize("data", [b"", b"\x00" * 99, b"no journal\n"], ids=["empty", "zeros", "text"])
def test_a_file_that_is_no_journal_is_refused(
    data: bytes, kept: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept("finished")
    (state / "runs" / ID / "journal.jsonl").write_bytes(data)
    assert report(state, "last") == 2
    assert "no journal of a run; give a run of `agent runs`" in capsys.readouterr().err


def test_a_recording_that_is_shipped_has_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert report(tmp_path, "demo:qa-failed") == 0
    assert "**QA FAILED**" in capsys.readouterr().out


def test_what_is_told_is_what_the_room_makes(
    kept: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept("hundred")
    make, _ = STATES["hundred"]
    assert report(state, ID, "--format", "xml") == 0
    assert capsys.readouterr().out == junit(fold(stamped(make(tmp_path))))


@pytest.mark.parametrize("words", [["report", "{}", "--format", "html"], ["--replay", "{}"]])
def test_a_terminal_of_another_encoding_loses_no_report(words: list[str], tmp_path: Path) -> None:
    journal = tmp_path / "odd.jsonl"
    text = (resources.demo_logs() / "no-go.jsonl").read_text().replace("llama-3.3", "lläma-3.3")
    journal.write_text(text, encoding="utf-8")
    line = [sys.executable, "-m", "modelcar_tui.agent", *(word.format(journal) for word in words)]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    ended = subprocess.run(line, check=False, capture_output=True, env=environment)
    assert ended.returncode == (0 if words[0] == "report" else 1) and ended.stderr == b""
    assert ("lläma-3.3".encode() if words[0] == "report" else rb"ll\xe4ma-3.3") in ended.stdout
