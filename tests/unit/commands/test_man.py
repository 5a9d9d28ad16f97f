"""The manual pages are those of the parsers, and troff finds no fault in them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT / "tools"))

import man  # noqa: E402
from modelcar_tui import agent  # noqa: E402
from modelcar_tui.commands import start  # noqa: E402
from modelcar_tui.core.exit_codes import ExitStatus  # noqa: E402
from modelcar_tui.core.settings_table import KEYS, variable_of  # noqa: E402

NAMES = ("agent.1", "modelcar-tui.1")


@cache
def pages() -> dict[str, str]:
    return man.pages()


@pytest.fixture(autouse=True)
def columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")  # which the pages don't hear


@pytest.mark.parametrize("name", NAMES)
def test_they_are_as_the_parsers_are(name: str) -> None:
    assert (man.FOLDER / name).read_text("utf-8") == pages()[name], "run: make man"


@pytest.mark.parametrize("name", NAMES)
def test_every_option_status_and_variable_is_told(name: str) -> None:
    told = pages()[name].replace("\\-", "-").replace("\\fB", "").replace("\\fR", "")
    parser = {"agent.1": agent, "modelcar-tui.1": start}[name].parser()
    for one in (parser, *man._commands(parser)):
        for action in one._actions:
            for word in action.option_strings:
                assert word in told or word in ("-h", "--help"), word
    for status in ExitStatus:
        assert f".B {status.value}\n" in told
    for setting in KEYS:
        assert f".B {variable_of(setting)}\n" in told
    for heading in ("SYNOPSIS", "EXAMPLES", "EXIT STATUS", "ENVIRONMENT", "FILES"):
        assert f".SH {heading}\n" in told


@pytest.mark.parametrize("name", NAMES)
def test_the_guides_variables_are_told_and_the_version_once(name: str) -> None:
    guide = (ROOT / "docs" / "operating.md").read_text("utf-8")
    table = guide[guide.index("## Environment") : guide.index("## Exit status")]
    variables = {
        word
        for line in table.splitlines()
        for word in re.findall(r"`([A-Z][A-Z_]{3,})`", line.split("|")[1] if line.startswith("| `") else "")
    }
    assert len(variables) > 15 and not [word for word in variables if word not in pages()[name]]
    assert pages()[name].splitlines()[0].count("0.") == 1


@pytest.mark.parametrize("name", NAMES)
def test_troff_finds_no_fault(name: str) -> None:
    assert not [line for line in pages()[name].splitlines() if line.startswith("'")]
    if shutil.which("groff") is None:
        return
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z", "-Tutf8", man.FOLDER / name],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_wheel_puts_them_where_man_looks() -> None:
    wheel = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert wheel["shared-data"] == {"docs/man": "share/man/man1"}
    assert sorted(path.name for path in (ROOT / "docs" / "man").iterdir()) == sorted(NAMES)
