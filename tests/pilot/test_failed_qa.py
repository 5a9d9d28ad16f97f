"""A run that was GO and whose QA died: no face of it says GO of what failed."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys

import pytest

from modelcar_tui.core.resources import demo_logs
from modelcar_tui.demo.run import demo_settings, prepare_demo
from modelcar_tui.supervisor.engine import Engine
from modelcar_tui.supervisor.settings import Approve
from modelcar_tui.supervisor.supervisor import Supervisor
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.replay import ReplayPort
from pilot import support as s

DIED = "llama-3.3-70b-instruct"


@pytest.fixture(scope="module")
def oom(tmp_path_factory: pytest.TempPathFactory) -> Supervisor:
    """The demo, all changes accepted, with a recording in which one model runs out of memory."""
    recording = str(demo_logs() / "failure-cuda-oom.log")
    state = tmp_path_factory.mktemp("state")
    settings = prepare_demo(
        demo_settings(approve=Approve.ALL, llm=False, qa_recording=recording, state_dir=str(state))
    )
    supervisor = Supervisor(settings)

    async def drive() -> None:
        async for _ in supervisor.run():
            pass

    asyncio.run(drive())
    return supervisor


def printed(supervisor: Supervisor, *options: str) -> tuple[int, str]:
    """What `agent` prints of the run, and its status."""
    assert supervisor.folder is not None
    command = [
        sys.executable,
        "-m",
        "modelcar_tui.cli",
        "--headless",
        "--replay",
        str(supervisor.folder),
        *options,
    ]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, env=dict(os.environ), check=False
    )
    return done.returncode, done.stdout


def test_the_report_says_which_model_failed_and_no_go_for_the_run(oom: Supervisor) -> None:
    status, text = printed(oom)
    assert status == 4
    result = text.splitlines()[-1]
    assert text.startswith(f"**QA FAILED**: {DIED}: ")
    assert result.startswith(f"**QA FAILED** (exit status 4): QA_ERROR:CUDA_OOM: {DIED}: ")
    assert f"- NO-GO {DIED}" in text
    assert f"- GO {DIED}" not in text
    assert "**GO**" not in text


def test_json_has_the_outcome_and_the_prediction_apart(oom: Supervisor) -> None:
    from modelcar_tui.report.data import envelope, to_json

    document = json.loads(to_json(envelope(oom.state)))
    assert (document["outcome"]["word"], document["predicted"], document["exit_status"]) == (
        "QA FAILED",
        "GO",
        4,
    )
    assert document["verdict"] == "NO-GO"
    assert DIED in document["summary"]


def test_the_last_line_says_it(oom: Supervisor) -> None:
    engine = Engine(oom.settings)
    engine._supervisor = oom
    said = engine.last_words()
    assert len(said) <= 3
    assert said[0].startswith(f"QA FAILED: {DIED}: CUDA out of memory")
    text = "\n".join(said)
    assert "written: " in text and ".generated.yaml" in text
    assert "qa" in text and ".log" in text
    assert f"modelcar-tui --replay {oom.state.run_id}" in text


@pytest.mark.parametrize("size", s.SIZES)
async def test_headline_row_and_summary_say_it_at_every_size(oom: Supervisor, size: tuple[int, int]) -> None:
    assert oom.folder is not None
    app = DashboardApp(ReplayPort(oom.folder, speed=0))
    async with app.run_test(size=size) as pilot:
        await s.wait_for(pilot, lambda: s.shows(app, "QA FAILED"), "the end")
        rows = s.screen_text(app)
        assert any(row.startswith(f" QA FAILED ✗   {DIED}: ") for row in rows[1:3]), "below the header"
        assert not any(re.search(rf"(?<!NO-)GO +✓ +{re.escape(DIED)}", row) for row in rows)
        told = [row for row in rows if DIED in row and re.search(r"(?<!NO-)GO ✓", row)]
        assert not told or any("PREDICTED" in row for row in rows), "a GO in its row is the prediction"
        await pilot.press("o")
        await s.wait_for(pilot, lambda: s.shows(app, "Summary"), "the summary")
        text = s.screen_text(app)
        assert any("QA FAILED ✗" in row for row in text)
        assert not any(re.search(rf"(?<!NO-)GO +✓ +{re.escape(DIED)}", row) for row in text)
        await pilot.press("escape", "q")
        await s.wait_for(pilot, lambda: app._exit, "q leaves without a question")
    assert app.return_value == 4


async def test_the_decision_pane_explains_the_row_and_proposes_nothing_that_was_written(
    oom: Supervisor,
) -> None:
    assert oom.folder is not None
    app = DashboardApp(ReplayPort(oom.folder, speed=0))
    async with app.run_test(size=(120, 40)) as pilot:
        await s.wait_for(pilot, lambda: s.shows(app, "QA FAILED"), "the end")
        await s.wait_for(
            pilot, lambda: s.shows(app, "predicted GO, but its QA failed: CUDA_OOM"), "the row's reason"
        )
        assert not s.shows(app, "d to review")


async def test_the_review_of_a_plan_that_was_written_shows_what_was_accepted(oom: Supervisor) -> None:
    assert oom.folder is not None
    app = DashboardApp(ReplayPort(oom.folder, speed=0))
    async with app.run_test(size=(120, 40)) as pilot:
        await s.wait_for(pilot, lambda: s.shows(app, "QA FAILED"), "the end")
        await pilot.press("d")
        await s.wait_for(pilot, lambda: s.shows(app, "8 of 8 accepted"), "the answer's marks")
