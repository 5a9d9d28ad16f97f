"""The run as one immutable value, folded from its events by a pure function.

Folding is idempotent for what a resumed run tells again: events name what they are about, and a later
one replaces an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce as _fold
from typing import Any, TypeVar

import msgspec

from modelcar_tui.cluster.types import AcceleratorReport
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.manifest import Decision, Manifest
from modelcar_tui.qa import Effect, QaLogGrew, QaOutcome, QaProgressed, QaSaw, QaStarted, Seen, effect_rows
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.listing import with_answer, with_model, with_notice
from modelcar_tui.supervisor.marks import Marks, marked, told
from modelcar_tui.supervisor.model_use import LanguageModel
from modelcar_tui.supervisor.pane import Pane, Step, of_objects
from modelcar_tui.supervisor.trials import Trial, after, learned
from modelcar_tui.verdict import (
    ConfigurationReport,
    DecisionReport,
    ModelRequirements,
    Verdict,
    Vote,
    standing_decision,
)

_S = TypeVar("_S", bound=msgspec.Struct)
_WRITE = "write"
_INTERRUPTED = (ExitStatus.INTERRUPTED, ExitStatus.TIMED_OUT, ExitStatus.HANGUP, ExitStatus.TERMINATED)


class Approval(msgspec.Struct, frozen=True, kw_only=True):
    """The question to the operator and its answer."""

    request_id: str
    plan_digest: str
    decision: Decision | None = None


class Consent(msgspec.Struct, frozen=True, kw_only=True):
    """The question whether QA may change the cluster, and its answer."""

    effects: tuple[Effect, ...]
    """What it would do, a row each, what fails first."""
    allowed: bool | None = None


class Qa(msgspec.Struct, frozen=True, kw_only=True):
    """The QA run."""

    started: QaStarted = QaStarted(container="", image="", log="")
    """With an empty container before it was started."""
    log: QaLogGrew = QaLogGrew()
    progress: QaProgressed = QaProgressed()
    seen: tuple[Seen, ...] = ()
    """Why models do not start, by the cluster itself, while the suite waits."""
    ended: float = 0.0
    outcome: QaOutcome | None = None


class Finish(msgspec.Struct, frozen=True, kw_only=True):
    """How the run ended."""

    exit_status: int
    verdict: Verdict
    summary: str
    seconds: float

    @property
    def resumable(self) -> bool:
        """Whether the run was only interrupted, so that going on makes sense."""
        return self.exit_status in _INTERRUPTED


class RunState(msgspec.Struct, frozen=True, kw_only=True):
    """All that any face of the product shows."""

    run_id: str = ""
    path: str = ""
    folder: str = ""
    version: str = ""
    demo: bool = False
    vllm: str = ""
    """The release that the operator stated."""
    started: float | None = None
    now: float = 0.0
    """Time of the newest event."""
    seq: int = 0
    panes: tuple[Pane, ...] = ()
    manifest: Manifest | None = None
    models: tuple[ModelRequirements, ...] = ()
    cluster: AcceleratorReport | None = None
    decision: DecisionReport | None = None
    """As it stands: under QA's result and the votes."""
    votes: tuple[Vote, ...] = ()
    """Of specialists that are not ours, a vote a pane."""
    reports: dict[str, Any] = {}
    """Of specialists that are not ours, as JSON has them."""
    approval: Approval | None = None
    marks: Marks = Marks()
    """On the changes of the plan, before they are an answer; not in the JSON report."""
    written: e.ManifestWritten | None = None
    kept: str = ""
    consent: Consent | None = None
    qa: Qa = Qa()
    notices: tuple[e.Noticed, ...] = ()
    finish: Finish | None = None
    llm: LanguageModel = LanguageModel()
    read_first: tuple[str, ...] = ()
    """Of the decision that stands, what a language model would have read first, in the program's words."""
    answers: tuple[e.QuestionAnswered, ...] = ()
    """Questions about the run and their answers, the last fifty."""
    ended: dict[str, e.How] = {}
    """Specialists, and the step `write`, that have ended: what a run that goes on does not do again."""
    trials: tuple[Trial, ...] = ()
    """Tries of models on a real GPU, the last twenty; the newest is the last."""

    @property
    def answer(self) -> Decision | None:
        """The operator's answer to the plan, once there is one."""
        return self.approval.decision if self.approval is not None else None

    @property
    def to_apply(self) -> str:
        """The command that brings what was written to the cluster; empty where nothing was, or where it holds
        no Kubernetes objects."""
        if self.written is None or self.manifest is None or self.manifest.shape != "objects":
            return ""
        from modelcar_tui.core.config_file import to_type

        return to_type("oc apply -f {}", self.written.path)

    @property
    def marks_told(self) -> str:
        """`2 of 8 accepted, not written`; empty where nothing is marked, or the plan was answered."""
        if self.decision is None or self.approval is None or self.approval.decision is not None:
            return ""
        return told(self.marks.of(self.approval.plan_digest), len(self.decision.plan.changes))

    def report_of(self, specialist: str) -> Any:
        """What a specialist has found out: ours as their types, others as JSON has it; None where it has
        told nothing. The decision is always the one that stands, whoever made it."""
        if specialist in self.reports and (specialist != "decision" or self.decision is None):
            return self.reports[specialist]
        match specialist:
            case "configuration" if self.manifest is not None:
                return ConfigurationReport(manifest=self.manifest, models=self.models)
            case "accelerator":
                return self.cluster
            case "decision":
                return self.decision
            case "qa":
                return self.qa.outcome
        return None

    def pane(self, name: str) -> Pane | None:
        """The pane of a specialist."""
        return next((pane for pane in self.panes if pane.name == name), None)

    @property
    def faults(self) -> tuple[str, ...]:
        """The lines of a manifest that could not be read, one a fault; such a run has nothing else to
        show."""
        pane = self.pane("configuration")
        if self.manifest is not None or pane is None or pane.status is not e.Status.FAILED:
            return ()
        return pane.lines

    @property
    def qa_works(self) -> bool:
        """Whether something of QA may be running that the operator's stop has to clean up."""
        pane = self.pane("qa")
        return self.finish is None and pane is not None and bool(pane.started) and not pane.finished

    @property
    def trial(self) -> Trial | None:
        """The try that is prepared, waits for the operator's word, or runs."""
        return next((trial for trial in reversed(self.trials) if trial.open), None)

    @property
    def waiting_for_consent(self) -> bool:
        """Whether QA waits for the operator's word."""
        return self.consent is not None and self.consent.allowed is None and self.finish is None

    @property
    def waiting_for_approval(self) -> bool:
        """Whether the run stands still until the operator answers."""
        return self.approval is not None and self.approval.decision is None and self.finish is None


