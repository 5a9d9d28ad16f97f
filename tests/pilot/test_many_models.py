"""A manifest with a hundred models stays one that can be read: the worst first, filters, leaps."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec

from modelcar_tui.manifest.types import Position
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.faces.facts import facts_of
from modelcar_tui.tui.screens.finish import FinishDialog
from modelcar_tui.tui.screens.help import FactList, HelpScreen
from modelcar_tui.verdict.reports import Verdict
from pilot import support as s


def _hundred() -> list[e.AnyEvent]:
    """The decided run with its models twenty times over; the last one but two can't be served."""
    found, judged = s.models(), s.verdicts()
    models, verdicts = [], []
    for at, (model, verdict) in enumerate(
        itertools.islice(itertools.cycle(zip(found, judged, strict=True)), 100)
    ):
        name = f"{model.car.name}-{at:03}"
        car = msgspec.structs.replace(model.car, name=name, at=Position(line=at + 1, column=1))
        models.append(msgspec.structs.replace(model, car=car))
        kind = Verdict.NO_GO if at == 97 else Verdict.GO
        verdicts.append(
            msgspec.structs.replace(verdict, model=name, verdict=kind, why="far too large", settle="")
        )
    report = msgspec.structs.replace(s.report(), models=tuple(verdicts), verdict=Verdict.NO_GO)
    out: list[e.AnyEvent] = []
    for event in s.decided():
        if isinstance(event, e.DecisionMade):
            out += [e.ModelLearned(model=model) for model in reversed(models)]
            out.append(e.DecisionMade(report=report))
        elif not isinstance(event, e.ModelLearned):
            out.append(event)
    return out


def test_models_stand_in_the_manifest_s_order_however_their_images_were_read() -> None:
    state = fold(s.stamp(_hundred()))
    lines = [model.car.at.line for model in state.models]
    assert len(lines) == 100
    assert lines == sorted(lines)


async def test_the_one_that_fails_stands_first_and_slash_finds_any_other() -> None:
    async with s.dashboard(s.FakeEngine(_hundred()), (120, 40)) as (app, pilot):
        await pilot.press("3")
        await s.wait_for(
            pilot, lambda: s.shows(app, "-097"), "the model that can't be served is seen at once"
        )
        await pilot.press("slash")
        await pilot.press(*"-04[56]")
        await s.wait_for(pilot, lambda: s.shows(app, "-045") and s.shows(app, "-046"), "what passes is shown")
        pane = s.view(app, "#pane-3")
        assert not any("-097" in line for line in pane.plain())
        await pilot.press("enter", "question_mark")
        await s.wait_for(pilot, lambda: isinstance(app.screen, HelpScreen), "why")
        facts = app.screen.query_one(FactList)
        assert {known.group[-4:] for known in facts.facts} == {"-045", "-046"}, "the filter goes along"
        first = facts.current
        await pilot.press("right_curly_bracket")
        assert facts.current is not None
        assert first is not None
        assert first.group != facts.current.group
        await pilot.press("left_curly_bracket")
        assert facts.current == first


async def test_the_summary_of_many_begins_with_the_worst_and_says_how_many_more() -> None:
    async with s.dashboard(s.FakeEngine(_hundred()), (120, 40)) as (app, pilot):
        await pilot.press("o")
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "the summary")
        text = "\n".join(s.screen_text(app))
        assert "and 92 more models" in text
        assert "far too large" in text or "-097" in text


async def test_a_slip_in_an_expression_is_told_and_shows_what_was_there() -> None:
    async with s.dashboard(s.FakeEngine(_hundred()), (120, 40)) as (app, pilot):
        await pilot.press("1", "slash", "(")
        await s.wait_for(pilot, lambda: s.shows(app, "no regular expression"), "the fault")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: s.shows(app, "-000"), "all models")


def test_every_number_of_the_qa_pane_has_a_source(tmp_path: Path) -> None:
    state = fold(s.stamp(s.finished(s.spool(tmp_path, 50), 50)))
    told = {known.label: known.fact for known in facts_of(state, "qa")}
    assert told["code"].value
    assert all(fact.known and fact.source.value == "QA log" for fact in told.values())
    assert facts_of(state, "log") == facts_of(state, "qa")


def test_every_number_of_the_gpu_table_has_a_source() -> None:
    state = fold(s.stamp(s.decided()))
    facts = facts_of(state, "gpus")
    assert facts
    for known in facts:
        assert not known.fact.known or known.fact.source.value != "unknown", known


async def test_the_way_out_is_in_every_footer() -> None:
    for size in s.SIZES:
        async with s.dashboard(s.FakeEngine(s.decided()), size) as (app, pilot):
            for panel in ("1", "tab", "tab", "tab", "tab", "tab"):
                await pilot.press(panel)
                assert "q quit" in s.screen_text(app)[-1], (size, panel)
