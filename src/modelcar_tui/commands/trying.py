"""`agent try FILE`: start vLLM on a real GPU, with dummy weights, and judge by what it told."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.manifest import required_ids
from modelcar_tui.commands.plan import accepted_ids, run_to_end
from modelcar_tui.commands.trying_told import Voice, consent_lines, end_lines
from modelcar_tui.core.config_file import typed_word
from modelcar_tui.core.counting import several
from modelcar_tui.core.ends import ENDS, LIMIT_S
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus, worst
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.text import reveal
from modelcar_tui.manifest import Decision
from modelcar_tui.memory import same_card
from modelcar_tui.models import MeasuredStart
from modelcar_tui.supervisor import TRY_STOP_S, Approve, RunState, Settings, Supervisor, Trial, Wish
from modelcar_tui.supervisor import events as e
from modelcar_tui.trial import PreparedTrial, TrialEnd
from modelcar_tui.verdict import (
    STATUS,
    DecisionReport,
    ModelVerdict,
    candidates,
    decide_accepted,
    standing_decision,
)

AGAIN_S = 2.0
"""What an end may still take once it was asked for a second time."""


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be tried."""

    models: tuple[str, ...] = ()
    """None are all."""
    accept: str = "none"
    """`all`, `required`, `none` or ids."""
    on: str = ""
    limit_min: int | None = None
    yes: bool = False
    dry_run: bool = False
    form: str = "text"
    words: tuple[str, ...] = ()
    """The command line, as it was typed."""

    @property
    def allowing(self) -> str:
        """The same command line with the word given."""
        return " ".join(("agent", *map(typed_word, self.words), "--yes"))


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """What came of one model."""

    trial: Trial
    end: TrialEnd
    judged: ModelVerdict | None = None
    """The verdict for the kind of GPU on which it was measured; None where nothing was."""
    whole: ModelVerdict | None = None
    """The verdict for all kinds at hand."""

    @property
    def status(self) -> ExitStatus:
        """The verdict's; where nothing was measured, nobody knows it."""
        return ExitStatus.UNKNOWN if self.judged is None else STATUS[self.judged.verdict]


def run_tries(settings: Settings, wanted: Wanted) -> int:
    """Judge, try what is wanted, one after the other, and judge again.

    The status is the worst verdict on what was measured.

    Raises:
        UserError: the file can't be judged, the cluster can't be read, there is no such model or change.
    """
    settings = msgspec.structs.replace(settings, approve=Approve.SHOW, qa=False, llm=False)
    supervisor = run_once(run_to_end(settings))
    state = supervisor.state
    for notice in state.notices:  # such as what a killed try had left, which is removed
        complain(f"note: {reveal(notice.text)}")
    report = _judged(state)
    names = _names(state, wanted.models)
    ids = accepted_ids(report.plan, wanted.accept, "--accept", {"required": required_ids(report.plan)})
    decision = Decision(plan_digest=report.plan.digest, accepted=ids, who=settings.who) if ids else None
    limit = None if wanted.limit_min is None else wanted.limit_min * 60
    wishes = [
        Wish(model=name, decision=decision, namespace=settings.namespace, on=wanted.on, limit_s=limit)
        for name in names
    ]
    leaving = _Leaving(supervisor)
    with ENDS.heard_by(leaving):
        if wanted.dry_run:
            return run_once(_shown(supervisor, wishes, leaving))
        return run_once(_Tries(supervisor, settings, wanted, decision, leaving).all(wishes))


