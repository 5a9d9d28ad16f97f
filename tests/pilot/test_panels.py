"""The dashboard's panels by keys: pages, groups, jumps, `?` under the cursor, and no silent key."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import msgspec
import pytest

from modelcar_tui.advice.finding import Finding, Severity
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui.faces.notes import notes_rows
from modelcar_tui.tui.glyphs import UNICODE
from modelcar_tui.tui.screens.dashboard import DashboardScreen
from modelcar_tui.tui.widgets.board import Board
from modelcar_tui.tui.widgets.gpus import GpuTable
from modelcar_tui.tui.widgets.models import ModelTable
from modelcar_tui.verdict.reports import ApplyPreview, Verdict
from pilot import support as s


def hundred() -> list[e.AnyEvent]:
    """The decided run with its models twenty times over."""
    report = s.report()
    models = tuple(
        msgspec.structs.replace(model, model=f"{model.model}-{at:03}")
        for at in range(20)
        for model in report.models
    )
    many = msgspec.structs.replace(report, models=models)
    return [e.DecisionMade(report=many) if isinstance(one, e.DecisionMade) else one for one in s.decided()]


async def test_a_board_that_is_taken_apart_can_be_laid_out_until_its_last_panel_is_gone() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 30)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "NO-GO"), "the verdict")
        board = app.screen.query_one(Board)
        for kind in (ModelTable, GpuTable):
            await board.query_one(kind).remove()
            # A size at which no rows are known yet.
            assert "models" in board.find(100 + len(board.children), 30)
        await cast("DashboardScreen", app.screen)._remake_panes()
        assert not board.query(ModelTable)


async def test_enter_opens_the_page_of_the_model_under_the_cursor_and_braces_go_on() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (80, 24)) as (app, pilot):
        await pilot.press("j", "j", "enter")
        await s.wait_for(pilot, lambda: s.shows(app, "· model"), "the page")
        assert s.shows(app, "─ granite-3.1-8b-instruct ─") or s.shows(app, "╭ granite-3.1-8b-instruct")
        await pilot.press("right_curly_bracket")
        await s.wait_for(pilot, lambda: s.shows(app, "╭ whisper-large-v3-turbo"), "the next model")
        await pilot.press("left_curly_bracket", "left_curly_bracket", "end")
        await s.wait_for(pilot, lambda: s.shows(app, "oci://registry.redhat.io"), "the end of the page")
        await pilot.press("q")
        await s.wait_for(pilot, lambda: s.shows(app, "VERDICT"), "the table")


async def test_the_page_beside_the_table_follows_the_cursor() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (200, 60)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "╭ llama-3.3-70b-instruct-fp8-dynamic"), "the page")
        await pilot.press("j")
        await s.wait_for(pilot, lambda: s.shows(app, "╭ mixtral-8x7b-instruct-w4a16"), "the other page")


async def test_a_hundred_models_are_grouped_by_themselves_and_unfold() -> None:
    async with s.dashboard(s.FakeEngine(hundred()), (80, 24)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "100 by reason"), "the groups")
        rows = s.screen_text(app)
        assert any("NO-GO ✗" in row and "▸ 20 llama-3.3" in row for row in rows)
        await pilot.press("enter")
        await s.wait_for(pilot, lambda: s.shows(app, "▾ 20 llama-3.3"), "the group unfolds")
        assert any("dynamic-000" in row for row in s.screen_text(app))
        await pilot.press("b")
        await s.wait_for(pilot, lambda: s.shows(app, "100 by verdict"), "by verdict")
        await pilot.press("b", "b")
        await s.wait_for(pilot, lambda: s.shows(app, "one by one, the worst first"), "ungrouped")
        await pilot.press("slash", *"turbo-007", "enter")
        await s.wait_for(pilot, lambda: s.shows(app, "whisper-large-v3-turbo-007"), "the one that passes")


async def test_ctrl_o_puts_a_letter_on_each_panel_and_the_letter_goes_there() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        await pilot.press("ctrl+o")
        await s.wait_for(pilot, lambda: app.face.labels, "the letters")
        letter = app.face.labels["plan"]
        assert s.shows(app, f" {letter}  changes")
        await pilot.press(letter)
        await s.wait_for(pilot, lambda: not s.shows(app, f" {letter}  changes"), "the letters go")
        assert app.focused is not None
        assert app.focused.id == "plan"
        await pilot.press("ctrl+o", "escape", "enter")
        await s.wait_for(pilot, lambda: s.shows(app, "· review"), "Enter on the changes opens the review")


async def test_question_mark_explains_the_model_under_the_cursor() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        await pilot.press("j", "j", "question_mark")
        await s.wait_for(pilot, lambda: s.shows(app, "why: Decision"), "help")
        explained = "\n".join(s.view(app, "#explanation").plain())
        assert "granite-3.1-8b-instruct" in explained


async def test_question_mark_on_the_changes_explains_them_by_their_terms() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        await pilot.press("tab", "tab", "question_mark")
        await s.wait_for(pilot, lambda: s.shows(app, "why: changes"), "help")
        explained = " ".join("\n".join(s.view(app, "#explanation").plain()).split())
        assert "131,072 tokens need 40.0 GiB of KV cache" in explained
        assert "KV cache for 32,768 tokens" in explained


async def test_no_key_is_silent() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 40)) as (app, pilot):
        for key, word in (
            ("K", "K does nothing here; ? shows the keys"),
            ("Z", "Z does nothing here"),
            ("n", "there is no log yet"),
            ("e", "there is no log yet"),
            ("S", "nothing of QA waits in vain"),
            ("7", "there is no specialist 7"),
            ("greater_than_sign", "GPUs ordered by name"),
        ):
            await pilot.press(key)
            await s.wait_for(pilot, lambda word=word: s.shows(app, word), f"{key} says a word")


async def test_nodes_that_a_panel_has_no_room_for_are_counted_whether_or_not_it_has_the_focus() -> None:
    many = tuple(s.node(f"node-{at:03}") for at in range(40))
    events = [
        e.ClusterRead(report=s.cluster(many)) if isinstance(one, e.ClusterRead) else one
        for one in s.decided()
    ]
    async with s.dashboard(s.FakeEngine(events), (120, 40)) as (app, pilot):
        gpus = s.view(app, "#gpus")
        await s.wait_for(pilot, lambda: any("node-" in line for line in gpus.plain()), "the nodes")
        shown = sum("node-" in line for line in gpus.plain())
        assert 0 < shown < 40
        assert f"{40 - shown} more" in gpus.plain()[-1]


def test_a_warning_on_the_manifest_is_told_once_though_a_notice_names_its_place() -> None:
    finding = Finding(
        code="long", severity=Severity.WARNING, model="", what="the name is cut", fix="shorten it"
    )
    report = msgspec.structs.replace(s.report(), findings=(finding,))
    notices = [
        e.Noticed(text="warning: /srv/models/granite.base.yaml:3:5: the name is cut; shorten it"),
        e.Noticed(text="warning: the pods of a node can't be listed"),
    ]
    state = fold(s.stamp([*s.decided(), e.DecisionMade(report=report), *notices]))
    told = "\n".join("".join(text for text, _ in line.spans) for line in notes_rows(state, 100, UNICODE))
    assert told.count("the name is cut") == 1
    assert "the pods of a node can't be listed" in told


@pytest.mark.parametrize("size", [(60, 20), (80, 24)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_models_stay_beside_a_specialist_that_is_opened(size: tuple[int, int]) -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), size) as (app, pilot):
        for key in "123":
            await pilot.press(key)
            await s.wait_for(pilot, lambda key=key: s.shows(app, f"╭ {key} "), f"{key} is open")
            assert s.shows(app, "╭ models ")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_list_of_keys_cuts_nothing_that_has_room(size: tuple[int, int]) -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), size) as (app, pilot):
        await pilot.press("question_mark", "tab")
        await s.wait_for(pilot, lambda: s.shows(app, "all GPUs"), "the keys")
        assert not s.shows(app, "all GPUs…") and not s.shows(app, "the models…")


async def test_why_gives_the_values_the_room_that_there_is() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (80, 24)) as (app, pilot):
        await pilot.press("d")
        await s.wait_for(pilot, lambda: s.shows(app, "undecided"), "the review")
        await s.hears(app, pilot)
        await pilot.press("end", "question_mark")
        await s.wait_for(pilot, lambda: s.shows(app, "why: changes"), "why")
        assert s.shows(app, "--tensor-parallel-size=4         computed"), "a value whole in its column"
        assert s.shows(app, "  without --distributed-executor-backend=mp"), "and below the list"


async def test_the_gpus_say_how_many_there_is_no_room_for() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (120, 30)) as (app, _):
        gpus = app.screen.query_one(GpuTable)
        hidden = len(gpus.shown) - max(1, gpus.inner[1] - 1)
        assert (f"{hidden} more" in gpus.plain()[-1]) == (hidden > 0)


async def test_a_small_screen_keeps_the_row_that_keys_act_on_and_the_keys() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (40, 10)) as (app, pilot):
        await pilot.press("question_mark")
        await s.wait_for(pilot, lambda: s.shows(app, "why: Decision"), "why")
        assert "q back" in s.screen_text(app)[-1]
        await pilot.press("q", "d")
        await s.wait_for(pilot, lambda: s.shows(app, "· review"), "the review")
        assert s.shows(app, "[ ] --max-model-len")
        await s.hears(app, pilot)
        await pilot.press("space")
        await s.wait_for(pilot, lambda: s.shows(app, "[x] --max-model-len"), "what was accepted is seen")
        await pilot.press("q", "g")
        await s.wait_for(pilot, lambda: s.shows(app, "NODE"), "the GPUs")


async def test_a_key_of_the_log_opens_it_where_it_has_no_room(tmp_path: Path) -> None:
    engine = s.FakeEngine(s.finished(s.spool(tmp_path, 60), 60))
    async with s.dashboard(engine, (60, 20)) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, "Summary"), "the summary")
        await s.hears(app, pilot)
        await pilot.press("escape")
        await s.wait_for(
            pilot, lambda: app.index.total == 60 and not s.shows(app, "Summary"), "the log is read"
        )
        assert "log" not in app.screen.query_one("#board").places  # type: ignore[attr-defined]
        await pilot.press("e")
        await s.wait_for(pilot, lambda: s.shows(app, "· QA log"), "the log's screen")
        log = s.view(app, "#log")
        await s.wait_for(pilot, lambda: log.mark is not None, "the error is marked")  # type: ignore[attr-defined]


async def test_the_footer_names_the_keys_of_the_line_that_is_typed() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), (80, 24)) as (app, pilot):
        await pilot.press("slash")
        await s.wait_for(pilot, lambda: " Enter take it  Esc leave it" in s.screen_text(app)[-1], "its keys")
        assert "accept required" not in s.screen_text(app)[-1]
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: "accept required" in s.screen_text(app)[-1], "the others are back")


async def test_a_dialog_says_that_a_key_does_nothing() -> None:
    async with s.dashboard(s.FakeEngine(s.begin()), (80, 24)) as (app, pilot):
        await pilot.press("q")
        await s.wait_for(pilot, lambda: s.shows(app, "still going on"), "the question")
        await pilot.press("d")
        await s.wait_for(pilot, lambda: s.shows(app, "d does nothing here"), "a word")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda size: f"{size[0]}x{size[1]}")
async def test_the_accepted_set_s_verdict_is_told_with_what_it_hangs_on(size: tuple[int, int]) -> None:
    word = "GO by name only: 3 images unread"
    preview = ApplyPreview(verdict=Verdict.GO, heads=(word, "GO if"), why="all would start")
    async with s.dashboard(s.FakeEngine(s.decided(), preview), size) as (app, pilot):
        await pilot.press("A")
        await s.wait_for(pilot, lambda: s.shows(app, f"{word} ✓"), "the condition beside the marks")
        await s.hears(app, pilot)
        await pilot.press("W")
        await s.wait_for(pilot, lambda: s.shows(app, "type write"), "the question")
        told = " ".join(" ".join(s.screen_text(app)).split())
        assert f"NO-GO → {word}: all would start" in told
