"""What every engine does with the suite's lines: clean, redact, spool, parse, tell.

One path for podman, Kubernetes and recordings, so that what the demo shows is what a run does.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import NamedTuple

import msgspec

from modelcar_tui.core.carried import CarriedSecrets
from modelcar_tui.core.contain import keep
from modelcar_tui.core.crash import kind
from modelcar_tui.core.log_lines import RawLine
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.text import clean
from modelcar_tui.qa.events import MOST_FAILURES, QaLogGrew, QaProgressed, Warned
from modelcar_tui.qa.log.cutting import MAX_BYTES as MAX_SPOOL
from modelcar_tui.qa.log.logparse import SuiteParser
from modelcar_tui.qa.log.root import root_line
from modelcar_tui.qa.log.spool import LINE_LIMIT, Origin, SpoolReader, SpoolWriter
from modelcar_tui.qa.runner import OnEvent
from modelcar_tui.qa.types import QaModelResult, QaOutcome

GREW_EVERY = 0.1
"""Seconds between two `QaLogGrew`."""
_RAW_LIMIT = 64 * 1024
_COLOUR = re.compile(rb"\x1b\[[0-9;]*m")


class Past(NamedTuple):
    """What suites before this one of the same run have done."""

    done: int = 0
    total: int = 0
    """Models of the whole run; 0 takes the suite's own figure."""
    passed: int = 0
    failed: int = 0
    failures: tuple[QaModelResult, ...] = ()


