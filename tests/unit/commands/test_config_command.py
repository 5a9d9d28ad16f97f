"""The settings as commands hear them: which source counts, what `agent config` says, what a fault stops."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from modelcar_tui.commands import start
from modelcar_tui.commands.preferences import look, take
from modelcar_tui.core.errors import UserError
from modelcar_tui.core.settings_table import KEYS

BIN = Path(sys.executable).parent
UTF8 = {"LC_ALL": "C.UTF-8", "TERM": "xterm-256color"}


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "c.toml"
    monkeypatch.setenv("MODELCAR_TUI_CONFIG", str(path))
    for name, value in UTF8.items():
        monkeypatch.setenv(name, value)
    return path


def run(program: str, *args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / program, *map(str, args)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
        check=False,
    )


def shown(*args: object) -> dict[str, tuple[str, ...]]:
    """What `agent config` says: value and source by the setting's name."""
    done = run("agent", "config", *args)
    assert (done.returncode, done.stderr) == (0, "")
    rows = [line.split("  ") for line in done.stdout.splitlines()]
    return {row[0].strip(): tuple(part.strip() for part in row[1:] if part.strip()) for row in rows}


def test_without_a_file_all_is_default(config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MODELCAR_TUI_CONFIG")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    config = tmp_path / "modelcar-tui" / "config.toml"
    rows = shown("--show")
    assert rows == shown()
    assert rows["file"] == (f"{config} (there is none)",)
    assert rows["theme"] == ("dark", "default")
    assert rows["ascii"] == ("auto (never here)", "default")
    assert rows["mouse"] == ("true (off over SSH)", "default")
    assert rows["low-bandwidth"] == ("false", "default")
    assert [rows[f"paths.{name}-dir"][1] for name in ("state", "cache")] == ["default"] * 2
    assert set(rows) == {"file", *KEYS}


def test_the_defaults_stand_in_columns_that_a_small_terminal_shows(config: Path) -> None:
    config.write_text("")
    lines = run("agent", "config").stdout.splitlines()[1:]
    assert len(lines) == len(KEYS) and max(map(len, lines)) <= 80
    # `paths` are as long as the home's name.
    assert len({line.rindex("default") for line in lines if not line.startswith("paths.")}) == 1


def test_each_source_counts_before_the_next_and_is_named(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text('theme = "light"\nmouse = false\nlow-bandwidth = true\n[paths]\nstate-dir = "/s"\n')
    assert shown()["theme"] == ("light", f"{config}:1")
    assert shown()["paths.state-dir"] == ("/s", f"{config}:5")
    monkeypatch.setenv("MODELCAR_TUI_THEME", "colour-blind")
    monkeypatch.setenv("MODELCAR_TUI_MOUSE", "On")
    monkeypatch.setenv("MODELCAR_TUI_STATE_DIR", "/e")
    assert shown()["theme"] == ("colour-blind", "environment MODELCAR_TUI_THEME")
    assert shown()["mouse"] == ("true", "environment MODELCAR_TUI_MOUSE")
    assert shown()["paths.state-dir"] == ("/e", "environment MODELCAR_TUI_STATE_DIR")
    rows = shown("--theme", "mono", "--ascii", "--no-mouse", "--no-low-bandwidth", "--state-dir", "/o")
    assert {name: row for name, row in rows.items() if row[-1] == "command line"} == {
        "theme": ("mono", "command line"),
        "ascii": ("always", "command line"),
        "mouse": ("false", "command line"),
        "low-bandwidth": ("false", "command line"),
        "paths.state-dir": ("/o", "command line"),
    }


def test_what_the_terminal_makes_of_a_setting_is_said(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config.write_text('theme = "light"\n')
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setenv("SSH_TTY", "/dev/pts/1")
    rows = shown()
    assert rows["theme"][0] == "light (ansi here)"
    assert rows["ascii"][0] == "auto (always here)"
    assert rows["mouse"][0] == "false (off over SSH)"
    monkeypatch.setenv("NO_COLOR", "1")
    assert shown()["theme"][0] == "light (mono here)"


def test_few_bytes_take_the_terminals_own_colours_unless_a_theme_is_named(config: Path) -> None:
    config.write_text("low-bandwidth = true\n")
    assert shown()["theme"] == ("dark (ansi here)", "default")
    assert shown("--theme", "dark")["theme"] == ("dark", "command line")
    assert shown("--no-low-bandwidth")["theme"] == ("dark", "default")


@pytest.mark.parametrize("options", [(), ("--theme=light",), ("--theme=mono",)])
@pytest.mark.parametrize("variable", ["", "colour-blind"])
@pytest.mark.parametrize("text", ["", 'theme = "light"', 'theme = "mono"'])
@pytest.mark.parametrize("term", ["xterm", "xterm-256color"])
def test_sixteen_colours_take_ansi_unless_one_is_named_for_this_terminal(
    config: Path,
    monkeypatch: pytest.MonkeyPatch,
    term: str,
    text: str,
    variable: str,
    options: tuple[str, ...],
) -> None:
    config.write_text(text)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("MODELCAR_TUI_THEME", variable)
    theme = take(start.parser().parse_args(["f", *options])).theme
    named = options[0].partition("=")[2] if options else variable
    of_file = text.partition('"')[2].rstrip('"') or None
    few = of_file if of_file == "mono" else "ansi"
    assert theme == (named or (few if term == "xterm" else of_file))


def test_path_and_check_say_only_that(config: Path) -> None:
    done = run("agent", "config", "--path")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{config}\n", "")
    config.write_text("")
    done = run("agent", "config", "--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{config}: no fault\n", "")
    config.write_text("mouse = 1\nthem = 2\n")
    done = run("agent", "config", "--check")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        f"{config}:1: mouse: a number is no truth value; true or false",
        f"{config}:2: them: no such setting; did you mean theme?",
    ]


def test_a_default_file_that_is_not_there_is_no_fault(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    path = tmp_path / "modelcar-tui" / "config.toml"
    done = run("agent", "config", "--check")
    assert (done.returncode, done.stdout) == (0, f"{path}: there is no such file; the defaults count\n")


@pytest.mark.parametrize(
    ("program", "args"),
    [
        ("modelcar-tui", ("--demo",)),
        ("modelcar-tui", ("--demo", "--headless")),
        ("modelcar-tui", ("--replay", "last")),
        ("agent", ("--demo",)),
        ("agent", ("runs",)),
        ("agent", ("accelerator", "--gpu", "L40S:1")),
        ("agent", ("estimate", "x", "--gpu", "L40S")),
    ],
    ids=str,
)
def test_a_broken_file_stops_what_would_hear_it_in_one_line(
    config: Path, program: str, args: tuple[str, ...]
) -> None:
    config.write_text("theme = dark\n")
    done = run(program, *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f'{config}:1:9: not TOML; a line is NAME = VALUE, texts in quotes: "dark"\n'


def test_a_broken_file_stops_neither_help_nor_version_nor_config_itself(config: Path) -> None:
    config.write_text("theme = dark\n")
    for program in ("modelcar-tui", "agent"):
        for word in ("--help", "--version"):
            done = run(program, word)
            assert (done.returncode, done.stderr) == (0, "")
    done = run("agent", "config", "--show", "--theme", "light")
    assert done.returncode == 2 and "command line" in done.stdout and done.stderr.count("\n") == 1
    assert run("agent", "config", "--path").returncode == 0
    assert run("agent", "schema", "plan").returncode == 0
    assert run("agent", "lint", "--codes").returncode == 0


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("MODELCAR_TUI_THEME", "drak", '"drak" is none of dark, light, colour-blind, ansi, mono'),
        ("MODELCAR_TUI_ASCII", "1", '"1" is none of auto, always, never'),
        ("MODELCAR_TUI_MOUSE", "maybe", '"maybe" is no truth value; true or false'),
    ],
)
def test_a_variable_that_says_nothing_is_one_line(
    config: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    config.write_text("")
    monkeypatch.setenv(name, value)
    done = run("agent", "runs")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith(f"{name}: {says}")


def test_a_file_that_was_named_and_is_gone_is_said(config: Path) -> None:
    done = run("agent", "runs")
    assert done.returncode == 2
    assert done.stderr.endswith("no such file or directory; mend MODELCAR_TUI_CONFIG, or unset it\n")


def test_folders_of_the_file_are_used_and_the_option_and_the_variable_come_first(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config.write_text(f'[paths]\nstate-dir = "{tmp_path}/file"\ncache-dir = "{tmp_path}/cache"\n')
    look_up = ("runs",)
    assert run("agent", *look_up).stdout == f"no runs in {tmp_path}/file/runs\n"
    assert run("agent", *look_up, "--state-dir", tmp_path / "o").stdout == f"no runs in {tmp_path}/o/runs\n"
    done = run("agent", "--demo", "--no-qa", "--no-llm")
    assert done.returncode in (0, 1) and (tmp_path / "file" / "runs").is_dir()
    assert (tmp_path / "cache" / "images").is_dir()
    monkeypatch.setenv("MODELCAR_TUI_STATE_DIR", f"{tmp_path}/env")
    assert run("agent", *look_up).stdout == f"no runs in {tmp_path}/env/runs\n"


def test_looking_changes_nothing_and_taking_puts_the_folders_where_rooms_look(config: Path) -> None:
    config.write_text('[paths]\nstate-dir = "/s"\n')
    environ = {"MODELCAR_TUI_CONFIG": str(config)}
    args = start.parser().parse_args(["f"])
    look(args, environ)
    assert "MODELCAR_TUI_STATE_DIR" not in environ
    take(args, environ)
    assert environ["MODELCAR_TUI_STATE_DIR"] == "/s" and "MODELCAR_TUI_CACHE_DIR" not in environ
    config.write_text("what = 1")
    with pytest.raises(UserError):
        take(args, environ)


def test_keys_are_listed_with_their_place_and_checked(config: Path) -> None:
    config.write_text('[keys]\nreview = ["c", "F2"]\ndown = "ctrl+n"\n')
    rows = shown()
    assert rows["keys.review"] == ("c F2", f"{config}:2")
    assert rows["keys.down"] == ("ctrl+n down", f"{config}:3")
    assert run("agent", "config", "--check").stdout == f"{config}: no fault\n"
    config.write_text('[keys]\nreview = "ctrl+b"\nwrite = "w"\n')
    for program, *args in (("agent", "config", "--check"), ("modelcar-tui", "--demo")):
        done = run(program, *args)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.splitlines() == [
            f'{config}:2: keys.review: "ctrl+b" does not come through: tmux begins its own keys with it; '
            "take another key",
            f'{config}:3: keys.write: "w" is hit too easily: this touches more than what is under the '
            'cursor; take a shifted key, such as "W"',
        ]
