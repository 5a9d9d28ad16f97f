"""`Supervisor`: one run, to be driven by the dashboard, by `agent`, or by your own program.

supervisor = Supervisor("config-yaml/sample_modelcar_config.base.yaml", gpus=("L40S:4",))
async for stamped in supervisor.run():
    match stamped.event:
        case ApprovalRequested():
            supervisor.answer(accept(supervisor.state))
"""

from __future__ import annotations

import asyncio
import os
import threading
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from modelcar_tui.core.contain import hit
from modelcar_tui.core.crash import kind
from modelcar_tui.core.credentials import teach_environment
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.shortage import shortage
from modelcar_tui.core.version import __version__
from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.afterwards import keep_in_journal
from modelcar_tui.supervisor.approving import answer_by_settings
from modelcar_tui.supervisor.beside import Beside
from modelcar_tui.supervisor.bootstrap import read_bootstrap
from modelcar_tui.supervisor.journal import Journal, Unread, read_journal, unread_text
from modelcar_tui.supervisor.limits import unhurried
from modelcar_tui.supervisor.outcome import outcome_of
from modelcar_tui.supervisor.registry import is_ours, panes, team
from modelcar_tui.supervisor.routing import answer_to_plan, ended
from modelcar_tui.supervisor.runs import CHECKPOINT, JOURNAL, RunFolder
from modelcar_tui.supervisor.settings import Approve, Settings
from modelcar_tui.supervisor.specialist import Context, Effects, Specialist
from modelcar_tui.supervisor.state import RunState, fold, reduce
from modelcar_tui.supervisor.trials import cut_off
from modelcar_tui.supervisor.way_back import named_at
from modelcar_tui.verdict import Verdict

if TYPE_CHECKING:
    from modelcar_tui.supervisor.graph import State
    from modelcar_tui.supervisor.llm import Session


