"""`agent`: the headless twin of the dashboard, over the same engine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeAlias

from modelcar_tui.commands import options
from modelcar_tui.commands.guard import complain, guarded, own_process
from modelcar_tui.commands.preferences import take
from modelcar_tui.core.version import __version__

if TYPE_CHECKING:
    from modelcar_tui.supervisor import Settings

DEFAULT_CONFIG = "config-yaml/sample_modelcar_config.yaml"
_Commands: TypeAlias = "argparse._SubParsersAction[options.Parser]"
WHAT_IF = (
    "--max-model-len",
    "--max-num-seqs",
    "--max-num-batched-tokens",
    "--gpu-memory-utilization",
    "--kv-cache-dtype",
    "--tensor-parallel-size",
)
"""vLLM arguments that a what-if may set."""
_WITHOUT_SETTINGS = ("config", "lint", "schema")
"""Commands that no setting means anything to, or that tell what is wrong with them."""
FORMS = ("text", "json", "jsonl")
_OF_ONE_MODEL = ("source", "gpu", "vllm_version", "explain", "authfile", "registries_conf")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status.

    Without `argv` the process is ours: its signals, its streams and its end.
    """
    if argv is None:
        return own_process(lambda: _run(sys.argv[1:]))
    return guarded(lambda: _run(argv))


def _run(argv: Sequence[str]) -> int:
    words = list(argv)
    # What follows `--` is vLLM's, flags and all; argparse would give it to the wrong argument.
    cut = words.index("--") if "--" in words else len(words)
    top = parser()
    args = top.parse_args(words[:cut])
    args.vllm_arguments = words[cut + 1 :]
    if args.vllm_arguments and args.command != "estimate":
        top.error("only agent estimate takes vLLM's arguments after --")
    return _dispatch(args)


def parser() -> argparse.ArgumentParser:
    """The whole command line of `agent`."""
    top = options.Parser(
        prog="agent",
        description="GO / NO-GO / UNKNOWN for a model-car manifest, without a screen.",
        epilog=options.EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"agent (modelcar-tui) {__version__}")
    _run_arguments(top)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _configuration(commands)
    _accelerator(commands)
    _estimate(commands)
    _lint(commands)
    _plan(commands)
    _apply(commands)
    _runs(commands)
    _cleanup(commands)
    _ask(commands)
    _schema(commands)
    _config(commands)
    return top


def _run_arguments(top: argparse.ArgumentParser) -> None:
    what = top.add_mutually_exclusive_group()
    what.add_argument(
        "--config", metavar="FILE", default=None, help=f"model-car manifest (default: {DEFAULT_CONFIG})"
    )
    what.add_argument("--resume", metavar="RUN", help="go on with an earlier run (id, folder or `last`)")
    top.add_argument("--format", choices=FORMS, default="text", dest="form", help="default: text (Markdown)")
    top.add_argument(
        "--approve",
        choices=("show", "all", "none"),
        default="show",
        help="the proposed changes: only show them (default), write all, or reject them (exit status 5)",
    )
    top.add_argument("--demo", action="store_true", help="stub cluster, loopback registry, recorded QA log")
    options.add_run_options(top)


def _configuration(commands: _Commands) -> None:
    command = commands.add_parser("configuration", help="what the manifest asks for and what the models need")
    command.add_argument("--config", metavar="FILE", default=DEFAULT_CONFIG)
    command.add_argument("--format", choices=FORMS, default="text", dest="form")
    command.add_argument("--authfile", metavar="PATH")
    command.add_argument("--registries-conf", metavar="PATH")
    command.add_argument("--state-dir", metavar="DIR", help="where info/models_info.json is kept")
    command.set_defaults(call=_call_configuration)


def _accelerator(commands: _Commands) -> None:
    command = commands.add_parser(
        "accelerator", help="which accelerators there are and which runtime serves them"
    )
    command.add_argument("--format", choices=FORMS, default="text", dest="form")
    options.add_cluster_options(command)
    command.add_argument(
        "-o", "--output", metavar="FILE", help="keep the report here, too; as one JSON object in a .json file"
    )
    command.add_argument(
        "--force", action="store_true", help="replace a file that another hand wrote, and keep a copy"
    )
    command.add_argument("--state-dir", metavar="DIR", help="where info/gpu_info.txt is kept")
    command.set_defaults(call=_call_accelerator)


