"""A recording tells what was seen on the cluster, at its lines, as a run does."""

from __future__ import annotations

import json
from pathlib import Path

from modelcar_tui.qa.engines.recorded import RecordedRunner
from modelcar_tui.qa.events import QaEvent, QaSaw
from modelcar_tui.qa.runner import QaSecrets
from modelcar_tui.qa.types import QaOutcome, QaRequest

TEST = "tests/a/test_x.py::TestVLLMModelCarRaw::test_oci"
STATUS = "TEST: TestVLLMModelCarRaw.test_oci"
LINES = (
    f"{TEST}[granite-standard] ",
    "waiting",
    f"{STATUS}[granite-standard] [setup] STATUS: ERROR",
    "======= 1 error in 9.0s =======",
)
DENIED = {
    "model": "granite",
    "object": "granite",
    "text": "waiting for the image: \x1b[31munauthorized",
    "cause": "IMAGE_PULL_DENIED",
    "mends_itself": False,
}


async def play(folder: Path, looks: list[object], events: list[QaEvent]) -> QaOutcome:
    log = folder / "x.log"
    log.write_text("\n".join(LINES) + "\n")
    about = {"exit_status": 1, "title": "t", "looks": looks}
    log.with_suffix(".json").write_text(json.dumps(about))
    request = QaRequest(run_id="r", image="i", manifest_path="m", folder=str(folder / "run"))
    return await RecordedRunner(log, speed=0).run(request, QaSecrets(), events.append)


def seen(events: list[QaEvent]) -> list[list[str]]:
    return [[one.line for one in event.seen] for event in events if isinstance(event, QaSaw)]


async def test_what_was_seen_is_told_at_its_line_and_explains_the_failure(tmp_path: Path) -> None:
    events: list[QaEvent] = []
    outcome = await play(tmp_path, [{"line": 1, "seen": [DENIED]}, {"line": 3}], events)
    assert seen(events) == [["granite: waiting for the image: unauthorized"], []]
    assert (outcome.code, outcome.models[0].cause) == ("QA_ERROR:IMAGE_PULL_DENIED", "IMAGE_PULL_DENIED")


async def test_what_was_over_before_the_failure_explains_nothing(tmp_path: Path) -> None:
    events: list[QaEvent] = []
    over = {"line": 1, "seen": [{**DENIED, "text": ""}]}
    outcome = await play(tmp_path, [{"line": 0, "seen": [DENIED]}, over], events)
    assert seen(events) == [["granite: waiting for the image: unauthorized"], []]
    assert outcome.code == "QA_ERROR:TESTS_FAILED"


async def test_a_recording_without_looks_tells_nothing_of_the_cluster(tmp_path: Path) -> None:
    events: list[QaEvent] = []
    await play(tmp_path, [], events)
    assert seen(events) == []
