"""What a run comes to: word, conditions, reason, next step, exit status. Every face tells it from here.

A pure function of what is known by now, whatever the order in which it became known: the decision, the
operator's answer, what was written, QA's result and other specialists' votes. A measurement beats the
estimate; a condition is part of the word.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from modelcar_tui.cluster.types import State
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.exit_codes import worst as worst_status
from modelcar_tui.manifest import Change, Operation
from modelcar_tui.qa import QaOutcome
from modelcar_tui.verdict.brief import Brief, head_forms, of_them_measured, reason_forms, tally, text_forms
from modelcar_tui.verdict.known import Known
from modelcar_tui.verdict.measured import PASSED, measured, qa_failed, told_of
from modelcar_tui.verdict.next_step import NextStep, next_steps
from modelcar_tui.verdict.reports import Condition, DecisionReport, Holds, ModelVerdict, Verdict, Vote
from modelcar_tui.verdict.votes import voted, worst

QA_FAILED = "QA FAILED"
BY_NAME = "by name only"
"""How the condition of a model begins whose image was not read; they are counted together."""
STATUS = {
    Verdict.GO: ExitStatus.GO,
    Verdict.NO_GO: ExitStatus.NO_GO,
    Verdict.UNKNOWN: ExitStatus.UNKNOWN,
}
_SHOWN = 3


class ModelOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one model comes to."""

    model: str
    word: str
    verdict: Verdict
    predicted: Verdict
    measured: str = ""
    """`passed`, or what QA says of it; empty where it was not tested."""
    conditions: tuple[Condition, ...] = ()
    why: str = ""
    next: str = ""

    @property
    def headline(self) -> str:
        """The word with what it hangs on."""
        return _headline(self.word, self.verdict, self.conditions)


class RunOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What the run comes to."""

    word: str
    """A verdict, or `QA FAILED`."""
    verdict: Verdict
    """The verdict that stands, conditions, QA's result and votes included."""
    predicted: Verdict
    """What was decided before QA."""
    measured: str = ""
    """`passed`, or how QA failed; empty where it was not run."""
    conditions: tuple[Condition, ...] = ()
    """What a GO hangs on; of an UNKNOWN, what would have to hold."""
    why: str = ""
    next: str = ""
    """What would make it GO, or what to do about a failed QA; empty where nothing is to be done, or known."""
    status: ExitStatus = ExitStatus.UNKNOWN
    models: tuple[ModelOutcome, ...] = ()
    heads: tuple[str, ...] = ()
    """The headline, from long to short; no form leaves out that there is a condition."""
    brief: tuple[Brief, ...] = ()
    """The reason, from long to short: for a face of which the longest that fits is taken."""
    tally: str = ""
    """`4 passed, 1 failed`: the models that QA tested, or `skipped`; empty where it told of none."""
    steps: tuple[NextStep, ...] = ()
    """What to do now, the most useful first."""

    @property
    def headline(self) -> str:
        """The word with what it hangs on: `GO on L40S only`, `UNKNOWN, GO if 1 L40S is free`."""
        return _headline(self.word, self.verdict, self.conditions)

    @property
    def line(self) -> str:
        """The headline and the reason: one line for the first, the last or the only one of a text."""
        return f"{self.headline}: {self.why}" if self.why else self.headline


def run_outcome(known: Known) -> RunOutcome | None:
    """What the run has come to so far; None before there is a verdict."""
    if known.decision is None:
        return _without_decision(known)
    report = standing_decision(known.decision, known.qa, known.votes)
    failed = qa_failed(known.qa)
    models = tuple(_model(model, known, report) for model in report.models)
    conditions = tuple(_conditions(report, known))
    changes = _accepted(report, known)
    generated = bool(changes) and _with(changes, known) in conditions
    why = _each(len(report.models)) if generated and report.verdict is Verdict.GO else report.why
    if report.verdict is Verdict.GO:
        why += of_them_measured(report.models)
    word = QA_FAILED if failed else str(report.verdict)
    short = {_with(changes, known).text: _counted(changes)} if generated else {}
    return RunOutcome(
        word=word,
        verdict=report.verdict,
        predicted=report.verdict if report.predicted is None else report.predicted.verdict,
        measured=_measured_run(known.qa, report),
        conditions=() if failed else conditions,
        why=why,
        next=_next(report, known),
        status=worst_status(*_statuses(known, report.verdict)),
        models=models,
        heads=head_forms(word, report.verdict, conditions, short),
        brief=reason_forms(report, known.qa, why),
        tally=tally(known.qa),
        steps=next_steps(known, report, _mending(report), _helps(report, known)),
    )


def standing_decision(
    report: DecisionReport, qa: QaOutcome | None, votes: Iterable[Vote] = ()
) -> DecisionReport:
    """The decision with its conditions, under what QA measured and what others vote."""
    whole = voted(report, ())
    if whole.predicted is None:
        whole = settled(whole)
    return voted(measured(whole, qa), tuple(votes))


