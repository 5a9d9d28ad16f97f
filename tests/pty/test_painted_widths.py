"""Signs on whose width terminals don't agree, in a terminal (tmux) that reckons otherwise than Textual."""

from __future__ import annotations

import random
import shutil
import subprocess
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual._compositor import LayoutUpdate
from textual.geometry import Region
from textual.strip import Strip

from modelcar_tui.tui.cells import UNKNOWN
from modelcar_tui.tui.painted import paint
from modelcar_tui.tui.painter import Painter

pytestmark = [pytest.mark.real, pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")]

WIDTH, HEIGHT = 40, 12
SIGNS = (
    *(
        "❤\ufe0f",
        "⚠\ufe0f",
        "1\ufe0f\u20e3",
        "👍🏽",
        "🇨🇿",
        "🫨",
        "𝔘",
        "e\u0301",
        "क्षि",
        "각",
        "漢字",
        "│",
        "─",
        "✓",
    ),
    *("abc", "x", " ", "    ", " " * 12),
)


class Pane:
    """A tmux window that shows what a file holds."""

    def __init__(self, folder: Path) -> None:
        self._name = f"mct-{uuid.uuid4().hex[:8]}"
        self._folder = folder
        self._shown = 0
        self.call("-f", "/dev/null", "-u", "new-session", "-d", "-x", str(WIDTH), "-y", str(HEIGHT), "cat")

    def call(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-L", self._name, *words], capture_output=True, text=True, check=True
        ).stdout

    def show(self, words: str) -> str:
        """The rows after a terminal was sent those words."""
        self._shown += 1
        path, done = self._folder / f"{self._shown}", f"mct-{self._shown}"
        path.write_text(f"\x1b[?7l\x1b[2J{words}", encoding="utf-8")
        command = f"stty -opost -echo; cat {path}; tmux -L {self._name} wait-for -S {done}; exec sleep 60"
        self.call("respawn-window", "-k", command)
        self.call("wait-for", done)
        deadline = time.monotonic() + 10
        rows, before = self.call("capture-pane", "-p"), ""
        while rows != before and time.monotonic() < deadline:
            rows, before = self.call("capture-pane", "-p"), rows
        return rows


@pytest.fixture
def pane(tmp_path: Path) -> Iterator[Pane]:
    there = Pane(tmp_path)
    yield there
    there.call("kill-server")


def line(chance: random.Random) -> Strip:
    words = [Segment(chance.choice(SIGNS), Style.parse(chance.choice(("red", "green")))) for _ in range(9)]
    return Strip(words).adjust_cell_length(WIDTH)


def one_by_one(painter: Painter) -> str:
    """Each cell with its place: no sign's width moves another."""
    words = []
    for y, row in enumerate(painter.rows):
        assert UNKNOWN not in row.text
        words += [f"\x1b[{y + 1};{x + 1}H{sign}" for x, sign in enumerate(row.text) if sign]
    return "".join(words)


@pytest.mark.parametrize("seed", range(5))
def test_no_sign_moves_its_neighbours_or_leaves_something_behind(seed: int, pane: Pane) -> None:
    chance = random.Random(seed)
    frame = [line(chance) for _ in range(HEIGHT)]
    painter, words = Painter(fills=True), ""
    for _ in range(6):
        update = LayoutUpdate([[strip] for strip in frame], Region(0, 0, WIDTH, HEIGHT))
        words += paint(painter, update, ColorSystem.EIGHT_BIT)
        for y in chance.sample(range(HEIGHT), 4):
            frame[y] = line(chance)
        if chance.random() < 0.5:
            frame = [*frame[1:], line(chance)]
    assert pane.show(words) == pane.show(one_by_one(painter))
