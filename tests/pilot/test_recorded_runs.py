"""Each recording that is shipped, played in the dashboard and drawn without a terminal."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from modelcar_tui import cli
from modelcar_tui.commands.start import PICTURES
from modelcar_tui.core.resources import demo_logs
from modelcar_tui.tui import SCREENS
from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.replay import ReplayPort
from pilot import support as s
from support.drawn import rows

SHOWN = {
    "approved": (0, ("GO ✓", "QA", "5 passed")),
    "no-go": (1, ("NO-GO ✗", "the weights need 131.45 GiB and L40S has 44.42 GiB")),
    "qa-failed": (4, ("QA FAILED ✗", "1 failed")),
    "refused": (3, ("UNKNOWN ?", "the token has expired or was revoked", "oc login --web")),
    "unknown": (3, ("UNKNOWN ?", "there is no kubeconfig at /home/operator/.kube/config")),
}
"""By hand: the exit status, and what stands on the dashboard."""


@pytest.mark.parametrize("name", SHOWN)
async def test_it_is_played_to_its_end_and_left_with_its_status(name: str) -> None:
    status, words = SHOWN[name]
    app = DashboardApp(ReplayPort(demo_logs() / f"{name}.jsonl", speed=0))
    async with app.run_test(size=(140, 40)) as pilot:
        for word in words:
            await s.wait_for(pilot, lambda word=word: s.shows(app, word), word)
        assert s.shows(app, "REPLAY") and s.shows(app, "DEMO")
        await pilot.press("q")
        await s.wait_for(pilot, lambda: app._exit, "q leaves")
    assert app.return_value == status


def draw(tmp_path: Path, name: str, *more: str, file: str = "a.svg") -> tuple[int, Path]:
    path = tmp_path / file
    given = ["--replay", f"demo:{name}", "--picture", str(path), "--state-dir", str(tmp_path / "state")]
    return cli.main([*given, *more]), path


@pytest.mark.parametrize(
    ("name", "screen", "words"),
    [
        ("approved", "dashboard", ("GO ✓", "granite-3.1-8b-instruct")),
        ("qa-failed", "cause", ("QA log", "torch.OutOfMemoryError")),
        ("no-go", "models", ("llama-3.3-70b-instruct",)),
    ],
)
def test_a_screen_of_it_is_drawn(name: str, screen: str, words: tuple[str, ...], tmp_path: Path) -> None:
    status, path = draw(tmp_path, name, "--screen", screen, "--size", "100x30")
    told = rows(path.read_text(encoding="utf-8"))
    assert status == 0 and len(told) == 30
    for word in words:
        assert any(word in row for row in told), "\n".join(told)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_same_recording_is_the_same_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file, terminal in (("a.svg", "xterm-256color"), ("b.svg", "linux")):
        monkeypatch.setenv("TERM", terminal)
        monkeypatch.setenv("LC_ALL", "C" if terminal == "linux" else "C.UTF-8")
        assert draw(tmp_path, "no-go", file=file)[0] == 0
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert draw(tmp_path, "no-go", "--ascii", "--theme", "light", file="c.svg")[0] == 0
    other = (tmp_path / "c.svg").read_text()
    assert other.isascii() and 'fill="#eeeeee"' in other


def test_a_long_screen_holds_all_of_a_log(tmp_path: Path) -> None:
    _, path = draw(tmp_path, "approved", "--screen", "log", "--size", "200x400")
    told = "\n".join(rows(path.read_text(encoding="utf-8")))
    log = (demo_logs() / "approved.qa.txt").read_text(encoding="utf-8").splitlines()
    fixtures = {words.split()[0] for line in log for words in line.split("Executing session fixture: ")[1:]}
    assert len(log) < 390 and len(fixtures) > 20
    assert {name for name in fixtures if f"Executing session fixture: {name}" not in told} == set()


def test_another_hand_s_file_is_kept_and_ours_is_drawn_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.svg").write_text("mine")
    assert draw(tmp_path, "no-go")[0] == 2
    assert (tmp_path / "a.svg").read_text() == "mine"
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert [draw(tmp_path, "no-go", file="b.svg")[0] for _ in range(2)] == [0, 0]
    capsys.readouterr()
    assert draw(tmp_path, "no-go", "--force")[0] == 0
    assert not capsys.readouterr().err
    assert [path.read_text() for path in (tmp_path / "state").rglob("*a.svg*")] == ["mine"]


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (("--screen", "review"), "nothing to show on the screen 'review': no changes are proposed"),
        (("--screen", "nonsense"), "invalid choice"),
        (("--size", "9x9"), "from 40x10 to 400x1000"),
        (("--size", "120"), "such as 120x40"),
    ],
)
def test_what_can_t_be_drawn_is_one_line(
    more: tuple[str, ...], what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, path = draw(tmp_path, "unknown", *more)
    err = capsys.readouterr().err
    assert status == 2 and not path.exists()
    assert what in err and len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("argv", "what"),
    [
        (["--demo", "--picture", "a.svg"], "give --replay RUN"),
        (["--replay", "last", "--size", "80x24"], "give --picture FILE.svg"),
        (["--replay", "last", "--picture", "a.png"], "name the file FILE.svg"),
        (["--replay", "last", "--picture", "a.svg", "--report", "a.md"], "writes no --report"),
        (["--replay", "demo:no-go", "--picture", "no/where/a.svg"], "there is no such folder"),
    ],
)
def test_half_a_wish_is_one_line(argv: list[str], what: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(argv) == 2
    err = capsys.readouterr().err
    assert what in err and len(err.splitlines()) == 1


def test_the_command_line_offers_every_screen_that_can_be_drawn() -> None:
    assert tuple(SCREENS) == PICTURES
