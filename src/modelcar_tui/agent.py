"""`agent`: the headless twin of the dashboard, over the same engine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from modelcar_tui.commands import inputs, options
from modelcar_tui.commands.agent_parser import DEFAULT_CONFIG, WHAT_IF, agent_parser
from modelcar_tui.commands.guard import complain, guarded, own_process
from modelcar_tui.commands.parser import Parser
from modelcar_tui.commands.preferences import take

if TYPE_CHECKING:
    from modelcar_tui.supervisor import Settings
    from modelcar_tui.supervisor.answers import WhatIf

_WITHOUT_SETTINGS = ("completion", "config", "doctor", "lint", "schema")
"""Commands that no setting means anything to, or that tell what is wrong with them."""
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


def parser() -> Parser:
    """The whole command line of `agent`."""
    return agent_parser()


def _dispatch(args: argparse.Namespace) -> int:
    if args.command not in _WITHOUT_SETTINGS:
        take(args)
    for line in options.notes(args):
        complain(line)
    return _CALLS[args.command](args)


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

    return run_lint(
        args.config,
        line=args.serve_line,
        vllm=args.vllm_version,
        form=args.form,
        each=args.style,
        ignore=args.ignore,
    )


def _call_plan(args: argparse.Namespace) -> int:
    from pathlib import Path

    from modelcar_tui.commands.plan import make_plan

    return make_plan(_settings(args), Path(args.output) if args.output else None)


def _call_apply(args: argparse.Namespace) -> int:
    from pathlib import Path

    from modelcar_tui.commands.plan import apply_plan
    from modelcar_tui.supervisor import Settings

    settings = Settings(
        manifest="",
        who=options.operator(),
        patch=bool(args.patch),
        force=args.force,
        state_dir=args.state_dir,
    )
    return apply_plan(Path(args.plan), args.accept, settings)


def _call_manifest(args: argparse.Namespace) -> int:
    from pathlib import Path

    from modelcar_tui.commands.manifest import Wanted, render_manifest

    wanted = Wanted(
        kind=args.kind,
        accept=args.accept,
        plan=args.plan,
        output=Path(args.output) if args.output else None,
        release=args.release,
        runtime=args.runtime or "",
        pull_secrets=tuple(args.pull_secrets),
        dry_run=args.dry_run is not None,
    )
    return render_manifest(_settings(args), wanted)


def _call_try(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.trying import Wanted, run_tries

    piped = args.config == inputs.STDIN
    settings = _settings(args)
    if piped and not args.yes:
        inputs.keys_from_terminal()
    wanted = Wanted(
        models=tuple(args.try_models),
        accept=args.accept,
        on=args.on,
        limit_min=args.limit,
        yes=args.yes,
        dry_run=args.dry,
        form=args.form,
        words=args.words,
    )
    return run_tries(settings, wanted)


def _call_runs(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.runs import list_runs
    from modelcar_tui.supervisor import Settings

    settings = Settings(manifest="", state_dir=args.state_dir)
    return list_runs(settings, every=args.all, kind=args.kind or "", form=args.form)


def _call_prune(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.runs_removed import run_prune
    from modelcar_tui.supervisor import Settings

    settings = Settings(manifest="", state_dir=args.state_dir)
    return run_prune(settings, days=args.older_than, size=args.keep_size, yes=args.yes)


def _call_rm(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.runs_removed import run_rm
    from modelcar_tui.supervisor import Settings

    return run_rm(args.gone, Settings(manifest="", state_dir=args.state_dir), force=args.force)


def _call_measurements(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.measurements import run_measurements

    return run_measurements(args.act, args.ids, every=args.every, anonymous=args.anonymous, form=args.form)


def _call_report(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.report import run_report
    from modelcar_tui.supervisor import Settings

    settings = Settings(manifest="", state_dir=args.state_dir, force=args.force)
    return run_report(args.run, settings, output=args.output, form=args.form)


def _call_cleanup(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.cleanup import run_cleanup
    from modelcar_tui.supervisor import Settings, find_run

    names = ("kubeconfig", "kube_context", "state_dir")
    settings = Settings(manifest="", **{name: getattr(args, name) for name in names})
    return run_cleanup(find_run(args.run, settings), settings, yes=args.yes)


def _call_ask(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.ask import run_ask, show_facts
    from modelcar_tui.supervisor import Settings, find_run

    question = _question(args)
    fields = {name: getattr(args, name) for name in ("model", "model_url", "vllm_version", "state_dir")}
    fields = {name: value for name, value in fields.items() if value is not None}
    if args.llm is False or "llm" in args.given:
        fields["llm"] = args.llm
    folder = find_run(args.run, Settings(manifest="", **fields))
    if args.show_facts:
        return show_facts(folder, args.question or "", fields)
    return run_ask(folder, question, fields, form=args.form)


def _question(args: argparse.Namespace) -> str | WhatIf:
    """What is asked: words, empty only where the facts are to be shown; or a what-if by form."""
    from modelcar_tui.commands.ask import what_if_form
    from modelcar_tui.core.errors import Problem, UserError

    given = {flag: getattr(args, f"what_if{flag}") for flag in WHAT_IF}
    arguments = {flag: value for flag, value in given.items() if value is not None}
    if args.enforce_eager:
        arguments["--enforce-eager"] = ""
    form = what_if_form(args.what_if, arguments, args.what_if_gpus)
    if args.show_facts and form is not None:
        raise UserError(
            Problem(where="--show-facts", what="a what-if asks no language model", fix="leave it out")
        )
    if args.show_facts and args.form != "text":
        raise UserError(
            Problem(where=f"--format {args.form}", what="--show-facts prints what is sent as it is")
        )
    if not args.show_facts and (form is None) != bool(args.question):
        raise UserError(Problem(what="ask needs a QUESTION, or --what-if model=NAME with arguments or --gpu"))
    return form or args.question or ""


def _call_schema(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.schema import print_schema

    return print_schema(args.kind)


def _call_mcp(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.mcp import run_mcp
    from modelcar_tui.mcp import Asking

    names = ("state_dir", "kubeconfig", "namespace", "authfile", "registries_conf", "offline")
    fields = {name: getattr(args, name) for name in names}
    return run_mcp(Asking(roots=tuple(args.root) or (".",), context=args.kube_context, **fields))


def _call_config(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.config import run_config

    return run_config(args)


def _call_completion(args: argparse.Namespace) -> int:
    from modelcar_tui.commands import start
    from modelcar_tui.commands.completion import print_completion

    return print_completion(args, {"agent": agent_parser(), "modelcar-tui": start.parser()})


def _call_doctor(args: argparse.Namespace) -> int:
    from modelcar_tui.commands.doctor import run_doctor

    return run_doctor(args)


def _settings(args: argparse.Namespace) -> Settings:
    from modelcar_tui.core.errors import Problem, UserError
    from modelcar_tui.supervisor import Settings

    if not (args.config or inputs.given(args)):
        what = "there is nothing to judge"
        fix = "give FILE, - for standard input, --serve-line LINE or --from-cluster NS[/NAME]"
        raise UserError(Problem(where=f"agent {args.command}", what=what, fix=fix))
    if problem := options.start_problem(args.config, args):
        raise UserError(Problem(what=problem))
    inputs.settle(args)
    return Settings(manifest=args.config, **options.settings_fields(args))


_CALLS: dict[str | None, Callable[[argparse.Namespace], int]] = {
    None: _call_run,
    "configuration": _call_configuration,
    "accelerator": _call_accelerator,
    "estimate": _call_estimate,
    "lint": _call_lint,
    "plan": _call_plan,
    "apply": _call_apply,
    "manifest": _call_manifest,
    "try": _call_try,
    "runs": _call_runs,
    "resume": _call_run,
    "replay": _call_run,
    "prune": _call_prune,
    "rm": _call_rm,
    "measurements": _call_measurements,
    "report": _call_report,
    "cleanup": _call_cleanup,
    "ask": _call_ask,
    "schema": _call_schema,
    "config": _call_config,
    "mcp": _call_mcp,
    "completion": _call_completion,
    "doctor": _call_doctor,
}


if __name__ == "__main__":
    sys.exit(main())
