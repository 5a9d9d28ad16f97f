"""`t`: a model is tried on the real GPU only after a key that says so, and the try is followed to its end."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from modelcar_tui.core.decode import decode
from modelcar_tui.core.errors import Problem
from modelcar_tui.kube.types import Access, Rung
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.trial.types import TrialEnd, TrialNews, TrialStage
from modelcar_tui.tui.faces.trial import end_line, plan_rows, trial_rows, why_no_try
from modelcar_tui.tui.glyphs import ASCII, UNICODE
from modelcar_tui.tui.screens.dashboard import DashboardScreen
from modelcar_tui.tui.screens.opening_trial import accepted_of
from modelcar_tui.tui.screens.quit import QuitDialog
from modelcar_tui.tui.screens.trial import TrialScreen
from modelcar_tui.tui.screens.trial_question import TrialDialog
from pilot import support as s
from pilot import trial_states as t
from pilot.states import BIG

HERE = Path()
PLANNED = t.asked(HERE)[len(s.decided()) :]


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TrialDialog, "deaf_s", 0.05)


def folded(events: list[e.AnyEvent]) -> RunState:
    return fold(s.stamp(events))


async def test_t_asks_the_engine_and_nothing_but_its_key_lets_the_try() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine) as (app, pilot):
        await pilot.press("t")
        await s.wait_for(pilot, lambda: ("try", BIG, None) in engine.calls, "it is asked for")
        await s.wait_for(pilot, lambda: s.shows(app, "it asks before it makes anything"), "it is said")
        engine.say(*PLANNED)
        await s.wait_for(pilot, lambda: isinstance(app.screen, TrialDialog), "the question comes by itself")
        await s.wait_for(pilot, lambda: s.shows(app, "nightly-train-0"), "who could be evicted is named")
        await s.hears(app, pilot)
        await pilot.press("enter", "space", "y", "n", "t")
        await s.wait_for(pilot, lambda: s.shows(app, "only these answer"), "it is said which keys do")
        assert not [call for call in engine.calls if call[0] in ("allow", "refuse")]  # type: ignore[index]
        await pilot.press("X")
        await s.wait_for(pilot, lambda: ("allow", t.ID) in engine.calls, "it is let")
        assert isinstance(app.screen, DashboardScreen)


async def test_question_can_be_put_off_and_refused() -> None:
    engine = s.FakeEngine(t.asked(HERE))
    async with s.dashboard(engine) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, TrialDialog), "the question")
        await s.hears(app, pilot)
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: s.shows(app, "waits for your word"), "the banner says so")
        await pilot.press("t")
        await s.wait_for(pilot, lambda: isinstance(app.screen, TrialDialog), "the question again")
        await s.hears(app, pilot)
        await pilot.press("minus")
        await s.wait_for(pilot, lambda: ("refuse", t.ID) in engine.calls, "it is refused")
    assert ("allow", t.ID) not in engine.calls


async def test_short_screen_is_read_to_the_end_before_it_can_be_let() -> None:
    engine = s.FakeEngine(t.asked(HERE))
    async with s.dashboard(engine, (60, 20)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "read on"), "there is more")
        await s.hears(app, pilot)
        for _ in range(40):
            if s.shows(app, "try it"):
                break
            assert ("allow", t.ID) not in engine.calls
            await pilot.press("X")
            await pilot.pause()
        assert s.shows(app, "--load-format=dummy")
        await pilot.press("X")
        await s.wait_for(pilot, lambda: ("allow", t.ID) in engine.calls, "it is let")


async def test_word_is_of_the_try_that_was_shown_and_of_no_other() -> None:
    engine = s.FakeEngine(t.asked(HERE))
    async with s.dashboard(engine) as (app, pilot):
        await s.wait_for(pilot, lambda: isinstance(app.screen, TrialDialog), "the question")
        end = TrialEnd(id=t.ID, problem=Problem(what="stopped"))
        other = e.TrialPlanned(plan=t.plan_of(id="another"), asked="wish-2")
        engine.say(e.TrialEnded(end=end), other)
        await s.wait_for(pilot, lambda: s.shows(app, "does not wait for a word any more"), "it is over")
        await s.hears(app, pilot)
        await pilot.press("X")
        await s.wait_for(pilot, lambda: not isinstance(app.screen, TrialDialog), "it goes")
    assert not [call for call in engine.calls if call[0] == "allow"]  # type: ignore[index]


async def test_try_is_followed_stopped_and_its_end_is_told() -> None:
    engine = s.FakeEngine(t.running(HERE))
    async with s.dashboard(engine, (80, 24)) as (app, pilot):
        assert s.shows(app, "trying  vLLM starts  1m00s")
        await pilot.press("t")
        await s.wait_for(pilot, lambda: isinstance(app.screen, TrialScreen), "its screen")
        await s.wait_for(pilot, lambda: s.shows(app, "17.02 GiB"), "its figures so far")
        await pilot.press("t")
        await s.wait_for(pilot, lambda: s.shows(app, "it goes on; S stops it"), "nothing is begun twice")
        await pilot.press("S")
        await s.wait_for(pilot, lambda: ("stop", t.ID) in engine.calls, "it is stopped")
        problem = Problem(where=BIG, what="it was stopped")
        engine.say(e.TrialEnded(end=TrialEnd(id=t.ID, problem=problem)))
        await s.wait_for(pilot, lambda: s.shows(app, "t try again"), "the end")
        assert s.shows(app, "nothing was measured") and s.shows(app, "it was stopped")
        await pilot.press("t")
        await s.wait_for(pilot, lambda: ("try", BIG, None) in engine.calls, "another one")


async def test_run_that_has_ended_is_not_left_silently_while_a_try_goes_on() -> None:
    end = e.RunFinished(exit_status=3, verdict=s.report().verdict, summary="decided", seconds=9.0)
    engine = s.FakeEngine([*t.running(HERE), end])
    async with s.dashboard(engine) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "Summary"), "the summary")
        await s.hears(app, pilot)
        await pilot.press("ctrl+c")
        await s.wait_for(pilot, lambda: isinstance(app.screen, QuitDialog), "it asks")
        await s.wait_for(pilot, lambda: s.shows(app, "A try is still going on"), "and says why")
        assert app.works
        assert "cancel" not in engine.calls


def test_accepted_changes_are_what_is_tried() -> None:
    state = folded(s.decided())
    assert accepted_of(state) is None
    first = s.plan().changes[0].id
    marked = folded([*s.decided(), e.ChangesMarked(plan_digest=s.plan().digest, accepted=(first,))])
    told = accepted_of(marked)
    assert told is not None and told.accepted == (first,)
    answer = Decision(plan_digest=s.plan().digest, accepted=(first,), write=True)
    assert accepted_of(folded([*s.decided(), e.ApprovalGiven(decision=answer)])) == answer
    rejected = Decision(plan_digest=s.plan().digest, write=False)
    assert accepted_of(folded([*s.decided(), e.ApprovalGiven(decision=rejected)])) is None


def test_why_nothing_can_be_tried_is_one_line() -> None:
    problem = Problem(what="the token has expired", fix="oc login")
    expired = msgspec.structs.replace(s.cluster(), access=Access(rung=Rung.NO_KUBECONFIG, problem=problem))
    stated = msgspec.structs.replace(s.cluster(), access=Access(rung=Rung.WHAT_IF))
    good = folded(s.decided())
    assert why_no_try(good, BIG, able=True, replay=False) == ""
    for state, options, words in (
        (good, {"replay": True}, "this is a replay"),
        (good, {"able": False}, "no engine runs"),
        (folded(s.decided(demo=True)), {}, "the demo has no GPU"),
        (folded(s.begin()), {}, "not read"),
        (folded([*s.decided(), e.ClusterRead(report=expired)]), {}, "the token has expired; oc login"),
        (folded([*s.decided(), e.ClusterRead(report=stated)]), {}, "the GPUs are stated"),
        (folded([*s.decided(), e.ClusterRead(report=s.cluster(()))]), {}, "has no GPU node"),
    ):
        told = why_no_try(state, BIG, **{"able": True, "replay": False, **options})  # type: ignore[arg-type]
        assert words in told and "\n" not in told


def test_before_the_verdict_no_try_is_asked_for() -> None:
    early = [event for event in s.decided() if not isinstance(event, e.DecisionMade)]
    told = why_no_try(folded(early), BIG, able=True, replay=False)
    assert told == "nothing can be tried yet: there is no verdict"


@pytest.mark.parametrize("cells", [58, 78, 118, 198])
def test_a_line_of_the_footer_is_whole_or_names_the_key_that_shows_it(cells: int) -> None:
    long = Problem(what="the token that the kubeconfig holds has expired", fix=f"oc login {'x' * 90}")
    expired = msgspec.structs.replace(s.cluster(), access=Access(rung=Rung.NO_KUBECONFIG, problem=long))
    stated = msgspec.structs.replace(s.cluster(), access=Access(rung=Rung.WHAT_IF))
    for report in (expired, stated, s.cluster(())):
        state = folded([*s.decided(), e.ClusterRead(report=report)])
        assert 0 < len(why_no_try(state, BIG, able=True, replay=False, cells=cells)) <= cells
    for events in (t.ended(HERE), t.failed(HERE)):
        (trial,) = folded(events).trials
        told = end_line(trial, cells)
        assert len(told) <= cells and (events[-1] != t.failed(HERE)[-1] or "left" in told)
        assert "t shows it" in told or "unauthorized" in told
        assert len(end_line(trial, cells, under_cursor=False)) <= cells


@pytest.mark.parametrize("glyphs", [UNICODE, ASCII], ids=["unicode", "ascii"])
@pytest.mark.parametrize("cells", [30, 56, 196])
def test_words_from_outside_stay_text(cells: int, glyphs: object) -> None:
    hostile = "\x1b]52;c;x\x07[/b]\u202e" + "n" * 300
    plan = t.plan_of(
        model=hostile,
        pushed=(hostile,),
        cautions=(hostile,),
        namespace=hostile,
        changed=(hostile,),
        left_out=((hostile, hostile),),
        args=(hostile,),
        predicted=hostile,
    )
    news = TrialNews(id=t.ID, stage=TrialStage.NODE, text=hostile, node=hostile)
    problem = Problem(where=hostile, what=hostile, fix=hostile)
    end = TrialEnd(id=t.ID, problem=problem, left=(hostile,), log=hostile)
    events = [e.TrialPlanned(plan=plan), e.TrialAllowed(id=t.ID, allowed=True), e.TrialMoved(news=news)]
    for told in (events, [*events, e.TrialEnded(end=end)]):
        (trial,) = folded([*told]).trials
        rows = [*plan_rows(trial, cells, glyphs), *trial_rows(trial, s.T0, cells, glyphs)]  # type: ignore[arg-type]
        text = "".join(part for row in rows for part, _ in row.spans) + end_line(trial)
        assert "\x1b" not in text and "\u202e" not in text and "<U+001B>" in text


def test_try_of_a_journal_is_told_as_it_was() -> None:
    events = t.ended(HERE)
    again = decode(msgspec.json.encode(events), list[e.AnyEvent])
    assert folded(again).trials == folded(events).trials
