"""Budgets that hold after a re-attach: lines that an earlier process had count from their own time."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from modelcar_tui.core.log_lines import RawLine
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.qa.engines.watchdog import Watchdog
from modelcar_tui.qa.events import QaEvent, QaProgressed, WentSilent
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.outcome import Ended
from modelcar_tui.qa.types import QaRequest

NODE = b"tests/model_serving/x.py::TestVLLMModelCarRaw::test_oci[granite-standard] "
WAIT = b"Waiting for 1800 seconds [0:30:00], retry every 1 seconds. (Function: wait_for_replicas)"


def spool(folder: Path, ago: float, events: list[QaEvent], *, live: bool = True) -> Pipeline:
    pipeline = Pipeline(folder / "qa.log", Redactor(), events.append, live=live)
    at = time.time() - ago
    for number, data in enumerate((NODE, b"-" * 33 + b" SETUP " + b"-" * 33, WAIT)):
        pipeline.take(RawLine(data, at + number))
    pipeline.flush()
    return pipeline


async def look(pipeline: Pipeline, events: list[QaEvent], **limits: float) -> Watchdog:
    request = QaRequest(
        run_id="r", image="", manifest_path="", **{"timeout_s": 1e6, "silence_s": 1e6, **limits}
    )
    watchdog = Watchdog(request, pipeline, events.append, age_s=1000.0)

    async def stop() -> None:
        return None

    await watchdog.look(stop)
    return watchdog


@pytest.mark.parametrize("again", ["chunks", "replay"])
async def test_model_that_hung_while_nobody_looked_has_used_its_budget(again: str, tmp_path: Path) -> None:
    events: list[QaEvent] = []
    spool(tmp_path, 600.0, events).close()
    # A process that comes later: podman's engine reads the log again, the Kubernetes engine its own spool.
    pipeline = (
        spool(tmp_path, 600.0, events)
        if again == "chunks"
        else Pipeline(tmp_path / "qa.log", Redactor(), events.append)
    )
    if again == "replay":
        pipeline.replay()
    assert (await look(pipeline, events, model_timeout_s=900.0)).ended is Ended.ITSELF
    assert (await look(pipeline, events, model_timeout_s=500.0)).ended is Ended.MODEL_TIMEOUT
    assert (await look(pipeline, events, hang_s=500.0)).ended is Ended.HANG
    await look(pipeline, events, silence_s=500.0)
    silent = [event.seconds for event in events if isinstance(event, WentSilent)]
    assert silent == [pytest.approx(598, abs=30)]
    pipeline.close()


async def test_time_before_the_suite_started_is_no_silence(tmp_path: Path) -> None:
    events: list[QaEvent] = []
    pipeline = Pipeline(tmp_path / "qa.log", Redactor(), events.append)
    pipeline.last_line -= 3_600.0  # the image was pulled for an hour
    request = QaRequest(run_id="r", image="", manifest_path="", hang_s=900.0)
    watchdog = Watchdog(request, pipeline, events.append)

    async def stop() -> None:
        raise AssertionError("it was stopped")

    await watchdog.look(stop)
    assert watchdog.ended is Ended.ITSELF
    assert not [event for event in events if isinstance(event, WentSilent)]
    pipeline.close()


async def test_times_of_a_recording_are_not_this_machines(tmp_path: Path) -> None:
    events: list[QaEvent] = []
    pipeline = spool(tmp_path, 1e7, events, live=False)
    last = [event for event in events if isinstance(event, QaProgressed)][-1]
    assert last.model_since == pytest.approx(time.time(), abs=60)
    pipeline.close()


async def test_progress_tells_since_when_and_the_suites_own_limit(tmp_path: Path) -> None:
    events: list[QaEvent] = []
    pipeline = spool(tmp_path, 300.0, events)
    last = [event for event in events if isinstance(event, QaProgressed)][-1]
    assert (last.phase, last.model, last.window_s) == ("setup", "granite", 1800.0)
    assert last.model_since == pytest.approx(time.time() - 300, abs=30)
    pipeline.take(RawLine(b"-" * 33 + b" CALL " + b"-" * 33, time.time()))
    last = [event for event in events if isinstance(event, QaProgressed)][-1]
    assert (last.phase, last.window_s) == ("inference", None)
    assert last.phase_since == pytest.approx(time.time(), abs=30)
    pipeline.close()
