"""The program on a terminal: after each key, resize and mishap an emulator shows what Textual would paint."""

from __future__ import annotations

import fcntl
import random
import signal
import struct
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyte
import pytest
from terminal import Terminal

from support.emulated import fed, unlike

APP = Path(__file__).with_name("painted_app.py")
F11, F12, ESC, CTRL_L, CTRL_P, DOWN, PAGE_DOWN = (
    "\x1b[23~",
    "\x1b[24~",
    "\x1b",
    "\x0c",
    "\x10",
    "\x1b[B",
    "\x1b[6~",
)
KEYS = (
    *"?dglo/zaxmbinNeEfwT>=-*AjjjkkkJKGq1234 }{v",
    *("\t", "\r", ESC, ESC, ESC, DOWN, PAGE_DOWN, "\x1b[F", "\x1b[H", CTRL_L, CTRL_P, F11),
)


class Painted(Terminal):
    """The app, its terminal, and its own word on what should be shown."""

    record: Path

    def resize(self, columns: int, rows: int) -> None:
        """As a window that is pulled: what was shown is cut or left standing."""
        fcntl.ioctl(self._handle, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.screen.resize(rows, columns)

    def difference(self) -> str:
        """Between the emulator and the compositor; of now, or as near as a key gets."""
        self.record.unlink(missing_ok=True)
        deadline = time.monotonic() + 20
        asked = 0.0
        while not self.record.exists():
            assert time.monotonic() < deadline, f"no answer to F12; status {self.status}\n{self.text}"
            if time.monotonic() > asked + 2:  # what is typed while an editor has the terminal is lost
                self.keys(F12)
                asked = time.monotonic()
            self._read(0.05)
        while self.quiet(0.05):
            pass
        whole = fed(self.screen.columns, self.screen.lines, [self.record.read_text()])
        return unlike(self.screen, whole)

    def check(self, after: str) -> None:
        """The two agree, once what is under way has been painted."""
        deadline = time.monotonic() + 20
        while found := self.difference():
            assert time.monotonic() < deadline, f"after {after}:\n{found}"


@contextmanager
def painted(
    folder: Path, mode: str, *, size: tuple[int, int] = (80, 24), env: dict[str, str] | None = None
) -> Iterator[Painted]:
    record = folder / "whole"
    argv = [sys.executable, str(APP), mode, str(folder / "qa.log"), str(record)]
    with Painted(argv, columns=size[0], rows=size[1], env={"EDITOR": "true", **(env or {})}) as there:
        there.record = record
        there.wait_for(lambda text: "NO-GO" in text)
        there.check("the start")
        yield there


@pytest.mark.parametrize("seed", range(4))
def test_any_walk_through_the_screens_leaves_what_the_compositor_says(seed: int, tmp_path: Path) -> None:
    chance = random.Random(seed)
    trail: list[str] = []
    with painted(
        tmp_path, chance.choice(("decided", "qa")), size=chance.choice(((80, 24), (120, 40)))
    ) as there:
        for _ in range(40):
            if chance.random() < 0.12:
                size = chance.randrange(40, 131), chance.randrange(12, 45)
                there.resize(*size)
                trail.append(str(size))
            keys = chance.choices(KEYS, k=chance.randint(1, 3))
            there.keys(*keys)
            trail += map(repr, keys)
            there.check(" ".join(trail))


@pytest.mark.parametrize(
    "env",
    [{"NO_COLOR": "1"}, {"TERM": "xterm"}, {"TERM": "screen-256color"}, {"COLORTERM": "truecolor"}],
    ids=str,
)
def test_screens_are_right_with_few_colours_and_many(env: dict[str, str], tmp_path: Path) -> None:
    with painted(tmp_path, "qa", size=(100, 30), env=env) as there:
        for keys in (("?",), (ESC,), ("l",), ("f",), (PAGE_DOWN,), ("k",), (ESC,), ("g",), (ESC,)):
            there.keys(*keys)
            there.check(repr(keys))


def test_a_terminal_that_shows_a_frame_at_once_is_told_where_it_ends(tmp_path: Path) -> None:
    with painted(tmp_path, "decided") as there:
        assert b"\x1b[?2026h" not in there.sent, "it has not said that it can"
        there.keys("\x1b[?2026;2$y")
        for key in ("?", ESC, "g", ESC):
            start = len(there.sent)
            there.keys(key)
            there.wait_for(lambda _, start=start: len(there.sent) > start)
            there.check(repr(key))
            sent = bytes(there.sent[start:])
            assert sent.count(b"\x1b[?2026h") == sent.count(b"\x1b[?2026l") > 0
        assert there.quiet(1.0) == 0


@pytest.mark.parametrize("theme", ["ansi", "light", "mono"])
def test_screens_are_right_in_each_theme(theme: str, tmp_path: Path) -> None:
    with painted(tmp_path, "qa", env={"PAINTED_THEME": theme}) as there:
        for keys in (("?",), (ESC,), ("l",), ("k", "k"), (ESC,), ("q",), (ESC,)):
            there.keys(*keys)
            there.check(repr(keys))


def test_a_spoilt_terminal_is_drawn_again(tmp_path: Path) -> None:
    with painted(tmp_path, "decided") as there:
        for way in ("key", "continued", "resized"):
            pyte.Stream(there.screen).feed("\x1b[H\x1b[2J\x1b[5;5Hbroadcast message")
            assert there.difference(), "the emulator is spoilt"
            if way == "key":
                there.keys(CTRL_L)
            elif way == "continued":
                there.kill(signal.SIGCONT)
            else:
                there.resize(70, 24)
                there.resize(80, 24)
                there.kill(signal.SIGWINCH)
            there.check(way)


def test_after_an_editor_the_whole_screen_comes_back(tmp_path: Path) -> None:
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf '\\033[2J\\033[H~ an editor was here'\n")
    editor.chmod(0o755)
    with painted(tmp_path, "decided", size=(100, 30), env={"EDITOR": str(editor)}) as there:
        there.keys("d")
        there.check("the review")
        before = there.text
        there.keys(F11)
        there.wait_for(lambda text: b"an editor was here" in there.sent)
        there.check("the editor")
        assert there.text == before


def test_what_is_typed_while_an_editor_runs_is_no_key_of_the_review(tmp_path: Path) -> None:
    editor, end = tmp_path / "editor", tmp_path / "end"
    editor.write_text(f"#!/bin/sh\nprintf 'an editor is here'\nwhile [ ! -e {end} ]; do sleep 0.02; done\n")
    editor.chmod(0o755)
    with painted(tmp_path, "decided", size=(100, 30), env={"EDITOR": str(editor)}) as there:
        there.keys("d")
        there.check("the review")
        there.keys(F11)
        there.wait_for(lambda text: b"an editor is here" in there.sent)
        there.keys("A", "\r")
        before = len(there.sent)
        end.touch()
        # What is typed earlier is the editor's, and thrown away.
        there.wait_for(lambda text: b"\x1b[?1049h" in there.sent[before:])
        there.check("the editor")
        there.keys("j")
        there.check("a key of the review")
        assert "[ ]" in there.text and "[x]" not in there.text
        there.keys("A")
        there.wait_for(lambda text: "[x]" in text)
