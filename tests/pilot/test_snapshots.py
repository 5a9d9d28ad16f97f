"""What the dashboard looks like: twelve states at four sizes, and three of them in other colours and signs.

`make screens` records; look at the difference before you commit it.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from textual.pilot import Pilot

from modelcar_tui.supervisor import events as e
from modelcar_tui.tui import app as dashboard_app
from modelcar_tui.tui.app import DashboardApp
from pilot import support as s
from pilot.states import STATES as RUNS
from pilot.trial_states import TRIAL_STATES
from support.words import faults

KEPT = Path(__file__).parent.parent / "data" / "screens"
RECORD = bool(os.environ.get("RECORD_SCREENS"))
STATES = RUNS | TRIAL_STATES
COLOURED = ("waiting", "qa-failed", "review")
STILL_S = 0.4
"""Longer than the screen's own pace."""
VARIANTS = ("dark", "ansi", "ascii")


@pytest.fixture(autouse=True)
def _one_world(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)  # the log's path is shown
    monkeypatch.setenv("TZ", "UTC")
    monkeypatch.setattr(dashboard_app, "LATE_S", 1e9)  # a busy machine is no slow line
    for name in ("NO_COLOR", "COLORTERM", "TEXTUAL_THEME"):
        monkeypatch.delenv(name, raising=False)


async def painted(state: str, size: tuple[int, int], **options: object) -> DashboardApp:
    """The app after the state's keys, as it is left on the screen."""
    make, keys = STATES[state]
    folder = Path("run")
    folder.mkdir()
    events = make(folder)
    end = next((at for at, one in enumerate(events) if isinstance(one, e.QaFinished)), len(events))
    engine = s.FakeEngine(events[:end])
    async with s.dashboard(engine, size, **options) as (app, pilot):
        if end < len(events):
            await _still(app, pilot)
            engine.say(*events[end:])
            await s.wait_for(pilot, lambda: s.shows(app, "Summary"), "the summary")
        for key in keys:
            await s.hears(app, pilot)
            await pilot.press(key)
            await _still(app, pilot)
        await _still(app, pilot)
        app.snapshot = s.screen_text(app)  # type: ignore[attr-defined]
        app.colours = colours(app)  # type: ignore[attr-defined]
        return app


async def _still(app: DashboardApp, pilot: Pilot[int]) -> None:
    """Until nothing changes any more: what is worked out in threads is there."""
    seen = [""]
    since = time.monotonic()

    def calm() -> bool:
        nonlocal since
        text = "\n".join(s.screen_text(app))
        busy = any(worker.is_running for worker in app.workers) or app.index.total < app.state.qa.log.lines
        if busy or text != seen[0]:
            seen[0], since = text, time.monotonic()
        return time.monotonic() - since > STILL_S

    await s.wait_for(pilot, calm, "a still screen")


def colours(app: DashboardApp) -> list[str]:
    """Each row as runs of one style: `{bold #ffffff on #af0000} NO-GO ✗ `."""
    out = []
    for strip in app.screen._compositor.render_strips():
        runs: list[tuple[str, str]] = []
        for text, style, _ in strip:
            name = str(style) if style else "none"
            if runs and runs[-1][0] == name:
                runs[-1] = name, runs[-1][1] + text
            else:
                runs.append((name, text))
        out.append("".join(f"{{{name}}}{text}" for name, text in runs))
    return out


def held(name: str, rows: list[str]) -> None:
    """The rows are those that were recorded."""
    path = KEPT / f"{name}.txt"
    text = "\n".join(row.rstrip() for row in rows) + "\n"
    if RECORD:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return
    assert text == path.read_text(encoding="utf-8"), f"{name} looks otherwise; make screens records it"


@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
@pytest.mark.parametrize("state", STATES)
async def test_it_looks_as_recorded(state: str, size: tuple[int, int]) -> None:
    app = await painted(state, size)
    rows = app.snapshot  # type: ignore[attr-defined]
    assert len(rows) == size[1]
    held(f"{state}-{size[0]}x{size[1]}", rows)


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("state", COLOURED)
async def test_colours_and_signs_are_as_recorded(state: str, variant: str) -> None:
    options: dict[str, object] = {"ascii": True} if variant == "ascii" else {"theme": variant}
    app = await painted(state, (80, 24), **options)
    rows = app.colours  # type: ignore[attr-defined]
    if variant == "ascii":
        assert all(row.isascii() for row in app.snapshot)  # type: ignore[attr-defined]
    held(f"{state}-{variant}", rows)


@pytest.mark.parametrize("state", ["waiting", "qa-running", "qa-failed", "no-cluster", "hundred"])
@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_at_most_a_fifth_of_the_rows_is_blank(state: str, size: tuple[int, int]) -> None:
    rows = _kept(state, size)
    blank = [row for row in rows if not row.strip(" │")]
    assert len(blank) <= len(rows) / 5, "\n".join(rows)


@pytest.mark.parametrize("state", ["waiting", "qa-running", "qa-failed", "no-cluster", "hundred"])
@pytest.mark.parametrize("size", s.SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_answer_and_the_file_s_name_are_never_cut(state: str, size: tuple[int, int]) -> None:
    rows = _kept(state, size)
    assert "granite.base.yaml" in rows[0]
    end = next(at for at, row in enumerate(rows) if re.match(r".?1 Conf", row))
    assert 3 <= end <= 4
    assert not any(row.endswith("…") for row in rows[:end]), rows[:end]
    assert any(" next " in row or "QA" in row for row in rows[2:end])


@pytest.mark.parametrize("state", STATES)
def test_no_word_of_our_own_workshop_is_shown(state: str) -> None:
    text = "\n".join(row for size in s.SIZES for row in _kept(state, size))
    assert not [*faults(text)]


def _kept(state: str, size: tuple[int, int]) -> list[str]:
    return (KEPT / f"{state}-{size[0]}x{size[1]}.txt").read_text(encoding="utf-8").splitlines()
