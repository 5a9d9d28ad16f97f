"""QA starts on the cluster only after a key that says so."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.core.decode import decode
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.qa.effect import fails, tells, warns
from modelcar_tui.qa.types import QaOutcome
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.faces.question import question_rows, why_no_question
from modelcar_tui.tui.glyphs import ASCII, UNICODE
from modelcar_tui.tui.screens.consent import ConsentDialog
from pilot import support as s

ANSWER = e.ApprovalGiven(decision=Decision(plan_digest="x", write=True))
EFFECTS = (
    "The suite works as \x1b]52;c;evil\x07alice with rights that amount to cluster-admin.",
    "It creates [/x].",
)


def asked() -> list[e.AnyEvent]:
    return [*s.decided(), ANSWER, e.ConsentRequested(effects=EFFECTS)]


@pytest.mark.parametrize(("key", "said"), [("X", "start QA"), ("minus", "skip QA")])
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
        await pilot.press("enter", "space", "y", "s", "n")
        assert not [call for call in engine.calls if call in ("start QA", "skip QA")]
        await s.wait_for(pilot, lambda: s.shows(app, "only these answer"), "it is said which keys do")
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
        await pilot.press("X")
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
            await pilot.press("X")
            await pilot.pause(0.05)
        assert s.shows(app, "the last effect")
        await pilot.press("k", "k")
        await s.wait_for(pilot, lambda: s.shows(app, "read on"), "and back")
        await pilot.press(*("j" * 30))
        await s.wait_for(pilot, lambda: s.shows(app, "start QA"), "the end again")
        await pilot.press("X")
        await s.wait_for(pilot, lambda: "start QA" in engine.calls, "started")


async def test_what_fails_is_on_top_with_its_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = (
        tells("lasts", "1 min at most"),
        warns("rights", "cluster-admin"),
        fails("a: no", "pull it first"),
    )
    engine = s.FakeEngine([*s.decided(), ANSWER, e.ConsentRequested(effects=rows)])
    async with s.dashboard(engine, (80, 24)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "1 min at most"), "the rows are painted")
        lines = [line.strip("│ ") for line in "\n".join(s.screen_text(app)).split("\n")]
        order = [
            next(at for at, line in enumerate(lines) if word in line)
            for word in ("a: no", "pull it", "rights")
        ]
        assert order == sorted(order)
        assert s.shows(app, "✗ will fail a: no")


def test_labels_stand_in_one_column_and_the_ascii_twin_is_as_wide() -> None:
    rows = (fails("a: no", "pull it first"), tells("lasts", "1 min " * 30))
    for glyphs in (UNICODE, ASCII):
        lines = ["".join(text for text, _ in row.spans) for row in question_rows(rows, 60, glyphs)]
        assert all(len(line) <= 60 for line in lines)
        assert lines[0][12:] == "a: no"
        assert lines[1][12:] == "pull it first"
        assert [line[:12].strip() for line in lines[2:]] == ["lasts", "", "", ""]


def test_journal_of_an_older_release_asks_with_its_plain_lines() -> None:
    lines = msgspec.json.encode([{"kind": "ConsentRequested", "effects": list(EFFECTS)}])
    (old,) = decode(lines, list[e.AnyEvent])
    state = fold(s.stamp([*s.decided(), ANSWER, old]))
    assert state.consent is not None
    assert [row.label for row in state.consent.effects] == ["", ""]
    assert state.consent.effects[1].text == "It creates [/x]."


def test_journal_keeps_the_rows_as_they_were_asked() -> None:
    rows = (fails("a: no", "pull it first"), tells("lasts", "1 min"))
    (again,) = decode(msgspec.json.encode([e.ConsentRequested(effects=rows)]), list[e.AnyEvent])
    assert again == e.ConsentRequested(effects=rows)


def test_why_there_is_no_question_is_one_line() -> None:
    skipped = QaOutcome(code="QA_SKIPPED:NO_GO", message="the verdict is NO-GO")
    cases = [
        (s.begin(), "does not ask yet"),
        (s.decided(), "once the changes are decided"),
        (asked(), ""),
        ([*asked(), e.ConsentGiven(allowed=True)], "let start already"),
        ([*asked(), e.ConsentGiven(allowed=False)], "skipped already"),
        ([*s.decided(), e.QaFinished(outcome=skipped)], "QA was not run: the verdict is NO-GO"),
    ]
    for events, words in cases:
        told = why_no_question(fold(s.stamp(events)))
        assert words in told and bool(told) == bool(words)
    assert "replay" in why_no_question(fold(s.stamp(asked())), replay=True)
