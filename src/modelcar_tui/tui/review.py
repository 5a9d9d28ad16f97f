"""The operator's decisions on a plan, before they are sent. Pure: every change returns a new review."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import cached_property

from modelcar_tui.core.text import has_hidden
from modelcar_tui.manifest import Change, Decision, Plan
from modelcar_tui.supervisor import Marked
from modelcar_tui.supervisor.events import ChangesMarked
from modelcar_tui.tui.own_keys import shown

REQUIRED, WARNING = "required", "warning"
_FIRST = (REQUIRED, WARNING)
"""Severities that are shown one by one and first; all others change no verdict."""


class Mark(StrEnum):
    """What was decided on one change."""

    UNDECIDED = " "
    ACCEPTED = "x"
    REJECTED = "-"
    EDITED = "e"


TAKEN = (Mark.ACCEPTED, Mark.EDITED)


@dataclass(frozen=True)
class Choice:
    """What has one box: a change, or changes that make a valid command line only together."""

    changes: tuple[Change, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """Of its changes."""
        return tuple(change.id for change in self.changes)

    @property
    def model(self) -> str:
        """Whose arguments these are."""
        return self.changes[0].model

    @property
    def severity(self) -> str:
        """The gravest of its changes."""
        own = {change.severity for change in self.changes}
        return next((severity for severity in _FIRST if severity in own), self.changes[0].severity)

    @property
    def flags(self) -> str:
        """`gpu_count + --tensor-parallel-size`."""
        return " + ".join(change.called for change in self.changes)


@dataclass(frozen=True)
class Counts:
    """How many changes are in which state; edited ones are accepted too."""

    accepted: int
    edited: int
    rejected: int
    undecided: int

    def __str__(self) -> str:
        """`2 of 8 accepted (1 edited), 1 rejected, 5 undecided`."""
        edited = f" ({self.edited} edited)" if self.edited else ""
        words = [f"{self.accepted} of {self.accepted + self.rejected + self.undecided} accepted{edited}"]
        words += [f"{self.rejected} rejected"] if self.rejected else []
        words += [f"{self.undecided} undecided"] if self.undecided else []
        return ", ".join(words)


@dataclass(frozen=True)
class Review:
    """A plan with the marks; nothing is marked at the start."""

    plan: Plan
    marks: Mapping[str, Mark] = field(default_factory=dict)
    edits: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    """By need: what is required, what is warned of, the rest; each in the plan's order by model."""
    digest: str = ""
    """Of the plan, which is dear to work out."""

    def mark(self, change: str) -> Mark:
        """The mark of a change."""
        return self.marks.get(change, Mark.UNDECIDED)

    def of(self, choice: Choice) -> Mark:
        """The mark of a box; undecided where its changes are not marked alike."""
        marks = {self.mark(change.id) for change in choice.changes}
        if marks <= {*TAKEN}:
            return Mark.EDITED if Mark.EDITED in marks else Mark.ACCEPTED
        return marks.pop() if len(marks) == 1 else Mark.UNDECIDED

    @cached_property
    def required(self) -> tuple[Choice, ...]:
        """Without which it does not run."""
        return tuple(choice for choice in self.choices if choice.severity == REQUIRED)

    @cached_property
    def warned(self) -> tuple[Choice, ...]:
        """What is no matter of the verdict, and should be read all the same."""
        return tuple(choice for choice in self.choices if choice.severity == WARNING)

    @cached_property
    def cosmetic(self) -> tuple[Choice, ...]:
        """What changes no verdict."""
        return tuple(choice for choice in self.choices if choice.severity not in _FIRST)

    def set(self, ids: Iterable[str], mark: Mark) -> Review:
        """Mark changes; anything but EDITED drops an edited value."""
        own = frozenset(ids)
        edits = {key: text for key, text in self.edits.items() if key not in own}
        return replace(self, marks={**self.marks, **dict.fromkeys(own, mark)}, edits=edits)

    def accepting(self, choices: Iterable[Choice]) -> Review:
        """With these accepted; edited values stay."""
        return self.set((i for one in choices if self.of(one) not in TAKEN for i in one.ids), Mark.ACCEPTED)

    def answered(self, decision: Decision) -> Review:
        """With the marks of an answer that was given: what it does not name is rejected."""
        taken = {i: Mark.EDITED if i in decision.edited else Mark.ACCEPTED for i in decision.accepted}
        marks = {change.id: taken.get(change.id, Mark.REJECTED) for change in self.plan.changes}
        return replace(self, marks=marks, edits=dict(decision.edited))

    def kept(self, now: Marked) -> Review:
        """With the marks that the run keeps; what they name beyond the plan is left out."""
        known = {change.id for change in self.plan.changes}
        marks = dict.fromkeys((i for i in now.rejected if i in known), Mark.REJECTED)
        taken = tuple(i for i in now.accepted if i in known)
        marks |= {i: Mark.EDITED if i in now.edited else Mark.ACCEPTED for i in taken}
        edits = {i: text for i, text in now.edited.items() if i in taken}
        return replace(self, marks=marks, edits=edits)

    def step(self) -> ChangesMarked:
        """All marks, to be kept."""
        ids = [change.id for change in self.plan.changes]
        return ChangesMarked(
            plan_digest=self.digest,
            accepted=tuple(i for i in ids if self.mark(i) in TAKEN),
            rejected=tuple(i for i in ids if self.mark(i) is Mark.REJECTED),
            edited={i: self.edits[i] for i in ids if i in self.edits},
        )

    def undecided(self) -> tuple[Choice, ...]:
        """The boxes that nobody has marked."""
        return tuple(choice for choice in self.choices if self.of(choice) is Mark.UNDECIDED)

    def edit(self, change: str, text: str) -> Review:
        """Accept a change, and what is tied to it, with another item; a bare value gets its flag.

        Raises:
            ValueError: the text is empty, holds a character that the eye does not see, or a secret.
        """
        from modelcar_tui.manifest import masked_arguments

        if not text.strip():
            raise ValueError(f"empty; {shown('-')} rejects the change")
        if has_hidden(text):
            raise ValueError("it holds invisible or control characters")
        item = text.strip()
        proposed = next(c for c in self.plan.changes if c.id == change)
        if not item.startswith("-") and (proposed.new or "").startswith(f"{proposed.flag}="):
            item = f"{proposed.flag}={item}"
        if masked_arguments((item,)) != (item,):
            raise ValueError("it holds a secret, which the run would keep; write $(NAME), or edit the base")
        choice = next(one for one in self.choices if change in one.ids)
        partners = tuple(i for i in choice.ids if self.mark(i) not in TAKEN)
        taken = self.set((*partners, change), Mark.ACCEPTED)
        if item == proposed.new:
            return taken
        return replace(taken, marks={**taken.marks, change: Mark.EDITED}, edits={**taken.edits, change: item})

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
        return tuple(c for c in self.plan.changes if self.mark(c.id) in TAKEN)

    def decision(self, *, write: bool, who: str = "") -> Decision:
        """The answer for the engine."""
        accepted = tuple(change.id for change in self.accepted) if write else ()
        edited = {key: text for key, text in self.edits.items() if key in accepted}
        return Decision(plan_digest=self.digest, accepted=accepted, edited=edited, write=write, who=who)


def open_review(plan: Plan) -> Review:
    """A fresh review of the plan."""
    models = {name: at for at, name in enumerate(dict.fromkeys(change.model for change in plan.changes))}
    ranks = {severity: at for at, severity in enumerate(_FIRST)}
    choices = sorted(
        _tied(plan.changes), key=lambda one: (ranks.get(one.severity, len(ranks)), models[one.model])
    )
    return Review(plan=plan, choices=tuple(choices), digest=plan.digest)


def _tied(changes: tuple[Change, ...]) -> list[Choice]:
    """The changes, those together that are bound to one another by way of any others; in the plan's order."""
    group = {change.id: {change.id} for change in changes}
    for change in changes:
        for other in change.together_with:
            if other in group and group[other] is not group[change.id]:
                whole = group[change.id] | group[other]
                group.update(dict.fromkeys(whole, whole))
    out: dict[int, list[Change]] = {}
    for change in changes:
        out.setdefault(id(group[change.id]), []).append(change)
    return [Choice(tuple(own)) for own in out.values()]
