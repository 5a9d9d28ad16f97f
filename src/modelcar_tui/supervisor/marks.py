"""The operator's marks on the changes of a plan, before they are an answer: folded from `ChangesMarked`."""

from __future__ import annotations

import msgspec

from modelcar_tui.supervisor.events import ChangesMarked

UNDO_STEPS = 100
"""How many steps can be taken back."""


class Marked(msgspec.Struct, frozen=True):
    """What is decided after one step; a change that is named nowhere is undecided."""

    accepted: tuple[str, ...] = ()
    """Ids, the edited ones among them."""
    rejected: tuple[str, ...] = ()
    edited: dict[str, str] = {}
    """New items of accepted changes that the operator edited, by id."""


class Marks(msgspec.Struct, frozen=True, kw_only=True):
    """The marks on one plan, with the steps that led to them."""

    plan_digest: str = ""
    now: Marked = Marked()
    earlier: tuple[Marked, ...] = ()
    """What stood before each step, the newest last; at most `UNDO_STEPS`."""
    steps: int = 0
    """Events so far, of any plan: two sides that count alike have seen the same."""

    def of(self, plan_digest: str) -> Marks:
        """The marks if they are on this plan; else none, with the same count."""
        return self if self.plan_digest == plan_digest else Marks(plan_digest=plan_digest, steps=self.steps)


def marked(marks: Marks, event: ChangesMarked) -> Marks:
    """The marks after one more step. Another plan starts with none; an undo of nothing changes nothing."""
    marks = marks.of(event.plan_digest)
    steps = marks.steps + 1
    if event.undo:
        if not marks.earlier:
            return msgspec.structs.replace(marks, steps=steps)
        now, earlier = marks.earlier[-1], marks.earlier[:-1]
        return msgspec.structs.replace(marks, now=now, earlier=earlier, steps=steps)
    now = Marked(event.accepted, event.rejected, event.edited)
    earlier = (*marks.earlier, marks.now)[-UNDO_STEPS:]
    return msgspec.structs.replace(marks, now=now, earlier=earlier, steps=steps)


def told(marks: Marks, changes: int) -> str:
    """`2 of 8 accepted, not written`; empty where nothing is marked.

    Args:
        marks: On the plan that waits for its answer.
        changes: How many the plan has.
    """
    accepted, rejected = len(marks.now.accepted), len(marks.now.rejected)
    if not accepted and not rejected:
        return ""
    left_out = f", {rejected} rejected" if rejected else ""
    return f"{accepted} of {changes} accepted{left_out}, not written"
