"""Questions from the dashboard: asked beside the run, answered by events, hostile text shown as it is."""

from __future__ import annotations

import msgspec
import pytest

from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.answers import WhatIf, suggestions
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.faces.decision import decision_rows
from modelcar_tui.tui.screens.ask import AskScreen
from modelcar_tui.tui.widgets.panels import SpecialistPane
from pilot import support as s


class AskedEngine(s.FakeEngine):
    """Keeps what it is asked."""

    def ask(self, question: str | WhatIf) -> str:
        self.asked = [*getattr(self, "asked", []), question]
        return f"q{len(self.asked)}"


@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_a_question_and_a_what_if_reach_the_engine_and_come_back(size: tuple[int, int]) -> None:
    engine = AskedEngine(s.decided())
    async with s.dashboard(engine, size) as (app, pilot):
        await pilot.press("a")
        await s.wait_for(pilot, lambda: isinstance(app.screen, AskScreen), "the form is open")
        await pilot.press(*"why?", "enter")
        await s.wait_for(pilot, lambda: getattr(engine, "asked", None) == ["why?"], "the question is asked")
        hostile = "[@click=app.quit]no[/] \x1b]52;c;aGk=\x07 99"
        engine.say(e.QuestionAnswered(id="q1", question="why?", text=hostile, facts=("verdict",), by="model"))
        await s.wait_for(pilot, lambda: s.shows(app, "[@click=app.quit]no[/]"), "the answer is shown")
        assert "\x1b" not in "\n".join(s.screen_text(app))
        await pilot.press("tab", *"granite", "tab", *"4096", "enter")
        wanted = WhatIf(model="granite", arguments={"--max-model-len": "4096"})
        await s.wait_for(pilot, lambda: engine.asked[-1] == wanted, "the what-if is asked")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: not isinstance(app.screen, AskScreen), "back")
        assert not [call for call in engine.calls if call in ("cancel", "detach")]


@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_two_keys_ask_why_and_the_answer_shows_its_first_line(size: tuple[int, int]) -> None:
    engine = AskedEngine(s.decided())
    async with s.dashboard(engine, size) as (app, pilot):
        await pilot.press("a")
        await s.wait_for(pilot, lambda: isinstance(app.screen, AskScreen), "the form is open")
        offered = suggestions(app.state)
        assert offered[0].startswith("why NO-GO: ")
        await s.wait_for(pilot, lambda: s.shows(app, "why NO-GO: "), "what may be asked is shown")
        await pilot.press("1", "enter")
        await s.wait_for(pilot, lambda: getattr(engine, "asked", None) == [offered[0]], "it is asked")
        lines = [
            f"NO-GO first line, as {offered[0]}",
            *(f"  line {number}" for number in range(2, 40)),
            "the end",
        ]
        engine.say(
            e.QuestionAnswered(id="q1", question=offered[0], text="\n".join(lines), facts=("verdict/x",))
        )
        await s.wait_for(pilot, lambda: s.shows(app, "NO-GO first line"), "the beginning is shown")
        for _ in range(12):
            await pilot.press("pagedown")
        await s.wait_for(pilot, lambda: s.shows(app, "the end"), "and the end, with its facts")


async def test_what_a_language_model_is_given_is_told_while_the_run_works_and_listed_by_a() -> None:
    joined = e.LanguageModelJoined(
        model="openai:m", host="vllm.svc:8000", shares=("names of models", "no keys")
    )
    engine = AskedEngine([*s.begin(), joined])
    async with s.dashboard(engine, (120, 40)) as (app, pilot):
        await s.wait_for(
            pilot, lambda: s.shows(app, "openai:m at vllm.svc:8000 is given facts"), "it is told"
        )
        await pilot.press("a")
        await s.wait_for(pilot, lambda: s.shows(app, "- names of models"), "it is listed")
        engine.say(e.LanguageModelUsed(input_tokens=40, output_tokens=7, seconds=1.25))
        await s.wait_for(
            pilot, lambda: s.shows(app, "openai:m: 1 call, 47 tokens, 1.2 s"), "and what it cost"
        )


async def test_in_a_low_pane_the_verdicts_come_before_what_a_language_model_chose() -> None:
    chosen = e.ReadFirst(lines=("chosen line one", "chosen line two"))
    async with s.dashboard(AskedEngine([*s.decided(), chosen]), (60, 20)) as (app, pilot):
        await pilot.press("3")
        pane = app.screen.query_one("#pane-3", SpecialistPane)
        await s.wait_for(pilot, lambda: any("of 3 steps" in line for line in pane.plain()), "the pane")
        first = next(at for at, line in enumerate(pane.plain()) if "of 3 steps" in line) + 1
        assert "NO-GO" in pane.plain()[first]
        rows = [
            "".join(text for text, _ in line.spans) for line in decision_rows(app.state, 56, app.face.glyphs)
        ]
        told = next(at for at, line in enumerate(rows) if line.startswith("read first (chosen by"))
        verdicts = [at for at, line in enumerate(rows) if line.startswith(("NO-GO", "UNKNOWN", "GO "))]
        assert max(verdicts) < told and rows[told + 1 : told + 3] == [
            "  chosen line one",
            "  chosen line two",
        ]


async def test_what_a_model_is_never_given_can_be_read_on_a_low_screen() -> None:
    shares = (*(f"share number {number}" for number in range(20)), "never: keys")
    joined = e.LanguageModelJoined(model="openai:m", host="vllm.svc:8000", shares=shares)
    async with s.dashboard(AskedEngine([*s.decided(), joined]), (60, 20)) as (app, pilot):
        await pilot.press("a")
        await s.wait_for(pilot, lambda: s.shows(app, "more, PgDn"), "the frame says that there is more")
        assert s.shows(app, "why NO-GO: ") and not s.shows(app, "never: keys")
        await pilot.press(*["pagedown"] * 6)
        await s.wait_for(pilot, lambda: s.shows(app, "- never: keys"), "the last row")
        assert not s.shows(app, "more, PgDn")
        await pilot.press(*["pageup"] * 6)
        await s.wait_for(pilot, lambda: s.shows(app, "why NO-GO: "), "and back")


def test_what_is_worst_is_asked_about_first() -> None:
    state = fold(s.stamp(s.decided()))
    assert state.decision is not None
    best_first = sorted(state.decision.models, key=lambda one: ["GO", "UNKNOWN", "NO-GO"].index(one.verdict))
    assert {"UNKNOWN", "NO-GO"} <= {one.verdict for one in best_first}
    turned = msgspec.structs.replace(
        state, decision=msgspec.structs.replace(state.decision, models=tuple(best_first))
    )
    assert suggestions(turned)[0].startswith("why NO-GO: ")
