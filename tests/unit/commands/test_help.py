"""`--help` of both programs and of every command: short, grouped, and only what the command hears."""

from __future__ import annotations

import argparse
import os
import shlex
from collections.abc import Iterator
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from modelcar_tui import agent
from modelcar_tui.commands import start
from modelcar_tui.commands.agent_parser import Codes
from modelcar_tui.commands.parser import Parser
from modelcar_tui.supervisor import Settings

SAMPLE = Path(__file__).resolve().parents[3] / "config-yaml" / "sample_modelcar_config.base.yaml"


def parsers() -> dict[str, Parser]:
    """Each parser by the words that choose it."""
    found = {"modelcar-tui": start.parser(), "agent": agent.parser()}
    (commands,) = (a for a in found["agent"]._actions if isinstance(a, argparse._SubParsersAction))
    return found | {f"agent {name}": parser for name, parser in commands.choices.items()}


NAMES = tuple(parsers())


def groups(parser: Parser) -> dict[str, set[str]]:
    """The options by the heading that they stand under."""
    return {
        str(group.title): {word for one in group._group_actions for word in one.option_strings}
        for group in parser._action_groups
    }


@pytest.mark.parametrize("name", NAMES)
def test_help_fits_begins_with_examples_and_ends_with_the_statuses(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    parser = parsers()[name]
    lines = parser.format_help().splitlines()
    assert [line for line in lines if len(line) > 80] == []
    usage = lines[: lines.index("")]
    assert len(usage) <= 2 and all(name in line for line in usage)
    assert lines.index("examples:") < 8 and 3 <= len(parser.examples) <= 6
    options = [line for line in lines if line.startswith("  -")]
    assert lines.index(options[0]) > lines.index(f"  {parser.examples[-1]}")
    assert "exit status:" in "\n".join(lines[-7:])


@pytest.mark.parametrize("name", NAMES)
def test_every_option_says_what_it_does(name: str) -> None:
    for action in parsers()[name]._actions:
        assert action.help or isinstance(action, argparse._SubParsersAction)
        assert action.help != argparse.SUPPRESS


@pytest.mark.parametrize("example", sorted({one for parser in parsers().values() for one in parser.examples}))
def test_every_example_is_understood_by_its_own_parser(example: str) -> None:
    words = shlex.split(example, comments=True)
    words = words[: words.index(">")] if ">" in words else words
    program, *rest = words
    rest = rest[: rest.index("--")] if "--" in rest else rest
    try:
        args = {"agent": agent, "modelcar-tui": start}[program].parser().parse_args(rest)
    except SystemExit as end:
        assert end.code == 0 and "--codes" in rest
    else:
        assert args


def test_options_stand_under_what_they_are_for() -> None:
    shared = ["GPUs without a cluster", "cluster and registry access", "arguments and vLLM", "QA"]
    last = ["runs", "language model", "settings"]
    ours = ["what to judge", *shared, "screen", "runs", "language model", "browser", "settings"]
    assert list(groups(parsers()["modelcar-tui"]))[2:] == ours
    assert list(groups(parsers()["agent"]))[2:] == ["commands", "what to judge", *shared, *last]
    for name in ("modelcar-tui", "agent"):
        found = groups(parsers()[name])
        assert found["options"] == {"-h", "--help", "--version"}
        assert {option for option in parsers()[name]._option_string_actions if "qa" in option} == found["QA"]


def test_a_plan_offers_no_qa_and_commands_stand_before_the_options_of_a_run() -> None:
    assert not [word for word in parsers()["agent plan"]._option_string_actions if "qa" in word]
    told = agent.parser().format_help()
    assert told.index("\ncommands:") < told.index("without a COMMAND") < told.index("--kubeconfig")


SAID_AT_ONCE = (argparse._HelpAction, argparse._VersionAction, Codes)
VALUES = {
    "report_flag": "r.md",
    "model_host": "vllm.example:8000",
    "gpu_flag": "H200:1",
    "seconds": "5",
    "count": "2",
    "days": "30",
    "size": "5MiB",
    "minutes": "20",
    "user_id": "1000",
    "object_name": "a.b-c",
    "taint": "gpu:NoSchedule",
    "port": "8080",
    "running_objects": "prod/chat",
    "_size": "80x24",
}
BASES = {
    "modelcar-tui": [str(SAMPLE)],
    "agent": ["--config", str(SAMPLE)],
    "agent estimate": ["x", "--gpu", "L40S"],
    "agent lint": ["x"],
    "agent plan": [str(SAMPLE)],
    "agent apply": ["plan.json"],
    "agent manifest": [str(SAMPLE)],
    "agent try": [str(SAMPLE)],
    "agent report": ["last"],
    "agent resume": ["last"],
    "agent replay": ["last"],
    "agent rm": ["20260101"],
    "agent cleanup": ["last"],
    "agent ask": ["last", "--what-if", "model=m"],
    "agent configuration": ["--config", str(SAMPLE)],
    "agent schema": ["plan"],
    "agent completion": ["bash"],
}
"""The least that each command needs."""
FILES = {
    "theme": "light",
    "profile": "prod",
    "config": str(SAMPLE),
    "inventory": str(SAMPLE),
    "what_if": "model=other",
    "picture": "a.svg",
    "speed": "4",
}
DRAWN = ["--replay", "x/y", "--picture", "a.svg"]
OPPOSITE = {
    "--qa": ("MODELCAR_TUI_QA_ENABLED", "no"),
    "--llm": ("MODELCAR_TUI_LLM_ENABLED", "no"),
    "--no-patch": ("MODELCAR_TUI_PATCH", "yes"),
    "--profile": ("MODELCAR_TUI_CONFIG", ""),
}
"""What is to be said already, so that the option changes it."""
INSTEAD = {
    ("modelcar-tui", "resume"): [],
    ("modelcar-tui", "replay"): [],
    ("modelcar-tui", "runs"): [],
    ("modelcar-tui", "web"): [],
    ("modelcar-tui", "web_port"): ["--web"],
    ("modelcar-tui", "speed"): ["--replay", "x/y"],
    ("modelcar-tui", "picture"): ["--replay", "x/y"],
    ("modelcar-tui", "size"): DRAWN,
    ("modelcar-tui", "screen"): DRAWN,
    ("agent", "resume"): [],
    ("agent", "replay"): [],
    **{
        (name, dest): []
        for name in ("modelcar-tui", "agent", "agent plan", "agent manifest", "agent try")
        for dest in ("serve_line", "from_cluster")
    },
    ("agent", "config"): [],
    ("agent configuration", "config"): [],
    ("agent estimate", "gpu"): ["x"],
    ("agent estimate", "cases"): [],
    ("agent ask", "what_if"): ["last"],
    ("agent ask", "show_facts"): ["last"],
}
"""Where the option takes the place of what is needed otherwise."""
WORK = (
    "commands.headless.run_headless",
    "commands.replay.print_run",
    "commands.configuration.run_configuration",
    "commands.accelerator.run_accelerator",
    "commands.estimate.run_estimate",
    "commands.estimate.run_cases_file",
    "commands.lint.run_lint",
    "commands.plan.Supervisor",
    "commands.plan.check_output",
    "commands.plan.apply_plan",
    "commands.manifest.render_manifest",
    "commands.trying.run_tries",
    "commands.runs.list_runs",
    "commands.runs_removed.run_prune",
    "commands.runs_removed.run_rm",
    "commands.measurements.run_measurements",
    "commands.report.run_report",
    "commands.report_files.check_report",
    "commands.cleanup.run_cleanup",
    "commands.ask.run_ask",
    "commands.ask.show_facts",
    "commands.schema.print_schema",
    "commands.mcp.run_mcp",
    "commands.web.serve",
    "commands.picture.check_output",
    "commands.completion.print_completion",
    "commands.doctor.run_doctor",
    "supervisor.Engine",
    "tui.choose_run",
    "tui.draw",
    "tui.run_dashboard",
)
"""What the commands call when all is understood."""


def offered() -> Iterator[object]:
    for name, parser in parsers().items():
        for action in parser._actions:
            if action.option_strings and not isinstance(action, SAID_AT_ONCE):
                yield pytest.param(name, action, id=f"{name} {action.option_strings[0]}")


class AskedError(Exception):
    """Stops a command where its work would begin."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Any]:
    """What each piece of work is asked for, of which nothing is done."""
    found: list[Any] = []

    def put(place: str) -> None:
        def work(*args: Any, **more: Any) -> int:
            found.append((place, *map(heard, args), {name: heard(value) for name, value in more.items()}))
            if place.endswith(("Supervisor", "run_dashboard", "choose_run", "tui.draw")):
                raise AskedError
            return 0

        monkeypatch.setattr(f"modelcar_tui.{place}", work)

    for place in WORK:
        put(place)

    def keep(_: Settings, data: bytes, name: str) -> Path:
        found.append((data, name))
        return SAMPLE

    monkeypatch.setattr("modelcar_tui.supervisor.keep_input", keep)
    monkeypatch.setattr("modelcar_tui.commands.inputs._cluster_bytes", lambda args: repr(args).encode())
    monkeypatch.setattr("modelcar_tui.supervisor.finding.find_run", lambda name, _: tmp_path / name)
    for place in ("supervisor.recorded", "commands.picture"):
        monkeypatch.setattr(f"modelcar_tui.{place}.recorded_run", lambda name, _: tmp_path / name)
    monkeypatch.setattr("modelcar_tui.commands.headless.run_to_resume", lambda name, _: tmp_path / name)
    monkeypatch.setattr("modelcar_tui.commands.resuming.run_to_resume", lambda name, _: tmp_path / name)
    monkeypatch.setattr("modelcar_tui.commands.report_files.Reports.written_after", lambda *_: nullcontext())
    monkeypatch.setattr("modelcar_tui.tui.replay.ReplayPort", lambda path, **more: (path, more))
    monkeypatch.setattr("modelcar_tui.commands.start._no_screen", lambda: "")
    monkeypatch.setattr("gc.disable", lambda: None)  # which the screen would take back
    monkeypatch.setattr("sys.setswitchinterval", lambda _: None)
    return found


def heard(value: Any) -> Any:
    """Of settings only what such a run reads: without QA nothing of QA, without a decision no patch."""
    if not isinstance(value, Settings):
        return repr(value)
    kept = msgspec.to_builtins(value)
    if not value.qa:
        kept = {name: one for name, one in kept.items() if not name.startswith("qa")}
    return repr(kept)


def call(name: str, words: list[str], asked: list[Any], capsys: pytest.CaptureFixture[str]) -> str:
    asked.clear()
    program, *command = name.split()
    module = {"agent": agent, "modelcar-tui": start}[program]
    args = module.parser().parse_args([*command, *words])
    if program == "agent":
        args.vllm_arguments = []
    with patch.dict(os.environ):
        with suppress(AskedError):
            module._dispatch(args)
        asked.append(os.environ.get("MODELCAR_TUI_STATE_DIR"))
    told = capsys.readouterr().out
    return f"{asked}\n{told}"


@pytest.mark.parametrize(("name", "action"), [*offered()])
def test_no_option_is_offered_that_the_command_ignores(
    name: str,
    action: argparse.Action,
    asked: list[Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    if action.option_strings[0] in OPPOSITE:
        variable, value = OPPOSITE[action.option_strings[0]]
        config = tmp_path / "settings.toml"
        config.write_text(f'[profiles.prod]\npaths.state-dir = "{tmp_path}/of-prod"\nqa.image = "prod"\n')
        monkeypatch.setenv(variable, value or str(config))
    base = BASES.get(name, [])
    instead = INSTEAD.get((name, action.dest), base)
    takes = getattr(action.type, "__name__", "")
    other = [one for one in action.choices or () if one != action.default]
    value = other[-1] if other else VALUES.get(takes, FILES.get(action.dest, "x/y"))
    lines = [[word] if action.nargs == 0 else [word, value] for word in action.option_strings]
    without = call(name, base, asked, capsys) if instead == base else ""
    told = [call(name, [*instead, *line], asked, capsys) for line in lines]
    assert any(one != without for one in told) or action.dest == "show"  # what is done anyway
