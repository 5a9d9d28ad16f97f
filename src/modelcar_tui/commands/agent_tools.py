"""The commands of `agent` that one owns the tool with: settings, schemas, what the shell offers."""

from __future__ import annotations

import argparse
from typing import Any, TypeAlias

from modelcar_tui.commands import options, values
from modelcar_tui.commands.parser import SHORT_EPILOG, Parser

SHELLS = ("bash", "zsh", "fish")
Commands: TypeAlias = "argparse._SubParsersAction[Parser]"


def add_command(commands: Commands, name: str, what: str, **more: Any) -> Parser:
    """A command of `agent`, told in one sentence."""
    more.setdefault("epilog", SHORT_EPILOG)
    description = f"{what[0].upper()}{what[1:]}."
    return commands.add_parser(name, help=what, **{"description": description, **more})


def add_tools(commands: Commands) -> None:
    """All of them."""
    for add in (_schema, _config, _completion, _doctor, _mcp):
        add(commands)


def add_manifest(commands: Commands) -> None:
    """`agent manifest`."""
    command = add_command(
        commands,
        "manifest",
        "the models as objects that KServe serves, with what you accept",
        usage="agent manifest FILE [--kind KIND] [--accept WHAT] [-o OUT] [options]",
        examples=(
            "agent manifest FILE                   # arguments as they stand",
            "agent manifest FILE --accept required -o out.yaml",
            "agent manifest FILE --kind LLMInferenceService --release 3.4",
            "agent manifest FILE --plan plan.json --accept ID,ID",
            "agent manifest FILE --dry-run=server  # would the cluster take it?",
        ),
        epilog="exit status: the verdict's; 2 where nothing could be rendered; all: agent --help",
    )
    judged = command.add_argument_group("what to judge").add_mutually_exclusive_group()
    judged.add_argument("config", metavar="FILE", nargs="?", help=options.FILE_HELP)
    options.add_input_options(judged)
    what = command.add_argument_group("what is rendered", "docs/manifest-out.md")
    kinds = ("InferenceService", "LLMInferenceService", "ServingRuntime", "model-car")
    what.add_argument("--kind", choices=kinds, default=kinds[0], help=f"default: {kinds[0]}")
    what.add_argument(
        "--accept",
        default="none",
        metavar="all|required|ID,...",
        help="proposed changes that count; default: none, the arguments as they stand",
    )
    what.add_argument("--plan", metavar="PLAN", help="take the changes of this plan (agent plan -o PLAN)")
    what.add_argument("-o", "--output", metavar="OUT", help="default: standard output")
    what.add_argument("--release", metavar="X.Y", help="of OpenShift AI; default: the cluster's")
    what.add_argument(
        "--runtime",
        type=values.object_name,
        metavar="NAME",
        help="ServingRuntime that is there; default: the cluster's, made of its Template where it is none",
    )
    what.add_argument(
        "--pull-secret",
        action="append",
        default=[],
        type=values.object_name,
        dest="pull_secrets",
        metavar="NAME",
        help="Secret with which the model's image is pulled; repeatable",
    )
    what.add_argument(
        "--dry-run", choices=("server",), help="ask the API server, too, what it would refuse; keeps nothing"
    )
    options.add_plan_options(command)


def add_try(commands: Commands) -> None:
    """`agent try`."""
    command = add_command(
        commands,
        "try",
        "start vLLM on a real GPU with dummy weights, and judge by what it told",
        usage="agent try FILE [--model NAME]... [--on NODE|PRODUCT] [--yes] [options]",
        description="Makes a Job with the runtime's own image, asks before, removes all of it at its\n"
        "end. No weights are pulled; docs/try.md says what it proves and what not.",
        examples=(
            "agent try FILE --model NAME           # asks, then tries it",
            "agent try FILE --model NAME --dry-run # what it would make",
            "agent try FILE --on L40S --yes        # every model, no question",
            "agent try FILE --accept required      # with the required changes",
            "agent try - --yes --limit 30          # kustomize build | agent try - --yes",
        ),
        epilog="exit status: the verdict's on what was measured, 8 where nothing was, 2 where\n"
        "nobody could be asked, 5 where you said no; all: agent --help",
    )
    judged = command.add_argument_group("what to judge").add_mutually_exclusive_group()
    judged.add_argument("config", metavar="FILE", nargs="?", help=options.FILE_HELP)
    options.add_input_options(judged)
    what = command.add_argument_group("what is tried", "docs/try.md")
    what.add_argument(
        "--model",
        action="append",
        default=[],
        dest="try_models",
        metavar="NAME",
        help="model of the file; repeatable; default: all, one after the other",
    )
    what.add_argument("--on", default="", metavar="NODE|PRODUCT", help="this node, or this kind of GPU")
    what.add_argument(
        "--accept",
        default="none",
        metavar="none|required|all|ID,...",
        help="proposed changes that count; default: none, the arguments as they stand",
    )
    what.add_argument(
        "--limit",
        type=values.minutes,
        metavar="MINUTES",
        help="from the container's start to vLLM's; default: 15",
    )
    what.add_argument("--yes", action="store_true", help="ask nobody: what is shown may be made")
    what.add_argument("--dry-run", action="store_true", dest="dry", help="print what it would make, as YAML")
    command.add_argument(
        "--format", choices=("text", "json"), default="text", dest="form", help="default: text"
    )
    options.add_access_options(command)
    options.add_judging_options(command)
    options.add_place_options(command, report=False)


