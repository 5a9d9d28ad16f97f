"""One try of a model on a real GPU, beside a run: worked out, put to the operator, run, and what it measured
taken into the verdict."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec

from modelcar_tui.core.contain import SURPRISE, not_known
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import private_folder
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.text import clean
from modelcar_tui.models import MeasuredStart, ModelFacts
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.trial_room import TRIALS, OnCluster, Room, Wish, wanted
from modelcar_tui.trial import PreparedTrial, TrialEnd, TrialNews, TrialPlan

_NEWS_S = 1.0
"""How often the news of a try that stays at its stage are told."""


Answer = Callable[[PreparedTrial], Awaitable[bool]]
"""Asks for the operator's word on what is ready."""


class Try:
    """One try, from the wish to the verdict on what it measured."""

    def __init__(
        self,
        wish: Wish,
        settings: Settings,
        *,
        state: Callable[[], RunState],
        say: Callable[[e.AnyEvent], object],
        redact: Redactor,
        room: Room | None = None,
    ) -> None:
        """
        Args:
            wish: What is to be tried.
            settings: The run's.
            state: The run as it is at that moment.
            say: Told each event, from the thread in which `go` runs.
            redact: The run's.
            room: Who does it.
        """
        self.id = f"t-{os.urandom(4).hex()}"
        """Of the wish; the plan brings the try's own."""
        self._wish = wish
        self._settings = settings
        self._state = state
        self._say = say
        self._redact = redact
        self._room = room or OnCluster()
        self._pace = _Pace(say)
        self._plan: TrialPlan | None = None
        self._facts: ModelFacts | None = None

    async def go(self, answer: Answer) -> TrialEnd:
        """The end of it, which was told, too; what the cluster does raises nothing.

        Cancelled, it says that it was stopped, once everything is removed, and the cancellation goes on.
        """
        self._say(e.TrialAsked(id=self.id, model=self._wish.model))
        try:
            end = await self._ended(answer)
        except asyncio.CancelledError:
            end = self._without("it was stopped by the operator", "try it again")
            left = () if self._plan is None else self._room.remains(self._plan, self._settings)
            self._end(msgspec.structs.replace(end, left=left))
            raise
        except Exception as error:  # noqa: BLE001 - whoever waits for it must hear its end
            problem = not_known(error, self._wish.model)
            if problem.code == SURPRISE:
                problem = Problem(where=self._wish.model, what=f"a fault of ours: {type(error).__name__}")
            return self._end(TrialEnd(id=self.id, problem=self._masked(problem)))
        self._end(end)
        if end.measured is not None:
            await self._decide_again(end.measured)
        return end

    async def _ended(self, answer: Answer) -> TrialEnd:
        run = self._state()
        model = wanted(self._wish, run)
        self._facts = model.image.model
        prepared = await self._room.prepare(model, run, self._wish, self._settings, self._redact)
        asked, self.id, self._plan = self.id, prepared.plan.id, prepared.plan
        self._say(e.TrialPlanned(plan=prepared.plan, asked=asked))
        allowed = await answer(prepared)
        self._say(e.TrialAllowed(id=self.id, allowed=allowed, who=self._settings.who))
        if not allowed:
            return self._without("the operator did not allow it; nothing was made", "")
        end = await self._room.run(
            prepared, self._pace, run, self._settings, log=_log(run, self.id), redact=self._redact
        )
        return msgspec.structs.replace(end, id=self.id)

    def _end(self, end: TrialEnd) -> TrialEnd:
        if end.measured is not None:
            try:
                self._room.keep(end.measured, self._facts)
            except UserError as error:
                text = f"the measurement counts in this run only: {self._redact(str(error))}"
                self._say(e.Noticed(text=text))
        self._say(e.TrialEnded(end=end))
        return end

    def _without(self, what: str, fix: str) -> TrialEnd:
        return TrialEnd(id=self.id, problem=Problem(where=self._wish.model, what=what, fix=fix))

    def _masked(self, problem: Problem) -> Problem:
        told = {name: clean(self._redact(getattr(problem, name))) for name in ("where", "what", "fix")}
        return msgspec.structs.replace(problem, **told)

    async def _decide_again(self, start: MeasuredStart) -> None:
        """The verdict anew, with the plan as it is; again where the run has changed it meanwhile."""
        from modelcar_tui.supervisor.redeciding import decided_anew
        from modelcar_tui.supervisor.specialists.decision import told

        for _ in range(3):
            run = self._state()
            report = await asyncio.to_thread(decided_anew, run, self._settings, start)
            if report is None:
                return
            if self._state().decision is run.decision:
                self._say(e.DecisionMade(report=report))
                for event in told(self._state().decision or report):
                    self._say(event)
                return


class _Pace:
    """Tells the news of a try: each stage at once and for good, what passes within it now and then."""

    def __init__(self, say: Callable[[e.AnyEvent], object]) -> None:
        self._say = say
        self._kept: tuple[object, ...] = ()
        self._next = 0.0

    def __call__(self, news: TrialNews) -> None:
        kept, now = (news.stage, news.node, news.began, tuple(news.figures)), time.monotonic()
        passing = kept == self._kept
        if passing and now < self._next:
            return
        self._kept, self._next = kept, now + _NEWS_S
        self._say(e.TrialMoved(news=news, passing=passing))


def _log(run: RunState, identifier: str) -> Path:
    """Where the log of a try is kept.

    Raises:
        OSError: the folder can't be made.
    """
    folder = Path(run.folder) / TRIALS
    private_folder(folder)
    return folder / f"{identifier}.log"
