"""Every option of every command of both programs: nothing that was given is dropped."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from modelcar_tui import agent, cli
from modelcar_tui.commands import start
from modelcar_tui.commands.agent_parser import Codes
from modelcar_tui.commands.options import notes

BIN = Path(sys.executable).parent
SAMPLE = Path(__file__).resolve().parents[3] / "config-yaml" / "sample_modelcar_config.base.yaml"
CONFIG = '{"architectures": ["LlamaForCausalLM"], "hidden_size": 64, "num_hidden_layers": 2}'


def commands() -> Iterator[tuple[argparse.ArgumentParser, list[str], argparse.ArgumentParser]]:
    """Each whole parser, the words that choose a command of it, and that command's parser."""
    for top in (start.parser(), agent.parser()):
        yield top, [], top
        for action in top._actions:
            if isinstance(action, argparse._SubParsersAction):
                for name, parser in action.choices.items():
                    yield top, [name], parser


VALUES = {
    "gpu_flag": "L40S:1",
    "seconds": "5",
    "count": "2",
    "minutes": "5",
    "user_id": "1000",
    "object_name": "a.b-c",
    "running_objects": "prod/isvc/chat",
    "port": "8080",
    "_size": "80x24",
    "_speed": "2",
    "days": "30",
    "size": "2GiB",
}
"""A value for each type of options that takes not everything."""


def words(action: argparse.Action, spelled: str) -> list[str]:
    """The option with a value that it takes."""
    if action.nargs == 0:
        return [spelled]
    if action.choices:
        return [spelled, next(iter(action.choices))]
    takes = getattr(action.type, "__name__", "")
    return [spelled, VALUES.get(takes, "model=x")]


VALUES["report_flag"] = "r.md"
VALUES["model_host"] = "vllm.example:8000"
SAID_AT_ONCE = (argparse._HelpAction, argparse._VersionAction, Codes)
"""Options that end the command before a second one is read."""


def options() -> Iterator[object]:
    for top, chosen, parser in commands():
        needed = [
            next(iter(one.choices or "X"))
            for one in parser._actions
            if not one.option_strings and one.required and one.nargs not in ("A...", "*")
        ]
        for action in parser._actions:
            if action.option_strings and not isinstance(action, SAID_AT_ONCE):
                name = " ".join((top.prog, *chosen, action.option_strings[0]))
                yield pytest.param(top, parser, [*chosen, *needed], action, id=name)


@pytest.mark.parametrize(("top", "parser", "before", "action"), [*options()])
def test_an_option_given_twice_adds_up_or_is_refused_in_one_line(
    top: argparse.ArgumentParser,
    parser: argparse.ArgumentParser,
    before: list[str],
    action: argparse.Action,
    capsys: pytest.CaptureFixture[str],
) -> None:
    long = action.option_strings[-1]
    for one, two in [(one, two) for one in action.option_strings for two in action.option_strings]:
        line = [*before, *words(action, one), *words(action, two)]
        if isinstance(action, argparse._AppendAction):
            assert len(getattr(top.parse_args(line), action.dest)) == 2
            continue
        with pytest.raises(SystemExit) as caught:
            top.parse_args(line)
        told = capsys.readouterr().err
        assert caught.value.code == 2, line
        assert "is given twice" in told and long in told and told.count("\n") == 1, told


def cut_short() -> Iterator[object]:
    for top, chosen, parser in commands():
        known = parser._option_string_actions
        for option in known:
            cut = option[:-1]
            if option.startswith("--") and len(cut) > 2 and cut not in known:
                yield pytest.param(top, [*chosen, cut], option, id=" ".join((top.prog, *chosen, cut)))


