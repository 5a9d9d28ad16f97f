"""What the shell offers: asked of a real bash; zsh and fish are looked at as text."""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
from functools import cache
from pathlib import Path

import pytest
import shtab

from modelcar_tui import agent
from modelcar_tui.commands import start
from modelcar_tui.commands.agent_tools import SHELLS
from modelcar_tui.commands.completion import _actions, _tell
from modelcar_tui.commands.preferences import look
from modelcar_tui.core.settings_table import THEMES

RUNS = ("20260101-101010-aaaa", "20260102-101010-bbbb")


@cache
def script(shell: str, *words: str) -> str:
    """What the command prints, without a settings file."""
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        assert agent.main(["completion", shell, *words]) == 0
    return out.getvalue()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in (*RUNS, "$(touch owned)", "two words", "-rf"):
        (tmp_path / "state" / "runs" / name).mkdir(parents=True)
    here = tmp_path / "here"
    (here / "folder").mkdir(parents=True)
    for name in ("one.yaml", "two.yml", "plan.json", "other.txt"):
        (here / name).touch()
    (tmp_path / "themes").mkdir()
    (tmp_path / "themes" / "night.toml").touch()
    profiles = '[profiles.prod]\ncontext = "a"\n[profiles.lab.qa]\nenabled = false\n[profiles."$(id)"]\n'
    (tmp_path / "c.toml").write_text(f"{profiles}[themes.sea]\n")
    monkeypatch.chdir(here)
    return tmp_path


def offered(place: Path, line: str, state: str | None = None) -> set[str]:
    """What bash offers at the end of a line."""
    words = shlex.split(line) + ([""] if line.endswith(" ") else [])
    asked = f"""
source {shlex.quote(str(place / "script"))}
COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(words) - 1}
_modelcar_tui_for_{words[0].replace("-", "_")}
printf '%s\\n' "${{COMPREPLY[@]}}"
"""
    (place / "script").write_text(script("bash"))
    environ = os.environ | {
        "MODELCAR_TUI_STATE_DIR": state or str(place / "state"),
        "MODELCAR_TUI_CONFIG": str(place / "c.toml"),
    }
    done = subprocess.run(
        ["bash", "--norc", "-c", asked], capture_output=True, text=True, env=environ, check=False, timeout=30
    )
    assert done.returncode == 0 and done.stderr == "", done.stderr
    return set(done.stdout.splitlines()) - {""}


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("agent acc", {"accelerator"}),
        ("agent ask ", {"last", *RUNS}),
        ("agent ask 20260102", {RUNS[1]}),
        ("agent --resume 2026", set(RUNS)),
        ("agent --approve ", {"show", "all", "none"}),
        ("agent completion ", set(SHELLS)),
        ("agent resume ", {"last", *RUNS}),
        ("agent replay la", {"last"}),
        ("agent rm ", set(RUNS)),
        ("agent rm 20260102", {RUNS[1]}),
        ("agent schema pl", {"plan"}),
        ("agent apply ", {"plan.json", "folder"}),
        ("agent lint o", {"one.yaml"}),
        ("agent plan ", {"one.yaml", "two.yml", "folder"}),
        ("agent --config ", {"one.yaml", "two.yml", "folder"}),
        ("agent runs --prof", {"--profile"}),
        ("agent runs --state-dir ", {"folder"}),
        ("modelcar-tui ", {"one.yaml", "two.yml", "folder"}),
        ("modelcar-tui one.yaml --qa-eng", {"--qa-engine"}),
        ("modelcar-tui one.yaml --qa-engine ", {"podman", "kubernetes"}),
        ("modelcar-tui one.yaml --profile ", {"prod", "lab"}),
        ("modelcar-tui one.yaml --theme ", {*THEMES, "sea", "night"}),
        ("modelcar-tui --replay la", {"last"}),
        ("modelcar-tui --demo --low", {"--low-bandwidth"}),
        ("modelcar-tui --authfile o", {"one.yaml", "other.txt"}),
        ("agent --config = o", {"one.yaml"}),
        ("agent --approve = a", {"all"}),
        ("agent lint --vllm = 1 t", {"two.yml"}),
        ("modelcar-tui one.yaml --theme =", {*THEMES, "sea", "night"}),
        ("agent --report o", {"one.yaml", "other.txt"}),
        ("agent mcp --root ", {"folder"}),
    ],
)
def test_bash_offers_what_can_stand_there(place: Path, line: str, found: set[str]) -> None:
    assert offered(place, line) == found


def test_every_option_that_names_a_file_completes_to_files() -> None:
    found = look(argparse.Namespace(given={}))
    for program in (agent.parser(), start.parser()):
        _tell(program, found)
        files = [one for one in _actions(program) if one.metavar in ("FILE", "PATH", "DIR")]
        assert len(files) > 5
        assert [one.option_strings for one in files if not hasattr(one, "complete")] == []


def test_names_from_outside_are_neither_offered_nor_run(place: Path) -> None:
    assert offered(place, "agent ask ") == {"last", *RUNS}
    assert not (place / "here" / "owned").exists()
    hostile = place / '"$(touch owned)`touch owned`'
    assert offered(place, "agent ask ", state=str(hostile)) == {"last"}
    assert not (place / "here" / "owned").exists()


def test_a_folder_of_the_settings_is_written_into_the_script(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    odd = place / 'a"b$(touch owned)'
    (odd / "runs" / "20260303-1").mkdir(parents=True)
    toml = str(odd).replace('"', '\\"')
    (place / "c.toml").write_text(f'[paths]\nstate-dir = "{toml}"\n')
    monkeypatch.setenv("MODELCAR_TUI_CONFIG", str(place / "c.toml"))
    monkeypatch.delenv("MODELCAR_TUI_STATE_DIR", raising=False)
    assert agent.main(["completion", "bash", "--for", "agent"]) == 0
    (place / "s").write_text(capsys.readouterr().out)
    done = subprocess.run(
        ["bash", "--norc", "-c", f"source {place}/s; _modelcar_tui_runs 2026"],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    assert (done.stdout, done.stderr) == ("20260303-1\n", "")
    assert not (place / "here" / "owned").exists()


def test_one_script_serves_both_programs_and_one_alone_can_be_asked_for() -> None:
    both = script("bash")
    assert both.count("complete -o bashdefault -F") == 2
    alone = script("bash", "--for", "modelcar-tui")
    assert "complete -o bashdefault -F _modelcar_tui_for_modelcar_tui modelcar-tui" in alone
    assert "_shtab_agent" not in alone


def test_zsh_and_fish_have_every_command_and_option() -> None:
    assert set(SHELLS) <= set(shtab.SUPPORTED_SHELLS)
    zsh, fish = script("zsh"), script("fish")
    for line in ("#compdef agent", "#compdef modelcar-tui", "_modelcar_tui_runs() {", "compadd -a found"):
        assert line in zsh
    for command in ("accelerator", "completion", "config"):
        assert command in zsh and command in fish
    assert "--qa-image-pull-secret" in zsh and "qa-image-pull-secret" in fish
    assert "function _modelcar_tui_runs" in fish


@pytest.mark.parametrize("shell", SHELLS)
def test_a_broken_settings_file_does_not_break_the_shells_start(
    shell: str, place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (place / "c.toml").write_text("theme = dark\n")
    monkeypatch.setenv("MODELCAR_TUI_CONFIG", str(place / "c.toml"))
    assert agent.main(["completion", shell]) == 0
    assert capsys.readouterr().err == ""
