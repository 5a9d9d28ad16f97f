"""The outcome under what was seen on the cluster: a pod's own words beat a time-out of the suite."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from modelcar_tui.qa.outcome import whose
from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.types import FAILED_STATUSES, QaMeasured, QaModelResult, QaOutcome
from modelcar_tui.qa.watch_models import service_name
from modelcar_tui.qa.watch_record import ClusterRecord

_VAGUE = frozenset(
    (
        "",
        "READY_TIMEOUT",
        "CRASH_LOOP",
        "ENGINE_DIED",
        "PROBE",
        "IMAGE_PULL",
        "NO_PODS",
        "TESTS_FAILED",
        "OBJECT_TIMEOUT",
        "ROUTE_500",
        "ROUTE_502",
        "ROUTE_503",
        "ROUTE_504",
        "ROUTE_TIMEOUT",
    )
)
"""Causes that say what the suite waited for, not why in vain."""
_STOPPED = frozenset(("TIMEOUT", "MODEL_TIMEOUT", "HANG", "KILLED", "INTERRUPTED", "CONTAINER_LOST"))
"""Ends that are told as they are, with what was seen as their cause."""


def with_record(outcome: QaOutcome, record: ClusterRecord) -> QaOutcome:
    """`with_seen` and the figures that vLLM logged, of a whole record."""
    return with_seen(outcome, record.seen, record.figures.values())


def with_seen(outcome: QaOutcome, seen: Sequence[Seen], figures: Iterable[QaMeasured] = ()) -> QaOutcome:
    """The outcome with the causes that the cluster gave, where the suite itself names none or a vague one.

    Args:
        outcome: by the suite's lines and status.
        seen: the newest of each model; what is over explains nothing.
        figures: of vLLM's logs; those that the suite's own output gave stay.
    """
    known = {(one.model, one.what) for one in outcome.measured}
    added = tuple(one for one in figures if (one.model, one.what) not in known)
    outcome = msgspec.structs.replace(outcome, measured=(*outcome.measured, *added))
    if outcome.ok:
        return outcome
    models = tuple(_explained(model, seen) for model in outcome.models)
    told = [new for old, new in zip(outcome.models, models, strict=True) if new is not old]
    unheard = [_unheard(one) for one in seen if one.text and not any(_is_of(one, m.model) for m in models)]
    told += unheard
    outcome = msgspec.structs.replace(outcome, models=(*models, *unheard))
    return _headed(outcome, told) if told else outcome


def _unheard(seen: Seen) -> QaModelResult:
    """A model of which the suite's log says nothing: it ended before, or was not understood."""
    return QaModelResult(
        model=seen.model, status="", cause=seen.cause, means=seen.means, fix=seen.fix, line=seen.text
    )


def _explained(model: QaModelResult, seen: Sequence[Seen]) -> QaModelResult:
    """A model that failed, or that the suite did not come to the end of, with what its pod said."""
    if model.status not in (*FAILED_STATUSES, "") or model.cause not in _VAGUE:
        return model
    of = [one for one in seen if one.text and _is_of(one, model.model)]
    if not of:
        return model
    one = max(of, key=lambda each: each.at)
    return msgspec.structs.replace(model, cause=one.cause, means=one.means, fix=one.fix, line=one.text)


def _is_of(seen: Seen, model: str) -> bool:
    """Whether it is of the model that the suite names so: whole, or as it cuts names."""
    if seen.object != service_name(model):
        return False
    names = seen.model.split(" or ")
    return seen.object in names or any(model in (name, name[: len(seen.object)]) for name in names)


def _headed(outcome: QaOutcome, told: list[QaModelResult]) -> QaOutcome:
    """The run's own cause is the first model's that the cluster explains; several are named each."""
    code = outcome.code.partition(":")[2]
    first = told[0]
    cause = outcome.cause if code not in (*_VAGUE, *_STOPPED) else f"{first.model}: {first.line}"
    message = outcome.message
    if code not in _STOPPED:
        of = first if code in _VAGUE else next((one for one in outcome.models if one.cause == code), first)
        message = whose(outcome.models, of.model) + of.means
    outcome = msgspec.structs.replace(outcome, message=message, cause=cause)
    if code not in _VAGUE:
        return outcome
    return msgspec.structs.replace(outcome, code=f"QA_ERROR:{first.cause}", fix=first.fix)
