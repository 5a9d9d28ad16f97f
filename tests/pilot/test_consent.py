"""QA starts on the cluster only after a key that says so."""

from __future__ import annotations

import pytest

from modelcar_tui.manifest.plan import Decision
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.screens.consent import ConsentDialog
from pilot import support as s

ANSWER = e.ApprovalGiven(decision=Decision(plan_digest="x", write=True))
EFFECTS = (
    "The suite works as \x1b]52;c;evil\x07alice with rights that amount to cluster-admin.",
    "It creates [/x].",
)


def asked() -> list[e.AnyEvent]:
    return [*s.decided(), ANSWER, e.ConsentRequested(effects=EFFECTS)]


@pytest.mark.parametrize(("key", "said"), [("s", "start QA"), ("n", "skip QA")])
async def test_effects_are_shown_and_a_key_decides(
    key: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConsentDialog, "deaf_s", 0.05)
    engine = s.FakeEngine(asked())
    async with s.dashboard(engine) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConsentDialog), "the question is asked")
        await s.wait_for(pilot, lambda: s.shows(app, "cluster-admin"), "the effects are painted")
        text = "\n".join(s.screen_text(app))
        assert "[/x]" in text
        assert "\x1b" not in text
        await s.hears(app, pilot)
        await pilot.press("enter", "space", "y")
        assert not [call for call in engine.calls if call in ("start QA", "skip QA")]
        await pilot.press(key)
        await s.wait_for(pilot, lambda: said in engine.calls, "the answer is given")


async def test_question_that_was_put_off_is_asked_again_by_x(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConsentDialog, "deaf_s", 0.05)
    engine = s.FakeEngine(asked())
    async with s.dashboard(engine) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConsentDialog), "the question is asked")
        await s.hears(app, pilot)
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: not isinstance(app.screen, ConsentDialog), "it is put off")
        await s.wait_for(pilot, lambda: s.shows(app, "x: see what QA would do"), "the banner says how")
        await pilot.press("x")
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConsentDialog), "the question is asked again")
    assert "start QA" not in engine.calls


async def test_keys_typed_before_the_question_was_seen_are_dropped() -> None:
    engine = s.FakeEngine(asked())
    async with s.dashboard(engine) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConsentDialog), "the question is asked")
        await pilot.press("s")
        assert "start QA" not in engine.calls


@pytest.mark.parametrize("size", [(60, 20), (80, 24)])
async def test_short_screen_is_read_to_the_end_before_it_can_start(
    size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ConsentDialog, "deaf_s", 0.05)
    effects = (
        *(f"effect {number} that reaches far into the cluster" for number in range(30)),
        "the last effect",
    )
    engine = s.FakeEngine([*s.decided(), ANSWER, e.ConsentRequested(effects=effects)])
    async with s.dashboard(engine, size) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConsentDialog), "the question is asked")
        await s.hears(app, pilot)
        await s.wait_for(pilot, lambda: s.shows(app, "read on"), "there is more")
        for _ in range(60):
            if s.shows(app, "start QA"):
                break
            assert "start QA" not in engine.calls
            await pilot.press("s")
            await pilot.pause(0.05)
        assert s.shows(app, "the last effect")
        await pilot.press("k", "k")
        await s.wait_for(pilot, lambda: s.shows(app, "read on"), "and back")
        await pilot.press(*("j" * 30))
        await s.wait_for(pilot, lambda: s.shows(app, "start QA"), "the end again")
        await pilot.press("s")
        await s.wait_for(pilot, lambda: "start QA" in engine.calls, "started")