def settled(report: DecisionReport) -> DecisionReport:
    """The decision with each model's conditions heard, and its reason grouped by reason."""
    models = tuple(_conditioned(model) for model in report.models)
    verdict = worst(report.verdict, *(model.verdict for model in models))
    blocked = any(check.state is State.BLOCKED for check in report.checks)
    deciding = [model for model in models if model.verdict is verdict]
    why = report.why
    if verdict is not Verdict.GO and deciding and not blocked:
        why = _grouped(deciding, len(models))
    return msgspec.structs.replace(report, verdict=verdict, why=why, models=models)


def _without_decision(known: Known) -> RunOutcome | None:
    if known.ended is None:
        return None
    verdict = worst(known.ended, *(vote.verdict for vote in known.votes))
    lowered = [str(vote) for vote in known.votes if vote.verdict is verdict and verdict is not known.ended]
    why = "; ".join(lowered) or known.summary
    return RunOutcome(
        word=str(verdict),
        verdict=verdict,
        predicted=known.ended,
        why=why,
        status=STATUS[verdict],
        heads=(str(verdict),),
        brief=text_forms(why),
        steps=next_steps(known, None, (), ()),
    )


def _conditioned(model: ModelVerdict) -> ModelVerdict:
    """One that does not hold makes it NO-GO, one that nobody knows UNKNOWN."""
    if model.verdict is Verdict.NO_GO:
        return model
    for holds, verdict, said in (
        (Holds.NO, Verdict.NO_GO, "that does not hold"),
        (Holds.UNKNOWN, Verdict.UNKNOWN, "whether that holds is not known"),
    ):
        found = next((one for one in model.conditions if one.holds is holds), None)
        if found is not None and model.verdict is not verdict:
            why = f"{Verdict.GO} only {found.text}, and {said}"
            settle = found.settles or model.settle
            return msgspec.structs.replace(model, verdict=verdict, why=why, settle=settle)
    return model


def _grouped(models: list[ModelVerdict], count: int) -> str:
    """The reason of most of them, with how many it is of, and how many have others."""
    groups: dict[str, list[str]] = {}
    for model in models:
        groups.setdefault(model.why, []).append(model.model)
    why, names = max(groups.items(), key=lambda item: len(item[1]))
    if count > 1:
        why = f"{names[0]}: {why}" if len(names) == 1 else f"{why} ({len(names)} models)"
    others, left = len(groups) - 1, len(models) - len(names)
    if not others:
        return why
    reasons = "another reason" if others == 1 else f"{others} other reasons"
    return f"{why}; {left} more model{'s' * (left != 1)} for {reasons}"


def _each(count: int) -> str:
    each = "the model" if count == 1 else f"each of the {count} models"
    return f"{each} can be served as the generated manifest says"


def _model(model: ModelVerdict, known: Known, report: DecisionReport) -> ModelOutcome:
    conditions = tuple(_shown(model.conditions, model.verdict))
    required = [change for change in _accepted(report, known) if change.model == model.model]
    if model.verdict is Verdict.GO and required:
        conditions = (*conditions, _with(required, known))
    predicted = model.verdict if model.predicted is None else model.predicted
    step = "" if model.verdict is Verdict.GO else model.settle
    if model.verdict is Verdict.NO_GO and model.predicted is None and not known.written:
        step = _in_words(report, model.model) or step
    return ModelOutcome(
        model=model.model,
        word=str(model.verdict),
        verdict=model.verdict,
        predicted=predicted,
        measured=_measured(model, report, known.qa),
        conditions=conditions,
        why=model.why,
        next=step,
    )


def _measured(model: ModelVerdict, report: DecisionReport, qa: QaOutcome | None) -> str:
    if model.predicted is not None:
        return model.why.removeprefix(f"predicted {model.predicted}, but ")
    return told_of(model, report, qa)


def _measured_run(qa: QaOutcome | None, report: DecisionReport) -> str:
    if qa is None or qa.skipped:
        return ""
    if qa.ok:
        return PASSED
    return report.why if report.unvoted is None else report.unvoted.why


def _shown(conditions: Iterable[Condition], verdict: Verdict) -> Iterator[Condition]:
    """Those that belong to the word: what holds beside a GO, what nobody knows beside an UNKNOWN."""
    wanted = {Verdict.GO: Holds.YES, Verdict.UNKNOWN: Holds.UNKNOWN, Verdict.NO_GO: Holds.NO}[verdict]
    yield from (condition for condition in conditions if condition.holds is wanted)


def _conditions(report: DecisionReport, known: Known) -> Iterator[Condition]:
    """The run's: each text once, with its models where it is not of all; then the accepted changes.

    An UNKNOWN that is not only a matter of conditions has none: they alone would not make it a GO.
    """
    if report.unvoted is not None and report.unvoted.verdict is not report.verdict:
        return
    groups: dict[Condition, list[str]] = {}
    deciding = [model for model in report.models if model.verdict is report.verdict]
    for model in deciding:
        shown = tuple(_shown(model.conditions, model.verdict))
        if not shown and report.verdict is Verdict.UNKNOWN:
            return
        for condition in shown:
            by_name = condition.text.startswith(BY_NAME)
            key = msgspec.structs.replace(condition, text=BY_NAME) if by_name else condition
            groups.setdefault(key, []).append(model.model)
    for condition, names in groups.items():
        text = _of(condition.text, names, len(report.models))
        yield msgspec.structs.replace(condition, text=text)
    changes = _accepted(report, known)
    if report.verdict is Verdict.GO and changes:
        yield _with(changes, known)


