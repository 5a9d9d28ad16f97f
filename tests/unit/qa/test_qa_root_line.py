"""Where the cause of a failed run stands in its log: the line that `e` goes to first."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcar_tui.core.resources import demo_logs
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.qa.engines.recorded import RecordedRunner
from modelcar_tui.qa.events import QaEvent, QaProgressed
from modelcar_tui.qa.log.root import root_line
from modelcar_tui.qa.log.spool import Origin, SpoolReader, SpoolWriter
from modelcar_tui.qa.runner import QaSecrets
from modelcar_tui.qa.types import QaModelResult, QaOutcome, QaRequest

OOM = "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 448.00 MiB. GPU 0 has a total capacity"
LOG = (
    "collected 2 items",
    "2026-08-21T09:30:00.2Z [info     ] torch.OutOfMemoryError: CUDA out of memory is what we look for",
    f"(EngineCore pid=1) ERROR 08-21 09:30:00 [core.py:866] {OOM}",
    "RuntimeError: Engine core initialization failed. See root cause above.",
    f"(EngineCore pid=1) {OOM}",
)


def spool(folder: Path, *lines: tuple[str, Origin]) -> Path:
    writer = SpoolWriter(folder / "qa.log")
    for text, origin in lines:
        writer.append(text, at=1.0, origin=origin)
    writer.flush()
    writer.close()
    return folder / "qa.log"


def outcome(cause: str, code: str = "QA_ERROR:CUDA_OOM", *models: QaModelResult) -> QaOutcome:
    return QaOutcome(code=code, message="", cause=cause, models=models)


@pytest.mark.parametrize(
    "cause", [OOM, f"llama: {OOM}", f"llama: its server ends at the start: {OOM}, and so on"]
)
def test_root_is_the_first_line_that_tells_the_cause_not_talk_of_it(tmp_path: Path, cause: str) -> None:
    suite = [(line, Origin.SUITE) for line in LOG]
    path = spool(tmp_path, *suite, (f"cause: {cause}", Origin.US))
    assert root_line(path, outcome(cause)) == 3


def test_cause_that_only_the_cluster_told_is_found_in_our_own_line(tmp_path: Path) -> None:
    path = spool(tmp_path, ("collected 2 items", Origin.SUITE), (f"cause: llama: {OOM}", Origin.US))
    assert root_line(path, outcome(f"llama: {OOM}")) == 2


def test_what_passed_or_has_no_cause_has_no_line(tmp_path: Path) -> None:
    path = spool(tmp_path, *((line, Origin.SUITE) for line in LOG))
    assert root_line(path, outcome(OOM, "QA_OK")) is None
    assert root_line(path, outcome("")) is None
    assert root_line(path, outcome("a cause that stands in no line")) is None
    assert root_line(tmp_path / "none.log", outcome(OOM)) is None
    failed = QaModelResult(model="llama", status="FAILED", line=OOM)
    assert root_line(path, outcome("", "QA_ERROR:TESTS_FAILED", failed)) == 3


@pytest.mark.parametrize(
    ("recording", "model"),
    [("failure-cuda-oom", "llama-3.3-70b-instruct"), ("failure-image-pull-denied", None), ("success", "")],
)
async def test_recording_ends_with_a_line_to_jump_to(
    recording: str, model: str | None, tmp_path: Path
) -> None:
    runner = RecordedRunner(demo_logs() / f"{recording}.log", speed=0, redact=Redactor())
    request = QaRequest(run_id="r", image="i", manifest_path="m", folder=str(tmp_path))
    events: list[QaEvent] = []
    ended = await runner.run(request, QaSecrets(None), events.append)
    last = [event for event in events if isinstance(event, QaProgressed)][-1]
    assert len(last.failures) == last.failed
    if recording == "success":
        assert ended.log_line is None
        return
    assert ended.log_line is not None
    (line,) = SpoolReader(next(tmp_path.rglob("qa.log"))).lines(ended.log_line - 1, 1)
    assert ended.cause.rpartition(": ")[2][:40] in line.text
    if model:
        assert [one.model for one in last.failures] == [model]
