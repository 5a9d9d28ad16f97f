"""The two steps of the graph that are no specialists: `write` and `summary`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator

import msgspec

from modelcar_tui.core.contain import not_known
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.exit_codes import worst as worst_status
from modelcar_tui.core.text import clean
from modelcar_tui.manifest import ANYTHING
from modelcar_tui.qa import QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.graph import State
from modelcar_tui.supervisor.outcome import outcome_of
from modelcar_tui.supervisor.routing import DECISION, QA, SUMMARY, WRITE, refused
from modelcar_tui.supervisor.runs import RunFolder, run_keeping
from modelcar_tui.supervisor.settings import Approve, Settings
from modelcar_tui.supervisor.specialists.decision import finished, told
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.verdict import (
    DecisionReport,
    RunOutcome,
    Verdict,
    decide_written,
    qa_failed,
    standing_decision,
)


class Steps:
    """Bound to one run."""

    def __init__(
        self,
        run: RunFolder,
        settings: Settings,
        *,
        started: float,
        emit: Callable[[e.AnyEvent], None],
        state: Callable[[], RunState],
    ) -> None:
        """Args:
        run: Its folder, and the settings that it began with.
        settings: As they hold for this process, which may have resumed it.
        started: When it began, seconds since 1970.
        emit: Journals an event and folds it.
        state: The run as it is at that moment.
        """
        self._run = run
        self._settings = settings
        self._started = started
        self._emit = emit
        self._state = state

    async def write(self, state: State) -> State:
        """Write the generated manifest: exactly what was accepted, whole or not at all.

        Running again after a crash finds the same bytes in place and changes nothing. What another hand or
        run wrote there is replaced only where the answer says so.
        """
        from modelcar_tui.manifest import write_generated

        run = self._state()
        if run.answer is None or run.decision is None:
            raise RuntimeError("a write without an answer to a plan")
        decision, report = run.answer, standing_decision(run.decision, None)
        if self._settings.force and decision.replaces is None:
            # Answered by a command line, whose run is resumed with --force.
            decision = msgspec.structs.replace(decision, replaces=(ANYTHING,))
        try:
            done = await asyncio.to_thread(
                write_generated,
                report.plan,
                decision,
                patch=self._run.settings.patch,
                keeping=run_keeping(self._run.path),
                fallback=self._run.path / "not-written",
            )
        except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
            first = not_known(error, report.plan.target)
            problems = error.problems if isinstance(error, UserError) else (first,)
            why = "; ".join(clean(str(problem)) for problem in problems)
            self._emit(e.Noticed(text=why, status=e.Status.FAILED))
            self._emit(e.ManifestKept(why=why))
            return {"ended": {WRITE: "failed"}}
        written = e.ManifestWritten(
            path=str(done.path),
            sha256=done.sha256,
            changes=len(decision.accepted),
            replaced=done.replaced,
            lacking=clean(str(done.lacking)) if done.lacking is not None else "",
        )
        if not _stands(run.written, written):
            self._emit(written)
        if written.lacking:
            self._emit(e.Noticed(text=written.lacking, status=e.Status.FAILED))
        ignores = run.manifest.ignores if run.manifest is not None else ()
        vllm = self._settings.vllm_version
        accepted = decide_written(run.models, run.cluster, report, decision, vllm=vllm, ignores=ignores)
        self._emit(e.DecisionMade(report=accepted))
        for event in told(self._state().decision or accepted):
            self._emit(event)
        return {"ended": {WRITE: "done"}}

    async def summarise(self, state: State) -> State:
        """Close the run with its verdict and exit status."""
        status, summary = conclusion(self._state())
        outcome, report = outcome_of(self._state()), self._state().decision
        if (
            report is not None
            and self._state().ended.get(DECISION) == "done"
            and _told_anew(self._state(), report)
        ):
            for event in told(report):
                self._emit(event)
        verdict = outcome.verdict if outcome is not None else Verdict.UNKNOWN
        self._emit(
            e.RunFinished(
                exit_status=status, verdict=verdict, summary=summary, seconds=time.time() - self._started
            )
        )
        return {"ended": {SUMMARY: "done"}}


def _stands(told: e.ManifestWritten | None, written: e.ManifestWritten) -> bool:
    """Whether a process that was killed before it judged what it wrote has told of this very file."""
    if told is None or (told.path, told.sha256) != (written.path, written.sha256):
        return False
    return {one.copy for one in written.replaced} <= {one.copy for one in told.replaced}


def _told_anew(run: RunState, report: DecisionReport) -> bool:
    """Whether something after the decision has changed it, or it was written by a process that was killed
    before it told so."""
    return (
        report.predicted is not None
        or bool(report.votes)
        or (run.written is not None and _untold(run, report))
    )


def _untold(run: RunState, report: DecisionReport) -> bool:
    pane, last = run.pane(DECISION), finished(report)
    shown = ("status", "summary", "lines", "metadata")
    return pane is not None and any(getattr(pane, name) != getattr(last, name) for name in shown)


def conclusion(run: RunState) -> tuple[ExitStatus, str]:
    """The worst exit status that the run has earned, and one sentence for it."""
    earned = list(_earned(run))
    status = worst_status(*(status for status, _ in earned))
    return status, next(sentence for each, sentence in earned if each == status)


def _earned(run: RunState) -> Iterator[tuple[ExitStatus, str]]:
    if (pane := run.pane(refused(run))) is not None:
        first, *more = pane.lines
        yield ExitStatus.USAGE, first + (f" (and {len(more)} more)" if more else "")
        return
    for name in ("configuration", "accelerator", "decision", QA):
        if run.ended.get(name) == "failed" and (pane := run.pane(name)) is not None:
            yield ExitStatus.INTERNAL, f"{name} failed: {pane.summary}"
    if run.answer is not None and not run.answer.write and run.answer.who != Approve.SHOW:
        yield ExitStatus.REJECTED, "the operator rejected the proposed changes; nothing was written"
    if run.kept:
        yield ExitStatus.USAGE, f"not written: {run.kept}"
    if run.written is not None and run.written.lacking:
        yield ExitStatus.USAGE, run.written.lacking
    outcome = outcome_of(run)
    if run.decision is None or outcome is None:
        yield ExitStatus.INTERNAL, "there is no decision"
    else:
        yield outcome.status, _sentence(outcome, run.qa.outcome)


def _sentence(outcome: RunOutcome, qa: QaOutcome | None) -> str:
    """The reason, with what QA said of itself, or what would help."""
    if qa is not None and qa_failed(qa):
        return f"{qa.code}: {outcome.why}"
    if outcome.verdict is not Verdict.GO:
        return outcome.why + (f"; next: {outcome.next}" if outcome.next else "")
    if qa is None:
        return outcome.why
    return f"{outcome.why}; QA passed" if qa.ok else f"{outcome.why}; QA was skipped: {qa.message}"
