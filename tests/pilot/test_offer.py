"""A language model is offered without standing in the way; while one is asked the screen says so, always."""

from __future__ import annotations

import pytest

from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.llm.sent import SHARES
from modelcar_tui.supervisor.state import RunState, fold
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.banner import header_rows
from modelcar_tui.tui.faces.offer import offer_rows, why_no_offer
from modelcar_tui.tui.rows import width
from modelcar_tui.tui.screens.dashboard import DashboardScreen
from modelcar_tui.tui.screens.finish import FinishDialog
from modelcar_tui.tui.screens.offer import OfferDialog
from pilot import support as s

NAME, HOST = "gemini-3.8-flash", "generativelanguage.googleapis.com"
OFFER = e.LanguageModelOffered(
    model=f"gemini:{NAME}",
    host=HOST,
    shares=("names of models", "GPU products, free and in all", "your questions; never: images, hosts, keys"),
)
JOINED = e.LanguageModelJoined(model=OFFER.model, host=HOST, shares=OFFER.shares)
IDS = [f"{columns}x{rows}" for columns, rows in s.SIZES]


class OfferedEngine(s.FakeEngine):
    """Answers as the engine does."""

    def allow_model(self, host: str, allowed: bool) -> None:
        self.calls.append((host, allowed))
        self.say(e.LanguageModelAnswered(host=host, allowed=allowed))
        if allowed:
            self.say(JOINED)


def text_of(state: RunState, cells: int, screen: str = "") -> list[str]:
    return ["".join(part for part, _ in row.spans) for row in header_rows(Face(state=state), screen, cells)]


@pytest.mark.parametrize("size", s.SIZES, ids=IDS)
async def test_it_is_offered_and_y_lets_it(size: tuple[int, int]) -> None:
    engine = OfferedEngine([*s.begin(), OFFER])
    async with s.dashboard(engine, size) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "asked only if you let it: M"), "it is offered")
        assert isinstance(app.screen, DashboardScreen), "nothing opens by itself"
        await pilot.press("M")
        await s.wait_for(pilot, lambda: isinstance(app.screen, OfferDialog), "the question is open")
        await s.wait_for(pilot, lambda: not app.screen.deaf(app.screen.monotonic()), "it hears")
        assert s.shows(app, "Let a language model be asked?") and s.shows(app, HOST)
        for _ in range(9):
            if isinstance(app.screen, OfferDialog):
                await pilot.press("y")
        await s.wait_for(pilot, lambda: (HOST, True) in engine.calls, "it is allowed")
        assert engine.calls.count((HOST, True)) == 1
        await s.wait_for(pilot, lambda: s.shows(app, f"model: {NAME}"), "and the screen says so")
        assert app.state.llm.asked and app.state.llm.offer is None


async def test_n_refuses_it_and_it_is_not_offered_again() -> None:
    engine = OfferedEngine([*s.begin(), OFFER])
    async with s.dashboard(engine, (80, 24)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "asked only if you let it"), "it is offered")
        await pilot.press("M")
        await s.wait_for(pilot, lambda: isinstance(app.screen, OfferDialog), "the question is open")
        await s.wait_for(pilot, lambda: not app.screen.deaf(app.screen.monotonic()), "it hears")
        await pilot.press("n")
        await s.wait_for(pilot, lambda: (HOST, False) in engine.calls, "it is refused")
        await s.wait_for(pilot, lambda: not s.shows(app, "asked only if you let it"), "it is gone")
        await pilot.press("M")
        await s.wait_for(pilot, lambda: s.shows(app, "no language model is offered"), "M says why")
        assert not s.shows(app, "model: ")


async def test_esc_leaves_it_open_also_after_the_decision() -> None:
    engine = OfferedEngine([OFFER, *s.decided()])
    async with s.dashboard(engine, (80, 24)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, " M model"), "a key stands in the footer")
        await pilot.press("M")
        await s.wait_for(pilot, lambda: isinstance(app.screen, OfferDialog), "the question is open")
        await s.wait_for(pilot, lambda: not app.screen.deaf(app.screen.monotonic()), "it hears")
        await pilot.press("enter", "space", "escape")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DashboardScreen), "back")
        assert app.state.llm.offer is not None and engine.calls == ["start"]
        await pilot.press("a")
        await s.wait_for(pilot, lambda: s.shows(app, f"at {HOST}"), "the questions' screen says it, too")


