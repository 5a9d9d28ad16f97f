"""What the operator is told before the accepted changes are written, and of a plan that was answered."""

from __future__ import annotations

from pathlib import Path

from modelcar_tui.cluster.types import State
from modelcar_tui.core.counting import several
from modelcar_tui.manifest import Decision, Kind, Plan, Standing
from modelcar_tui.supervisor import Approve, RunState
from modelcar_tui.tui.faces.changes import describe, kinds
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.review import TAKEN, Choice, Review
from modelcar_tui.verdict import ApplyPreview, DecisionReport, Verdict

ROWS = 8
"""For the changes that are named in the question; of more, each model is told by its name and a count."""
NAMED = 12
"""Models that are told so; the rest is counted."""
SHORT = 55
"""Signs up to which a model and its changes share a row."""
STILL = 3
"""Models of which it is told why they would still fail."""
_LOOK = "to look at only"


def answer_to(state: RunState, plan_digest: str) -> Decision | None:
    """The operator's answer to this plan; None where there is none, or the run was told to show only."""
    answer = state.answer
    if answer is None or answer.plan_digest != plan_digest or answer.who == Approve.SHOW:
        return None
    return answer


def look_only(state: RunState, plan_digest: str, *, replay: bool) -> str:
    """Why the plan can't be marked any more; empty where it can."""
    if replay:
        return f"{_LOOK}: a replay"
    answer = answer_to(state, plan_digest)
    if answer is not None:
        return f"{_LOOK}: {answered_as(state, answer)}"
    return f"{_LOOK}: the run has ended" if state.finish is not None else ""


def answered_as(state: RunState, answer: Decision) -> str:
    """`written to X.generated.yaml`, `the plan was rejected`, `not written: why`, or that it is under way."""
    if not answer.write:
        return "the plan was rejected"
    if state.written is not None:
        return f"written to {Path(state.written.path).name}"
    return f"not written ({state.kept})" if state.kept else "answered, being written"


def write_facts(
    report: DecisionReport, review: Review, preview: ApplyPreview, now: float, glyphs: Glyphs
) -> list[tuple[str, str]]:
    """The file, whose work it would replace, the changes by need, and what comes of them.

    Args:
        report: What was decided and proposed.
        review: What is accepted of it.
        preview: What exactly that would do.
        now: Seconds since 1970; a time of this day is told without its date.
        glyphs: For the arrow.
    """
    plan = report.plan
    facts = [("file", plan.target)]
    facts += [("it exists", replacing(plan, standing, now)) for standing in preview.replaces]
    if preview.replaces:
        copies = "a copy is" if len(preview.replaces) == 1 else "copies are"
        facts.append(("", f"{copies} kept in the run's folder"))
    facts += _named("required", _taken(review.required, review), review, glyphs)
    facts += _named("warned", _taken(review.warned, review), review, glyphs)
    facts += _others(review)
    facts += _left(review)
    if preview.verdict is not None:
        before = report.without_changes or report.verdict
        then = preview.heads[0] if preview.heads else preview.verdict.value
        both = then if before is preview.verdict else f"{before} {glyphs.arrow} {then}"
        facts.append(("then", f"{both}: {preview.why}"))
    if report.together and not _missed(review):
        facts.append(("together", report.together.rpartition("together ")[2]))
    facts += [("but", each) for each in _doubts(report, review)]
    return [*facts, ("base", f"{plan.base} (is not touched)")]


def _taken(choices: tuple[Choice, ...], review: Review) -> list[Choice]:
    return [choice for choice in choices if review.of(choice) in TAKEN]


