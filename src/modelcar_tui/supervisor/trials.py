"""The tries of a run as one value, folded from their events."""

from __future__ import annotations

import msgspec

from modelcar_tui.core.errors import Problem
from modelcar_tui.models import MeasuredStart
from modelcar_tui.supervisor import events as e
from modelcar_tui.trial import TrialEnd, TrialNews, TrialPlan
from modelcar_tui.verdict import ModelRequirements

_KEPT = 20


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One try of a model on a real GPU."""

    id: str
    """The plan's, once there is one."""
    model: str
    asked: float
    """When it was asked for, seconds since 1970, as the others."""
    plan: TrialPlan | None = None
    """None while it is prepared, and where it could not be."""
    allowed: bool | None = None
    """The operator's word; None before it."""
    who: str = ""
    """Whose word that is."""
    began: float = 0.0
    """When it was allowed."""
    news: TrialNews | None = None
    """How far it has come."""
    ended: float = 0.0
    end: TrialEnd | None = None
    """Also of one that could not be prepared, or was not allowed."""

    @property
    def open(self) -> bool:
        """Whether it has no end yet."""
        return self.end is None

    @property
    def asks(self) -> bool:
        """Whether it waits for the operator's word."""
        return self.open and self.plan is not None and self.allowed is None

    @property
    def runs(self) -> bool:
        """Whether something of it may be on the cluster."""
        return self.open and self.allowed is True

    @property
    def measured(self) -> MeasuredStart | None:
        """What came of it; None where it has not ended, or nothing was measured."""
        return self.end.measured if self.end is not None else None


TrialEvent = e.TrialAsked | e.TrialPlanned | e.TrialAllowed | e.TrialMoved | e.TrialEnded


def after(trials: tuple[Trial, ...], event: TrialEvent, at: float) -> tuple[Trial, ...]:
    """The tries after one more event of theirs; one of a try that nobody knows changes nothing."""
    match event:
        case e.TrialAsked():
            others = tuple(trial for trial in trials if trial.id != event.id)
            return (*others, Trial(id=event.id, model=event.model, asked=at))[-_KEPT:]
        case e.TrialPlanned(plan=plan):
            others = tuple(trial for trial in trials if trial.id not in (event.asked, plan.id))
            asked = max((trial.asked for trial in trials if trial not in others), default=at)
            return (*others, Trial(id=plan.id, model=plan.model, plan=plan, asked=asked))[-_KEPT:]
        case e.TrialAllowed():
            began = at if event.allowed else 0.0
            return _with(trials, event.id, allowed=event.allowed, who=event.who, began=began)
        case e.TrialMoved():
            return _with(trials, event.news.id, news=event.news)
        case e.TrialEnded():
            return _with(trials, event.end.id, end=event.end, ended=at)


def learned(models: tuple[ModelRequirements, ...], event: TrialEvent) -> tuple[ModelRequirements, ...]:
    """The models with what the try measured, each that has the same files."""
    start = event.end.measured if isinstance(event, e.TrialEnded) else None
    if start is None or not start.fingerprint:
        return models
    from modelcar_tui.models import model_fingerprint

    return tuple(
        _measured(model, start) if model_fingerprint(model.image.model) == start.fingerprint else model
        for model in models
    )


def cut_off(trials: tuple[Trial, ...]) -> tuple[e.TrialEnded, ...]:
    """The ends of tries whose process ended before them."""
    return tuple(
        e.TrialEnded(end=TrialEnd(id=trial.id, problem=_cut(trial))) for trial in trials if trial.open
    )


def _cut(trial: Trial) -> Problem:
    what = "the try was cut off: the program that drove it ended, and nothing was measured"
    swept = "what it has made is removed by the next run on this cluster, or by its own time limit"
    return Problem(where=trial.model, what=what, fix=swept if trial.allowed else "try it again")


def _measured(model: ModelRequirements, start: MeasuredStart) -> ModelRequirements:
    facts = model.image.model
    starts = (start, *(one for one in facts.measured if one.id != start.id))
    image = msgspec.structs.replace(model.image, model=msgspec.structs.replace(facts, measured=starts))
    return msgspec.structs.replace(model, image=image)


def _with(trials: tuple[Trial, ...], identifier: str, **changes: object) -> tuple[Trial, ...]:
    return tuple(
        msgspec.structs.replace(trial, **changes) if trial.id == identifier else trial for trial in trials
    )
