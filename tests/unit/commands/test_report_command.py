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

from modelcar_tui import agent, api
from modelcar_tui.commands.report_files import check_report
from modelcar_tui.core import resources
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.text import has_hidden
from modelcar_tui.mcp.asking import Asking
from modelcar_tui.mcp.explaining import explain_run
from modelcar_tui.mcp.inputs import RunInput
from modelcar_tui.qa import QaStarted
from modelcar_tui.report import FORMS, junit, markdown
from modelcar_tui.supervisor import Settings, read_journal
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui import ReplayPort
from modelcar_tui.verdict import Verdict
from pilot.states import STATES
from support.reporting import stamped

ID = "20261009-080000-abcdef"


@pytest.fixture
def kept(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the journal of one of `STATES` as the run `ID`; its folder of state."""

    def keep(name: str) -> Path:
        folder = tmp_path / "state" / "runs" / ID
        folder.mkdir(parents=True)
        lines = [msgspec.json.encode(one) for one in events_of(name, folder)]
        (folder / "journal.jsonl").write_bytes(b"".join(line + b"\n" for line in lines))
        return tmp_path / "state"

    return keep


def events_of(name: str, folder: Path) -> list[e.Stamped]:
    """Those of one of `STATES`, as of a run in this folder."""
    make, _ = STATES[name]
    first, *rest = make(folder)
    assert isinstance(first, e.RunStarted)
    return stamped([msgspec.structs.replace(first, run_id=ID, folder=str(folder)), *rest])


def report(state: Path, *words: str) -> int:
    return agent.main(["report", *words, "--state-dir", str(state)])


def test_by_default_it_is_markdown_on_stdout_and_the_status_is_its_own(
    kept: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept("qa-failed")
    folder = state / "runs" / ID
    want = markdown(fold(events_of("qa-failed", folder)))
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
def test_of_a_damaged_journal_it_tells_all_but_the_damage(
    harm: bytes, kept: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept("finished")
    journal = state / "runs" / ID / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:9], harm, *lines[9:]]))
    assert report(state, "last") == 0
    said = capsys.readouterr()
    note = "the journal can't be read at line 10 (damaged): what stands there is left out"
    assert said.err == f"note: {note}\n"
    assert f"- {note}\n" in said.out and "NOT FINISHED" not in said.out


def test_every_door_tells_a_damaged_journal_but_for_its_damage_and_says_so(
    kept: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept("finished")
    journal = state / "runs" / ID / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join([*lines[:9], b"[" * 100_000 + b"\n", *lines[9:]]))
    note = "the journal can't be read at line 10 (damaged)"
    finish = fold(read_journal(journal)).finish
    assert finish is not None
    for form in ("text", "json", "jsonl"):
        assert agent.main(["--replay", ID, "--format", form, "--state-dir", str(state)]) == finish.exit_status
        said = capsys.readouterr()
        assert said.err.startswith(f"note: {note}") and said.err.count("\n") == 1
        assert form == "text" or note in said.out
    told = [msgspec.json.decode(line) for line in said.out.splitlines()]
    assert told[:-1] == [msgspec.json.decode(line) for line in lines]
    assert note in api.load_run(ID, state_dir=state).notices[-1].text
    _, explained = explain_run(Asking(roots=(state,), state_dir=str(state)), RunInput(run=ID))
    assert explained.end.endswith(f"(status {finish.exit_status})") and note in explained.problems[-1]
    port = ReplayPort(journal, speed=0)
    port.start(lambda: None)
    assert note in fold(port.drain()).notices[-1].text
    assert agent.main(["runs", "--state-dir", str(state)]) == 0
    assert f"(status {finish.exit_status})" in capsys.readouterr().out


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("at", [1e300, -1e18, 253_402_300_800.0])
def test_a_time_that_is_none_is_damage(
    at: float, form: str, kept: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept("qa-failed")
    folder = state / "runs" / ID
    told = events_of("qa-failed", folder)
    odd = [
        msgspec.structs.replace(one, event=msgspec.structs.replace(one.event, began=at))
        if isinstance(one.event, QaStarted)
        else one
        for one in told
    ]
    lines = [msgspec.json.encode(one) + b"\n" for one in (*odd, msgspec.structs.replace(told[-1], at=at))]
    (folder / "journal.jsonl").write_bytes(b"".join(lines))
    assert report(state, "last", "--format", form) == 0
    assert "the journal can't be read at line" in capsys.readouterr().err
    assert agent.main(["runs", "--state-dir", str(state)]) == 0


def test_nothing_is_deleted_on_the_word_of_a_damaged_journal(
    kept: Callable[[str], Path], capsys: pytest.CaptureFixture[str]
) -> None:
    state = kept("qa-failed")
    with (state / "runs" / ID / "journal.jsonl").open("ab") as file:
        file.write(b"{}\n")
    assert agent.main(["cleanup", ID, "--yes", "--state-dir", str(state)]) == 2
    assert "the journal can't be read at line" in capsys.readouterr().err


def test_events_of_a_sent_journal_pass_the_gate_and_stay_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    token, path = "sha256~" + "abcdefghij" * 4, tmp_path / "sent.jsonl"
    whole = (resources.demo_logs() / "no-go.jsonl").read_text(encoding="utf-8")
    path.write_text(whole.replace("131 GiB", f"131 GiB {token}").replace("weights", f"weights {token}"))
    assert token in path.read_text()
    agent.main(["--replay", str(path), "--format", "jsonl", "--state-dir", str(tmp_path / "state")])
    out = capsys.readouterr().out
    assert token not in out
    assert len([msgspec.json.decode(line, type=e.Stamped) for line in out.splitlines()]) == whole.count("\n")


@pytest.mark.parametrize("form", ["text", "json", "jsonl"])
def test_nothing_of_a_sent_journal_reaches_the_terminal_unseen(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    odd, path = "ll\x9b31m\u202ex\U000e0041\x1b[2Jama", tmp_path / "sent.jsonl"
    whole = (resources.demo_logs() / "no-go.jsonl").read_text(encoding="utf-8")
    path.write_text(whole.replace("llama-3.3-70b-instruct", json.dumps(odd)[1:-1]), encoding="utf-8")
    agent.main(["--replay", str(path), "--format", form, "--state-dir", str(tmp_path / "state")])
    out = capsys.readouterr().out
    assert not any(map(has_hidden, out.splitlines())) and "31m" in out
    if form == "json":
        assert json.loads(out)["run"]["decision"]["models"][0]["model"] == odd
    if form == "jsonl":
        told = fold(msgspec.json.decode(line, type=e.Stamped) for line in out.splitlines())
        assert told.decision is not None and told.decision.models[0].model == odd


@pytest.mark.parametrize("form", FORMS)
def test_of_a_run_that_is_kept_elsewhere_nothing_says_that_it_can_go_on_here(
    form: str, kept: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, hints = kept("working"), (f"--resume {ID}", f"--replay {ID}")
    journal = state / "runs" / ID / "journal.jsonl"
    finish = e.RunFinished(verdict=Verdict.UNKNOWN, exit_status=130, summary="stopped", seconds=3.0)
    with journal.open("ab") as file:
        file.write(msgspec.json.encode(e.Stamped(900, 1.0, finish)) + b"\n")
    (tmp_path / "sent.jsonl").write_bytes(journal.read_bytes())
    assert report(state, ID, "--format", form) == 0
    assert hints[0] in capsys.readouterr().out
    assert report(state, str(tmp_path / "sent.jsonl"), "--format", form) == 0
    out = capsys.readouterr().out
    assert not any(hint in out for hint in hints)


@pytest.mark.parametrize("name", ["approved", "no-go", "qa-failed", "refused", "unknown"])
def test_what_stands_beside_a_shipped_journal_is_its_report(
    name: str, tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert report(tmp_path, f"demo:{name}") == 0
    out = capsysbinary.readouterr().out
    assert out == (resources.demo_logs() / f"{name}.md").read_bytes()
    assert b"modelcar-tui --re" not in out


def test_a_file_in_the_working_folder_stands_back_behind_a_run(
    kept: Callable[[str], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    state = kept("finished")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "last").write_text("no journal")
    (tmp_path / "sent").write_bytes((resources.demo_logs() / "no-go.jsonl").read_bytes())
    assert report(state, "last") == 0 and ID in capsys.readouterr().out
    assert report(state, "sent") == 0 and "NO-GO" in capsys.readouterr().out


def test_a_link_is_never_replaced_unasked_not_even_one_to_an_empty_file(
    kept: Callable[[str], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, empty, link = kept("finished"), tmp_path / "empty", tmp_path / "stdout"
    empty.touch()
    link.symlink_to(empty)
    assert report(state, "last", "-o", str(link), "--format", "md") == 2
    assert "is not replaced unasked" in capsys.readouterr().err
    assert link.is_symlink() and not empty.stat().st_size
    with pytest.raises(UserError, match="is no place for a file"):
        check_report(Path("/dev/no-such-device.md"), "md", Settings(manifest="", force=True))


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
    assert report(state, ID, "--format", "xml") == 0
    assert capsys.readouterr().out == junit(fold(events_of("hundred", state / "runs" / ID)))


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
