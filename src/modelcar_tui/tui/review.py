"""The operator's decisions on a plan, before they are sent. Pure: every change returns a new review."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from modelcar_tui.core.text import has_hidden
from modelcar_tui.manifest import Change, Decision, Hunk, Plan


class Mark(StrEnum):
    """What was decided on one change."""

    UNDECIDED = " "
    ACCEPTED = "x"
    REJECTED = "-"
    EDITED = "e"


@dataclass(frozen=True)
class Group:
    """Changes of one hunk: folded they are decided together."""

    title: str
    ids: tuple[str, ...]
    folded: bool = False


@dataclass(frozen=True)
class Counts:
    """How many changes are in which state; edited ones are accepted too."""

    accepted: int
    edited: int
    rejected: int
    undecided: int

    def __str__(self) -> str:
        edited = f" ({self.edited} edited)" if self.edited else ""
        return f"{self.accepted} accepted{edited}, {self.rejected} rejected, {self.undecided} undecided"


@dataclass(frozen=True)
class Review:
    """A plan with the marks; nothing is marked at the start."""

    plan: Plan
    groups: tuple[Group, ...] = ()
    marks: dict[str, Mark] = field(default_factory=dict)
    edits: dict[str, str] = field(default_factory=dict)

    def mark(self, change: str) -> Mark:
        """The mark of a change."""
        return self.marks.get(change, Mark.UNDECIDED)

    def set(self, ids: tuple[str, ...], mark: Mark) -> Review:
        """Mark changes; anything but EDITED drops an edited value."""
        edits = {key: text for key, text in self.edits.items() if key not in ids}
        return replace(self, marks=self.marks | dict.fromkeys(ids, mark), edits=edits)

    def answered(self, decision: Decision) -> Review:
        """With the marks of an answer that was given: what it does not name is rejected."""
        taken = {i: Mark.EDITED if i in decision.edited else Mark.ACCEPTED for i in decision.accepted}
        marks = {change.id: taken.get(change.id, Mark.REJECTED) for change in self.plan.changes}
        return replace(self, marks=marks, edits=dict(decision.edited))

    def tried(self, ids: tuple[str, ...]) -> Review:
        """As if these changes, and what each needs beside it, were accepted too; edited values stay."""
        partners = {c.id: c.together_with for c in self.plan.changes}
        wanted = dict.fromkeys(i for own in ids for i in (own, *partners.get(own, ())))
        taken = (Mark.ACCEPTED, Mark.EDITED)
        return replace(
            self, marks=self.marks | {i: Mark.ACCEPTED for i in wanted if self.mark(i) not in taken}
        )

    def rest(self, mark: Mark) -> Review:
        """Mark all that is undecided."""
        return self.set(tuple(c.id for c in self.plan.changes if self.mark(c.id) is Mark.UNDECIDED), mark)

    def edit(self, change: str, text: str) -> Review:
        """Accept a change with another item; a bare value is completed with its flag.

        Raises:
            ValueError: the text is empty, holds a character that the eye does not see, or a secret.
        """
        from modelcar_tui.manifest import masked_arguments

        if not text.strip():
            raise ValueError("empty; n rejects the change")
        if has_hidden(text):
            raise ValueError("it holds invisible or control characters")
        item = text.strip()
        proposed = next(c for c in self.plan.changes if c.id == change)
        if not item.startswith("-") and (proposed.new or "").startswith(f"{proposed.flag}="):
            item = f"{proposed.flag}={item}"
        if masked_arguments((item,)) != (item,):
            raise ValueError("it holds a secret, which the run would keep; write $(NAME), or edit the base")
        return replace(self, marks=self.marks | {change: Mark.EDITED}, edits=self.edits | {change: item})

    def split(self, group: int) -> Review:
        """Take a group apart: its changes are undecided again."""
        apart = self.set(self.groups[group].ids, Mark.UNDECIDED)
        return apart.fold(group, folded=False)

    def fold(self, group: int, *, folded: bool) -> Review:
        """Fold or open a group."""
        groups = tuple(replace(g, folded=folded) if i == group else g for i, g in enumerate(self.groups))
        return replace(self, groups=groups)

    @property
    def counts(self) -> Counts:
        """How far the review is."""
        marks = [self.mark(change.id) for change in self.plan.changes]
        edited = marks.count(Mark.EDITED)
        return Counts(
            marks.count(Mark.ACCEPTED) + edited,
            edited,
            marks.count(Mark.REJECTED),
            marks.count(Mark.UNDECIDED),
        )

    @property
    def accepted(self) -> tuple[Change, ...]:
        """The accepted and edited changes, in the plan's order."""
        return tuple(c for c in self.plan.changes if self.mark(c.id) in (Mark.ACCEPTED, Mark.EDITED))

    def coupled(self) -> list[str]:
        """What is accepted without its partner, as sentences."""
        chosen = {change.id for change in self.accepted}
        return [
            f"{change.flag} needs {partner.rpartition('/')[2]} beside it ({change.model})"
            for change in self.accepted
            for partner in change.together_with
            if partner not in chosen
        ]

    def decision(self, *, write: bool, who: str = "") -> Decision:
        """The answer for the engine."""
        accepted = tuple(change.id for change in self.accepted) if write else ()
        edited = {key: text for key, text in self.edits.items() if key in accepted}
        return Decision(plan_digest=self.plan.digest, accepted=accepted, edited=edited, write=write, who=who)


def open_review(plan: Plan, hunks: tuple[Hunk, ...]) -> Review:
    """A fresh review, grouped by hunk of the text diff and model; what no hunk names stands alone by
    model."""
    ungrouped = {change.id: change for change in plan.changes}
    groups: list[Group] = []
    for hunk in hunks:
        groups += _by_model(ungrouped.pop(i) for i in hunk.changes if i in ungrouped)
    groups += _by_model(ungrouped.values())
    return Review(plan=plan, groups=tuple(groups))


def _by_model(changes: Iterable[Change]) -> list[Group]:
    ids: dict[str, list[str]] = {}
    for change in changes:
        ids.setdefault(change.model, []).append(change.id)
    return [Group(title=model, ids=tuple(own)) for model, own in ids.items()]
