"""Every value of every command line is text from outside: hostile in each place, one after the other.

The rows are the parsers' own, so an option that comes is tried, and a command without a row fails here.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest

from modelcar_tui import agent
from modelcar_tui.commands import start
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import Settings
from pilot.states import STATES
from support.hostile_text import GROUPS, payload, some
from support.in_process import harm, said
from support.reporting import stamped

ID = "20261009-080000-abcdef"
MANIFEST = """\
model-car:
  - name: granite-3.1-8b-instruct
    image: oci://127.0.0.1:1/rhelai1/modelcar-granite-3-1-8b-instruct:1.5
    serving_arguments:
      gpu_count: 1
      args: [--max-model-len=131072]
"""


def parsers() -> dict[str, argparse.ArgumentParser]:
    """Each command line by how it begins."""
    top = agent.parser()
    found = {"agent": top, "modelcar-tui": start.parser()}
    for action in top._actions:
        if isinstance(action, argparse._SubParsersAction):
            found |= {f"agent {name}": one for name, one in action.choices.items()}
    return found


PARSERS = parsers()
_JUDGED = {"gpus": "L40S:4", "llm": "--no-llm", "state_dir": "state"}
ROWS: dict[str, Mapping[str, str]] = {
    "agent": {"config": "m.yaml", "qa": "--no-qa", **_JUDGED},
    "modelcar-tui": {"manifest": "m.yaml", "qa": "--no-qa", "headless": "--headless", **_JUDGED},
    "agent configuration": {"config": "m.yaml", "state_dir": "state"},
    "agent accelerator": {"gpus": "L40S:4", "state_dir": "state"},
    "agent estimate": {"source": "granite-3.1-8b-instruct", "gpu": "L40S"},
    "agent lint": {"config": "m.yaml"},
    "agent plan": {"config": "m.yaml", **_JUDGED},
    "agent apply": {"plan": "plan.json", "accept": "all", "state_dir": "state"},
    "agent manifest": {"config": "m.yaml", **_JUDGED},
    "agent try": {"config": "m.yaml", "dry": "--dry-run", "kubeconfig": "nonesuch"},
    "agent runs": {"state_dir": "state"},
    "agent resume": {"resume": ID, "llm": "--no-llm", "state_dir": "state"},
    "agent replay": {"replay": ID, "state_dir": "state"},
    "agent prune": {"show": "--dry-run", "state_dir": "state"},
    "agent rm": {"gone": ID, "force": "--force", "state_dir": "state"},
    "agent measurements": {"act": "show", "ids": "abc"},
    "agent report": {"run": ID, "state_dir": "state"},
    "agent cleanup": {"run": ID, "state_dir": "state"},
    "agent ask": {"run": ID, "question": "why?", "llm": "--no-llm", "state_dir": "state"},
    "agent schema": {"kind": "plan"},
    "agent config": {},
    "agent completion": {"shell": "bash"},
    "agent doctor": {"offline": "--offline"},
    "agent mcp": {},
}
"""Of each command a line that is good: by what an option sets the value, of a switch its word."""


FINE = {
    "agent resume": (ExitStatus.QA_FAILED,),
    "agent replay": (ExitStatus.QA_FAILED,),
    "agent apply": (ExitStatus.USAGE,),
    "agent measurements": (ExitStatus.USAGE,),
    "agent cleanup": (ExitStatus.GO, ExitStatus.CLUSTER),
    "agent try": (ExitStatus.CLUSTER,),
    "agent doctor": tuple(ExitStatus),
}
"""Ends of rows that come to neither GO nor UNKNOWN: there is no plan, no measurement and no cluster here."""


def values(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """What takes a value."""
    fixed = argparse._SubParsersAction | argparse._HelpAction | argparse._VersionAction
    return [one for one in parser._actions if one.nargs != 0 and not isinstance(one, fixed)]


def line(
    parser: argparse.ArgumentParser,
    given: Mapping[str, str],
    hostile: argparse.Action | None = None,
    text: str = "",
) -> list[str]:
    """The words of a good line, but for one value."""
    groups = [group._group_actions for group in parser._mutually_exclusive_groups]
    gone = {one.dest for group in groups if hostile in group for one in group}
    gone |= {hostile.dest} if hostile is not None else set()
    words: list[str] = []
    places: list[str] = []
    for action in parser._actions:
        value = text if action is hostile else given.get(action.dest) if action.dest not in gone else None
        if value is None:
            continue
        if not action.option_strings:
            places.append(value)
        elif action.nargs == 0:
            words += [value] if value in action.option_strings else []
        else:
            words.append(f"{action.option_strings[-1]}={value}")
    return [*words, *places]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a manifest, a plan and a run, in which commands are started."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nonesuch"))
    Path("m.yaml").write_text(MANIFEST)
    folder = tmp_path / "state" / "runs" / ID
    folder.mkdir(parents=True)
    folder.parent.parent.chmod(0o700)
    lines = [msgspec.json.encode(one) + b"\n" for one in stamped(STATES["qa-failed"][0](folder))]
    (folder / "journal.jsonl").write_bytes(b"".join(lines))
    (folder / "settings.json").write_bytes(msgspec.json.encode(Settings(manifest=str(tmp_path / "m.yaml"))))
    return tmp_path


def named(cell: tuple[str, argparse.Action]) -> str:
    name, action = cell
    return f"{name.replace(' ', '-')}-{(action.option_strings or [action.dest])[-1]}"


CELLS = [(name, action) for name, parser in PARSERS.items() for action in values(parser)]


def test_every_command_has_a_row() -> None:
    assert set(ROWS) == set(PARSERS)


@pytest.mark.parametrize("name", ROWS)
def test_its_row_is_a_good_line(name: str, place: Path) -> None:
    """Otherwise a value is refused before anything of it is shown."""
    program, *command = name.split()
    status, _, err = said([*command, *line(PARSERS[name], ROWS[name])], program)
    assert status in FINE.get(name, (ExitStatus.GO, ExitStatus.UNKNOWN)), err


@pytest.mark.parametrize("cell", CELLS, ids=map(named, CELLS))
def test_a_value_is_shown_harmlessly(cell: tuple[str, argparse.Action], place: Path) -> None:
    name, action = cell
    program, *command = name.split()
    found = []
    for group in some(GROUPS, CELLS.index(cell)):
        words = [*command, *line(PARSERS[name], ROWS[name], action, payload(group))]
        found += [f"{group}: {one}" for one in harm(words, program)]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("name", PARSERS)
def test_a_word_that_nobody_knows_is_shown_harmlessly(name: str, place: Path) -> None:
    program, *command = name.split()
    found = []
    for group in some(GROUPS, [*PARSERS].index(name)):
        for word in (f"--{payload(group)}", f"--{payload(group)}=1", payload(group)):
            found += harm([*command, word, payload(group), "--nonesuch"], program)
    assert not found, "\n".join(found)
