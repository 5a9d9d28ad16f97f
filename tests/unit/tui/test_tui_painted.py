"""What our painter relies on in Textual, and what its words are made of."""

from __future__ import annotations

import hashlib
import inspect

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, CompositorUpdate, LayoutUpdate
from textual.app import App
from textual.geometry import Region
from textual.strip import Strip

from modelcar_tui.tui.cells import cells
from modelcar_tui.tui.looks import BOLD, CONCEAL, DIM, PLAIN, UNDERLINE, Look, Looks
from modelcar_tui.tui.painted import paint
from modelcar_tui.tui.painter import Painter, fills_erased

COLOURS = ColorSystem.EIGHT_BIT
READ = {
    App._display: "4b78dff6669a455c",
    CompositorUpdate.render_segments: "66af1e04f2f3ecd0",
    LayoutUpdate.render_segments: "ff329c722506c983",
    LayoutUpdate.__init__: "0a0399f5b7e5c0b5",
    ChopsUpdate.render_segments: "4c1cdb567e0b8354",
    ChopsUpdate.__init__: "f40588bd8fbd6469",
    Strip.render_ansi: "08043dedb90d50a7",
    Strip.render_style: "749d890bb5c43510",
}
"""Code of Textual 8.2.8 that `tui/painted.py` and `tui/looks.py` stand in for, by its SHA-256."""


@pytest.mark.parametrize("code", READ, ids=lambda code: code.__qualname__)
def test_textual_draws_as_it_did_when_the_painter_was_written(code: object) -> None:
    seen = hashlib.sha256(inspect.getsource(code).encode()).hexdigest()[:16]  # type: ignore[arg-type]
    assert seen == READ[code], "compare it with tui/painted.py and tui/looks.py, then write the new sum here"


def shown(*lines: list[Segment]) -> LayoutUpdate:
    strips = [Strip(line) for line in lines]
    return LayoutUpdate([[strip] for strip in strips], Region(0, 0, strips[0].cell_length, len(strips)))


def test_a_changed_word_is_sent_alone_and_its_style_once() -> None:
    red, grey = Style.parse("red"), Style.parse("grey50")
    painter = Painter(fills=True)
    paint(painter, shown([Segment("verdict ", grey), Segment("NO-GO", red)]), COLOURS)
    words = paint(painter, shown([Segment("verdict ", grey), Segment("NO-GA", red)]), COLOURS)
    assert words == "\x1b[1;13H\x1b[31mA\x1b[m"


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        (Look(), Look(BOLD, "31"), "\x1b[1;31m"),
        (Look(BOLD, "31"), Look(0, "31"), "\x1b[22m"),
        (Look(BOLD | DIM, "31", "40"), Look(DIM, "31", "40"), "\x1b[22;2m"),
        (Look(UNDERLINE, "31", "40"), Look(), "\x1b[m"),
        (Look(0, "38;5;1", "48;5;2"), Look(0, "38;5;1", "48;5;3"), "\x1b[48;5;3m"),
        (Look(CONCEAL, "31"), Look(0, "31"), "\x1b[0;31m"),
        (Look(link="https://a"), Look(), "\x1b]8;;\x1b\\"),
    ],
)
def test_only_what_changes_of_a_look_is_said(before: Look, after: Look, words: str) -> None:
    looks = Looks()
    assert looks.change(looks.number(before), looks.number(after)) == words


def test_a_terminal_that_erases_to_its_own_colour_gets_written_blanks() -> None:
    line = [Segment(" " * 40, Style.parse("white on blue"))]
    assert "\x1b[K" in paint(Painter(fills=True), shown(line), COLOURS)
    assert " " * 40 in paint(Painter(fills=False), shown(line), COLOURS)


@pytest.mark.parametrize(
    ("environment", "fills"),
    [
        ({"TERM": "xterm-256color"}, True),
        ({"TERM": "screen-256color"}, False),
        ({"TERM": "screen-256color", "TMUX": "/tmp/tmux-0/default,1,0"}, True),
        ({"TERM": "linux"}, True),
        ({"TERM": "vt220"}, False),
        ({}, False),
    ],
)
def test_which_terminals_erase_in_the_colour_they_wear(environment: dict[str, str], fills: bool) -> None:
    assert fills_erased(environment) is fills


def test_rows_that_moved_are_not_sent_again() -> None:
    lines = [[Segment(f"{at} " + chr(97 + at) * 40)] for at in range(10, 25)]
    painter = Painter(fills=True)
    paint(painter, shown(*lines[:10]), COLOURS)
    words = paint(painter, shown(*lines[1:11]), COLOURS)
    assert words.startswith("\x1b[1;10r\x1b[1H\x1b[M\x1b[r")
    assert "20 " + chr(97 + 20) * 40 in words
    assert len(words) < 80


def test_a_row_that_thins_out_is_erased_first() -> None:
    painter = Painter(fills=True)
    paint(painter, shown([Segment("a b c d e f g h i j k l m n o p")]), COLOURS)
    words = paint(painter, shown([Segment("a         x         y          ")]), COLOURS)
    assert words == "\x1b[1;3H\x1b[K\x1b[8Cx\x1b[9Cy"


def test_nothing_but_printable_text_is_sent() -> None:
    painter = Painter(fills=True)
    evil = [Segment("a\x1b]52;c;ZXZpbA==\x07\x9b2J\u202eb\nc\td"), Segment("\x1b[2J", None, [(1,)])]  # type: ignore[list-item]
    words = paint(painter, shown(evil), COLOURS)
    assert "\x1b]" not in words
    assert not {"\x07", "\x9b", "\u202e", "\n", "\t"} & set(words)
    assert "[2J" not in words.replace("�2J", "")


def test_a_sign_of_doubtful_width_leaves_nothing_to_chance() -> None:
    painter = Painter(fills=True)
    paint(painter, shown([Segment("ab❤\ufe0fcd ")]), COLOURS)
    words = paint(painter, shown([Segment("ab❤\ufe0fcx ")]), COLOURS)
    assert words.startswith("\x1b[1Hab  \x1b[3G❤\ufe0f\x1b[1;5Hcx"), "the whole row, with the place said anew"


def test_cells_of_wide_and_combining_signs() -> None:
    row = cells([Segment("漢e\u0301x")], Looks(), COLOURS)
    assert row.text == ["漢", "", "e\u0301", "x"]
    assert row.unsure
    assert row.looks == [PLAIN] * 4
    assert not cells([Segment("漢字 ✓ │")], Looks(), COLOURS).unsure