async def test_a_recording_offers_nothing() -> None:
    engine = s.FakeEngine([*s.begin(), OFFER])
    engine.recorded = True  # type: ignore[attr-defined]
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        await s.wait_for(pilot, lambda: app.state.llm.offer is not None, "the recording holds an offer")
        assert not s.shows(app, "if you let it") and not s.shows(app, " M model")
        await pilot.press("M")
        await s.wait_for(pilot, lambda: s.shows(app, "this is a replay: nobody is asked"), "M says why")


@pytest.mark.parametrize("size", s.SIZES, ids=IDS)
async def test_while_it_is_asked_every_screen_says_so(size: tuple[int, int]) -> None:
    engine = OfferedEngine([*s.decided(), e.Noticed(text="something else")])
    async with s.dashboard(engine, size) as (app, pilot):
        await s.wait_for(pilot, lambda: bool(app.state.notices), "before")
        before = len(s.screen_text(app))
        engine.say(JOINED)
        wanted = f"model: {NAME}" + f" @ {HOST}" * (size[0] >= 80)
        await s.wait_for(pilot, lambda: s.shows(app, wanted), "in the dashboard")
        for key in ("g", "a"):
            await pilot.press(key)
            await s.wait_for(pilot, lambda: not isinstance(app.screen, DashboardScreen), "another screen")
            await s.wait_for(pilot, lambda: s.shows(app, wanted), f"in the screen of {key}")
            await pilot.press("escape")
            await s.wait_for(pilot, lambda: isinstance(app.screen, DashboardScreen), "back")
        engine.say(e.RunFinished(exit_status=1, verdict=s.Verdict.NO_GO, summary="end", seconds=3.0))
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "the end")
        await s.wait_for(pilot, lambda: s.shows(app, f"model: {NAME}"), "told in a dialog, too")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: s.shows(app, wanted), "and after the end")
        assert len(s.screen_text(app)) == before == size[1], "no row more than the screen has"


@pytest.mark.parametrize("cells", [40, 60, 80, 100, 120, 160, 200])
@pytest.mark.parametrize("screen", ["", "GPUs"])
def test_name_before_host_and_never_too_wide(cells: int, screen: str) -> None:
    state = fold(s.stamp([*s.decided(), JOINED]))
    rows = text_of(state, cells, screen)
    assert all(width(text) <= cells for text in rows)
    assert f"model: {NAME}" in rows[-1]
    assert HOST in rows[-1] or cells < 80
    long = e.LanguageModelJoined(model="openai:" + "n" * 90, host="h" * 70 + ".example", shares=())
    assert all(width(text) <= cells for text in text_of(fold(s.stamp([JOINED, long])), cells, screen))
    refused = fold(s.stamp([*s.decided(), JOINED, e.RunResumed()]))
    assert len(text_of(refused, cells)) == 1 and "model:" not in text_of(refused, cells)[0]


def test_what_is_given_and_what_never_stand_apart_and_hostile_text_is_text() -> None:
    for shares in (OFFER.shares, SHARES):
        offer = e.LanguageModelOffered(model="m", host="h", shares=shares, note="unencrypted: better https")
        told = "\n".join("".join(part for part, _ in row.spans) for row in offer_rows(offer, 60))
        given, _, never = told.partition("never")
        assert shares[0].split(";")[0][:30] in given and "keys" in never and "keys" not in given
        assert "unencrypted" in given and "kept" in never
    bad = e.LanguageModelOffered(
        model="m\x1b[2J", host="[@click=app.quit]h\x07", shares=("\x1b]52;c;aGk=\x07",)
    )
    assert not any(c in part for row in offer_rows(bad, 60) for part, _ in row.spans for c in "\x1b\x07")


def test_m_says_why_nothing_is_offered() -> None:
    asked = fold(s.stamp([JOINED]))
    assert why_no_offer(asked) == f"gemini:{NAME} at {HOST} is asked; agent config --refuse {HOST} ends that"
    assert why_no_offer(fold(s.stamp([OFFER]))) == ""


async def test_a_replay_names_no_language_model_as_one_that_is_asked() -> None:
    joined = e.LanguageModelJoined(model="openai:m", host="vllm.svc:8000", shares=("names of models",))
    for replay in (False, True):
        events = [*s.begin(), joined, *s.decided()[1:]]
        engine = s.FakeEngine(events)
        engine.recorded = replay  # type: ignore[attr-defined]
        async with s.dashboard(engine, (80, 30)) as (app, pilot):
            await s.wait_for(pilot, lambda: s.shows(app, "NO-GO"), "it is decided")
            assert s.shows(app, "model: m @ vllm.svc:8000") is not replay
            await pilot.press("a")
            await s.wait_for(pilot, lambda: s.shows(app, "real estimate"), "the form")
            assert s.shows(app, "openai:m at vllm.svc:8000 is given") is not replay