@pytest.mark.parametrize(("top", "line", "option"), [*cut_short()])
def test_an_option_cut_short_is_refused_with_its_whole_name(
    top: argparse.ArgumentParser, line: list[str], option: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for more in ("", "=x"):
        with pytest.raises(SystemExit) as caught:
            top.parse_args([*line[:-1], f"{line[-1]}{more}"])
        told = capsys.readouterr().err
        assert caught.value.code == 2 and told.count("\n") == 1
        assert f"{line[-1]}: options are not cut short; write " in told and option in told.split("write ")[1]


@pytest.mark.parametrize(
    ("program", "line", "told"),
    [
        (
            start,
            ["f", "--themes", "dark"],
            "modelcar-tui: --themes is no option of modelcar-tui; did you mean --theme?",
        ),
        (start, ["f", "--zzz=1"], "modelcar-tui: --zzz is no option of modelcar-tui"),
        (start, ["f", "g"], "modelcar-tui: 'g' is one argument too many"),
        (agent, ["plan", "f", "--no-qa"], "agent plan: --no-qa is no option of agent plan"),
        (
            agent,
            ["lint", "f", "--stile"],
            "agent lint: --stile is no option of agent lint; did you mean --style?",
        ),
        (agent, ["runs", "x"], "agent runs: 'x' is one argument too many"),
    ],
    ids=str,
)
def test_a_word_that_is_no_option_is_told_with_the_nearest(
    program: Any, line: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        program.parser().parse_args(line)
    said = capsys.readouterr().err
    assert caught.value.code == 2 and said.startswith(f"{told}; see ") and said.count("\n") == 1, said


def test_a_word_that_is_short_for_several_options_names_them(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        start.parser().parse_args(["--them", "dark"])
    assert "--them: options are not cut short; write --theme; see" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        start.parser().parse_args(["--qa-n", "x"])
    assert "write --qa-namespace or --qa-network; see" in capsys.readouterr().err


@pytest.mark.parametrize("equals", [False, True])
def test_both_ways_to_write_a_value_are_one_option(equals: bool, capsys: pytest.CaptureFixture[str]) -> None:
    second = ["--qa-image=b"] if equals else ["--qa-image", "b"]
    with pytest.raises(SystemExit):
        agent.parser().parse_args(["--qa-image=a", *second])
    assert capsys.readouterr().err == "agent: --qa-image is given twice; give it once; see agent --help\n"


def before_a_command() -> Iterator[object]:
    top = agent.parser()
    for _, chosen, _parser in commands():
        for action in top._actions if chosen else ():
            if action.option_strings and not isinstance(action, SAID_AT_ONCE):
                yield pytest.param(chosen[0], action, id=f"agent {action.option_strings[0]} {chosen[0]}")


@pytest.mark.parametrize(("command", "action"), [*before_a_command()])
def test_an_option_before_a_command_is_refused_with_its_place(
    command: str, action: argparse.Action, capsys: pytest.CaptureFixture[str]
) -> None:
    parser = agent.parser()
    (chosen,) = (a.choices[command] for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    needed = ["X" for one in chosen._actions if not one.option_strings and one.required]
    with pytest.raises(SystemExit) as caught:
        parser.parse_args([*words(action, action.option_strings[0]), command, *needed])
    told = capsys.readouterr().err
    known = action.option_strings[0] in chosen._option_string_actions
    where = f"belongs after the command: agent {command} ..." if known else f"is no option of agent {command}"
    assert caught.value.code == 2 and where in told and told.count("\n") == 1


def test_vllms_own_arguments_are_vllms_and_no_other_commands() -> None:
    done = run("estimate", "x", "--gpu", "L4", "--", "--max-model-len=1", "--max-model-len=2")
    assert "given twice" not in done.stderr
    done = run("plan", SAMPLE, "--", "--no-qa")
    assert (done.returncode, done.stderr.count("\n")) == (2, 1) and "only agent estimate" in done.stderr


def run(*args: object, program: str = "agent", **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [BIN / program, *map(str, args)],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=100,
        check=False,
        **options,
    )


@pytest.mark.parametrize("gpu", ["H100:8", "L40SS:4", "NVIDIA-A100:8", "L40S:9999", "H100-MIG-1g.10gb:2"])
@pytest.mark.parametrize(
    ("program", "command"),
    [
        ("modelcar-tui", (SAMPLE,)),
        ("modelcar-tui", ("--demo",)),
        ("agent", ("--config", SAMPLE)),
        ("agent", ("plan", SAMPLE)),
        ("agent", ("accelerator",)),
        ("agent", ("ask", "last", "why?")),
    ],
    ids=lambda value: " ".join(map(str, value[:1])) if isinstance(value, tuple) else value,
)
def test_a_wrong_card_is_one_line_before_anything_is_asked_or_made(
    tmp_path: Path, program: str, command: tuple[object, ...], gpu: str
) -> None:
    state = tmp_path / "state"
    done = run(*command, "--gpu", gpu, "--state-dir", state, program=program)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert not state.exists()
    says = {
        "H100": "H100 is one of 3 cards: H100-80GB-HBM3, H100-PCIe, H100-NVL",
        "L40SS": "did you mean L40S?",
    }
    assert says.get(gpu.partition(":")[0], "--gpu") in done.stderr


@pytest.mark.parametrize(("gpu", "card"), [("L40S:4", "L40S"), ("A10G:1", "A10G"), ("T4:1", "Tesla-T4")])
def test_a_short_name_of_one_card_is_taken(gpu: str, card: str) -> None:
    done = run("accelerator", "--gpu", gpu, "--format", "json")
    assert (done.returncode, done.stderr) == (0, "") and f'"product": "{card}"' in done.stdout


def test_a_card_that_nothing_resembles_is_taken_and_said() -> None:
    done = run("accelerator", "--gpu", "Zorp-9000:2", "--format", "json")
    assert done.returncode == 0 and '"product": "Zorp-9000"' in done.stdout
    assert (
        done.stderr
        == "note: --gpu Zorp-9000: Zorp-9000 is not in our table of cards: its memory is unknown\n"
    )


def test_gpus_of_a_run_add_up() -> None:
    done = run("accelerator", "--gpu", "L40S:4", "--gpu", "L4:1", "--gpu", "L4:1", "--format", "json")
    assert done.stdout.count('"name": "what-if-') == 3


@pytest.mark.parametrize(
    ("gpus", "status", "says"),
    [
        (("L4", "L40S"), 2, "--gpu: an estimate has one kind of GPU; run it once a kind"),
        (("L40SS",), 2, "no such product as L40SS; did you mean L40S?"),
        (("A100-PCIE",), 2, "A100-PCIE is one of 2 cards: A100-PCIE-40GB, A100-80GB-PCIe"),
        (("H100",), 8, "H100 is one of 3 cards; this is NVIDIA-H100-80GB-HBM3, not H100-PCIe or H100-NVL"),
        (("A100-40",), 8, "A100-40 is one of 2 cards; this is NVIDIA-A100-SXM4-40GB, not A100-PCIE-40GB"),
        (("MY-L40S-CARD",), 2, "no such product as MY-L40S-CARD; did you mean L40S?"),
        (("8xH100",), 2, "no such product as 8xH100; did you mean H100-80GB-HBM3, "),
        (("T4-MIG-1g.5gb",), 2, "Tesla-T4 can't be cut into slices by MIG; name the whole card"),
        (("H100-MIG-9g.99gb",), 2, "H100-80GB-HBM3 has no MIG slice 9g.99gb; it has 1g.10gb, "),
        (("Zorp-9000",), 8, "not in our table of cards"),
        (("T4",), 8, ""),
        (("H200",), 8, ""),
        (("NVIDIA-H100-80GB-HBM3-MIG-1g.10gb",), 8, ""),
    ],
)
def test_an_estimate_says_which_card_it_took(
    tmp_path: Path, gpus: tuple[str, ...], status: int, says: str
) -> None:
    path = tmp_path / "config.json"
    path.write_text(CONFIG)
    done = run("estimate", path, *(word for gpu in gpus for word in ("--gpu", gpu)))
    assert done.returncode == status or (status == 8 and done.returncode in (0, 1)), done.stderr
    assert says in done.stderr
    told = [line for line in done.stderr.splitlines() if "--gpu" in line]
    assert len(told) == bool(says)


def test_a_file_of_cases_takes_nothing_that_its_cases_say(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("[]")
    for more in (("--gpu", "L4"), ("x",), ("--vllm", "0.11.0"), ("--explain",), ("--", "--max-model-len=1")):
        done = run("estimate", "--cases", tmp_path / "c.yaml", *more)
        assert done.returncode == 2 and done.stderr.startswith("--cases: each case"), more


def test_a_what_if_has_one_model() -> None:
    done = run("ask", "last", "--what-if", "model=a", "--what-if", "model=b", "--max-model-len", "1")
    assert (done.returncode, done.stderr) == (
        2,
        "--what-if model=b: a what-if has one model; ask once a model\n",
    )


def test_an_estimate_looks_at_the_card_before_it_asks_for_the_model(tmp_path: Path) -> None:
    done = run("estimate", tmp_path / "gone" / "config.json", "--gpu", "L40SS")
    assert done.returncode == 2
    assert done.stderr.startswith("--gpu L40SS: no such product as L40SS"), done.stderr


SHOWS = {
    "--mouse",
    "--no-mouse",
    "--ascii",
    "--no-ascii",
    "--theme",
    "--low-bandwidth",
    "--no-low-bandwidth",
    "--headless",
    "--web",
    "--web-port",
    "--format",
    "--state-dir",
    "--report",
    "--picture",
    "--size",
    "--screen",
    "--speed",
    "--profile",
}
"""How an earlier run is shown, and where it is."""


@pytest.mark.parametrize("earlier", ["--resume", "--replay"])
@pytest.mark.parametrize("program", [agent, start], ids=["agent", "modelcar-tui"])
def test_what_an_earlier_run_does_not_hear_is_said_in_one_line(program: Any, earlier: str) -> None:
    top = program.parser()
    for action in top._actions:
        for spelled in action.option_strings:
            if isinstance(action, argparse._HelpAction | argparse._VersionAction) or spelled in (
                "--resume",
                "--replay",
                "--runs",
                "--config",
                "--serve-line",
                "--from-cluster",
            ):
                continue
            args = top.parse_args([earlier, "last", *words(action, spelled)])
            heard = SHOWS | {"--no-llm"} | ({"--force", "--llm"} if earlier == "--resume" else set())
            why = "a resumed run goes on with its own options"
            why = why if earlier == "--resume" else "a replay shows a run as it was"
            line = f"note: {spelled} is not heard: {why}"
            assert notes(args) == ([] if spelled in heard else [line]), spelled
    args = top.parse_args([earlier, "last", "--patch", "--vllm=0.11.0", "--gpu=L4:1"])
    assert notes(args)[0].startswith("note: --patch, --vllm, --gpu are not heard: ")


def test_force_for_a_run_that_has_ended_is_said(tmp_path: Path) -> None:
    state = ("--state-dir", tmp_path)
    assert run("--demo", "--no-qa", "--no-llm", *state).returncode in (0, 1, 8)
    for program, more in (("agent", ()), ("modelcar-tui", ("--headless",))):
        done = run("--resume", "last", "--force", "--timeout", 9, *more, *state, program=program)
        told = [line for line in done.stderr.splitlines() if "not heard" in line]
        assert told == [
            "note: --timeout is not heard: a resumed run goes on with its own options",
            "note: --force is not heard: this run had ended already; start it again from its manifest",
        ]


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--qa-run-as", "0", "root can't be"),
        ("--qa-run-as", "odh", "a user's number"),
        ("--qa-arch", "AMD 64", "small letters"),
        ("--qa-image-pull-secret", "../x", "small letters"),
        ("--qa-toleration", "gpu:Never", "is no taint: KEY[=VALUE]"),
    ],
)
def test_what_no_pod_can_have_is_refused_in_one_line(
    option: str, value: str, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        agent.parser().parse_args([option, value])
    said = capsys.readouterr().err
    assert (caught.value.code, said.count("\n")) == (2, 1)
    assert option in said and told in said


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["x.yaml"], "argument FILE: not allowed with argument --runs"),
        (["--resume", "last"], "argument --resume: not allowed with argument --runs"),
        (["--serve-line", "vllm serve m"], "argument --serve-line: not allowed with argument --runs"),
        (["--demo"], "--runs takes no --demo; leave out one of the two"),
        (["--report", "r.html"], "--runs takes no --report; leave out one of the two"),
        (["--picture", "p.svg"], "--runs takes no --picture; leave out one of the two"),
        (["--web"], "takes no --runs"),
    ],
)
def test_a_list_of_runs_takes_nothing_beside_it(
    more: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["--runs", *more]) == 2
    said = capsys.readouterr()
    assert told in said.err and said.err.count("\n") == 1 and said.out == ""


def test_what_a_list_of_runs_does_not_hear_is_said() -> None:
    args = start.parser().parse_args(["--runs", "--vllm", "0.11.0", "--theme", "mono", "--llm"])
    assert notes(args) == ["note: --vllm is not heard: an earlier run has its own options"]