class Pipeline:
    """Takes raw lines in order; those that an earlier process has spooled are parsed, not spooled again.

    Args:
        live: The lines' times are this machine's; False for a recording.
    """

    def __init__(self, spool: Path, redact: Redactor, on_event: OnEvent, *, live: bool = True) -> None:
        self.path = spool
        self.parser = SuiteParser()
        self._past = Past()
        self.redact = redact
        self._carried = CarriedSecrets()
        self._live = live
        self.last_line = self.phase_since = self.model_since = time.monotonic()
        """When they were, by the monotonic clock; lines of an earlier process count from their own time."""
        self._writer = SpoolWriter(spool, max_bytes=MAX_SPOOL)
        self._skip = self._writer.suite_lines
        self._on_event = on_event
        self.ahead_s = 0.0
        """How far this machine's clock is ahead of the one that the lines' times are from."""
        self.odd = 0
        """Lines that were not understood; the log has them."""
        self._known = (0, 0)
        self._told = 0.0
        self._told_count = -1
        self._stage = ""

    @property
    def seen(self) -> int:
        """Lines of the suite that the spool has taken."""
        return self._writer.suite_lines

    @property
    def phase(self) -> str:
        """Our own stage until the suite speaks, then the suite's."""
        return self._stage or self.parser.result.phase

    def take(self, raw: RawLine) -> None:
        """One line of the suite."""
        try:
            text = self._text(raw.data)
        except Exception as error:  # noqa: BLE001 - one line of many
            text = f"[a line that can't be shown: {self._odd(error)}]"
        changed = self._feed(text, raw.at)
        self._stage = ""
        if self._skip > 0:
            self._skip -= 1
            if not self._skip:
                self.progress()
            return
        # What the suite's state is read from stays where the middle of a long log is cut out.
        self._writer.append(text, at=raw.at, kept=changed or self._learned() or _tells_an_error(text))
        if changed:
            self.progress()

    def _learned(self) -> bool:
        """Whether more, or less, is known now of what the suite has made and measured."""
        result, before = self.parser.result, self._known
        self._known = (len(result.created), len(result.measured))
        return before != self._known

    def _text(self, data: bytes) -> str:
        """A line as it may be kept and shown."""
        # Colours alone are dropped first: what is left of most lines is plain, which `clean` passes quickly.
        plain = _COLOUR.sub(b"", data) if b"\x1b" in data else data
        text = self._carried(self.redact.known(clean(plain.decode("utf-8", "replace"), limit=_RAW_LIMIT)))
        return text if len(text) <= LINE_LIMIT else text[: LINE_LIMIT - 1] + "…"

    def _odd(self, error: Exception) -> str:
        """Count a line that is not understood; the first is told. Its kind of error."""
        self.odd += 1
        if self.odd == 1:
            keep(error)
            self._on_event(Warned(text=f"a line of the suite's log is not understood: {kind(error)}"))
        return kind(error)

    def _feed(self, text: str, at: float) -> bool:
        result = self.parser.result
        model, phase, begun = result.model, result.phase, result.begun
        try:
            changed = self.parser.feed(text)
        except Exception as error:  # noqa: BLE001 - the line is in the log all the same
            self._odd(error)
            changed = False
        now = time.monotonic()
        self.last_line = now - max(time.time() - self.ahead_s - at, 0.0) if at and self._live else now
        if result.model != model or result.begun != begun:
            self.model_since = self.last_line
        if result.phase != phase:
            self.phase_since = self.last_line
        return changed

    def begin(self, past: Past) -> SuiteParser:
        """Another suite of the same run begins; its parser."""
        self.parser, self._past = SuiteParser(), past
        return self.parser

    def replay(self, begins: Callable[[str], bool] = lambda _: False) -> tuple[float, int]:
        """Parse what an earlier process has spooled, for engines that can go on from a time.

        Args:
            begins: Told each line of ours; True where another log begins.

        Returns:
            The time of the last line of the suite, and how many of the last lines have that very time.
        """
        reader, place = SpoolReader(self.path), 0
        last, ties = 0.0, 0
        while lines := reader.lines(place, 2_000):
            place += len(lines)
            for line in lines:
                if line.origin is Origin.SUITE:
                    self._feed(line.text, line.at)
                    ties = ties + 1 if line.at == last else 1
                    last = line.at
                elif line.origin is Origin.US and begins(line.text):
                    last, ties = 0.0, 0
        self._skip = 0
        self.progress()
        return last, ties

    def say(self, text: str) -> None:
        """One line of ours (podman's pull, the closing line)."""
        self._say_unless((), text)

    def _say_unless(self, said: Collection[str], text: str) -> None:
        shown = self.redact(clean(text, limit=_RAW_LIMIT))[:LINE_LIMIT]
        if shown not in said:
            self._writer.append(shown, at=time.time(), origin=Origin.US)
            self.flush()

    async def conclude(self, outcome: QaOutcome) -> QaOutcome:
        """Say the cause and the closing line; the outcome with the line where its cause stands.

        What a process that was killed just then has said already is not said again.
        """
        last = {line.text for line in SpoolReader(self.path).lines(max(0, self._writer.count - 2), 2)}
        if outcome.cause and not outcome.ok:
            self._say_unless(last, f"cause: {outcome.cause}")
        self._say_unless(last, f"{outcome.code}: {outcome.message}")
        # In a thread: a million lines take seconds.
        place = await asyncio.to_thread(root_line, self.path, outcome)
        return msgspec.structs.replace(outcome, log_line=place)

    def stage(self, name: str) -> None:
        """What we do before the suite speaks: `staging`, `pulling image`, ..."""
        if name != self._stage:
            self._stage, self.phase_since = name, time.monotonic()
        self.progress()

    def expect(self, tests: int) -> None:
        """How many tests there will be, before the suite has said it."""
        self.parser.result.total = self.parser.result.total or tests

    def progress(self) -> None:
        """Tell where the suite is."""
        result, past, zero = self.parser.result, self._past, time.time() - time.monotonic()
        self._on_event(
            QaProgressed(
                done=past.done + result.done,
                total=past.total or result.total,
                phase=self.phase,
                model=result.model,
                passed=past.passed + result.tests.passed,
                failed=past.failed + result.tests.failed,
                failures=(*past.failures, *result.tests.failures)[:MOST_FAILURES],
                phase_since=zero + self.phase_since,
                model_since=zero + self.model_since if result.model else 0.0,
                window_s=result.window_s,
            )
        )

    def flush(self, *, force: bool = True) -> None:
        """Write what is pending and tell that the log grew; without `force` at most every `GREW_EVERY` s.

        Raises:
            OSError: the disk is full, ...
        """
        now = time.monotonic()
        if not force and now - self._told < GREW_EVERY:
            return
        self._writer.flush()
        self._told = now
        if self._writer.ever != self._told_count:
            self._told_count = self._writer.ever
            self._on_event(QaLogGrew(lines=self._writer.ever, size=self._writer.size))

    def close(self) -> None:
        """The last flush."""
        self.flush()
        self._writer.close()


def _tells_an_error(text: str) -> bool:
    return text.startswith(("E  ", "INTERNALERROR>")) or "Error: " in text or "Exception: " in text
