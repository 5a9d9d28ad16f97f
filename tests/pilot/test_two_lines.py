"""The two lines that answer, in some fifty states at four widths: what they say, and that nothing is cut."""

from __future__ import annotations

from pathlib import Path

import pytest

from modelcar_tui.supervisor import outcome_of
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.answer import banner_height, banner_rows
from modelcar_tui.tui.glyphs import ASCII
from modelcar_tui.tui.rows import Row, width
from pilot import support as s
from pilot.lines_support import LONG, STATES

GOLDEN = Path(__file__).parents[1] / "data" / "two_lines.txt"
WIDTHS = (60, 80, 120, 200)
NAMES = {name: make() for name, make in STATES.items()}


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/op")
    monkeypatch.setenv("MODELCAR_TUI_STATE_DIR", "/home/op")


def text(row: Row) -> str:
    return "".join(part for part, _ in row.spans).rstrip()


def lines(state: RunState, cells: int, *, replay: bool = False, height: int | None = None) -> list[str]:
    face = Face(state=state, replay=replay, now=state.now)
    return [text(row) for row in banner_rows(face, cells, height or banner_height(face, cells))]


def told() -> str:
    """All states as the golden file has them: at 60 and 80 cells, and as a replay where that differs."""
    blocks = []
    for name, state in NAMES.items():
        for cells in (60, 80):
            live, again = lines(state, cells), lines(state, cells, replay=True)
            blocks.append("\n".join([f"## {name}, {cells} cells", *live]))
            if again != live:
                blocks.append("\n".join([f"## {name}, {cells} cells, replay", *again]))
    return "\n".join(blocks) + "\n"


def test_every_state_says_what_the_golden_file_has() -> None:
    assert told() == GOLDEN.read_text(encoding="utf-8")


@pytest.mark.parametrize("cells", WIDTHS)
@pytest.mark.parametrize("name", STATES)
def test_nothing_is_cut_but_a_model_s_name(name: str, cells: int) -> None:
    state = NAMES[name]
    outcome = outcome_of(state)
    names = [model.model for model in outcome.models] if outcome is not None else []
    for replay in (False, True):
        for line in lines(state, cells, replay=replay):
            assert width(line) <= cells
            if "…" in line:
                start, _, end = line.partition("…")
                assert any(model[:6] in start for model in names), line
                assert ": " in end and end.split(": ")[1], "the reason behind the name is whole"


@pytest.mark.parametrize("cells", WIDTHS)
@pytest.mark.parametrize("name", STATES)
def test_word_condition_and_first_step_are_there_at_every_width(name: str, cells: int) -> None:
    outcome = outcome_of(NAMES[name])
    if outcome is None:
        return
    shown = lines(NAMES[name], cells)
    assert any(shown[0].startswith(f" {head} ") for head in outcome.heads)
    assert outcome.heads[-1] == outcome.word or outcome.conditions
    flat = " ".join(line.strip() for line in shown)
    for step in outcome.steps:
        if step.command:
            assert step.command in flat.replace("  ", " ") or step.command in "".join(
                line.strip() for line in shown
            )
    if outcome.steps and outcome.steps[0].key:
        assert f"{outcome.steps[0].key}: " in shown[-1]


@pytest.mark.parametrize("cells", WIDTHS)
@pytest.mark.parametrize("name", STATES)
def test_two_rows_are_enough_where_there_are_no_more(name: str, cells: int) -> None:
    shown = lines(NAMES[name], cells, height=2)
    assert len(shown) == 2
    assert all(width(line) <= cells for line in shown)
    outcome = outcome_of(NAMES[name])
    if outcome is not None:
        assert any(shown[0].startswith(f" {head} ") for head in outcome.heads)


def test_a_third_row_is_asked_for_only_where_two_say_too_little() -> None:
    heights = {
        (name, cells): banner_height(Face(state=state), cells)
        for name, state in NAMES.items()
        for cells in WIDTHS
    }
    assert set(heights.values()) == {2, 3}
    assert heights["UNKNOWN, no cluster", 60] == 3
    assert heights["UNKNOWN, a long API server", 80] == 3
    assert heights["UNKNOWN, a long API server", 120] == 2
    assert all(height == 2 for (_, cells), height in heights.items() if cells >= 120)


def test_a_long_name_is_cut_in_its_middle_and_its_reason_is_whole() -> None:
    line = lines(NAMES["NO-GO, long name"], 80)[0]
    assert line.endswith(": needs 150 GiB, the card has 80")
    start, end = line.removeprefix(" NO-GO ✗   ").partition(": ")[0].split("…")
    assert LONG.startswith(start) and LONG.endswith(end)


def test_a_replay_asks_nothing_and_offers_no_key_that_answers() -> None:
    for name, state in NAMES.items():
        for line in lines(state, 120, replay=True):
            assert not any(f" {key}: " in line for key in "AxSRX"), name
            assert "--resume" not in line


def test_after_a_write_nothing_offers_the_plan() -> None:
    for name, state in NAMES.items():
        if state.written is not None:
            assert not any(f" {key}: " in line for line in lines(state, 200) for key in "Ad"), name


def test_ascii_has_no_other_sign() -> None:
    for state in NAMES.values():
        face = Face(state=state, glyphs=ASCII)
        for row in banner_rows(face, 60, banner_height(face, 60)):
            assert text(row).isascii()


@pytest.mark.parametrize("size", s.SIZES)
async def test_the_screen_shows_them(size: tuple[int, int]) -> None:
    async with s.dashboard(s.FakeEngine(s.decided()), size) as (app, _):
        answer = lines(app.state, size[0])
        assert [row.rstrip() for row in s.screen_text(app)[1 : 1 + len(answer)]] == answer
