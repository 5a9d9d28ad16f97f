"""A settings file with `[keys]`, from the file to the terminal."""

from __future__ import annotations

import sys
from pathlib import Path

from terminal import Terminal
from test_ends import command, restored

CLI = [sys.executable, "-m", "modelcar_tui.cli"]


def test_a_start_with_own_keys_shows_and_hears_them(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[keys]\nreview = ["c", "F2"]\nclean-up = "ctrl+r"\nquit = "ctrl+x"\n')
    env = {"MODELCAR_TUI_CONFIG": str(config)}
    with Terminal([*CLI, *command(tmp_path)[1:]], columns=100, rows=30, env=env) as terminal:
        terminal.wait_for("c: review")
        terminal.keys("d")
        terminal.wait_for("d does nothing here; ? shows the keys")
        terminal.keys("\x1bOQ")  # F2
        terminal.wait_for("0 of 1 accepted")
        while "The run is still going on" not in terminal.text:  # deaf at first
            terminal.keys("\x18")
            terminal.quiet(0.3)
        terminal.keys("S")
        assert terminal.wait_end() == 130
        assert restored(terminal)


def test_a_start_with_a_faulty_key_is_one_line_and_no_screen(tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('[keys]\n\nreview = "g"\n')
    env = {"MODELCAR_TUI_CONFIG": str(config)}
    with Terminal([*CLI, *command(tmp_path)[1:]], columns=160, env=env) as terminal:
        assert terminal.wait_end() == 2
        assert "".join(terminal.screen.display).strip() == (
            f'{config}:3: keys.review: "g" is gpus already (all GPUs); take another key, or give gpus one too'
        )
        assert b"\x1b[?1049h" not in terminal.sent
