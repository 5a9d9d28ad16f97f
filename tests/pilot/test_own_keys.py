"""The operator's own keys: they act, every hint names them, and the default ones do nothing."""

from __future__ import annotations

import string
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcar_tui.core.keymap import ACTS, STAY
from modelcar_tui.manifest.plan import Decision
from modelcar_tui.qa.effect import tells
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.keys import KEYS
from modelcar_tui.tui.own_keys import shown, use
from modelcar_tui.tui.screens.confirm import ConfirmDialog
from modelcar_tui.tui.screens.consent import ConsentDialog
from modelcar_tui.tui.screens.diff import DiffScreen
from modelcar_tui.tui.screens.finish import FinishDialog
from modelcar_tui.tui.screens.gpus import GpuScreen
from modelcar_tui.tui.screens.help import HelpScreen, key_rows
from modelcar_tui.tui.screens.palette import Choices, PaletteScreen
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.screens.quit import QuitDialog
from modelcar_tui.tui.widgets.panels import Footer
from pilot import support as s

MOVED = {"review": ("c", "F2"), "write": ("ctrl+w",), "qa": ("h",), "start-qa": ("Y",), "gpus": ("d",)}
ANSWER = e.ApprovalGiven(decision=Decision(plan_digest="x", write=True))
CONSENT = e.ConsentRequested(effects=(tells("login", "as alice"),))


@pytest.fixture(autouse=True)
def defaults_again(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for kind in (DiffScreen, ConsentDialog, ConfirmDialog):
        monkeypatch.setattr(kind, "deaf_s", 0.05)
    yield
    use({})


async def test_the_review_has_another_key_and_everything_says_so() -> None:
    moved = {name: keys for name, keys in MOVED.items() if name != "gpus"}
    async with s.dashboard(s.FakeEngine(s.decided()), keys=moved) as (app, pilot):
        assert s.shows(app, "c: review all 4") and s.shows(app, " c review ")
        assert not s.shows(app, "d: review") and not s.shows(app, " d review ")
        dashboard = app.screen
        await pilot.press("d")
        await s.wait_for(pilot, lambda: s.shows(app, "d does nothing here; ? shows the keys"), "d is free")
        assert app.screen is dashboard
        await pilot.press("question_mark")
        await s.wait_for(pilot, lambda: isinstance(app.screen, HelpScreen), "help opens")
        told = ["".join(text for text, _ in one.spans).split(None, 2) for one in key_rows(dashboard)]
        assert ["c", "F2", "review the proposed changes"] in told
        assert not [line for line in told if line[0] == "d"]
        await pilot.press("escape", "ctrl+p")
        await s.wait_for(pilot, lambda: isinstance(app.screen, PaletteScreen), "the palette opens")
        assert ("c", KEYS["d"]) in app.screen.query_one(Choices).items
        await pilot.press("escape")
        for key in ("c", "f2"):
            await s.wait_for(pilot, lambda: app.screen is dashboard, "back")
            await pilot.press(key)
            await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review opens")
            await s.hears(app, pilot)
            await pilot.press("escape")


async def test_a_default_key_that_got_another_meaning_has_only_that() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), keys=MOVED) as (app, pilot):
        await pilot.press("d")
        await s.wait_for(pilot, lambda: isinstance(app.screen, GpuScreen), "d shows the GPUs")
        await pilot.press("d")
        await s.wait_for(pilot, lambda: not isinstance(app.screen, GpuScreen), "d goes back")


async def test_the_review_writes_by_the_new_key_and_says_it() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), keys=MOVED) as (app, pilot):
        await pilot.press("c")
        await s.wait_for(pilot, lambda: s.shows(app, " ctrl+w write "), "the footer names the key")
        assert s.shows(app, "undecided: A accepts, ctrl+w writes") and not s.shows(app, "W write")
        await s.hears(app, pilot)
        await pilot.press("A")
        await s.wait_for(pilot, lambda: s.shows(app, "accepted; ctrl+w writes"), "the hint names the key")
        await pilot.press("W")
        await s.wait_for(pilot, lambda: s.shows(app, "W does nothing here"), "W is free")
        await pilot.press("ctrl+w")
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the word is asked for")


async def test_the_question_before_qa_names_and_hears_the_new_keys() -> None:
    engine = s.FakeEngine([*s.decided(), ANSWER, CONSENT])
    async with s.dashboard(engine, keys=MOVED) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, " Y  start QA"), "the row of keys names it")
        assert s.shows(app, "later (h)")
        await s.hears(app, pilot)
        await pilot.press("X", "x")
        assert isinstance(app.screen, ConsentDialog) and "start QA" not in engine.calls
        await pilot.press("h")
        await s.wait_for(pilot, lambda: s.shows(app, "only these answer"), "h starts nothing")
        await pilot.press("escape")
        await s.wait_for(pilot, lambda: s.shows(app, "h: see what QA would do"), "the banner says how")
        await pilot.press("h")
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConsentDialog), "it is asked again")
        await s.hears(app, pilot)
        await pilot.press("Y")
        await s.wait_for(pilot, lambda: "start QA" in engine.calls, "Y starts QA")


async def test_a_habit_that_got_a_meaning_has_it_in_the_question() -> None:
    engine = s.FakeEngine([*s.decided(), ANSWER, CONSENT])
    async with s.dashboard(engine, keys={"reject": ("n",), "next-match": ("F6",)}) as (app, pilot):
        await s.wait_for(pilot, lambda: s.shows(app, " n  skip it"), "the row of keys names it")
        await s.hears(app, pilot)
        await pilot.press("n")
        await s.wait_for(pilot, lambda: "skip QA" in engine.calls, "n skips")


