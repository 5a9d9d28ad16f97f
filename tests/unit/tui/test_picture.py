"""A picture holds the screen's text at its columns, and nothing that leads out of it."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from rich.terminal_theme import DIMMED_MONOKAI, TerminalTheme

from modelcar_tui.tui.picture import Ground, picture
from support.drawn import SVG, rows

GROUND = Ground("#d0d0d0", "#1c1c1c", DIMMED_MONOKAI)


def drawn(*lines: list[Segment], width: int = 40, ground: Ground = GROUND) -> str:
    return picture(lines, width, ground, "a title")


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(\"x\")</script> & 'quoted'",
        "]]> <!-- --> &amp; &#0;",
        "a  b   c",
        "模型 ok 日本語 |",
        "─────┬──✓ █▓░ │",
        "é ñ e\u0301 ü",
    ],
)
def test_text_comes_back_at_its_columns(text: str) -> None:
    assert rows(drawn([Segment(text)]))[0] == text


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=30), max_size=4))
def test_whatever_is_on_the_screen_makes_a_whole_document(lines: list[str]) -> None:
    told = rows(drawn(*([Segment(line)] for line in lines)))
    assert len(told) == len(lines)
    assert all(cell_len(row) <= 40 for row in told)
    assert all(row.isprintable() for row in told)


def test_a_sign_that_prints_nothing_and_a_lone_surrogate_do_no_harm() -> None:
    svg = drawn([Segment("a\x1b]0;t\x07b\u202ec\ud800d\x00\ufffe")])
    assert svg.encode().decode() == svg
    [row] = rows(svg)
    assert row.isprintable() and row.startswith("a") and "d" in row


def test_what_is_beyond_the_width_is_left_out_and_no_wide_sign_is_halved() -> None:
    assert rows(drawn([Segment("abc模型")], width=4)) == ["abc"]
    assert rows(drawn([Segment("ab模型")], width=4)) == ["ab模"]


def piece(style: str, ground: Ground = GROUND) -> tuple[dict[str, str], dict[str, str]]:
    """The attributes of a text in a style, and of what lies behind it."""
    root = ElementTree.fromstring(drawn([Segment("x y", Style.parse(style))], ground=ground))
    [text] = root.iter(f"{SVG}text")
    behind = [one.attrib for one in root.iter(f"{SVG}rect")][1:]
    return dict(text.attrib), dict(behind[0]) if behind else {}


def test_styles_are_attributes() -> None:
    text, behind = piece("bold italic underline #ff0000 on #00ff00")
    assert (text["fill"], text["font-weight"], text["font-style"]) == ("#ff0000", "bold", "italic")
    assert text["text-decoration"] == "underline"
    assert (behind["fill"], behind["x"], behind["width"]) == ("#00ff00", "0", "30")
    text, behind = piece("reverse")
    assert text["fill"] == GROUND.paper and behind["fill"] == GROUND.ink
    assert piece("dim #ffffff on #000000")[0]["fill"] == "#999999"
    assert "fill" not in piece("")[0] and not piece("")[1]


def test_the_sixteen_colours_are_those_of_the_ground() -> None:
    theme = TerminalTheme((0, 0, 0), (9, 9, 9), [(n, n, n) for n in range(8)])
    assert piece("red", Ground("#111111", "#222222", theme))[0]["fill"] == "#010101"
