"""A recorded log, played line by line through the same spool, parser and outcome as a real run.

A recording is `NAME.log` (the container's raw output) and `NAME.json` beside it: what it is and how it ended.
"""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec

from modelcar_tui.core.decode import decode
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.log_lines import LineSplitter, RawLine
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.stamps import seconds
from modelcar_tui.core.text import clean
from modelcar_tui.qa import store
from modelcar_tui.qa.engines.recorded_looks import RecordedLook, RecordedLooks
from modelcar_tui.qa.engines.staging import driving_alone, qa_folder
from modelcar_tui.qa.events import QaStarted
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.outcome import classify, refused
from modelcar_tui.qa.runner import OnEvent, QaSecrets
from modelcar_tui.qa.types import QaOutcome, QaRequest
from modelcar_tui.qa.watch_outcome import with_record
from modelcar_tui.qa.watch_record import ClusterRecord

_STAMP = re.compile(r"^(?:PASSED|FAILED|ERROR|SKIPPED)?(\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?)")
RECORDING = "a recording"
"""How what is played instead of a container is called, with its name behind it."""
SPEED = 20.0
MAX_GAP_S = 0.8
MAX_BYTES = 512 * 1024**2


class Recording(msgspec.Struct, frozen=True, kw_only=True):
    """`NAME.json`."""

    exit_status: int
    title: str
    """What happened, one line."""
    origin: str = ""
    """Where the lines come from, such as `synthesised from the published line grammar`."""
    image: str = ""
    seconds: float | None = None
    """How long the recorded run took; None takes the suite's own figure."""
    looks: tuple[RecordedLook, ...] = ()
    """What the cluster said while the suite waited."""


class RecordedRunner:
    """Plays a recording.

    Args:
        recording: The `.log` file.
        speed: Recorded seconds a second; 0 plays without pauses. None takes `MODELCAR_TUI_QA_SPEED`, else 20.
            Lines without a time follow at once.
        max_gap_s: No pause is longer than this.
    """

    def __init__(
        self,
        recording: Path,
        *,
        speed: float | None = None,
        max_gap_s: float = MAX_GAP_S,
        redact: Redactor | None = None,
    ) -> None:
        self.detach = False
        self._path = recording
        self._speed = _speed() if speed is None else speed
        self._max_gap = max_gap_s
        self._redact = redact or Redactor()

    async def run(self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent) -> QaOutcome:
        """See `runner.Runner`; the secrets are not needed."""
        try:
            about = describe(self._path)
            qa = qa_folder(request.folder)
            async with driving_alone(qa):
                return store.load_outcome(qa) or await self._play(qa, about, on_event, request)
        except UserError as error:
            return refused(error.problems[0])

    async def attach(self, request: QaRequest, secrets: QaSecrets, on_event: OnEvent) -> QaOutcome | None:
        """A recording has no container: only a finished play can be attached to."""
        return store.load_outcome(qa_folder(request.folder))

    async def _play(self, qa: Path, about: Recording, on_event: OnEvent, request: QaRequest) -> QaOutcome:
        pipeline = Pipeline(qa / store.SPOOL, self._redact, on_event, live=False)
        try:
            done = pipeline.seen
            image = about.image or request.image
            on_event(
                QaStarted(
                    container=f"{RECORDING} ({self._path.stem})",
                    image=image,
                    log=str(pipeline.path),
                    attached=done > 0,
                    began=time.time(),
                    limit_s=request.timeout_s,
                    model_limit_s=request.model_timeout_s,
                )
            )
            clock, record = 0.0, ClusterRecord(qa)
            looks = RecordedLooks(about.looks, record, self._redact, on_event)
            for number, line in enumerate(recorded_lines(self._path)):
                at = line.at or clock
                if number >= done:
                    await self._pause(clock, line.at, pipeline)
                clock = at
                if number >= done:
                    looks.at(number)
                pipeline.take(line)
                pipeline.flush(force=False)
            outcome = classify(pipeline.parser, exit_status=about.exit_status, seconds=about.seconds)
            outcome = with_record(outcome, record)
            outcome = await pipeline.conclude(outcome)
            store.save_outcome(qa, outcome)
        finally:
            pipeline.close()
        return outcome

    async def _pause(self, before: float, at: float, pipeline: Pipeline) -> None:
        gap = at - before if at and before else 0.0
        gap = min(max(gap, 0.0) / self._speed, self._max_gap) if self._speed > 0 else 0.0
        if gap > 0.02:
            pipeline.flush()
        await asyncio.sleep(gap)


def describe(recording: Path) -> Recording:
    """The header of a recording.

    Raises:
        UserError: it is missing or not what it should be.
    """
    path = recording.with_suffix(".json")
    try:
        if not recording.is_file() or recording.stat().st_size > MAX_BYTES:
            raise FileNotFoundError(2, "there is no such log (or it is larger than 512 MiB)")
        return decode(path.read_bytes(), Recording)
    except (OSError, msgspec.MsgspecError) as error:
        what = clean(getattr(error, "strerror", None) or str(error))
        fix = "a recording is NAME.log and NAME.json with exit_status and title"
        raise UserError(Problem(what=f"can't be played: {what}", where=str(recording), fix=fix)) from None


def recorded_lines(recording: Path) -> Iterator[RawLine]:
    """The lines with the times that they carry; 0 where they carry none."""
    splitter = LineSplitter()
    with recording.open("rb") as file:
        while chunk := file.read(65_536):
            for data in splitter.feed(chunk):
                yield RawLine(data, _time(data))
    if left := splitter.rest():
        yield RawLine(left, _time(left))


def _speed() -> float:
    try:
        return max(float(os.environ.get("MODELCAR_TUI_QA_SPEED", SPEED)), 0.0)
    except ValueError:
        return SPEED


def _time(data: bytes) -> float:
    match = _STAMP.match(clean(data[:80].decode("utf-8", "replace")))
    return (
        seconds(match[1] if match[1].endswith("Z") or "+" in match[1] else match[1] + "Z") if match else 0.0
    )
