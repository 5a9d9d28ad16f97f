"""The painter's words, fed to a terminal emulator that is not ours, against Textual's own."""

from __future__ import annotations

import pyte
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.color import ColorSystem
from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from textual._compositor import ChopsUpdate, LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from modelcar_tui.tui.painted import paint
from modelcar_tui.tui.painter import Painter
from support.emulated import fed, unlike

STYLES = [
    Style.parse(text)
    for text in (
        "#d0d0d0 on #1c1c1c",
        "bold #ff8787 on #1c1c1c",
        "dim italic #5fafff on #1c1c1c",
        "underline #d0d0d0 on #1c1c1c",
        "reverse #ffd75f on #1c1c1c",
        "strike blink green",
        "bold black on #87d787",
        "default on default",
        "none",
        "conceal red",
    )
]
TEXTS = (
    "abc",
    "x",
    " ",
    "   ",
    "            ",
    "│",
    "────────",
    "漢字",
    "語",
    "✓",
    "é",
    "e\u0301",
    "😀",
    "일",
    "a b  c",
)
COLOURS = ColorSystem.EIGHT_BIT
CONSOLE = Console(color_system="256", force_terminal=True)

segments = st.builds(Segment, st.sampled_from(TEXTS), st.sampled_from(STYLES), control=st.none())
lines = st.lists(segments, min_size=0, max_size=8)
sizes = st.tuples(st.integers(1, 40), st.integers(1, 12))


def strip(line: list[Segment], width: int) -> Strip:
    return Strip(line).adjust_cell_length(width, STYLES[0])


@st.composite
def films(draw: st.DrawFn) -> tuple[int, int, list[list[Strip]]]:
    """Frames of one size; rows often stay, move up or down, or change."""
    width, height = draw(sizes)
    frame = [strip(draw(lines), width) for _ in range(height)]
    frames = [frame]
    for _ in range(draw(st.integers(1, 4))):
        how = draw(st.sampled_from(("some", "up", "down", "all", "none")))
        by = draw(st.integers(1, height))
        fresh = [strip(draw(lines), width) for _ in range(by)]
        if how == "up":
            frame = [*frame[by:], *fresh]
        elif how == "down":
            frame = [*fresh, *frame[: height - by]]
        elif how == "all":
            frame = [strip(draw(lines), width) for _ in range(height)]
        elif how == "some":
            frame = list(frame)
            for line in fresh:
                frame[draw(st.integers(0, height - 1))] = line
        frames.append(frame)
    return width, height, frames


def whole(frame: list[Strip], width: int) -> LayoutUpdate:
    return LayoutUpdate([[line] for line in frame], Region(0, 0, width, len(frame)))


def halves(line: Strip) -> list[Strip]:
    """As the compositor cuts it where two widgets stand side by side."""
    middle = line.cell_length // 2
    return list(line.divide([middle, line.cell_length])) if middle else [line]


def part(frame: list[list[Strip]], width: int, spans: list[tuple[int, int, int]]) -> ChopsUpdate:
    cuts = [0, width // 2, width] if width > 1 else [0, width]
    return ChopsUpdate(
        [dict(zip(cuts, pieces, strict=False)) for pieces in frame], spans, [cuts[1:] for _ in frame]
    )


@pytest.mark.parametrize("fills", [True, False])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(film=films())
def test_the_terminal_shows_each_frame_as_textual_would_have_painted_it(
    fills: bool, film: tuple[int, int, list[list[Strip]]]
) -> None:
    width, height, frames = film
    painter, screen = Painter(fills=fills), fed(width, height, ())
    stream = pyte.Stream(screen)
    for frame in frames:
        stream.feed(paint(painter, whole(frame, width), COLOURS))
        assert not unlike(screen, fed(width, height, [whole(frame, width).render_segments(CONSOLE)]))
        assert paint(painter, whole(frame, width), COLOURS) == "", "what is shown is not sent again"


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(film=films(), data=st.data())
def test_a_part_that_is_painted_changes_that_part_alone(
    film: tuple[int, int, list[list[Strip]]], data: st.DataObject
) -> None:
    width, height, frames = film
    painter, screen = Painter(fills=True), fed(width, height, ())
    stream = pyte.Stream(screen)
    first = part([halves(line) for line in frames[0]], width, [(y, 0, width) for y in range(height)])
    stream.feed(paint(painter, first, COLOURS))
    shown = [halves(line) for line in frames[0]]
    for frame in frames[1:]:
        fresh = [halves(line) for line in frame]
        rows = sorted(data.draw(st.sets(st.integers(0, height - 1), min_size=1)))
        stream.feed(paint(painter, part(fresh, width, [(y, 0, width) for y in rows]), COLOURS))
        for y in rows:
            shown[y] = fresh[y]
        if width > 1:
            y = data.draw(st.integers(0, height - 1))
            stream.feed(paint(painter, part(fresh, width, [(y, width // 2, width)]), COLOURS))
            shown[y] = [shown[y][0], fresh[y][1]]
        as_pieces = LayoutUpdate(list(shown), Region(0, 0, width, height))
        assert not unlike(screen, fed(width, height, [as_pieces.render_segments(CONSOLE)]))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(film=films(), noise=st.text("abc漢 ", max_size=30))
def test_a_spoilt_terminal_is_right_after_the_next_whole_frame(
    film: tuple[int, int, list[list[Strip]]], noise: str
) -> None:
    width, height, frames = film
    painter, screen = Painter(fills=True), fed(width, height, ())
    stream = pyte.Stream(screen)
    for frame in frames:
        stream.feed(paint(painter, whole(frame, width), COLOURS))
        stream.feed(f"\x1b[H{noise}")
        painter.forget()
        stream.feed(paint(painter, whole(frame, width), COLOURS))
        assert not unlike(screen, fed(width, height, [whole(frame, width).render_segments(CONSOLE)]))