def fold(stamped: Iterable[e.Stamped], state: RunState | None = None) -> RunState:
    """The state after all of `stamped`."""
    return _fold(reduce, stamped, state or RunState())


# complexity: one case for each kind of event, and nothing before or after them
def reduce(state: RunState, stamped: e.Stamped) -> RunState:  # noqa: C901, PLR0911, PLR0912
    """The state after one more event."""
    event = stamped.event
    state = _set(state, seq=stamped.seq, now=stamped.at)
    match event:
        case e.RunStarted():
            panes = tuple(
                Pane(name=p.name, title=p.title, foreign=p.foreign, steps=steps)
                for p in event.panes
                for steps in [tuple(Step(step.id, step.title) for step in p.steps)]
            )
            return _set(
                state,
                run_id=event.run_id,
                path=event.manifest,
                folder=event.folder,
                panes=panes,
                version=event.version,
                demo=event.demo,
                vllm=event.vllm,
                started=stamped.at,
            )
        case e.RunResumed():
            return _set(state, finish=None, llm=_set(state.llm, asked=False, offer=None))
        case e.SpecialistStarted():
            return _at_work(state, event.specialist, stamped.at)
        case e.StepChanged():
            return _step(state, event)
        case e.SpecialistFinished():
            return _finished(state, event, stamped.at)
        case e.Reported():
            return _set(state, reports={**state.reports, event.specialist: event.report})
        case e.ManifestRead():
            # A run that goes on reads it again, and it may have been edited since.
            models = tuple(model for model in state.models if model.car in event.manifest.models)
            panes = state.panes
            if event.manifest.shape in ("objects", "line"):
                panes = tuple(of_objects(pane) for pane in panes)
            return _set(state, manifest=event.manifest, models=models, panes=panes)
        case e.ModelLearned():
            return _set(state, models=with_model(state.models, event.model))
        case e.ClusterRead():
            return _set(state, cluster=event.report)
        case e.DecisionMade():
            return _decided(state, event)
        case e.ApprovalRequested():
            return _set(state, approval=Approval(request_id=event.request_id, plan_digest=event.plan_digest))
        case e.ChangesMarked():
            return _set(state, marks=marked(state.marks, event))
        case e.ApprovalGiven():
            approval = state.approval or Approval(request_id="", plan_digest=event.decision.plan_digest)
            return _set(state, approval=_set(approval, decision=event.decision))
        case e.ManifestWritten():
            return _begun(_set(state, written=event, kept=""), _WRITE)
        case e.ManifestKept():
            return _ended(_set(state, kept=event.why), _WRITE, "failed")
        case e.ConsentRequested():
            asked = _set(state, consent=Consent(effects=effect_rows(event.effects)))
            return _pane(_heard(asked, stamped.at), "qa", asks_since=stamped.at)
        case e.ConsentGiven():
            consent = _set(state.consent or Consent(effects=()), allowed=event.allowed)
            return _heard(_set(state, consent=consent), stamped.at)
        case QaStarted():
            return _judged(_set(state, qa=_set(state.qa, started=event, outcome=None, seen=())))
        case QaLogGrew():
            return _set(state, qa=_set(state.qa, log=event))
        case QaProgressed():
            return _set(state, qa=_set(state.qa, progress=event))
        case QaSaw():
            return _set(state, qa=_set(state.qa, seen=event.seen))
        case e.QaFinished():
            qa = _set(state.qa, outcome=event.outcome, ended=stamped.at, seen=())
            return _judged(
                _set(state, qa=qa, read_first=() if not event.outcome.skipped else state.read_first)
            )
        case e.Noticed():
            return _set(state, notices=with_notice(state.notices, event))
        case e.LanguageModelJoined():
            of = {"model": event.model, "host": event.host, "shares": event.shares}
            return _set(state, llm=_set(state.llm, asked=True, offer=None, **of))
        case e.LanguageModelOffered():
            return _set(state, llm=_set(state.llm, asked=False, offer=event))
        case e.LanguageModelAnswered():
            return _set(state, llm=_set(state.llm, offer=None))
        case e.LanguageModelUsed():
            sums = ("calls", "failed", "input_tokens", "output_tokens", "seconds")
            cost = {name: getattr(state.llm, name) + getattr(event, name) for name in sums}
            return _set(state, llm=_set(state.llm, problem=event.problem, **cost))
        case e.ReadFirst():
            return _set(state, read_first=event.lines)
        case e.QuestionAnswered():
            return _set(state, answers=with_answer(state.answers, event))
        case e.TrialAsked() | e.TrialPlanned() | e.TrialAllowed() | e.TrialMoved() | e.TrialEnded():
            trials = after(state.trials, event, stamped.at)
            return _set(state, trials=trials, models=learned(state.models, event))
        case e.RunFinished():
            finish = Finish(
                exit_status=event.exit_status,
                verdict=event.verdict,
                summary=event.summary,
                seconds=event.seconds,
            )
            return _set(state, finish=finish)


