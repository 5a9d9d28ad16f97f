"""What the operator is told before the accepted changes are written."""

from __future__ import annotations

from pathlib import Path

from modelcar_tui.manifest import Kind, Plan, Standing
from modelcar_tui.tui.faces.changes import describe
from modelcar_tui.tui.review import Review
from modelcar_tui.verdict import ApplyPreview

SHOWN = 6
"""Changes that are named; the rest is counted."""


def write_facts(plan: Plan, review: Review, preview: ApplyPreview, now: float) -> list[tuple[str, str]]:
    """The file, whose work it would replace, the changes (what is required first), and what comes of them.

    Args:
        plan: What was proposed.
        review: What is accepted of it.
        preview: What exactly that would do.
        now: Seconds since 1970; a time of this day is told without its date.
    """
    facts = [("file", plan.target)]
    facts += [("it exists", replacing(plan, standing, now)) for standing in preview.replaces]
    if preview.replaces:
        copies = "a copy is" if len(preview.replaces) == 1 else "copies are"
        facts.append(("", f"{copies} kept in the run's folder"))
    facts.append(("what", str(review.counts)))
    accepted = sorted(review.accepted, key=lambda change: change.severity != "required")
    facts += [("", describe(change, review)) for change in accepted[:SHOWN]]
    facts += [("", f"and {len(accepted) - SHOWN} more")] if len(accepted) > SHOWN else []
    if preview.verdict is not None:
        facts.append(("then", f"{preview.verdict.value}: {preview.why}"))
    return [*facts, ("base", f"{plan.base} (is not touched)")]


def replacing(plan: Plan, standing: Standing, now: float) -> str:
    """When what is there was written and by whom, and how it differs from what would be written."""
    name = "" if standing.path == plan.target else f"{Path(standing.path).name}: "
    rest = "; the link is replaced, not what it points to" if standing.kind is Kind.LINK else ""
    return f"{name}{standing.told(now)}{rest}"