def _of(text: str, names: list[str], count: int) -> str:
    if text == BY_NAME:
        return f"{BY_NAME}: {len(names)} image{'s' * (len(names) != 1)} unread"
    if len(names) == count:
        return text
    return f"{text} ({names[0] if len(names) == 1 else f'{len(names)} of {count} models'})"


def _accepted(report: DecisionReport, known: Known) -> list[Change]:
    """The changes without which it would be no GO: those that were written, where the base was none."""
    if not known.written or known.answer is None or report.without_changes in (None, Verdict.GO):
        return []
    taken = [change for change in report.plan.changes if change.id in known.answer.accepted]
    return [change for change in taken if change.severity == "required"] or taken


def _with(changes: list[Change], known: Known) -> Condition:
    """`with gpu_count 2, --tensor-parallel-size=2 accepted`."""
    edited = known.answer.edited if known.answer is not None else {}
    words = [_item(change, edited.get(change.id)) for change in changes[:_SHOWN]]
    more = f" and {len(changes) - _SHOWN} more" if len(changes) > _SHOWN else ""
    return Condition(text=f"with {', '.join(words)}{more} accepted", holds=Holds.YES)


def _counted(changes: list[Change]) -> str:
    return f"with {len(changes)} change{'s' * (len(changes) != 1)}"


def _item(change: Change, edited: str | None) -> str:
    if change.operation is Operation.GPU_COUNT:
        return f"{change.called} {edited or change.new}"
    if change.operation is Operation.REMOVE:
        return f"no {change.flag}"
    return edited or change.new or change.flag


def _headline(word: str, verdict: Verdict, conditions: tuple[Condition, ...]) -> str:
    told = [condition.text for condition in conditions if condition.holds is not Holds.NO]
    if not told or word == QA_FAILED or verdict is Verdict.NO_GO:
        return word
    more = f" and {len(told) - _SHOWN} more conditions" if len(told) > _SHOWN else ""
    text = ", ".join(told[:_SHOWN]) + more
    return f"{word} {text}" if verdict is Verdict.GO else f"{word}, {Verdict.GO} {text}"


def _mending(report: DecisionReport, model: str = "") -> list[Change]:
    """The changes that make it GO; none where they do not."""
    if report.with_changes is not Verdict.GO:
        return []
    changes = [change for change in report.plan.changes if model in ("", change.model)]
    return [change for change in changes if change.severity == "required"] or changes


def _in_words(report: DecisionReport, model: str = "") -> str:
    """The changes that make it GO, by name; empty where they do not."""
    from modelcar_tui.verdict.stopping import changes_in_words

    return changes_in_words(_mending(report, model))


def _next(report: DecisionReport, known: Known) -> str:
    """The changes that make it GO; else the first of what helps those that decide it, and how many more."""
    if report.verdict is Verdict.GO:
        return ""
    lowered = report.unvoted is not None and report.unvoted.verdict is not report.verdict
    by_changes = not (lowered or qa_failed(known.qa) or known.written)
    if by_changes and (words := _in_words(report)):
        return f"accept: {words}"
    told = _helps(report, known)
    return told[0] + (f" (and {len(told) - 1} more)" if len(told) > 1 else "") if told else ""


def _helps(report: DecisionReport, known: Known) -> list[str]:
    """What helps the models that decide it, each once; where none has anything, what helps QA, or a vote."""
    if report.verdict is Verdict.GO:
        return []
    if report.unvoted is not None and report.unvoted.verdict is not report.verdict:
        return [f"settle it with {next(vote.who for vote in report.votes if vote.verdict is report.verdict)}"]
    told = list(dict.fromkeys(filter(None, _steps(report))))
    if not told and known.qa is not None and qa_failed(known.qa) and known.qa.fix:
        return [known.qa.fix]
    return told


def _steps(report: DecisionReport) -> Iterator[str]:
    # What failed in QA was met, and comes before what was predicted.
    for model in sorted(report.models, key=lambda model: model.predicted is None):
        if model.verdict is report.verdict:
            settles = [condition.settles for condition in _shown(model.conditions, model.verdict)]
            own = model.settle.removeprefix(f"{model.why}; ")  # the reason is told already
            yield from settles or [own]
            if settles and not any(settles):
                yield own


def _statuses(known: Known, verdict: Verdict) -> Iterator[ExitStatus]:
    """Each that the run has earned."""
    yield STATUS[verdict]
    if known.answer is not None and not known.answer.write:
        yield ExitStatus.REJECTED
    if known.kept:
        yield ExitStatus.USAGE
    if known.qa is not None and qa_failed(known.qa):
        yield ExitStatus.TIMED_OUT if known.qa.code.endswith(":TIMEOUT") else ExitStatus.QA_FAILED
    if verdict is Verdict.UNKNOWN and known.blind:
        yield ExitStatus.CLUSTER
