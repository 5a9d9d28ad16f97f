"""The command line of `agent`: the run itself, and each command with the options that it hears."""

from __future__ import annotations

import argparse

from modelcar_tui.commands import options, values
from modelcar_tui.commands.agent_tools import Commands as _Commands
from modelcar_tui.commands.agent_tools import add_command as _add
from modelcar_tui.commands.agent_tools import add_manifest, add_measurements, add_tools, add_try
from modelcar_tui.commands.parser import EPILOG, Parser
from modelcar_tui.commands.runs_parser import COMMANDS as RUNS_COMMANDS
from modelcar_tui.commands.runs_parser import OTHER_FOLDER, RUN, add_runs
from modelcar_tui.core.version import __version__

DEFAULT_CONFIG = "config-yaml/sample_modelcar_config.yaml"
WHAT_IF = (
    "--max-model-len",
    "--max-num-seqs",
    "--max-num-batched-tokens",
    "--gpu-memory-utilization",
    "--kv-cache-dtype",
    "--tensor-parallel-size",
)
"""vLLM arguments that a what-if may set."""
FORMS = ("text", "json", "jsonl")
_WITH_PROFILES = (
    "configuration",
    "accelerator",
    "estimate",
    "plan",
    "apply",
    "manifest",
    "try",
    *RUNS_COMMANDS,
    "measurements",
    "report",
    "cleanup",
    "ask",
    "config",
    "doctor",
    "mcp",
)
"""Commands that hear settings."""


def agent_parser() -> Parser:
    """The whole command line of `agent`; `command` is None for the run itself."""
    top = Parser(
        prog="agent",
        usage="agent --config FILE [options]\n"
        "       agent COMMAND ...      (its own options: agent COMMAND --help)",
        description="GO / NO-GO / UNKNOWN for models that vLLM is to serve, without a screen.",
        examples=(
            "agent --demo                       # a stub cluster, all made up",
            "agent --config FILE --no-qa        # is it GO on this cluster?",
            "agent --from-cluster prod --no-qa  # is what runs there?",
            "agent --config FILE --gpu L40S:4   # ... on these GPUs, without a cluster",
            "agent --config FILE --approve all  # write what is proposed, run QA",
            "agent --resume last                # go on after a lost line",
        ),
        epilog=EPILOG,
    )
    top.add_argument("--version", action="version", version=f"agent (modelcar-tui) {__version__}")
    commands = top.add_subparsers(prog="agent", dest="command", metavar="COMMAND", title="commands")
    _run_arguments(top)
    for add in (
        _configuration,
        _accelerator,
        _estimate,
        _lint,
        _plan,
        _apply,
        add_manifest,
        add_try,
        add_runs,
        add_measurements,
        _report,
        _cleanup,
        _ask,
    ):
        add(commands)
    add_tools(commands)
    for name in _WITH_PROFILES:
        options.add_profile(commands.choices[name])
    options.add_profile(top)
    return top


def _form(parser: argparse._ActionsContainer, forms: tuple[str, ...] = FORMS, what: str = "") -> None:
    text = f"default: text{f' ({what})' if what else ''}"
    parser.add_argument("--format", choices=forms, default="text", dest="form", help=text)


def _run_arguments(top: Parser) -> None:
    group = top.add_argument_group(
        "what to judge", "without a COMMAND: the run itself, which takes all options that follow"
    )
    what = group.add_mutually_exclusive_group()
    what.add_argument(
        "--config",
        metavar="FILE",
        default=None,
        help=f"{options.FILE_HELP} (default: {DEFAULT_CONFIG})",
    )
    options.add_input_options(what)
    what.add_argument("--resume", metavar="RUN", help=f"go on with an earlier run ({RUN})")
    replay = f"tell a run again; nothing is done ({RUN}, a journal FILE.jsonl, demo:NAME)"
    what.add_argument("--replay", metavar="RUN", help=replay)
    group.add_argument("--demo", action="store_true", help="stub cluster, loopback registry, recorded QA log")
    group.add_argument(
        "--approve",
        choices=("show", "all", "none"),
        default="show",
        help="the proposed changes: only show them (default), write all, or reject them (exit status 5)",
    )
    _form(group, what="Markdown")
    options.add_run_options(top)
    options.add_place_options(top)
    options.add_model_options(top)


def _configuration(commands: _Commands) -> None:
    command = _add(
        commands,
        "configuration",
        "what the manifest asks for and what the models need",
        usage="agent configuration [--config FILE] [options]",
        examples=(
            "agent configuration --config FILE                 # checklist and needs",
            "agent configuration --config FILE --format json   # only the needs",
            "agent configuration --config FILE --format jsonl  # every event",
            "agent configuration --config FILE --authfile auth.json",
        ),
    )
    command.add_argument(
        "--config", metavar="FILE", default=DEFAULT_CONFIG, help=f"default: {DEFAULT_CONFIG}"
    )
    _form(command)
    options.add_registry_options(command.add_argument_group("registry access"))
    options.add_state_dir(command.add_argument_group("runs"), "where info/models_info.json is kept")