class _Tries:
    """The tries of one call."""

    def __init__(
        self,
        supervisor: Supervisor,
        settings: Settings,
        wanted: Wanted,
        decision: Decision | None,
        leaving: _Leaving,
    ) -> None:
        self._supervisor = supervisor
        self._settings = settings
        self._wanted = wanted
        self._decision = decision
        self._leaving = leaving
        self._voice = Voice()
        self._refused: ExitStatus | None = None
        """Why nothing was made: nobody could be asked, or the operator said no."""

    async def all(self, wishes: list[Wish]) -> int:
        """Every wish, one after the other; the exit status."""
        self._leaving.attach()
        self._leaving.again = self._voice.hurried
        results: list[Result] = []
        beat = asyncio.create_task(self._voice.beat())
        try:
            for wish in wishes:
                results.append(await self._one(wish))
        except asyncio.CancelledError:
            if not self._leaving.heard:
                raise
            self._voice.stopped()
        finally:
            beat.cancel()
            await asyncio.gather(beat, return_exceptions=True)
        self._tell(results)
        if self._leaving.heard:
            return self._leaving.heard[0]
        if self._refused is not None:
            return self._refused
        return worst(*(result.status for result in results))

    async def _one(self, wish: Wish) -> Result:
        end = await self._supervisor.attempt(wish, self._told).go(self._answer)
        state = self._supervisor.state
        trial = next(one for one in reversed(state.trials) if one.id == end.id)
        if end.measured is None:
            return Result(trial=trial, end=end)
        card = None if state.cluster is None else _with_cards_of(state.cluster, end.measured)
        return Result(
            trial=trial,
            end=end,
            judged=self._decided(wish.model, card),
            whole=self._decided(wish.model, state.cluster),
        )

    def _told(self, event: e.AnyEvent) -> None:
        """Keep it in the run's journal, and tell it."""
        self._supervisor.tell(event)
        self._voice.tell(event)

    async def _answer(self, prepared: PreparedTrial) -> bool:
        for line in consent_lines(prepared.plan):
            complain(line)
        if self._wanted.yes:
            return True
        if not sys.stdin.isatty():
            self._refused = ExitStatus.USAGE
            complain(f"nothing was made: nobody can be asked here; allow it with: {self._wanted.allowing}")
            return False
        sys.stderr.write("type yes to let it begin: ")
        sys.stderr.flush()
        try:
            line = await _typed_line()
        except asyncio.CancelledError:
            complain("")  # what is told next has a line of its own
            raise
        if line.strip().lower() == "yes":
            return True
        self._refused = ExitStatus.REJECTED
        return False

    def _decided(self, name: str, cluster: AcceleratorReport | None) -> ModelVerdict | None:
        """The verdict on the arguments that were tried, of a model on these GPUs."""
        state = self._supervisor.state
        models = tuple(model for model in state.models if model.car.name == name)
        if state.decision is None or cluster is None or not models:
            return None
        before = standing_decision(state.decision, None)
        decision = self._decision or Decision(plan_digest=before.plan.digest, who=self._settings.who)
        after = decide_accepted(models, cluster, before, decision, vllm=self._settings.vllm_version)
        return standing_decision(after, None, state.votes).models[0]

    def _tell(self, results: list[Result]) -> None:
        if self._wanted.form == "json":
            from modelcar_tui.report import to_json_line

            sys.stdout.write(to_json_line(self._document(results)))
            return
        sys.stdout.writelines(f"{reveal(line)}\n" for result in results for line in _lines(result))
        if self._supervisor.folder is not None:
            complain(f"run folder: {self._supervisor.folder}")

    def _document(self, results: list[Result]) -> dict[str, Any]:
        """What is tried, by its journal's own types."""
        return {
            "run": self._supervisor.state.run_id,
            "tries": [
                {
                    "model": one.trial.model,
                    "plan": msgspec.to_builtins(one.trial.plan),
                    "end": msgspec.to_builtins(one.end),
                    "verdict": None if one.judged is None else one.judged.verdict,
                    "why": "" if one.judged is None else one.judged.why,
                }
                for one in results
            ],
        }


def _with_cards_of(cluster: AcceleratorReport, start: MeasuredStart) -> AcceleratorReport:
    """The cluster with the kind of GPU alone on which a start was measured."""
    places = [place for kind in candidates(cluster) if same_card(start, kind.gpu) for place in kind.places]
    nodes = tuple(msgspec.structs.replace(node, pool=(pool,)) for node, pool in places)
    return msgspec.structs.replace(cluster, inventory=msgspec.structs.replace(cluster.inventory, nodes=nodes))


def _lines(result: Result) -> Iterator[str]:
    yield from end_lines(result.trial)
    judged, whole = result.judged, result.whole
    if judged is not None:
        yield reveal(f"{judged.verdict} {judged.model}{_on(judged)}: {judged.why}")
    if judged is not None and whole is not None and whole.product != judged.product:
        yield reveal(f"  elsewhere: {whole.verdict}{_on(whole)}: {whole.why}")


