"""Each recording ends as its file says, by the path of a real run, wherever it was interrupted."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelcar_tui.core.resources import demo_logs
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.qa.engines.recorded import RecordedRunner
from modelcar_tui.qa.events import QaEvent, QaLogGrew, QaProgressed, QaStarted
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.log.spool import Origin, SpoolReader
from modelcar_tui.qa.runner import QaSecrets
from modelcar_tui.qa.types import QaCounts, QaOutcome, QaRequest

ENDINGS = {
    "success": ("QA_OK", QaCounts(passed=5), ""),
    "success-single": ("QA_OK", QaCounts(passed=1), ""),
    "failure-dsc-not-ready": ("QA_ERROR:DSC_NOT_READY", None, "TrustyAIReady: deployment"),
    "failure-expired-token": ("QA_ERROR:TOKEN_EXPIRED", None, "(401)"),
    "failure-cuda-oom": ("QA_ERROR:CUDA_OOM", QaCounts(passed=4, errors=1), "CUDA out of memory"),
    "failure-image-pull-denied": (
        "QA_ERROR:IMAGE_PULL_DENIED",
        QaCounts(errors=2),
        "unable to retrieve auth token",
    ),
}


async def play(name: str, folder: Path, events: list[QaEvent]) -> QaOutcome:
    request = QaRequest(run_id="r", image="i", manifest_path="m", folder=str(folder))
    return await RecordedRunner(demo_logs() / f"{name}.log", speed=0).run(request, QaSecrets(), events.append)


def test_every_recording_has_an_expected_ending() -> None:
    assert {path.stem for path in demo_logs().glob("*.log")} == set(ENDINGS)


@pytest.mark.parametrize("name", ENDINGS)
async def test_recording_ends_as_expected(name: str, tmp_path: Path) -> None:
    code, counts, cause = ENDINGS[name]
    events: list[QaEvent] = []
    outcome = await play(name, tmp_path, events)
    assert (outcome.code, outcome.counts) == (code, counts)
    assert cause in outcome.cause
    assert outcome.ok == (code == "QA_OK")
    assert outcome.ok or outcome.fix
    assert isinstance(events[0], QaStarted)
    reader = SpoolReader(Path(events[0].log))
    grew = [event for event in events if isinstance(event, QaLogGrew)]
    assert grew[-1].lines == reader.count
    assert reader.lines(reader.count - 1, 1)[0].text.startswith(code)
    raw = (demo_logs() / f"{name}.log").read_text().splitlines()
    spooled = [line for line in reader.lines(0, reader.count) if line.origin is Origin.SUITE]
    assert len(spooled) == len(raw)
    assert not any("\x1b" in line.text for line in spooled)
    about = json.loads((demo_logs() / f"{name}.json").read_text())
    assert outcome.seconds == about["seconds"]


async def test_success_goes_through_the_phases_of_every_model(tmp_path: Path) -> None:
    events: list[QaEvent] = []
    await play("success", tmp_path, events)
    steps = [event for event in events if isinstance(event, QaProgressed)]
    for phase in (
        "collecting",
        "checking the cluster",
        "waiting for pods",
        "inference",
        "teardown",
        "finished",
    ):
        assert phase in [step.phase for step in steps]
    assert (steps[-1].done, steps[-1].total, steps[-1].passed, steps[-1].failed) == (5, 5, 5, 0)
    assert len({step.model for step in steps if step.model}) == 5
    done = [step.done for step in steps]
    assert done == sorted(done)


async def test_failed_model_carries_its_cause(tmp_path: Path) -> None:
    outcome = await play("failure-cuda-oom", tmp_path, [])
    by_name = {model.model: model for model in outcome.models}
    assert by_name["llama-3.3-70b-instruct"].status == "ERROR"
    assert by_name["llama-3.3-70b-instruct"].cause == "CUDA_OOM"
    assert [m.status for m in outcome.models].count("PASSED") == 4


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cuts=st.lists(st.integers(0, 225), max_size=3))
def test_interrupted_play_goes_on_with_no_line_lost_or_doubled(
    cuts: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole, cut = tmp_path_factory.mktemp("whole"), tmp_path_factory.mktemp("cut")
    events: list[QaEvent] = []

    async def until(line: int) -> None:
        task = asyncio.create_task(play("success", cut, []))
        for _ in range(line):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for line in cuts:
        asyncio.run(until(line))
    first, second = asyncio.run(play("success", whole, [])), asyncio.run(play("success", cut, events))
    assert first == second
    assert (whole / "qa/qa.log").read_text() == (cut / "qa/qa.log").read_text()
    assert len((whole / "qa/qa.log.idx").read_bytes()) == len((cut / "qa/qa.log.idx").read_bytes())


async def test_a_process_that_dies_after_its_last_words_does_not_say_them_twice(tmp_path: Path) -> None:
    outcome = QaOutcome(code="QA_ERROR:CUDA_OOM", message="it did not fit", cause="out of memory")
    for _ in range(2):
        pipeline = Pipeline(tmp_path / "qa.log", Redactor(), lambda _: None, live=False)
        await pipeline.conclude(outcome)
        pipeline.close()
    told = (tmp_path / "qa.log").read_text().splitlines()
    assert told == ["cause: out of memory", "QA_ERROR:CUDA_OOM: it did not fit"]


async def test_finished_play_is_not_played_again(tmp_path: Path) -> None:
    first = await play("success-single", tmp_path, [])
    events: list[QaEvent] = []
    assert await play("success-single", tmp_path, events) == first
    assert events == []


@pytest.mark.parametrize("header", [None, "{", '{"exit_status": "x", "title": 1}'])
async def test_recording_without_a_good_header_says_so_in_one_line(
    header: str | None, tmp_path: Path
) -> None:
    (tmp_path / "x.log").write_text("line\n")
    if header is not None:
        (tmp_path / "x.json").write_text(header)
    request = QaRequest(run_id="r", image="i", manifest_path="m", folder=str(tmp_path))
    outcome = await RecordedRunner(tmp_path / "x.log", speed=0).run(request, QaSecrets(), lambda _: None)
    assert outcome.code == "QA_ERROR:NOT_STARTED"
    assert "x.log" in outcome.message
    assert "\n" not in outcome.message