def _named(label: str, choices: list[Choice], review: Review, glyphs: Glyphs) -> list[tuple[str, str]]:
    """What each change replaces, by model; of more than fits, the models' names with counts."""
    models: dict[str, list[Choice]] = {}
    for choice in choices:
        models.setdefault(choice.model, []).append(choice)
    if not models:
        return []
    rows: list[str] = []
    for name, own in models.items():
        items = [describe(choice, review, glyphs) for choice in own]
        together = f"{name}  {', '.join(items)}"
        rows += [together] if len(together) <= SHORT else [name, *(f"  {item}" for item in items)]
    if len(rows) > ROWS:
        rows = _alike(models, review, glyphs)
    if len(rows) > ROWS:
        counts = [f"{name}: {sum(len(one.changes) for one in own)}" for name, own in models.items()]
        rows = [_some(counts)]
    count = str(sum(len(choice.changes) for choice in choices))
    first, *rest = rows
    return [(label, f"{count}  {first}"), *(("", f"{' ' * len(count)}  {each}") for each in rest)]


def _alike(models: dict[str, list[Choice]], review: Review, glyphs: Glyphs) -> list[str]:
    """The models that are changed in the same way, told once: `gpu_count 1 → 4`, then `50 models: ...`."""
    alike: dict[str, list[str]] = {}
    for name, own in models.items():
        alike.setdefault(", ".join(describe(choice, review, glyphs) for choice in own), []).append(name)
    rows: list[str] = []
    for items, names in alike.items():
        rows += [items, f"  {len(names)} models: {_some(names, 3)}" if len(names) > 1 else f"  {names[0]}"]
    return rows


def _some(texts: list[str], most: int = NAMED) -> str:
    """The first of them, and how many more there are."""
    more = [f"and {len(texts) - most} more models"] if len(texts) > most else []
    return ", ".join([*texts[:most], *more])


def _others(review: Review) -> list[tuple[str, str]]:
    """What changes no verdict, counted."""
    own = _taken(review.cosmetic, review)
    if not own:
        return []
    count = sum(len(choice.changes) for choice in own)
    edited = sum(change.id in review.edits for choice in own for change in choice.changes)
    words = f", {edited} edited" if edited else ""
    return [("other", f"{count}  {kinds(tuple(own))}{words}   {shown('v')} in the review shows them")]


def _left(review: Review) -> list[tuple[str, str]]:
    """What is left as it is."""
    counts = review.counts
    left = counts.rejected + counts.undecided
    return [("left out", f"{left} of {left + counts.accepted}: the base's items stay")] if left else []


def _missed(review: Review) -> list[Choice]:
    return [choice for choice in review.required if review.of(choice) not in TAKEN]


def _doubts(report: DecisionReport, review: Review) -> list[str]:
    """What is not right on the cluster, whatever is written; that of a changed model first."""
    names = tuple(f"{change.model}:" for change in review.accepted)
    bad = [check.what for check in report.checks if check.state is not State.OK]
    bad.sort(key=lambda what: not what.startswith(names))
    return [*bad[:STILL], f"and {len(bad) - STILL} more doubts"] if len(bad) > STILL else bad


def write_warnings(review: Review, preview: ApplyPreview, glyphs: Glyphs) -> list[str]:
    """What would still fail, and what else to know before the word is typed."""
    missed = _missed(review)
    warnings = [
        f"required and not accepted: {choice.model}  {describe(choice, review, glyphs)}"
        for choice in missed[:STILL]
    ]
    if len(missed) > STILL:
        warnings.append(
            f"required and not accepted: {len(missed) - STILL} more; {shown('A')} in the review accepts them"
        )
    failing = [model for model in preview.models if model.verdict is not Verdict.GO]
    warnings += [f"{model.model} stays {model.verdict}: {model.why}" for model in failing[:STILL]]
    if len(failing) > STILL:
        warnings.append(
            several(len(failing) - STILL, "more model stays", "more models stay")
            + f" {' or '.join(sorted({m.verdict for m in failing}))}"
        )
    return warnings + [str(problem) for problem in preview.warnings]


def replacing(plan: Plan, standing: Standing, now: float) -> str:
    """When what is there was written and by whom, and how it differs from what would be written."""
    name = "" if standing.path == plan.target else f"{Path(standing.path).name}: "
    rest = "; the link is replaced, not what it points to" if standing.kind is Kind.LINK else ""
    return f"{name}{standing.told(now)}{rest}"