async def test_a_word_is_typed_whatever_its_letters_do_elsewhere() -> None:
    moved = {"down": ("t",), "up": ("e",), "next-error": ("F6",)}
    async with s.dashboard(s.FakeEngine(s.decided()), keys=moved) as (app, pilot):
        await pilot.press("A")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review opens")
        await s.hears(app, pilot)
        await pilot.press("W")
        await s.wait_for(pilot, lambda: isinstance(app.screen, ConfirmDialog), "the word is asked for")
        await s.hears(app, pilot)
        await pilot.press("w", "r", "t", "i", "t", "e")
        await s.wait_for(pilot, lambda: bool(app.port.answers), "the word is heard, and t has scrolled")


async def test_what_is_typed_in_a_filter_is_text() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), keys=MOVED) as (app, pilot):
        await s.wait_for(pilot, lambda: app.screen.prompt.ready, "the line is there")
        await pilot.press("slash", *"chd")
        await s.wait_for(pilot, lambda: s.shows(app, "/chd"), "the letters are the filter's")


async def test_a_sweeping_act_is_not_done_from_a_line_that_is_typed() -> None:
    engine = s.FakeEngine(s.decided())
    async with s.dashboard(engine, keys={"accept-all": ("F6",)}) as (app, pilot):
        await pilot.press("d")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "the review opens")
        await s.hears(app, pilot)
        await pilot.press("equals_sign")
        line = app.screen.query_one(Prompt)
        await s.wait_for(pilot, lambda: line.open, "a value is edited")
        await pilot.press("f6", "escape")
        await s.wait_for(pilot, lambda: not line.open, "the line is left")
        assert not engine.marked
        await pilot.press("f6")
        await s.wait_for(pilot, lambda: bool(engine.marked), "F6 accepts all outside of it")


@pytest.mark.parametrize("size", [(60, 20), (80, 24), (120, 40)])
async def test_no_footer_and_no_hint_names_a_key_that_was_moved(
    size: tuple[int, int], tmp_path: Path
) -> None:
    """Every act that can be moved is: what still names a default key would be a lie."""
    free = iter(
        [*(f"ctrl+{letter}" for letter in "defgnrtuvwxyk"), *(f"F{number}" for number in (2, 3, 4, 5))]
    )
    moved = {
        name: (next(free),)
        for name in ("review", "gpus", "log", "why", "filter", "leave", "copy", "summary", "accept-required",
                     "qa", "group", "ask", "zoom", "order", "view", "write", "undo")
    }  # fmt: skip
    gone = {key for name in moved for key in ACTS[name].keys} - STAY
    async with s.dashboard(s.FakeEngine(s.decided()), size, keys=moved) as (app, pilot):
        assert shown("?") == moved["why"][0]
        for name in ("", "review", "gpus", "log", "why"):
            if name:
                await pilot.press(moved[name][0].lower())
                await s.wait_for(pilot, lambda: len(app.screen_stack) == 3, f"{name} opens")
                await s.hears(app, pilot)
            footer = app.screen.query_one(Footer)
            await s.wait_for(pilot, lambda footer=footer: any(footer.plain()), "the footer is painted")
            named = {text.strip() for text, role in footer._rows[0].spans if role == "key"}
            assert named and not {part for key in named for part in key.split()} & gone, name
            if name:
                await pilot.press(moved["leave"][0])
                await s.wait_for(pilot, lambda: len(app.screen_stack) == 2, f"{name} is left")


async def test_dialogs_name_and_hear_the_operator_s_keys(tmp_path: Path) -> None:
    log = tmp_path / "qa.log"
    log.write_text("\n".join(s.qa_lines(20)) + "\n")
    keys = {"leave": ("F3",), "stop": ("K",), "detach": ("J",), "summary": ("p",)}
    engine = s.FakeEngine(s.in_qa(str(log), 20))
    async with s.dashboard(engine, keys=keys) as (app, pilot):
        await pilot.press("f3")
        await s.wait_for(pilot, lambda: isinstance(app.screen, QuitDialog), "the question is asked")
        text = "\n".join(s.screen_text(app))
        assert " J   leave: QA goes on" in text and " K   stop" in text and " F3   stay" in text
        await pilot.press("f3", "p")
        await s.wait_for(pilot, lambda: isinstance(app.screen, FinishDialog), "the summary opens")
        assert s.shows(app, "F3 quits")
        await pilot.press("p", "f3")
        await s.wait_for(pilot, lambda: isinstance(app.screen, QuitDialog), "it is asked again")
        await pilot.press("J")
        await s.wait_for(pilot, lambda: "detach" in engine.calls, "J leaves QA running")


async def test_the_next_app_of_a_process_has_its_own_keys_and_none_of_the_last() -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), keys=MOVED) as (app, _):
        assert s.shows(app, "c: review all 4")
    async with s.dashboard(s.FakeEngine(s.decided())) as (app, pilot):
        assert s.shows(app, "d: review all 4") and shown("d") == "d"
        await pilot.press("d")
        await s.wait_for(pilot, lambda: isinstance(app.screen, DiffScreen), "d opens the review")


def test_what_no_act_has_is_shown_as_it_is() -> None:
    use({"review": ("c",), "down": (), "back": ("ctrl+g",)})
    assert [shown(key) for key in ("d", "j", "Esc", "1-4", "tab", "")] == [
        "c",
        "down",
        "Esc",
        "1-4",
        "tab",
        "",
    ]
    assert set(string.ascii_lowercase) - set(KEYS) == set("ch")