class Supervisor(Beside):
    """Runs the team over one manifest and yields everything that happens."""

    def __init__(
        self,
        bootstrap_config: str | os.PathLike[str] | Mapping[str, Any] | Settings,
        *,
        specialists: Iterable[Specialist] = (),
        resume: Path | None = None,
        **options: Any,
    ) -> None:
        """Prepare a run; nothing happens and nothing is written before `run`.

        Args:
            bootstrap_config: Path of the model-car manifest, the settings of the run, or the manifest itself
            (`{"model-car": [...]}`): the run's folder keeps it, and what is generated lies beside it there.
            specialists: More members for the team; one with the name of ours takes its place.
            resume: Folder of an earlier run to go on with; its own settings are used (see
            `Settings.for_resume`).
            options: Fields of `Settings`, such as `gpus=("L40S:4",)`.
        """
        self.settings, self._manifest = read_bootstrap(bootstrap_config, options)
        self.state = RunState()
        self.folder: Path | None = resume
        self._resume = resume
        self._unread: list[str] = []
        """What can't be read, a line each: entry points of packages, lines of the journal."""
        self._members = team(specialists, self._unread.append)
        if self._unread:
            # LangGraph's pydantic would look for plug-ins of its own and die of the same package.
            os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        self._redact = Redactor()
        teach_environment()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._answers: asyncio.Queue[Decision] = asyncio.Queue()
        self._consents: asyncio.Queue[bool] = asyncio.Queue()
        self._events: asyncio.Queue[e.Stamped | None] = asyncio.Queue()
        self._journal: Journal | None = None
        self._folding = threading.Lock()
        """Specialists tell events from threads of their own."""
        self._driver: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        self._detached = False
        self._cancelled = False
        self._lost: Exception | None = None
        """Why the journal could not be written."""
        self._started = time.time()
        self.llm: Session | None = None
        self._model_hosts: set[str] = set()
        self.was_finished = False
        """The run that was to be resumed had ended: nothing was done."""

    async def run(self) -> AsyncIterator[e.Stamped]:
        """Yield events until the run has finished; the last one is `RunFinished`.

        Leaving the iteration early cancels the run; it can be resumed.

        Raises:
            UserError: the run's folder can't be made, or another process holds it; the disk is full, or a
                limit of the shell is reached, with the command by which the run goes on.
        """
        if self._resume:
            run = RunFolder.open(self._resume)
        else:
            run = RunFolder.create(self.settings, manifest=self._manifest)
        self.settings = run.settings.for_resume(self.settings) if self._resume else run.settings
        self.folder = run.path
        self._loop = asyncio.get_running_loop()
        try:
            for stamped in self._open_journal(run):
                yield stamped
            self._driver = asyncio.create_task(self._drive(run))
            self._driver.add_done_callback(lambda _: self._events.put_nowait(None))
            if self._cancelled:  # before there was anything to cancel; after its first step it can say so
                self._loop.call_soon(self._driver.cancel)
            while (stamped_or_end := await self._events.get()) is not None:
                yield stamped_or_end
            with suppress(asyncio.CancelledError):
                await self._driver
        except Exception as error:
            if (short := self._short(error)) is None:
                raise
            raise short from None
        finally:
            if self.llm is not None:
                await self.llm.close()
            if self._sweeping is not None:
                self._sweeping.cancel()  # what is left then has its record, for the next run
                await asyncio.gather(self._sweeping, return_exceptions=True)
            if self._driver is not None and not self._driver.done():
                self._driver.cancel()
                with suppress(asyncio.CancelledError):
                    await self._driver
            self.end_pruning()
            if self._journal is not None:
                self._journal.close()
            run.release()

    def answer(self, decision: Decision) -> None:
        """Answer the plan that is waiting. Safe from any thread; an answer to another plan is ignored."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._answers.put_nowait, decision)

    def consent(self, allowed: bool) -> None:
        """Say whether QA may change the cluster. Safe from any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._consents.put_nowait, allowed)

    def cancel(self, *, detach: bool = False) -> None:
        """Stop: clean up what runs outside, or with `detach` leave it running to be found by a resume.

        Safe from any thread, and before `run`.
        """
        self._detached = detach
        self._cancelled = True
        if self._loop is not None and self._driver is not None:
            with suppress(RuntimeError):  # the loop is closed: the run has ended
                self._loop.call_soon_threadsafe(self._driver.cancel)

    def emit(self, event: e.AnyEvent) -> None:
        """Journal an event, fold it, and hand it on. Safe from any thread."""
        if self._journal is None or self._loop is None:
            raise RuntimeError("the run has not begun")
        if isinstance(event, e.RunFinished):
            self.end_pruning()
        try:
            with self._folding:
                stamped = self._journal.append(event, time.time())
                self.state = reduce(self.state, stamped)
                self._loop.call_soon_threadsafe(self._events.put_nowait, stamped)
        except (OSError, MemoryError) as error:  # anything else is the fault of whoever tells it
            self._lose(error)
            raise
        if self.llm is not None and isinstance(event, e.DecisionMade):
            self._loop.call_soon_threadsafe(self.llm.decided)

    def _short(self, error: Exception) -> UserError | None:
        """What ran out, with the way to go on; None of any other fault."""
        begun = bool(self.state.run_id) or self._resume is not None
        short = None if isinstance(error, UserError) else shortage(error, run=begun)
        if short is None:
            return None
        program = "modelcar-tui" if self.settings.approve is Approve.ASK else "agent"
        way_back = f"{program} --resume {self._named}" if begun else ""
        return UserError(Problem(what=short.line(way_back)), status=short.status)

    @property
    def _named(self) -> str:
        """What the run is found by; the journal need not have told of it yet."""
        return named_at(self.folder.name, self.folder) if self.folder is not None else "RUN"

    def _lose(self, error: Exception) -> None:
        """The journal can't be written: that is the end of the run, wherever it was noticed."""
        self._lost = self._lost or error
        if self._loop is not None and self._driver is not None:
            self._loop.call_soon_threadsafe(self._driver.cancel)

    def _journal_fault(self, error: Exception) -> Exception:
        """A full disk or a limit is told as such by whoever shows it; else the place and the reason."""
        if shortage(error) is not None:
            return error
        where = str(self.folder / JOURNAL) if self.folder is not None else JOURNAL
        fix = f"check its disk, then go on with: modelcar-tui --resume {self._named}"
        return UserError(Problem(where=where, what=f"can't be written: {kind(error)}", fix=fix))

    def tell(self, event: e.AnyEvent) -> e.Stamped | None:
        """`emit` while the run goes on; after it, journalled and given back to be shown. From any thread."""
        if self._driver is not None and not self._driver.done():
            with suppress(RuntimeError, ValueError):
                self.emit(event)
                return None
        passing = isinstance(event, e.TrialMoved) and event.passing
        with self._folding:
            kept: list[e.Stamped] = []
            if self.folder is not None and not passing:
                kept, _ = keep_in_journal(self.folder, (event,))
            stamped = kept[0] if kept else e.Stamped(self.state.seq, time.time(), event)
            self.state = reduce(self.state, stamped)
            return stamped

    def _open_journal(self, run: RunFolder) -> list[e.Stamped]:
        path = run.path / JOURNAL
        unread = list[Unread]()
        earlier = list(read_journal(path, unread=unread)) if self._resume and path.exists() else []
        try:
            self._journal = Journal(path)
        except OSError as error:
            raise self._journal_fault(error) from None
        self.state = fold(earlier)
        if unread:
            self._unread.append(unread_text(unread))
        if earlier:
            self._started = earlier[0].at
        if self.state.finish is not None and not self._unfinished():
            return earlier
        # A run that goes on has not finished, whatever an earlier end said.
        return [stamped for stamped in earlier if not isinstance(stamped.event, e.RunFinished)]

    async def _drive(self, run: RunFolder) -> None:
        try:
            await self._driven(run)
        except BaseException:
            if self._lost is None:
                raise
        if self._lost is not None and not self._detached:
            raise self._journal_fault(self._lost)

    async def _driven(self, run: RunFolder) -> None:
        limit = asyncio.timeout(self.settings.timeout_s)
        try:
            if self.state.finish is not None and not self._unfinished():
                self.was_finished = True
                return
            self.emit(e.RunResumed() if self.state.run_id else self._opening(run))
            for trial in cut_off(self.state.trials):
                self.emit(trial)
            for line in self._unread:
                self.emit(e.Noticed(text=line))
            self._open_model()
            self._sweeping = asyncio.create_task(self.sweep())
            self.prune(run.path, resumed=self._resume is not None)
            async with limit:
                await self._graph_loop(run)
        except asyncio.CancelledError:
            if self.state.finish is None and not self._detached and self._lost is None:
                self._finish(
                    ExitStatus.INTERRUPTED, f"stopped by the operator; resume with --resume {self._named}"
                )
            raise
        except UserError as error:
            self._finish(error.status, str(error))
        except Exception as error:
            if hit(limit, error):
                seconds = self.settings.timeout_s or 0
                self._finish(ExitStatus.TIMED_OUT, f"the run was stopped after its limit of {seconds:.0f} s")
                return
            if shortage(error) is not None:
                raise  # no end of the run: it can go on once there is more
            Context("supervisor", self.settings, run.path, self.emit, self.state, self._redact).crash(error)
            where = run.path / "crash.txt"
            self._finish(
                ExitStatus.INTERNAL, f"a fault of ours ({type(error).__name__}); details are in {where}"
            )

    async def _graph_loop(self, run: RunFolder) -> None:
        from langgraph.types import Command

        from modelcar_tui.supervisor.checkpoint import opened_saver
        from modelcar_tui.supervisor.graph import build_graph, stands_at
        from modelcar_tui.supervisor.steps import Steps

        steps = Steps(
            run,
            self.settings,
            started=self._started,
            emit=self.emit,
            state=lambda: self.state,
        )
        build = partial(
            build_graph, self._members, lambda: self.state, self._context, steps.write, steps.summarise
        )
        config: Any = {"configurable": {"thread_id": run.run_id}, "recursion_limit": 60}
        path = run.path / CHECKPOINT
        stands = partial(stands_at, members=self._members, run=self.state, config=config)
        async with opened_saver(path, lambda saver: stands(build(saver))) as (saver, anew, damaged):
            if damaged:
                self.emit(e.Noticed(text=damaged))
            graph = build(saver)
            entry: State | Command[Any] | None = anew
            while True:
                async for _ in graph.astream(entry, config, stream_mode="updates", durability="sync"):
                    pass
                pending = (await graph.aget_state(config)).interrupts
                if not pending:
                    return
                await self._ask(pending[0].id)
                entry = Command(resume={pending[0].id: True})

    async def _ask(self, request_id: str) -> None:
        """Wait for the operator, or answer as the settings say; an earlier answer of this run stands."""
        plan = self.state.decision.plan if self.state.decision else None
        if plan is None:
            raise RuntimeError("an approval without a plan")
        if answer_to_plan(self.state) is not None:
            return
        self.emit(e.ApprovalRequested(request_id=request_id, plan_digest=plan.digest))
        decision = answer_by_settings(plan, self.settings.approve, force=self.settings.force)
        if decision is None:
            decision = await self._answers.get()
            while decision.plan_digest != plan.digest:
                self.emit(e.Noticed(text="an answer to another plan was ignored"))
                decision = await self._answers.get()
            decision = msgspec.structs.replace(decision, who=decision.who or self.settings.who)
        self.emit(e.ApprovalGiven(decision=decision))

    async def _ask_consent(self, effects: Effects) -> bool:
        """The operator's word on QA: an earlier one of this run, else asked; a command line has given it."""
        known = self.state.consent
        if known is not None and known.allowed is not None:
            return known.allowed
        self.emit(e.ConsentRequested(effects=effects))
        ask = self.settings.approve is Approve.ASK
        allowed = await self._consents.get() if ask else True
        self.emit(e.ConsentGiven(allowed=allowed, who=self.settings.who if ask else "command line"))
        return allowed

    def _opening(self, run: RunFolder) -> e.RunStarted:
        return e.RunStarted(
            run_id=run.run_id,
            manifest=self.settings.manifest,
            panes=panes(self._members),
            version=__version__,
            demo=self.settings.demo,
            folder=str(run.path),
            vllm=self.settings.vllm_version or "",
        )

    def _context(self, member: Specialist, limit: asyncio.Timeout) -> Context:
        assert self.folder is not None  # noqa: S101 - made before the first context
        known = ended(self.state, self._members)
        return Context(
            member.name,
            self.settings,
            self.folder,
            self.emit,
            self.state,
            self._redact,
            ended={name: known[name] for name in member.needs if name in known},
            detached=lambda: self._detached,
            consent=lambda effects: unhurried(limit, self._ask_consent(effects)),
            suggest=partial(self.llm.suggest, wait_s=self.settings.llm_wait_s) if self.llm else None,
            resumed=self._resume is not None,
            foreign=not is_ours(member),
        )

    def _unfinished(self) -> bool:
        """Whether the earlier run was only interrupted, so that resuming it makes sense."""
        return self.state.finish is not None and self.state.finish.resumable

    def _finish(self, status: ExitStatus, summary: str) -> None:
        told = outcome_of(self.state)
        verdict = told.verdict if told is not None else Verdict.UNKNOWN
        seconds = time.time() - self._started
        summary = self._redact(summary)
        self.emit(e.RunFinished(exit_status=status, verdict=verdict, summary=summary, seconds=seconds))
