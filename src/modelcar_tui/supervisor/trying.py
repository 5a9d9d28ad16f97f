"""One try of a model on a real GPU, beside a run: worked out, put to the operator, run, and what it measured
taken into the verdict."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, cast

import msgspec

from modelcar_tui.core.contain import SURPRISE, not_known
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.files import private_folder
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import Decision
from modelcar_tui.models import MeasuredStart
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.trial import TrialEnd, TrialNews, TrialPlan
from modelcar_tui.verdict import ModelRequirements

if TYPE_CHECKING:
    from modelcar_tui.kube import ClusterOptions

TRIALS = "trials"
"""In a run's folder: the masked log of each of its tries."""
_NEWS_S = 1.0
"""How often the news of a try that stays at its stage are told."""


class Prepared(Protocol):
    """What is ready to be made: see `trial.PreparedTrial`."""

    @property
    def plan(self) -> TrialPlan:
        """What it would do."""
        ...


class Room(Protocol):
    """What is asked of the rooms that try, and keep what was measured."""

    async def prepare(
        self, model: ModelRequirements, run: RunState, wish: Wish, settings: Settings, redact: Redactor
    ) -> Prepared:
        """What the try would be; nothing is made. Raises UserError, ClusterError."""
        ...

    async def run(
        self,
        prepared: Prepared,
        on_news: Callable[[TrialNews], None],
        run: RunState,
        settings: Settings,
        *,
        log: Path,
        redact: Redactor,
    ) -> TrialEnd:
        """From the operator's word to the end; cancelled, it removes everything first."""
        ...

    def keep(self, start: MeasuredStart) -> None:
        """Keep a measurement for later runs. Raises UserError."""
        ...


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Which model somebody wants tried, and how."""

    model: str
    """As the manifest calls it."""
    decision: Decision | None = None
    """The changes that count; None takes the arguments as they stand."""
    namespace: str | None = None
    on: str = ""
    """A node's name or a kind of GPU; empty leaves it to what is free."""
    limit_s: int | None = None
    """How long vLLM may take to start; None takes the usual."""


Answer = Callable[[Prepared], Awaitable[bool]]
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

    async def go(self, answer: Answer) -> TrialEnd:
        """The end of it, which was told, too; what the cluster does raises nothing.

        Cancelled, it says that it was stopped, once everything is removed, and the cancellation goes on.
        """
        self._say(e.TrialAsked(id=self.id, model=self._wish.model))
        try:
            end = await self._ended(answer)
        except asyncio.CancelledError:
            self._end(self._without("stopped by the operator; nothing was measured", "try it again"))
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
        prepared = await self._room.prepare(
            _wanted(self._wish, run), run, self._wish, self._settings, self._redact
        )
        asked, self.id = self.id, prepared.plan.id
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
                self._room.keep(end.measured)
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


class OnCluster:
    """The real one: the cluster that the run has looked at."""

    async def prepare(
        self, model: ModelRequirements, run: RunState, wish: Wish, settings: Settings, redact: Redactor
    ) -> Prepared:
        """See `Room.prepare`."""
        from modelcar_tui.cluster import refresh_cluster
        from modelcar_tui.image import ImageOptions
        from modelcar_tui.kube import connect, find_credentials

        options = _options(run, settings)
        assert run.cluster is not None  # noqa: S101 - `_options` refuses it
        room = _trial()
        ask = room.TrialAsk(
            model=model,
            cluster=await refresh_cluster(options, run.cluster),
            vllm=settings.vllm_version,
            namespace=wish.namespace or settings.namespace,
            on=wish.on,
            images=ImageOptions(authfile=settings.authfile, registries_conf=settings.registries_conf),
            **({} if wish.limit_s is None else {"limit_s": wish.limit_s}),
        )
        async with connect(find_credentials(options), options) as client:
            prepared: Prepared = await room.prepare_trial(ask, client, redact=redact)
        return prepared

    async def run(
        self,
        prepared: Prepared,
        on_news: Callable[[TrialNews], None],
        run: RunState,
        settings: Settings,
        *,
        log: Path,
        redact: Redactor,
    ) -> TrialEnd:
        """See `Room.run`."""
        from modelcar_tui.kube import connect, find_credentials

        options, folder = _options(run, settings), settings.runs_folder.parent
        async with connect(find_credentials(options), options) as client:
            end: TrialEnd = await _trial().run_trial(
                prepared, client, on_news, folder=folder, log=log, redact=redact
            )
        return end

    def keep(self, start: MeasuredStart) -> None:
        """See `Room.keep`."""
        from modelcar_tui import verdict

        cast("Any", verdict).Measurements().add(start)


async def sweep(run: RunState, settings: Settings) -> tuple[str, ...]:
    """Remove what tries of killed processes have left on the run's cluster; a line for each. A cluster that
    can't be asked is none of the run's business here: there is nothing to tell."""
    from modelcar_tui.kube import ClusterError, connect, find_credentials

    folder = settings.runs_folder.parent
    if not (folder / TRIALS).is_dir():
        return ()
    with suppress(UserError, ClusterError, OSError):
        options = _options(run, settings, looked=False)
        async with connect(find_credentials(options), options) as client:
            lines: tuple[str, ...] = await _trial().sweep_trials(client, folder=folder)
            return lines
    return ()


def _trial() -> Any:
    from modelcar_tui import trial

    return cast("Any", trial)


def _options(run: RunState, settings: Settings, *, looked: bool = True) -> ClusterOptions:
    """Where the run looked, or looks.

    Raises:
        UserError: at no cluster.
    """
    from modelcar_tui.supervisor.specialists.accelerator import cluster_options

    if settings.gpus or settings.inventory:
        what = "the GPUs are stated, so there is none to try a model on"
        fix = "leave --gpu and --inventory out, so that the cluster is looked at"
        raise UserError(Problem(what=what, fix=fix))
    if looked and run.cluster is None:
        raise UserError(Problem(what="the cluster has not been looked at yet", fix="wait for it"))
    return cluster_options(settings, run.manifest)


def _wanted(wish: Wish, run: RunState) -> ModelRequirements:
    """The model with the arguments that are to be tried.

    Raises:
        UserError: there is no such model, or no verdict yet.
    """
    from modelcar_tui.verdict import accepted_model

    found = next((model for model in run.models if model.car.name == wish.model), None)
    if found is None:
        names = ", ".join(model.car.name for model in run.models[:3])
        raise UserError(
            Problem(where=wish.model, what="there is no such model", fix=f"one of {names}" if names else "")
        )
    if run.decision is None:
        raise UserError(Problem(where=wish.model, what="there is no verdict yet", fix="wait for it"))
    return found if wish.decision is None else accepted_model(found, run.decision.plan, wish.decision)


def _log(run: RunState, identifier: str) -> Path:
    """Where the log of a try is kept.

    Raises:
        OSError: the folder can't be made.
    """
    folder = Path(run.folder) / TRIALS
    private_folder(folder)
    return folder / f"{identifier}.log"
