"""Recorded runs: those that are shipped end as they should, and what is no journal is told in one line."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import msgspec
import pytest

from modelcar_tui import agent, cli
from modelcar_tui.commands.replay import load_run
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.resources import demo_logs
from modelcar_tui.qa import QaStarted
from modelcar_tui.schemas.published import text
from modelcar_tui.supervisor import (
    Settings,
    damage_of,
    fold,
    outcome_of,
    read_journal,
    recorded_run,
    shipped_runs,
)
from modelcar_tui.supervisor.events import RunStarted
from modelcar_tui.tui.replay import ReplayPort

ENDS = {
    "approved": (0, "GO with gpu_count 2, --tensor-parallel-size=2 accepted"),
    "no-go": (1, "NO-GO"),
    "qa-failed": (4, "QA FAILED"),
    "refused": (3, "UNKNOWN"),
    "unknown": (3, "UNKNOWN"),
}
WHY = {
    "approved": "each of the 5 models can be served as the generated manifest says",
    "no-go": "the weights need 131.45 GiB and L40S has 44.42 GiB",
    "qa-failed": "llama-3.3-70b-instruct: the model, its KV cache or both did not fit into the GPU's memory",
    "refused": "the GPUs are unknown: the token has expired or was revoked "
    "(401; OpenShift's tokens last 24 hours)",
    "unknown": "the GPUs are unknown: there is no kubeconfig at /home/operator/.kube/config",
}
"""By hand: what each recording is there to show."""
PLACES = re.compile(r"/(?:tmp/(?!hf_home)|root|work|usr|var|home/(?!operator/))|127\.0\.0\.1|localhost")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(manifest="", state_dir=str(tmp_path / "state"))


def test_each_that_is_shipped_is_in_the_table() -> None:
    assert set(shipped_runs()) == set(ENDS) == set(WHY)
    assert {path.stem for path in demo_logs().glob("*.jsonl")} == set(ENDS)


@pytest.mark.parametrize("name", ENDS)
def test_it_ends_as_it_should(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    status, headline = ENDS[name]
    before = {path: path.stat().st_mtime_ns for path in demo_logs().iterdir()}
    assert agent.main(["--replay", f"demo:{name}", "--state-dir", str(tmp_path / "state")]) == status
    told = capsys.readouterr().out.splitlines()[0]
    assert told == f"**{headline}**: {WHY[name]}"
    told_of = outcome_of(load_run(recorded_run(name, settings)))
    assert told_of is not None and told_of.status == status
    assert {path: path.stat().st_mtime_ns for path in demo_logs().iterdir()} == before


@pytest.mark.parametrize("name", ENDS)
def test_it_holds_what_this_version_writes_and_names_no_machine(name: str) -> None:
    path = demo_logs() / f"{name}.jsonl"
    whole = path.read_text(encoding="utf-8")
    told = [*read_journal(path)]
    assert [one.seq for one in told] == [*range(1, len(told) + 1)]
    for line, one in zip(whole.splitlines(), told, strict=True):
        _known(json.loads(line), msgspec.to_builtins(one))
    assert isinstance(told[0].event, RunStarted) and told[0].event.demo
    assert not PLACES.search(whole)
    assert len(whole) < 200_000
    begun = [one.event.log for one in told if isinstance(one.event, QaStarted)]
    assert [Path(log).name for log in begun] == [path.name for path in demo_logs().glob(f"{name}.qa.txt")]


def _known(written: object, read: object) -> None:
    """Every field that was written is read: none was renamed or dropped since."""
    if isinstance(written, dict):
        assert isinstance(read, dict)
        assert set(written) <= set(read), set(written) - set(read)
        for name, value in written.items():
            _known(value, read[name])
    elif isinstance(written, list):
        assert isinstance(read, list | tuple) and len(read) == len(written)
        for one, other in zip(written, read, strict=True):
            _known(one, other)


@pytest.mark.parametrize("name", ["approved", "unknown"])
def test_its_report_has_the_published_shape(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    agent.main(["--replay", f"demo:{name}", "--format", "json", "--state-dir", str(tmp_path)])
    jsonschema.validate(json.loads(capsys.readouterr().out), json.loads(text("report")))


def test_a_run_s_id_counts_before_a_recording_s_name(tmp_path: Path, settings: Settings) -> None:
    run = tmp_path / "state" / "runs" / "no-go-2"
    run.mkdir(parents=True)
    (run / "journal.jsonl").write_bytes((demo_logs() / "unknown.jsonl").read_bytes())
    assert recorded_run("no-go", settings) == run / "journal.jsonl"
    assert recorded_run("demo:no-go", settings) == demo_logs() / "no-go.jsonl"
    assert recorded_run(str(run), settings) == run / "journal.jsonl"
    assert recorded_run("last", settings) == run / "journal.jsonl"


def _foreign(folder: Path, kind: str) -> Path:
    path = folder / f"{kind}.jsonl"
    whole = (demo_logs() / "no-go.jsonl").read_bytes()
    match kind:
        case "folder":
            path.mkdir()
        case "fifo":
            os.mkfifo(path)
        case "huge":
            with path.open("wb") as file:
                file.truncate(1024**3)
        case "journal-and-more":
            with path.open("wb") as file:
                file.write(whole)
                file.truncate(1024**3)
        case "binary":
            path.write_bytes(bytes(range(256)) * 400)
        case "other-json":
            path.write_bytes(b'{"level": "info", "msg": "not ours"}\n' * 3)
        case "empty":
            path.write_bytes(b"")
        case "first-line-cut":
            path.write_bytes(whole[:200])
        case "deep":
            path.write_bytes(b"[" * 100_000 + b"\n")
        case "loop":
            path.symlink_to(path)
    return path


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("folder", "no recorded run here"),
        ("fifo", "not a regular file"),
        ("huge", "larger than 512 MiB"),
        ("journal-and-more", "larger than 512 MiB"),
        ("binary", "no journal of a run"),
        ("other-json", "no journal of a run"),
        ("empty", "this file is empty"),
        ("first-line-cut", "no journal of a run"),
        ("deep", "no journal of a run"),
        ("loop", "no recorded run here"),
        ("missing", "No such file or directory"),
    ],
)
def test_what_is_no_journal_is_one_line_from_every_door(
    kind: str, what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: Settings
) -> None:
    path = _foreign(tmp_path, kind)
    with pytest.raises(UserError) as caught:
        recorded_run(str(path), settings)
    assert what in str(caught.value) and str(path) in str(caught.value)
    for main, more in ((agent.main, []), (cli.main, ["--picture", str(tmp_path / "a.svg")])):
        assert main(["--replay", str(path), "--state-dir", str(tmp_path / "state"), *more]) == 2
        out, err = capsys.readouterr()
        assert not out and len(err.splitlines()) == 1 and what in err
    assert not (tmp_path / "a.svg").exists()


def test_a_line_of_another_version_is_left_out_and_said_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "later.jsonl"
    first, *lines = (demo_logs() / "no-go.jsonl").read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join((first, b'{"seq":99,"at":1.0,"event":{"kind":"New"}}\n', *lines)))
    assert agent.main(["--replay", str(path), "--state-dir", str(tmp_path)]) == 1
    out, err = capsys.readouterr()
    assert err == (
        "note: the journal can't be read at line 2 (of a newer release): what stands there is left out\n"
    )
    assert "the weights need" in out
    assert damage_of(ReplayPort(path).state)


def test_a_journal_that_was_cut_short_is_told_as_far_as_it_goes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "cut.jsonl"
    path.write_bytes((demo_logs() / "no-go.jsonl").read_bytes()[:6000])
    assert agent.main(["--replay", str(path), "--state-dir", str(tmp_path)]) == 8
    assert "the weights need" not in capsys.readouterr().out


@pytest.mark.parametrize("reach", ["absolute", "link"])
def test_a_recording_shows_no_file_but_the_one_beside_it(reach: str, tmp_path: Path) -> None:
    secret = tmp_path / "kubeconfig"
    secret.write_text("token: sha256~mine\n")
    folder = tmp_path / "sent"
    folder.mkdir()
    path = folder / "a.jsonl"
    whole = (demo_logs() / "approved.jsonl").read_text(encoding="utf-8")
    log = json.loads(next(line for line in whole.splitlines() if '"QaStarted"' in line))["event"]["log"]
    if reach == "absolute":
        path.write_text(whole.replace(log, str(secret)), encoding="utf-8")
    else:
        path.write_text(whole, encoding="utf-8")
        (folder / Path(log).name).symlink_to(secret)
    port = ReplayPort(path, speed=0)
    port.start(lambda: None)
    state = fold(port.drain())
    shown = state.qa.started.log
    assert not shown or (Path(shown).parent == folder.resolve() and not Path(shown).exists())
    assert not state.folder, "nothing is written where a stranger's journal says"
