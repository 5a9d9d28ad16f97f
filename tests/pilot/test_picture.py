"""A picture of the screen as it stands: by its key, from the palette, and of a dialog over another screen."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import msgspec
import pytest
from textual.pilot import Pilot

from modelcar_tui.core.keymap import ACTS
from modelcar_tui.supervisor import events as e
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.replay import ReplayPort
from modelcar_tui.tui.snapshot import write_new
from pilot import support as s
from support.drawn import rows


def run_in(folder: Path) -> list[e.AnyEvent]:
    """The decided run, with its folder."""
    return [
        msgspec.structs.replace(one, folder=str(folder)) if isinstance(one, e.RunStarted) else one
        for one in s.decided()
    ]


def texts(app: DashboardApp) -> list[str]:
    return [row.rstrip() for row in s.screen_text(app)]


async def saved(pilot: Pilot[int], app: DashboardApp, path: Path) -> list[str]:
    await s.wait_for(pilot, lambda: s.shows(app, f"{path.name} saved, in"), "the notice")
    return rows(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("options", "size"),
    [
        ({}, (100, 30)),
        ({"theme": "light"}, (80, 24)),
        ({"theme": "ansi"}, (120, 40)),
        ({"ascii": True}, (60, 20)),
    ],
    ids=["dark", "light", "ansi", "ascii"],
)
async def test_the_key_saves_what_is_shown(
    tmp_path: Path, options: dict[str, object], size: tuple[int, int]
) -> None:
    async with s.dashboard(s.FakeEngine(run_in(tmp_path)), size, **options) as (app, pilot):
        shown = texts(app)
        await pilot.press("f7")
        assert await saved(pilot, app, tmp_path / "picture-1.svg") == shown
        assert any("NO-GO" in row for row in shown)
    path = tmp_path / "picture-1.svg"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    svg = path.read_text(encoding="utf-8")
    assert str(tmp_path) not in svg and path.stat().st_size < 60_000
    ground = "#eeeeee" if options.get("theme") == "light" else "#1c1c1c"
    assert f'rx="8" fill="{ground}"' in svg
    assert not options.get("ascii") or svg.isascii()


async def test_a_dialog_is_shown_over_the_screen_below(tmp_path: Path) -> None:
    async with s.dashboard(s.FakeEngine(run_in(tmp_path)), (100, 30)) as (app, pilot):
        await pilot.press("o")
        await s.wait_for(pilot, lambda: len(app.screen_stack) > 2, "the summary")
        await pilot.pause()
        told = "\n".join(rows(app.export_screenshot()))
        assert "granite.base.yaml" in told and "Summary" in told


async def test_the_palette_has_it_once_by_the_name_of_the_table(tmp_path: Path) -> None:
    async with s.dashboard(s.FakeEngine(run_in(tmp_path)), (100, 30)) as (app, pilot):
        await pilot.press("ctrl+p", *"picture")
        listed = [row for row in texts(app) if ACTS["picture"].meaning in row]
        assert len(listed) == 1 and "F7" in listed[0]
        await pilot.press("enter")
        told = await saved(pilot, app, tmp_path / "picture-1.svg")
        assert any("models" in row for row in told), "the screen below, not the palette"
        assert not any("type a part" in row for row in told)


async def test_no_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "picture-1.svg").write_text("mine")
    (tmp_path / "picture-2.svg").symlink_to(tmp_path / "nowhere")
    async with s.dashboard(s.FakeEngine(run_in(tmp_path)), (80, 24)) as (app, pilot):
        await pilot.press("f7")
        await saved(pilot, app, tmp_path / "picture-3.svg")
    assert (tmp_path / "picture-1.svg").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


async def test_a_replay_saves_beside_the_runs_and_not_beside_the_recording(tmp_path: Path) -> None:
    recording, state = tmp_path / "recorded", tmp_path / "state"
    recording.mkdir()
    stamped = s.stamp(run_in(tmp_path / "elsewhere"))
    journal = recording / "a.jsonl"
    journal.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in stamped))
    app = DashboardApp(ReplayPort(journal, speed=0), pictures=state)
    async with app.run_test(size=(80, 24)) as pilot:
        await s.wait_for(pilot, lambda: _told(app), "the whole replay")
        await pilot.press("f7")
        await saved(pilot, app, state / "picture-1.svg")
    assert [*recording.iterdir()] == [journal]
    assert stat.S_IMODE(state.stat().st_mode) == 0o700


async def test_where_nothing_can_be_written_one_line_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    app = DashboardApp(ReplayPort(_journal(tmp_path), speed=0), pictures=tmp_path / "file" / "state")
    async with app.run_test(size=(80, 24)) as pilot:
        await s.wait_for(pilot, lambda: _told(app), "the whole replay")
        await pilot.press("f7")
        await s.wait_for(pilot, lambda: s.shows(app, "no picture saved in"), "the notice")
    none = DashboardApp(ReplayPort(_journal(tmp_path), speed=0))
    async with none.run_test(size=(80, 24)) as pilot:
        await s.wait_for(pilot, lambda: _told(none), "the whole replay")
        await pilot.press("f7")
        await s.wait_for(pilot, lambda: s.shows(none, "no picture: there is no folder"), "the notice")


def _told(app: DashboardApp) -> bool:
    """Nothing more of the recording comes: a screen that is left while it does is another matter."""
    return s.shows(app, "REPLAY") and s.shows(app, "models") and app.state.waiting_for_approval


def _journal(folder: Path) -> Path:
    path = folder / "b.jsonl"
    path.write_bytes(b"".join(msgspec.json.encode(one) + b"\n" for one in s.stamp(s.decided())))
    return path


def test_a_folder_full_of_pictures_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("modelcar_tui.tui.snapshot.MOST", 2)
    assert [write_new(tmp_path, b"x").name for _ in range(2)] == ["picture-1.svg", "picture-2.svg"]
    with pytest.raises(FileExistsError, match=re.escape("2 pictures are there")):
        write_new(tmp_path, b"x")