def add_measurements(commands: Commands) -> None:
    """`agent measurements`."""
    command = add_command(
        commands,
        "measurements",
        "starts of vLLM that were measured here, which count before any estimate",
        usage="agent measurements [list]|show ID|forget ID...|export [ID...] [options]",
        examples=(
            "agent measurements                     # newest first",
            "agent measurements show ID             # each figure beside the predicted one",
            "agent measurements forget ID ID        # these count no more",
            "agent measurements export > mine.yaml  # to share; no host, no namespace",
        ),
        epilog="exit status: 0 done, 2 refused, such as an unknown ID; all: agent --help",
    )
    command.mixed = True
    what = "default: list"
    command.add_argument(
        "act", nargs="?", choices=("list", "show", "forget", "export"), default="list", help=what
    )
    command.add_argument("ids", nargs="*", metavar="ID", help="as the list has them")
    command.add_argument("--all", action="store_true", dest="every", help="forget all of them")
    command.add_argument("--anonymous", action="store_true", help="export no names of models")
    what = "default: text; of export YAML"
    command.add_argument("--format", choices=("text", "json"), default="text", dest="form", help=what)


def _schema(commands: Commands) -> None:
    kinds = ("config", "manifest", "plan", "report", "settings")
    command = add_command(
        commands,
        "schema",
        "the JSON Schema of a document, for editors and scripts",
        usage=f"agent schema {'|'.join(kinds)}",
        examples=tuple(f"agent schema {kind} > {kind}.schema.json" for kind in kinds),
    )
    command.add_argument(
        "kind",
        choices=kinds,
        help="which document; config: the settings file, settings: a run's settings.json",
    )


def _config(commands: Commands) -> None:
    command = add_command(
        commands,
        "config",
        "the settings, and where each comes from; faults of their file",
        usage="agent config [--show|--path|--check] [options]\n"
        "       agent config --allow HOST | --refuse HOST | --forget HOST",
        examples=(
            "agent config                # each setting, its value and its source",
            "agent config --check        # what is wrong with the file",
            "agent config --path         # where it is, or would be",
            "agent config --theme light  # what an option would come to",
            "agent config --allow HOST   # a language model may be asked there",
        ),
    )
    what = command.add_mutually_exclusive_group()
    what.add_argument("--show", action="store_true", help="each setting, its value and its source (default)")
    what.add_argument("--path", action="store_true", help="only where the settings file is, or would be")
    what.add_argument("--check", action="store_true", help="only what is wrong; status 2 where something is")
    for name, told in (
        ("--allow", "write into the file that a language model may be asked at this host"),
        ("--refuse", "write into it that none may be asked there, nor offered"),
        ("--forget", "take what it says of this host out of it"),
    ):
        what.add_argument(name, type=values.model_host, metavar="HOST[:PORT]", help=told)
    options.add_screen_options(command)
    options.add_state_dir(command.add_argument_group("runs"))


def _completion(commands: Commands) -> None:
    command = add_command(
        commands,
        "completion",
        "what your shell offers behind `agent` and `modelcar-tui` at the tab key",
        usage=f"agent completion {'|'.join(SHELLS)} [--for PROGRAM]",
        description="Print a script that completes commands, options, files, runs and profiles.\nFor now: "
        'source <(agent completion bash), or eval "$(agent completion zsh)".',
        examples=(
            "agent completion bash > FILE              # in ~/.bashrc: source FILE",
            "agent completion fish > FILE              # in config.fish: source FILE",
            "agent completion zsh --for agent > _agent # in a folder of $fpath",
        ),
    )
    command.add_argument("shell", choices=SHELLS, help="which shell")
    command.add_argument(
        "--for",
        dest="program",
        choices=("agent", "modelcar-tui"),
        help="only for this program; default: both",
    )


def _doctor(commands: Commands) -> None:
    command = add_command(
        commands,
        "doctor",
        "what is here, what is missing, and the command that mends it",
        usage="agent doctor [--offline] [options]",
        examples=(
            "agent doctor                 # everything that a run needs",
            "agent doctor --offline       # asks no API server",
            "agent doctor --profile prod  # with the settings of that cluster",
            "agent doctor --format json   # for a script",
        ),
        epilog="exit status: 0 a run can work, 2 something that every run needs is missing or\n"
        "broken, 3 no cluster and no GPUs stated; all: agent --help",
    )
    command.add_argument("--offline", action="store_true", help="ask nobody outside of this machine")
    command.add_argument(
        "--format", choices=("text", "json"), default="text", dest="form", help="default: text"
    )
    options.add_gpu_options(command)
    options.add_access_options(command)
    options.add_state_dir(command.add_argument_group("runs"))


def _mcp(commands: Commands) -> None:
    command = add_command(
        commands,
        "mcp",
        "read-only tools for programs that speak the Model Context Protocol",
        usage="agent mcp [--root DIR] [options]",
        description="Serves on standard input and output; a program starts it, not a person.",
        examples=(
            "agent mcp                           # files of the working folder",
            "agent mcp --root ~/manifests        # ... of this folder instead",
            "agent mcp --root DIR --root MODELS  # ... of both",
            "agent mcp --offline                 # asks no registry and no cluster",
        ),
        epilog="exit status: 0 the client has ended it; all: agent --help",
    )
    command.add_argument(
        "--root",
        metavar="DIR",
        action="append",
        default=[],
        help="files below it may be read; repeatable (default: the working folder)",
    )
    command.add_argument("--offline", action="store_true", help="ask no registry and no cluster")
    options.add_access_options(command)
    options.add_state_dir(
        command.add_argument_group("runs"), "another folder of runs than the one of the settings"
    )
