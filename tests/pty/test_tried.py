"""`t` in a real terminal, with the real engine, on a stub cluster whose node really runs the Job."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from terminal import Terminal

from support.trial_dashboard import TrialDashboard

MODEL = "granite-3.1-8b-instruct"


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Callable[..., TrialDashboard]]:
    made: list[TrialDashboard] = []

    def make(**env: str) -> TrialDashboard:
        made.append(TrialDashboard(tmp_path / "cluster", FAKE_VLLM_RELEASE="0.18.0", **env))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@contextmanager
def dashboard(of: TrialDashboard, *more: str, columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    with Terminal(of.command("--no-qa", *more), columns=columns, rows=rows, env=of.env) as terminal:
        terminal.wait_for("d: review")
        yield terminal


def let(terminal: Terminal) -> None:
    """Ask for a try of the second model and let it, however often `X` has to read on."""
    terminal.keys("j", "t")
    terminal.wait_for("on the real GPU?")
    for _ in range(60):
        terminal.keys("X")
        terminal.quiet(0.15)
        if "on the real GPU?" not in terminal.text:
            return
    raise AssertionError(f"it can't be let; the screen:\n{terminal.text}")


def press(terminal: Terminal, key: str, shows: str) -> None:
    """Again where a screen that has just come was deaf to it."""
    for _ in range(40):
        terminal.keys(key)
        terminal.quiet(0.25)
        if shows in terminal.text:
            return
    raise AssertionError(f"{key} did not lead to {shows!r}; the screen:\n{terminal.text}")


def until(check: Callable[[], object], terminal: Terminal | None = None, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < end
        if terminal is not None:
            terminal.quiet(0.02)


def test_the_verdict_comes_anew_under_an_open_review_and_its_marks_are_kept(
    bench: Callable[..., TrialDashboard],
) -> None:
    of = bench(FAKE_VLLM_END="refuses-kv", FAKE_VLLM_PACE="0.1")
    with dashboard(of) as terminal:
        let(terminal)
        terminal.keys("d")
        terminal.wait_for("0 of 8 accepted")
        press(terminal, "A", "2 of 8 accepted")
        terminal.wait_for("refused (the KV cache is too small); t on its row shows it")
        until(lambda: of.nothing_left, terminal)
        assert "2 of 8 accepted" in terminal.text
        terminal.keys("q")
        # It is judged anew: it lands on the other kind, for this card has refused it.
        moved = re.compile(rf"GO ✓ +{re.escape(MODEL)} .* H100-80 ")
        terminal.wait_for(lambda text: moved.search(text) is not None)
        assert "2 of 8 accepted, not written" in terminal.text
        terminal.keys("\r")
        terminal.wait_for("measured on A100-SXM4-80GB")


def test_a_dropped_line_leaves_nothing_of_a_try(bench: Callable[..., TrialDashboard]) -> None:
    of = bench(FAKE_VLLM_END="hangs")
    with dashboard(of) as terminal:
        let(terminal)
        until(lambda: of.cluster.processes, terminal)
        terminal.kill(signal.SIGHUP)
        assert terminal.wait_end() == 129
    assert of.nothing_left


def test_what_kill_9_left_is_removed_when_the_run_goes_on(bench: Callable[..., TrialDashboard]) -> None:
    of = bench(FAKE_VLLM_END="hangs")
    with dashboard(of, columns=60, rows=20) as terminal:
        let(terminal)
        until(lambda: of.cluster.processes, terminal)
        terminal.kill(signal.SIGKILL)
        terminal.wait_end()
    assert of.cluster.left
    with Terminal(of.program("--resume", "last"), columns=120, rows=40, env=of.env) as terminal:
        terminal.wait_for("d: review")
        until(lambda: of.nothing_left, terminal)
        terminal.keys("j", "t")
        terminal.wait_for("the try was cut off")
        terminal.wait_for("t try again")
