"""What is told of a run, in whatever state its journal leaves it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import msgspec
import pytest

from modelcar_tui import Supervisor, UserError, api
from modelcar_tui.mcp import Asking
from modelcar_tui.mcp import inputs as i
from modelcar_tui.mcp.explaining import explain_run, report
from modelcar_tui.qa import QaModelResult, QaOutcome
from modelcar_tui.supervisor import RunState


@pytest.fixture
def asking(state: Path) -> Asking:
    return Asking(state_dir=str(state))


def explained(asking: Asking, run: str = "last"):
    return explain_run(asking, i.RunInput(run=run))


def changed(monkeypatch: pytest.MonkeyPatch, asking: Asking, **fields: object) -> RunState:
    """The run's state is another from here on."""
    told = msgspec.structs.replace(api.load_run(asking.journal("last")), **fields)
    monkeypatch.setattr("modelcar_tui.api.earlier.load_run", lambda _: told)
    return told


def test_a_failed_qa_is_told_by_model(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    before = api.load_run(asking.journal("last"))
    one = QaModelResult(model="granite-3.1-8b-instruct", status="FAILED", cause="CUDA_OOM", means="no memory")
    failed = QaOutcome(code="QA_ERROR:TESTS_FAILED", message="1 of 1 failed", fix="look", models=(one,))
    changed(monkeypatch, asking, qa=msgspec.structs.replace(before.qa, outcome=failed))
    text, told = explained(asking)
    assert told.qa is not None
    assert [(row.model, row.cause, row.means) for row in told.qa.models] == [
        (one.model, "CUDA_OOM", "no memory")
    ]
    assert "QA: QA_ERROR:TESTS_FAILED: 1 of 1 failed" in text
    assert told.predicted != told.headline


def test_a_run_that_decided_nothing_says_so(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, asking, decision=None, finish=None)
    text, told = explained(asking)
    assert (told.headline, told.verdict, told.finished, told.why) == (
        None,
        None,
        False,
        "no model was judged yet",
    )
    assert "no verdict: no model was judged yet" in text


def test_a_manifest_that_could_not_be_read_is_told_with_its_faults(tmp_path: Path) -> None:
    manifest = tmp_path / "m.yaml"
    manifest.write_text("model-car: 7\n")

    async def run() -> None:
        options = {"gpus": ("L40S:1",), "qa": False, "llm": False, "approve": "show"}
        async for _ in Supervisor(manifest, state_dir=str(tmp_path / "state"), **options).run():
            pass

    asyncio.run(run())
    _, told = explained(Asking(state_dir=str(tmp_path / "state")))
    assert told.exit_status == 2
    assert told.headline == "UNKNOWN"
    assert told.models == []
    assert any("m.yaml:1" in problem for problem in told.problems)


def test_a_report_is_json_whatever_long_lines_it_has(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    changed(monkeypatch, asking, kept="x" * 30_000 + "\x1b[31m")
    media, text = report(asking, "modelcar://runs/last/report.json")
    assert media == "application/json"
    assert "\x1b" not in json.loads(text)["run"]["kept"]
    assert report(asking, "modelcar://runs/last/report.md")[0] == "text/markdown"


def test_a_report_that_is_too_long_names_the_command(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelcar_tui.mcp.explaining.MOST_REPORT", 100)
    with pytest.raises(UserError, match="agent --replay last --format json"):
        report(asking, "modelcar://runs/last/report.md")


def test_a_journal_outside_of_the_runs_is_not_read(state: Path, tmp_path: Path) -> None:
    (run,) = (state / "runs").iterdir()
    runs = tmp_path / "runs"
    runs.mkdir()
    (runs / "linked").symlink_to(run)
    (runs / "file-linked").mkdir()
    (runs / "file-linked/journal.jsonl").symlink_to(run / "journal.jsonl")
    for name in ("linked", "file-linked"):
        with pytest.raises(UserError, match="has no journal here"):
            explained(Asking(state_dir=str(tmp_path)), name)


def test_a_journal_that_is_too_long_is_not_read(asking: Asking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelcar_tui.mcp.asking.MOST_JOURNAL", 10)
    with pytest.raises(UserError, match="is larger than"):
        explained(asking)
