"""Earlier runs go by age and by size, and it is said once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.settings_table import KEYS, variable_of
from modelcar_tui.core.sizes import size_bytes, size_text
from modelcar_tui.supervisor import Settings, Supervisor
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.announcing import ANNOUNCED, announced
from modelcar_tui.supervisor.pruner import Pruner
from modelcar_tui.supervisor.pruning import DAY_S, Limits, limits_of, prune, would_remove
from modelcar_tui.supervisor.removing import remove_old
from run_makers import age, finished, make_run, started

FAR = Limits(days=90, size=0)


def left(state: Path) -> set[str]:
    return {path.name for path in (state / "runs").iterdir()}


def test_runs_go_by_age_demos_and_slips_earlier_and_what_never_began_after_a_day(tmp_path: Path) -> None:
    gone = [
        make_run(tmp_path, days=91, number=1),
        make_run(tmp_path, days=8, demo=True, number=2),
        make_run(tmp_path, started(), finished(ExitStatus.USAGE), days=8, number=3),
        make_run(tmp_path, days=2, settings=False, number=4),
    ]
    stay = [
        make_run(tmp_path, days=89, number=5),
        make_run(tmp_path, days=6, demo=True, number=6),
        make_run(tmp_path, days=0.5, settings=False, number=7),
    ]
    told = prune(tmp_path / "runs", FAR)
    assert {one.folder for one in told.gone} == set(gone) and not told.kept
    assert left(tmp_path) == {run.name for run in stay}
    assert {one.why for one in told.gone} == {
        "older than 90 days",
        "as a demo older than 7 days",
        "as a start that came to nothing, older than 7 days",
        "killed before it began",
    }
    assert told.left == sum(path.stat().st_size for run in stay for path in run.iterdir())


def test_what_is_held_stays_whatever_its_age_and_is_named(tmp_path: Path) -> None:
    waits = make_run(tmp_path, started(), e.ApprovalRequested(request_id="1", plan_digest="d"), days=400)
    work = make_run(tmp_path, days=399)
    (work / "replaced").mkdir()
    (work / "replaced" / "x").touch()
    age(work, 399)
    told = prune(tmp_path / "runs", Limits(days=1, size=1))
    assert not told.gone
    assert {one.folder: one.why for one in told.kept} == {
        waits: "it waits for approval and can be gone on with",
        work: "it holds copies of files that it replaced (replaced/)",
    }


def test_the_oldest_go_until_all_hold_no_more_than_they_may(tmp_path: Path) -> None:
    runs = [make_run(tmp_path, days=10 - at, number=at) for at in range(9)]
    for run in runs:
        (run / "crash.txt").write_bytes(b"x" * 100_000)
        age(run, 10 - runs.index(run))
    young = make_run(tmp_path, days=0.1, number=99)
    (young / "crash.txt").write_bytes(b"x" * 900_000)
    told = prune(tmp_path / "runs", Limits(days=0, size=1_250_000))
    assert [one.folder for one in told.gone] == runs[: len(told.gone)] and len(told.gone) == 6
    assert told.left <= 1_250_000 and told.left + told.gone[-1].size > 1_250_000
    prune(tmp_path / "runs", Limits(days=0, size=1000))
    assert left(tmp_path) == {young.name}, "a run of the last 24 hours never goes for its size"


def test_nothing_goes_where_age_and_size_are_switched_off(tmp_path: Path) -> None:
    make_run(tmp_path, days=4000)
    make_run(tmp_path, days=4000, demo=True, number=1)
    assert not prune(tmp_path / "runs", Limits(days=0, size=0)).gone
    assert not prune(tmp_path / "nowhere", FAR).gone


def test_a_look_removes_nothing(tmp_path: Path) -> None:
    make_run(tmp_path, days=100)
    make_run(tmp_path, name=".20200101-000000-aaaaaa.removed")
    before = left(tmp_path)
    assert len(prune(tmp_path / "runs", FAR, remove=would_remove).gone) == 1
    assert left(tmp_path) == before


def test_what_another_process_removes_meanwhile_is_not_told_as_kept(tmp_path: Path) -> None:
    for number in range(3):
        make_run(tmp_path, days=100, number=number)

    def slower(folder: Path) -> str:
        assert remove_old(folder) == ""  # by the other one
        return remove_old(folder)

    told = prune(tmp_path / "runs", FAR, remove=slower)
    assert not told.kept and not told.gone and not told.left and left(tmp_path) == set()


def test_it_stops_between_two_runs(tmp_path: Path) -> None:
    for number in range(5):
        make_run(tmp_path, days=100, number=number)
    asked = iter([False, False, True, True, True, True])
    assert len(prune(tmp_path / "runs", FAR, stop=lambda: next(asked)).gone) == 2
    assert len(left(tmp_path)) == 3


def test_a_demo_s_folder_goes_once_no_run_tells_of_it(tmp_path: Path) -> None:
    from modelcar_tui.demo.run import demo_settings, prepare_demo

    settings = prepare_demo(demo_settings(state_dir=str(tmp_path)))
    folder = Path(settings.manifest).parent
    own = tmp_path / "demo" / "20200101-000000-aaaaaa"
    own.mkdir()
    (own / "mine.yaml").touch()
    for one in (folder, own):
        age(one, 8)
    run = make_run(tmp_path, demo=True, days=6)
    (run / "settings.json").write_text(f'{{"manifest": "{settings.manifest}", "demo": true}}')
    age(run, 6)
    prune(tmp_path / "runs", FAR)
    assert folder.is_dir()
    age(run, 8)
    prune(tmp_path / "runs", FAR)
    assert not folder.exists() and (own / "mine.yaml").is_file()


@pytest.mark.parametrize(
    ("days", "size", "limits"),
    [
        ("", "", Limits()),
        ("30", "500MiB", Limits(days=30, size=500 * 2**20)),
        ("0", "0", Limits(days=0, size=0)),
        ("many", "2", Limits()),
        ("99999999", "1.5 TiB", Limits(size=3 * 2**39)),
    ],
)
def test_limits_are_those_of_the_settings(days: str, size: str, limits: Limits) -> None:
    names = variable_of("runs.keep-days"), variable_of("runs.keep-size")
    assert limits_of(dict(zip(names, (days, size), strict=True))) == limits
    assert KEYS["runs.keep-days"].default == Limits().days
    assert size_bytes(str(KEYS["runs.keep-size"].default)) == Limits().size


@pytest.mark.parametrize(
    ("text", "size"), [("1KiB", 1024), ("2 GiB", 2**31), ("0", 0), ("7", None), ("x", None)]
)
def test_sizes_are_read_with_their_unit(text: str, size: int | None) -> None:
    assert size_bytes(text) == size


def beside(state: Path, until: Callable[[], object]) -> list[str]:
    """What a new run says of earlier ones; it is over in no time, so it waits for `until`."""
    settings = Settings(manifest=str(state / "no.base.yaml"), state_dir=str(state), qa=False)

    async def run() -> list[e.Stamped]:
        told = []
        async for stamped in Supervisor(settings).run():
            told.append(stamped)
            deadline = time.monotonic() + 20
            while isinstance(stamped.event, e.RunStarted) and not until() and time.monotonic() < deadline:
                await asyncio.sleep(0.01)
        return told

    told = asyncio.run(run())
    assert isinstance(told[-1].event, e.RunFinished)
    return [
        one.event.text for one in told if isinstance(one.event, e.Noticed) and "earlier" in one.event.text
    ]


def test_a_new_run_prunes_beside_it_and_says_so_once(tmp_path: Path) -> None:
    for number in range(3):
        make_run(tmp_path, days=100, number=number)
    (tmp_path / ANNOUNCED).write_text("2026-01-01\n")
    size = size_text(sum(one.stat().st_size for one in (tmp_path / "runs").glob("*/*")))
    assert beside(tmp_path, lambda: len(left(tmp_path)) == 1) == [
        f"3 earlier runs were removed, {size} (3 older than 90 days); "
        "runs.keep-days and runs.keep-size in the settings keep more"
    ]
    assert len(left(tmp_path)) == 1


def test_the_first_removal_is_announced_a_week_ahead_and_once(tmp_path: Path) -> None:
    old = {make_run(tmp_path, days=100, number=number).name for number in range(3)}
    (line,) = beside(tmp_path, (tmp_path / ANNOUNCED).is_file)
    begins = announced(tmp_path, time.time())
    assert begins is not None and 6.9 < (begins - time.time()) / DAY_S + 1 < 9.1
    day = time.strftime("%Y-%m-%d", time.localtime(begins))
    assert line.startswith(f"from {day} on earlier runs go by themselves") and "today 3 (" in line
    assert beside(tmp_path, lambda: True) == [] and old <= left(tmp_path)


def test_nothing_is_announced_where_nothing_would_go(tmp_path: Path) -> None:
    make_run(tmp_path, days=10)
    said = list[str]()
    pruner = Pruner(tmp_path / "runs" / "new", said.append)
    pruner.start()
    pruner.stop()
    assert not said and not (tmp_path / ANNOUNCED).exists()


@pytest.mark.parametrize("text", ["", "soon", "9999-01-01", "2026-13-01", "\udcff"])
def test_a_day_that_is_none_of_ours_is_announced_anew(tmp_path: Path, text: str) -> None:
    (tmp_path / ANNOUNCED).write_text(text, errors="surrogateescape")
    assert announced(tmp_path, time.time()) is None
    assert announced(tmp_path / "none", time.time()) is None