def _accelerator(commands: _Commands) -> None:
    command = _add(
        commands,
        "accelerator",
        "which accelerators there are and which runtime serves them",
        usage="agent accelerator [options]",
        examples=(
            "agent accelerator                         # the cluster of kubectl",
            "agent accelerator -o gpus.json            # keep all as JSON, too",
            "agent accelerator --format json           # a row a node",
            "agent accelerator --inventory nodes.json  # oc get nodes -o json > nodes.json",
        ),
    )
    _form(command)
    command.add_argument(
        "-o", "--output", metavar="FILE", help="keep the report here, too; as one JSON object in a .json file"
    )
    command.add_argument(
        "--force", action="store_true", help="replace a file that another hand wrote, and keep a copy"
    )
    options.add_gpu_options(command)
    options.add_access_options(command, registry=False)
    options.add_state_dir(command.add_argument_group("runs"), "where info/gpu_info.txt is kept")


def _estimate(commands: _Commands) -> None:
    command = _add(
        commands,
        "estimate",
        "what one model needs on one GPU",
        usage="agent estimate SOURCE --gpu PRODUCT[:COUNT] [options] [-- VLLM ARGUMENTS]\n"
        "       agent estimate --cases FILE.yaml",
        examples=(
            "agent estimate granite-3.1-8b-instruct --gpu L40S",
            "agent estimate quay.io/ORG/MODEL:TAG --gpu H200:2 -- --tensor-parallel-size=2",
            "agent estimate ./model/config.json --gpu A100-80 --vllm 0.11.0 --explain",
            "agent estimate --cases cases.yaml  # a list of start-ups, one JSON line each",
        ),
        epilog="exit status: 0 starts, 1 does not, 2 usage, 8 unknown; all: agent --help",
    )
    command.add_argument(
        "source", nargs="?", metavar="SOURCE", help="image, model's name, model folder, config.json or .gguf"
    )
    command.add_argument(
        "--gpu",
        action="append",
        metavar="PRODUCT[:COUNT]",
        help="one kind of GPU, such as H200:2; a short name that fits several cards is said",
    )
    command.add_argument(
        "--vllm", dest="vllm_version", metavar="VERSION", help="default: the newest that is known"
    )
    options.add_registry_options(command)
    command.add_argument("--cases", metavar="FILE", help="a YAML list of start-ups; one JSON line each")
    _form(command)
    command.add_argument(
        "--explain", action="store_true", help="the terms of every number, with their sources"
    )


