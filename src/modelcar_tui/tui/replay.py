"""A recorded run behind the engine's port: the same screens, the same events, another clock."""

from __future__ import annotations

import asyncio
import os
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import msgspec

from modelcar_tui.manifest import Decision
from modelcar_tui.qa import QaStarted
from modelcar_tui.supervisor import RunState, fold, journal_of, retold, settings_of_run, still_open, watch
from modelcar_tui.supervisor.answers import WhatIf
from modelcar_tui.supervisor.events import ChangesMarked, DecisionMade, QuestionAnswered, Stamped
from modelcar_tui.tui.playing import LONGEST_GAP_S, Played, Playing
from modelcar_tui.verdict import ApplyPreview, DecisionReport

__all__ = ["LONGEST_GAP_S", "ReplayPort"]


class ReplayPort:
    """Plays a journal; takes no answers, starts and writes nothing."""

    recorded = True

    def __init__(
        self, journal: Path, speed: float = 1.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Args:
            journal: A `journal.jsonl`, or the run's folder.
            speed: How many times faster than recorded; 0 shows the end at once.
            clock: Seconds from any origin.

        Raises:
            UserError: as `supervisor.retold`.
        """
        path = journal_of(journal)
        watch(path, self)
        self._events = [_at_home(stamped, path.parent.resolve()) for stamped in retold(path)]
        self.playing = Playing(self._events, speed, clock=clock)
        self.growing = still_open(path)
        self.begun = False
        self._given = 0
        self._late: deque[Stamped] = deque()
        self._answered: list[QuestionAnswered] = []
        """What was asked of the recording itself: it stays wherever one jumps to."""
        self._vllm = _stated_vllm(path.parent)
        self._reports = [s.event.report for s in self._events if isinstance(s.event, DecisionMade)]

    def start(self, on_ready: Callable[[], None]) -> None:
        """See `EnginePort.start`."""
        self.begun = True
        self.playing.begin()
        on_ready()

    def drain(self) -> list[Stamped]:
        """See `EnginePort.drain`."""
        if not self.begun:
            return []
        until = self.playing.given
        fresh, self._given = self._events[self._given : until], max(self._given, until)
        late = [self._late.popleft() for _ in range(len(self._late))]
        self._answered += (one.event for one in late if isinstance(one.event, QuestionAnswered))
        return [*fresh, *late]

    def jumped(self) -> RunState:
        """The state of the moment that was jumped to; `drain` goes on from there."""
        self._given = self.playing.given
        state = self.playing.state_at(self._given)
        return fold((Stamped(state.seq, state.now, one) for one in self._answered), state)

    @property
    def played(self) -> Played:
        """How far it is shown."""
        return msgspec.structs.replace(self.playing.played, growing=self.growing)

    @property
    def told(self) -> bool:
        """Whether all of the recording has been given."""
        return self._given == len(self._events)

    def now(self) -> float:
        """The recording's time; it stands still in a pause."""
        return self.playing.position if self.begun else self._events[0].at

    @property
    def state(self) -> RunState:
        """All of the run, however much of it has been shown."""
        return self.playing.state_at(len(self._events))

    def ask(self, question: str | WhatIf) -> str:
        """Answered by the real estimate from what is shown at this moment; no language model, and nothing is
        kept."""
        identifier = f"replay-{os.urandom(4).hex()}"
        state = self.playing.state_at(self._given)
        Thread(target=self._answer, args=(state, question, identifier), name=identifier, daemon=True).start()
        return identifier

    def _answer(self, state: RunState, question: str | WhatIf, identifier: str) -> None:
        from modelcar_tui.supervisor.llm import Asker

        try:
            answered = asyncio.run(Asker(state, vllm=self._vllm).answer(question, identifier=identifier))
        except Exception as error:  # noqa: BLE001 - whoever asked must hear the end of it
            text = question if isinstance(question, str) else question.text
            why = f"a fault of ours: {type(error).__name__}"
            answered = QuestionAnswered(id=identifier, question=text, text="", why=why)
        self._late.append(Stamped(state.seq, state.now, answered))

    def answer(self, decision: Decision) -> None:
        """A recording takes no answers."""

    def mark(self, marked: ChangesMarked) -> None:
        """A recording changes no marks."""

    def consent(self, allowed: bool) -> None:
        """A recording takes no answers."""

    def cancel(self) -> None:
        """Nothing runs."""

    def detach(self) -> None:
        """Nothing runs."""

    def join(self, timeout: float) -> bool:
        """See `EnginePort.join`."""
        return True

    def preview(self, decision: Decision) -> ApplyPreview:
        """The recorded hunks of the accepted changes; the verdict was not recorded for other sets."""
        report = self._report(decision.plan_digest)
        accepted = set(decision.accepted)
        hunks = tuple(hunk for hunk in report.hunks if accepted & set(hunk.changes)) if report else ()
        return ApplyPreview(hunks=hunks, why="a recorded run: to look at only")

    def _report(self, digest: str) -> DecisionReport | None:
        return next((report for report in reversed(self._reports) if report.plan.digest == digest), None)


def _at_home(stamped: Stamped, folder: Path) -> Stamped:
    """An event that names no log but one in the recording's own folder: whoever made it may have named any
    file. A recording that was moved finds its log beside the journal.
    """
    event = stamped.event
    if isinstance(event, QaStarted):
        told = Path(event.log)
        beside = folder / told.name
        places = [path for path in (told, folder / "qa" / told.name, beside) if path.is_file()]
        own = (path for path in places if path.resolve().is_relative_to(folder))
        event = msgspec.structs.replace(event, log=str(next(own, "" if beside in places else beside)))
    return stamped if event is stamped.event else msgspec.structs.replace(stamped, event=event)


def _stated_vllm(folder: Path) -> str | None:
    """The vLLM release that the recorded run was told to judge by."""
    own = settings_of_run(folder)
    return own.vllm_version if own is not None else None
