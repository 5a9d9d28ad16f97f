"""What QA left is shown first; deleting it takes a typed word."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.qa.cleanup import Leftover
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.screens.cleanup import CleanupDialog
from modelcar_tui.tui.screens.confirm import ConfirmDialog
from modelcar_tui.tui.screens.finish import FinishDialog
from pilot import support as s

OURS = Leftover(kind="Namespace", name="standard-model-validation", uid="u1")
OTHERS = Leftover(kind="Secret", name="pull", namespace="x", uid="u2", kept="it was made 3.0 h before")


class Work:
    """Stands for `CleanUp`: what it was asked, and what it answers."""

    def __init__(self, *items: Leftover) -> None:
        self.items = items
        self.deleted: list[frozenset[str]] = []

    async def look(self) -> tuple[Leftover, ...]:
        if not self.items:
            raise UserError(
                Problem(what="the cluster can't be asked: Unauthorized", fix="oc login, then again")
            )
        return self.items

    async def delete(self, uids: frozenset[str]) -> tuple[str, ...]:
        self.deleted.append(uids)
        return ("deleted: Namespace standard-model-validation",)


def broken() -> list[e.AnyEvent]:
    *before, finish = s.finished("", 0)
    left = ("Namespace/standard-model-validation", "Secret/pull")
    events = [
        e.QaFinished(outcome=msgspec.structs.replace(event.outcome, leftovers=left))
        if isinstance(event, e.QaFinished)
        else event
        for event in before
    ]
    return [*events, finish]


async def test_it_is_listed_and_deleted_after_a_typed_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConfirmDialog, "deaf_s", 0.05)
    work = Work(OURS, OTHERS)
    async with s.dashboard(s.FakeEngine(broken())) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "the summary")
        app.push_screen(CleanupDialog(app.face, work))  # type: ignore[arg-type]
        await s.wait_for(pilot, lambda: s.shows(app, "oc delete namespace"), "the command is shown")
        assert s.shows(app, "kept: it was made 3.0 h before")
        await pilot.press("enter", "y", "delete")
        assert work.deleted == []
        await pilot.press("C")
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConfirmDialog), "a second confirmation")
        await s.hears(app, pilot)
        await pilot.press(*"delete")
        await s.wait_for(pilot, lambda: s.shows(app, "deleted: Namespace"), "what was done")
        assert work.deleted == [frozenset({"u1"})]


async def test_cluster_that_does_not_answer_is_said_and_esc_goes_back() -> None:
    async with s.dashboard(s.FakeEngine(broken())) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "the summary")
        app.push_screen(CleanupDialog(app.face, Work()))  # type: ignore[arg-type]
        await s.wait_for(pilot, lambda: s.shows(app, "oc login, then again"), "the fault")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "back")


@pytest.mark.parametrize("size", s.SIZES)
async def test_summary_offers_it(size: tuple[int, int]) -> None:
    async with s.dashboard(s.FakeEngine(broken()), size) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "the summary")
        await s.wait_for(pilot, lambda: s.shows(app, "C cleans up"), "it is offered")
        await s.hears(app, pilot)
        await pilot.press("C")
        await s.wait_for(pilot, lambda: isinstance(app.screen, CleanupDialog), "the list")
        await s.wait_for(
            pilot, lambda: s.shows(app, "has started no QA") or s.shows(app, "QA"), "something is said"
        )