def _estimate(commands: _Commands) -> None:
    command = commands.add_parser(
        "estimate",
        help="what one model needs on one GPU",
        usage="agent estimate SOURCE --gpu PRODUCT[:COUNT] [options] [-- VLLM ARGUMENTS]\n"
        "       agent estimate --cases FILE.yaml --format jsonl",
    )
    command.add_argument(
        "source", nargs="?", metavar="SOURCE", help="image, model folder, config.json or .gguf"
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
    command.add_argument("--authfile", metavar="PATH", help="registry auth file; default: as skopeo finds it")
    command.add_argument("--registries-conf", metavar="PATH", help="registries.conf with remaps and mirrors")
    command.add_argument("--cases", metavar="FILE", help="a YAML list of start-ups; one JSON line each")
    command.add_argument("--format", choices=FORMS, default="text", dest="form")
    command.add_argument(
        "--explain", action="store_true", help="the terms of every number, with their sources"
    )
    command.set_defaults(call=_call_estimate)


class _Codes(argparse.Action):
    """As `--help`: said at once, whatever else is missing."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object, **__: object) -> None:
        from modelcar_tui.commands.lint import list_codes

        parser.exit(list_codes())


def _lint(commands: _Commands) -> None:
    command = commands.add_parser(
        "lint", help="faults of manifests and their vLLM arguments; no cluster needed"
    )
    command.add_argument("config", metavar="FILE", nargs="+")
    command.add_argument("--format", choices=("text", "json", "sarif", "github"), default="text", dest="form")
    command.add_argument("--vllm", dest="vllm_version", metavar="VERSION", help="the runtime image's vLLM")
    command.add_argument("--style", action="store_true", help="tell matters of style one by one")
    command.add_argument(
        "--ignore", metavar="CODE,...", help="do not tell these; in a manifest: # modelcar: ignore[CODE,...]"
    )
    command.add_argument("--codes", action=_Codes, nargs=0, help="list the codes and what they stand for")
    command.set_defaults(call=_call_lint)


def _plan(commands: _Commands) -> None:
    command = commands.add_parser("plan", help="the proposed changes, to be read and applied later")
    command.add_argument("config", metavar="FILE")
    command.add_argument("-o", "--output", metavar="PLAN", help="keep the plan in this file")
    options.add_run_options(command)
    command.set_defaults(call=_call_plan)


def _apply(commands: _Commands) -> None:
    command = commands.add_parser("apply", help="write what you accept of a saved plan; by default nothing")
    command.add_argument("plan", metavar="PLAN")
    command.add_argument("--accept", default="none", metavar="all|none|ID,...")
    command.add_argument(
        "--patch", action="store_true", help="also write the diff beside the generated manifest"
    )
    command.add_argument(
        "--force", action="store_true", help="replace a file that another hand or run wrote, and keep a copy"
    )
    command.add_argument("--state-dir", metavar="DIR", help="where copies of replaced files are kept")
    command.set_defaults(call=_call_apply)


def _runs(commands: _Commands) -> None:
    command = commands.add_parser("runs", help="earlier runs, newest first")
    command.add_argument("--state-dir", metavar="DIR")
    command.set_defaults(call=_call_runs)


def _cleanup(commands: _Commands) -> None:
    command = commands.add_parser(
        "cleanup",
        help="what a broken QA left on the cluster; deletes only with --yes",
        description="Only what the run's log names and the cluster says was made while its suite ran is "
        "deleted.",
    )
    command.add_argument("run", metavar="RUN", help="id, folder or `last`")
    command.add_argument("--yes", action="store_true", help="delete what is shown as this run's")
    command.add_argument("--kubeconfig", metavar="PATH", help="default: as the run had it")
    command.add_argument("--context", dest="kube_context", metavar="NAME", help="kubeconfig context")
    command.add_argument("--state-dir", metavar="DIR")
    command.set_defaults(call=_call_cleanup)


def _ask(commands: _Commands) -> None:
    command = commands.add_parser(
        "ask",
        help="a question about a run, or a what-if; nothing is changed",
        description="Without a language model, a question is answered by the facts that it names; a what-if "
        "always"
        " runs the real estimate and solver.",
    )
    command.add_argument("run", metavar="RUN", help="id, folder or `last`")
    command.add_argument("question", nargs="?", metavar="QUESTION")
    command.add_argument("--what-if", action="append", metavar="model=NAME", help="decide one model again")
    for flag in WHAT_IF:
        command.add_argument(flag, metavar="VALUE", dest=f"what_if{flag}")
    command.add_argument("--enforce-eager", action="store_true")
    command.add_argument(
        "--gpu",
        action="append",
        default=[],
        type=options.gpu_flag,
        metavar="PRODUCT:COUNT[@NODES]",
        dest="what_if_gpus",
        help="one kind of GPU instead of the run's",
    )
    command.add_argument("--format", choices=("text", "json"), default="text", dest="form")
    command.add_argument("--state-dir", metavar="DIR")
    command.add_argument("--vllm", dest="vllm_version", metavar="VERSION")
    options.add_model_options(command)
    command.set_defaults(call=_call_ask)


def _schema(commands: _Commands) -> None:
    command = commands.add_parser("schema", help="the JSON Schema of a document, for editors and scripts")
    command.add_argument("kind", choices=("manifest", "plan", "report", "settings"))
    command.set_defaults(call=_call_schema)


def _config(commands: _Commands) -> None:
    command = commands.add_parser(
        "config", help="the settings, and where each comes from; faults of their file"
    )
    what = command.add_mutually_exclusive_group()
    what.add_argument("--show", action="store_true", help="each setting, its value and its source (default)")
    what.add_argument("--path", action="store_true", help="only where the settings file is, or would be")
    what.add_argument("--check", action="store_true", help="only what is wrong; status 2 where something is")
    options.add_screen_options(command)
    command.add_argument("--state-dir", metavar="DIR", help="where run folders are kept")
    command.set_defaults(call=_call_config)


def _dispatch(args: argparse.Namespace) -> int:
    call: Callable[[argparse.Namespace], int] = getattr(args, "call", _call_run)
    if args.command not in _WITHOUT_SETTINGS:
        take(args)
    for line in options.notes(args):
        complain(line)
    return call(args)


def _call_run(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.headless import run

    return run(args, default=DEFAULT_CONFIG)


def _call_configuration(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.configuration import run_configuration

    return run_configuration(_settings(args), form=args.form)


def _call_accelerator(args: argparse.Namespace) -> int:
    from pathlib import Path

    from modelcar_tui.commands.accelerator import run_accelerator
    from modelcar_tui.supervisor import Settings

    settings = Settings(manifest="", **options.settings_fields(args))
    return run_accelerator(settings, form=args.form, output=Path(args.output) if args.output else None)


def _call_estimate(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.estimate import run_cases_file, run_estimate
    from modelcar_tui.core.errors import Problem, UserError
    from modelcar_tui.manifest import masked_arguments

    arguments = masked_arguments(tuple(args.vllm_arguments))
    if args.cases:
        if arguments or any(getattr(args, name) for name in _OF_ONE_MODEL):
            what = "each case of the file has its own model, GPU and arguments"
            raise UserError(Problem(where="--cases", what=what, fix="leave all else but --format out"))
        return run_cases_file(args.cases)
    if not args.source or not args.gpu:
        raise UserError(Problem(what="estimate needs SOURCE and --gpu PRODUCT[:COUNT], or --cases FILE"))
    if len(args.gpu) > 1:
        raise UserError(
            Problem(where="--gpu", what="an estimate has one kind of GPU", fix="run it once a kind")
        )
    return run_estimate(
        args.source,
        args.gpu[0],
        arguments,
        vllm=args.vllm_version,
        form=args.form,
        explain=args.explain,
        authfile=args.authfile,
        registries_conf=args.registries_conf,
    )


def _call_lint(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.lint import run_lint

    return run_lint(args.config, vllm=args.vllm_version, form=args.form, each=args.style, ignore=args.ignore)


def _call_plan(args: argparse.Namespace) -> int:
    from pathlib import Path

    from modelcar_tui.commands.plan import make_plan

    return make_plan(_settings(args), Path(args.output) if args.output else None)


def _call_apply(args: argparse.Namespace) -> int:
    from pathlib import Path

    from modelcar_tui.commands.plan import apply_plan
    from modelcar_tui.supervisor import Settings

    settings = Settings(
        manifest="", who=options.operator(), patch=args.patch, force=args.force, state_dir=args.state_dir
    )
    return apply_plan(Path(args.plan), args.accept, settings)


def _call_runs(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.runs import list_runs
    from modelcar_tui.supervisor import Settings

    return list_runs(Settings(manifest="", state_dir=args.state_dir))


def _call_cleanup(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.cleanup import run_cleanup
    from modelcar_tui.supervisor import Settings, find_run

    names = ("kubeconfig", "kube_context", "state_dir")
    settings = Settings(manifest="", **{name: getattr(args, name) for name in names})
    return run_cleanup(find_run(args.run, settings), settings, yes=args.yes)


def _call_ask(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.ask import run_ask, what_if_form
    from modelcar_tui.core.errors import Problem, UserError
    from modelcar_tui.supervisor import Settings, find_run

    given = {flag: getattr(args, f"what_if{flag}") for flag in WHAT_IF}
    arguments = {flag: value for flag, value in given.items() if value is not None}
    if args.enforce_eager:
        arguments["--enforce-eager"] = ""
    form = what_if_form(args.what_if, arguments, args.what_if_gpus)
    if (form is None) == (args.question is None):
        raise UserError(Problem(what="ask needs a QUESTION, or --what-if model=NAME with arguments or --gpu"))
    fields = {name: getattr(args, name) for name in ("model", "model_url", "vllm_version", "state_dir")}
    fields = {name: value for name, value in fields.items() if value is not None}
    fields |= {} if args.llm else {"llm": False}
    folder = find_run(args.run, Settings(manifest="", **fields))
    return run_ask(folder, form or args.question, fields, form=args.form)


def _call_schema(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.schema import print_schema

    return print_schema(args.kind)


def _call_config(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.config import run_config

    return run_config(args)


def _settings(args: argparse.Namespace) -> Settings:
    from modelcar_tui.core.errors import Problem, UserError
    from modelcar_tui.supervisor import Settings

    if problem := options.start_problem(args.config, args):
        raise UserError(Problem(what=problem))
    return Settings(manifest=args.config, **options.settings_fields(args))


if __name__ == "__main__":
    sys.exit(main())
