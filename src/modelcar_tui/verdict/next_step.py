"""What the operator does next: keys of the dashboard, commands, and edits, the most useful first."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from modelcar_tui.manifest import Change
from modelcar_tui.verdict.brief import clauses
from modelcar_tui.verdict.known import Known
from modelcar_tui.verdict.measured import qa_failed
from modelcar_tui.verdict.reports import DecisionReport, Verdict

_PROGRAMS = "oc|kubectl|skopeo|podman|docker|export|modelcar-tui|agent"
_COMMAND = re.compile(rf"^(?:(?P<lead>[^:]+): )?(?P<command>(?:(?:{_PROGRAMS}) \S|--[a-z]).*)$")
_INSTEAD = re.compile(r"; or |, or |; ")
_WHAT_WOULD = "What would: "


class NextStep(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do."""

    forms: tuple[str, ...]
    """In words, from long to short; each holds the command whole."""
    key: str = ""
    """The key of the dashboard that does it; empty where it is done elsewhere."""
    command: str = ""
    """What to type in a shell, or to add to the command line."""

    def __str__(self) -> str:
        return f"{self.key}: {self.forms[0]}" if self.key else self.forms[0]


def next_steps(
    known: Known, report: DecisionReport | None, mending: Sequence[Change], helps: Sequence[str]
) -> tuple[NextStep, ...]:
    """What to do now, the most useful first; empty where there is nothing but to wait.

    Args:
        known: where the run stands.
        report: the decision as it stands.
        mending: the changes that make it GO; empty where they do not.
        helps: what helps the models that decide it, each once.
    """
    if known.resumable and not known.recorded:
        command = f"modelcar-tui --resume {known.resumable}"
        return (NextStep(forms=(f"go on: {command}", command), command=command),)
    if known.asked:
        return tuple(_on_plan(known, report, mending, helps))
    if known.consent:
        return () if known.recorded else (_CONSENT,)
    if known.testing:
        stop = NextStep(key="S", forms=("stop QA, it will not mend itself", "stop QA"))
        return (*([stop] if known.hopeless and not known.recorded else []), _LOG)
    if known.answer is not None and not (known.written or known.kept or known.finished):
        return ()
    return tuple(_afterwards(known, report, mending, helps))


_CONSENT = NextStep(key="x", forms=("see what QA would do, then start or skip it", "start or skip QA"))
_LOG = NextStep(key="l", forms=("log",))
_ERROR = NextStep(key="e", forms=("root cause", "cause"))
_SUMMARY = NextStep(key="o", forms=("summary",))


def _on_plan(
    known: Known, report: DecisionReport | None, mending: Sequence[Change], helps: Sequence[str]
) -> Iterator[NextStep]:
    changes = report.plan.changes if report is not None else ()
    if known.recorded:
        yield _review("see", changes)
        return
    required = [change for change in changes if change.severity == "required"]
    if known.marks:
        yield from _on_marks(known, required if mending else ())
        return
    unknown = report is not None and report.verdict is Verdict.UNKNOWN
    helped = [] if mending else list(_helps(helps))
    if unknown:
        yield from helped
    if required and (mending or not helped):
        yield NextStep(key="A", forms=(f"accept the {len(required)} required",))
    yield _review("review", changes)
    if not unknown:
        yield from helped


def _on_marks(known: Known, required: Sequence[Change]) -> Iterator[NextStep]:
    """Go on with the review; and what is required and not marked yet."""
    yield NextStep(key="d", forms=(f"{known.marks}: review and write", known.marks))
    left = sum(change.id not in known.marked for change in required)
    if left:
        yield NextStep(key="A", forms=(f"accept the {left} required", f"{left} required"))


def _review(verb: str, changes: Sequence[Change]) -> NextStep:
    what = f"all {len(changes)}" if len(changes) > 1 else "the change"
    return NextStep(key="d", forms=(f"{verb} {what}", verb))


def _afterwards(
    known: Known, report: DecisionReport | None, mending: Sequence[Change], helps: Sequence[str]
) -> Iterator[NextStep]:
    """The run has come to its end, or to a point where nothing is asked."""
    failed = qa_failed(known.qa)
    if report is None or (report.verdict is Verdict.GO and not failed):
        yield _SUMMARY
        return
    if mending and not failed and not known.written:
        yield _run_again(mending)
    else:
        yield from _helps(helps)
    if failed:
        yield from (_LOG, _ERROR)
    yield _SUMMARY


def _run_again(mending: Sequence[Change]) -> NextStep:
    from modelcar_tui.verdict.stopping import changes_in_words  # the first paint does not wait for it

    count = f"{len(mending)} change{'s' * (len(mending) != 1)}"
    accept = changes_in_words(mending)
    return NextStep(forms=(f"run it again and accept: {accept}", f"run it again, accept {count}"))


def _helps(helps: Iterable[str]) -> Iterator[NextStep]:
    """The first that helps, with what may be done instead; how many more there are stands in the summary."""
    told = list(helps)
    if not told:
        return
    for each in _alternatives(told[0]):
        yield _step(each)
    if len(told) > 1:
        yield NextStep(key="o", forms=(f"{len(told) - 1} more", "more"))


def _alternatives(text: str) -> list[str]:
    if _WHAT_WOULD in text:
        text = text.partition(_WHAT_WOULD)[2]
    return [each for each in _INSTEAD.split(text) if each]


def _step(text: str) -> NextStep:
    found = _COMMAND.match(text)
    if found is None:
        forms = tuple(dict.fromkeys(clauses(text)))
        return NextStep(forms=forms)
    command = found["command"].partition(", ")[0]
    return NextStep(forms=tuple(dict.fromkeys((text, command))), command=command)