def _on(verdict: ModelVerdict) -> str:
    return f" on {verdict.product}" if verdict.product else ""


class _Leaving:
    """What `agent try` does about a signal: the try is stopped and everything of it removed."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Any] | None = None
        self.heard: list[ExitStatus] = []
        self.again: Callable[[], None] = lambda: None
        """Called on the loop at the second signal."""

    def attach(self) -> None:
        """The running task is the one that a signal stops, also one that has come before."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        if self.heard and self._task is not None:
            self._task.cancel()

    def leave(self, status: ExitStatus) -> float:
        """Called in the watchdog's thread: see `core.ends.Listener`."""
        self.heard.append(status)
        first = len(self.heard) == 1
        if self._loop is not None and self._task is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._task.cancel if first else self.again)
        if not first:
            return AGAIN_S
        trial = self._supervisor.state.trial
        return TRY_STOP_S + LIMIT_S if trial is not None and trial.runs else LIMIT_S

    def hurry(self) -> None:
        """Nothing to let go of: the lines are few."""


async def _shown(supervisor: Supervisor, wishes: list[Wish], leaving: _Leaving) -> int:
    """Print the objects that the tries would make: of Secrets the names and sizes alone."""
    import yaml

    leaving.attach()
    status: list[ExitStatus] = []
    for wish in wishes:
        try:
            objects = await supervisor.planned(wish)
        except asyncio.CancelledError:
            if leaving.heard:
                return leaving.heard[0]
            raise
        except UserError as error:
            for problem in error.problems:
                what = problem.what.removeprefix("it can't be tried: ")
                fix = f"; {problem.fix}" if problem.fix else ""
                complain(reveal(f"{wish.model}: can't be tried: {what}{fix}"))
            status.append(ExitStatus.UNKNOWN)
            continue
        sys.stdout.write(
            f"# {reveal(wish.model)}: nothing of it was made; values that are secret are masked\n"
        )
        sys.stdout.write(yaml.safe_dump_all(objects, sort_keys=False, explicit_start=True, width=10**6))
    return worst(*status)


def _judged(state: RunState) -> DecisionReport:
    """The decision, where there is one and the cluster was read.

    Raises:
        UserError: why there is none.
    """
    finish, access = state.finish, state.cluster.access if state.cluster is not None else None
    if state.decision is None or not state.models:
        if state.faults:
            raise UserError(*(Problem(what=line) for line in state.faults))
        raise UserError(
            Problem(what=finish.summary if finish else "there is nothing to try"),
            status=ExitStatus(finish.exit_status) if finish else ExitStatus.INTERNAL,
        )
    if access is None or access.problem is not None:
        problem = access.problem if access is not None else None
        what = Problem(
            what="the cluster was not read, and a try needs its GPUs", fix="log in: oc login --web"
        )
        raise UserError(problem or what, status=ExitStatus.CLUSTER)
    return state.decision


def _names(state: RunState, wanted: tuple[str, ...]) -> tuple[str, ...]:
    """The models to try, each once, in the order of the manifest.

    Raises:
        UserError: there is none of that name.
    """
    known = [model.car.name for model in state.models]
    lost = [name for name in wanted if name not in known]
    if lost:
        shown = ", ".join(known[:5]) + (f" and {several(len(known) - 5, 'other')}" if len(known) > 5 else "")
        what = "there is no such model in the file"
        raise UserError(Problem(where=f"--model {reveal(lost[0])}", what=what, fix=f"one of {reveal(shown)}"))
    return tuple(name for name in known if not wanted or name in wanted)


async def _typed_line() -> str:
    """A line from the terminal, without a thread that nobody could stop waiting."""
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()
    handle, data = sys.stdin.fileno(), bytearray()

    def ready() -> None:
        more = b""
        with suppress(OSError):
            more = os.read(handle, 4096)
        data.extend(more)
        if (not more or b"\n" in data) and not line.done():
            line.set_result(data.decode(errors="replace"))

    loop.add_reader(handle, ready)
    try:
        return await line
    finally:
        loop.remove_reader(handle)