class Codes(argparse.Action):
    """As `--help`: said at once, whatever else is missing."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from modelcar_tui.commands.lint import list_codes

        parser.exit(list_codes())


def _lint(commands: _Commands) -> None:
    command = _add(
        commands,
        "lint",
        "faults of manifests and their vLLM arguments; no cluster needed",
        usage="agent lint FILE... [options]",
        examples=(
            "agent lint FILE",
            "agent lint -                                 # kustomize build | agent lint -",
            "agent lint config-yaml/*.yaml --vllm 0.18.0  # the runtime's vLLM",
            "agent lint FILE --format sarif > lint.sarif  # for code scanning",
            "agent lint --codes                           # what can be ignored",
        ),
        epilog="exit status: 0 no error, 2 an error in a file; all: agent --help",
    )
    command.add_argument("config", metavar="FILE", nargs="*", help=options.FILE_HELP)
    options.add_input_options(command, cluster=False)
    _form(command, ("text", "json", "sarif", "github"))
    command.add_argument(
        "--vllm",
        dest="vllm_version",
        metavar="VERSION",
        help="the runtime image's; default: the newest known",
    )
    command.add_argument("--style", action="store_true", help="tell matters of style one by one")
    command.add_argument(
        "--ignore", metavar="CODE,...", help="do not tell these; in a manifest: # modelcar: ignore[CODE,...]"
    )
    command.add_argument("--codes", action=Codes, nargs=0, help="list the codes and what they stand for")


def _plan(commands: _Commands) -> None:
    command = _add(
        commands,
        "plan",
        "the proposed changes, to be read and applied later",
        usage="agent plan FILE [-o PLAN] [options]",
        examples=(
            "agent plan FILE                      # only shown",
            "agent plan FILE -o plan.json         # kept for `agent apply`",
            "agent plan FILE --gpu H200:2         # for GPUs that are not there yet",
            "agent plan FILE --objective context  # as long a context as fits",
        ),
        epilog="exit status: of the base manifest: 0 GO, 1 NO-GO, 8 UNKNOWN; all: agent --help",
    )
    what = command.add_argument_group("what to judge").add_mutually_exclusive_group()
    what.add_argument("config", metavar="FILE", nargs="?", help=options.FILE_HELP)
    options.add_input_options(what)
    command.add_argument("-o", "--output", metavar="PLAN", help="keep the plan in this file")
    options.add_plan_options(command)


def _apply(commands: _Commands) -> None:
    command = _add(
        commands,
        "apply",
        "write what you accept of a saved plan; by default nothing",
        usage="agent apply PLAN --accept all|none|ID,... [options]",
        examples=(
            "agent apply plan.json                         # changes nothing",
            "agent apply plan.json --accept all",
            "agent apply plan.json --accept ID,ID --patch  # and the diff",
            "agent apply plan.json --accept all --force    # replaces others' work",
        ),
        epilog="exit status: 0 written or no changes, 2 refused, 5 rejected; all: agent --help",
    )
    command.add_argument("plan", metavar="PLAN", help="what `agent plan FILE -o PLAN` kept")
    command.add_argument(
        "--accept", default="none", metavar="all|none|ID,...", help="which changes; default: none"
    )
    command.add_argument(
        "--patch", action="store_true", help="also write the diff beside the generated manifest"
    )
    command.add_argument(
        "--force", action="store_true", help="replace a file that another hand or run wrote, and keep a copy"
    )
    options.add_state_dir(command, "where copies of replaced files are kept")


def _report(commands: _Commands) -> None:
    command = _add(
        commands,
        "report",
        "the report of an earlier run, finished or not; nothing is done",
        usage="agent report RUN [-o FILE] [options]",
        examples=(
            "agent report last                   # Markdown",
            "agent report last -o report.html    # a page for colleagues",
            "agent report ID -o junit.xml        # for CI's list of tests",
            "agent report last --format json     # for a script",
        ),
        epilog="exit status: 0 made, whatever the run's own was, 2 refused; all: agent --help",
    )
    command.add_argument("run", metavar="RUN", help=f"{RUN}; or a journal's file")
    command.add_argument("-o", "--output", metavar="FILE", help="default: standard output")
    what = "default: that of FILE's ending, else md; xml is JUnit"
    command.add_argument("--format", choices=("md", "html", "json", "xml"), dest="form", help=what)
    command.add_argument(
        "--force", action="store_true", help="replace what is no report of ours, and keep a copy"
    )
    options.add_state_dir(command, OTHER_FOLDER)


def _cleanup(commands: _Commands) -> None:
    command = _add(
        commands,
        "cleanup",
        "what a broken QA left on the cluster; deletes only with --yes",
        usage="agent cleanup RUN [--yes] [options]",
        description="Deleted is only what the run's log names and the cluster says was made\n"
        "while its suite ran.",
        examples=(
            "agent cleanup last                  # shows what is left; deletes nothing",
            "agent cleanup last --yes            # deletes what was shown as this run's",
            "agent cleanup ID --kubeconfig PATH  # with another login than the run had",
        ),
        epilog="exit status: 0 shown or deleted, 3 the cluster refused; all: agent --help",
    )
    command.add_argument("run", metavar="RUN", help=RUN)
    command.add_argument("--yes", action="store_true", help="delete what is shown as this run's")
    command.add_argument("--kubeconfig", metavar="PATH", help="default: as the run had it")
    command.add_argument("--context", dest="kube_context", metavar="NAME", help="kubeconfig context")
    options.add_state_dir(command, OTHER_FOLDER)


def _ask(commands: _Commands) -> None:
    command = _add(
        commands,
        "ask",
        "a question about a run, or a what-if; nothing is changed",
        usage="agent ask RUN QUESTION [--show-facts] [options]\n"
        "       agent ask RUN --what-if model=NAME [--gpu PRODUCT:COUNT] [VLLM ARGUMENTS]",
        description="A language model, where one may be asked, chooses facts and what-ifs; without\n"
        "one rules do. Every word and figure of an answer is the program's.",
        examples=(
            'agent ask last "why NO-GO on L40S?"',
            "agent ask last --what-if model=NAME --max-model-len=half",
            "agent ask last --what-if model=NAME --tensor-parallel-size=2",
            "agent ask last --what-if model=NAME --gpu H200:2",
            'agent ask last "why NO-GO on L40S?" --show-facts',
        ),
        epilog="exit status: 0 an answer, 8 none; all: agent --help",
    )
    command.add_argument("run", metavar="RUN", help=RUN)
    command.add_argument(
        "question", nargs="?", type=str.strip, metavar="QUESTION", help="in words, in quotes"
    )
    command.add_argument(
        "--show-facts",
        action="store_true",
        help="print what a language model would be sent, word for word; nobody is asked",
    )
    _form(command, ("text", "json"))
    options.add_state_dir(command, OTHER_FOLDER)
    group = command.add_argument_group(
        "what-if", "one model decided again; a value may be `half` or `double`"
    )
    group.add_argument("--what-if", action="append", metavar="model=NAME", help="decide one model again")
    group.add_argument(
        "--gpu",
        action="append",
        default=[],
        type=values.gpu_flag,
        metavar="PRODUCT:COUNT[@NODES]",
        dest="what_if_gpus",
        help="one kind of GPU instead of the run's",
    )
    group.add_argument("--vllm", dest="vllm_version", metavar="VERSION", help="default: the run's")
    for flag in WHAT_IF:
        group.add_argument(flag, metavar="VALUE", dest=f"what_if{flag}", help="vLLM's argument of that name")
    group.add_argument("--enforce-eager", action="store_true", help="vLLM's argument of that name")
    options.add_model_options(command, run=False)