def _set(struct: _S, **changes: object) -> _S:
    return msgspec.structs.replace(struct, **changes)


def _pane(state: RunState, name: str, **changes: object) -> RunState:
    return _set(state, panes=tuple(_set(p, **changes) if p.name == name else p for p in state.panes))


def _at_work(state: RunState, name: str, at: float) -> RunState:
    """Its report counts no more: one of ours, which tells no `Reported`, may go on in a guest's place. A new
    decision knows nothing of what was written: that is told again, too."""
    reports = {known: report for known, report in state.reports.items() if known != name}
    state = _begun(_set(state, reports=reports), name)
    return _pane(
        _begun(state, _WRITE) if name == "decision" else state,
        name,
        status=e.Status.RUNNING,
        started=at,
        finished=None,
        asks_since=None,
        waited=0.0,
    )


def _finished(state: RunState, event: e.SpecialistFinished, at: float) -> RunState:
    """A result that is told again, after an answer or after QA, makes the specialist's own time no longer."""
    state = _ended(state, event.specialist, event.ended or _how(state, event))
    pane = state.pane(event.specialist)
    first = pane.finished if pane is not None and pane.finished is not None else at
    state = _heard(state, at) if event.specialist == "qa" else state
    if pane is not None and pane.foreign:
        votes = tuple(vote for vote in state.votes if vote.who != pane.title)
        if event.verdict is not None:
            votes += (Vote(who=pane.title, verdict=event.verdict, reason=event.reason),)
        state = _judged(_set(state, votes=votes))
    return _pane(
        state,
        event.specialist,
        status=event.status,
        summary=event.summary,
        lines=event.lines,
        metadata=event.metadata,
        finished=first,
    )


def _begun(state: RunState, name: str) -> RunState:
    return _set(state, ended={known: how for known, how in state.ended.items() if known != name})


def _ended(state: RunState, name: str, how: e.How) -> RunState:
    return _set(state, ended={**state.ended, name: how})


def _decided(state: RunState, event: e.DecisionMade) -> RunState:
    """The decision over what was written is the last that `write` does."""
    judged = _judged(_set(state, decision=event.report, read_first=()))
    waits = state.written is not None and _WRITE not in state.ended and "decision" in state.ended
    return _ended(judged, _WRITE, "done") if waits else judged


def _how(state: RunState, event: e.SpecialistFinished) -> e.How:
    """Of an earlier release's event: who failed and has a report has ended well, with a bad answer."""
    failed = event.status is e.Status.FAILED and state.report_of(event.specialist) is None
    return "failed" if failed else "done"


def _heard(state: RunState, at: float) -> RunState:
    """QA waits no longer for the operator."""
    pane = state.pane("qa")
    if pane is None or pane.asks_since is None:
        return state
    return _pane(state, "qa", asks_since=None, waited=pane.waited + at - pane.asks_since)


def _judged(state: RunState) -> RunState:
    """The decision under what QA and other specialists say by now."""
    if state.decision is None:
        return state
    return _set(state, decision=standing_decision(state.decision, state.qa.outcome, state.votes))


def _step(state: RunState, event: e.StepChanged) -> RunState:
    pane = state.pane(event.specialist)
    if pane is None:
        return state
    steps = tuple(
        _set(step, status=event.status, detail=event.detail) if step.id == event.step else step
        for step in pane.steps
    )
    return _pane(state, event.specialist, steps=steps)
