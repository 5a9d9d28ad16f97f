"""`agent`: the headless twin of the dashboard, over the same engine."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from modelcar_tui import __version__
from modelcar_tui.commands import options
from modelcar_tui.commands.guard import guarded

if TYPE_CHECKING:
    from modelcar_tui.supervisor.settings import Settings

DEFAULT_CONFIG = "config-yaml/sample_modelcar_config.yaml"
FORMS = ("text", "json", "jsonl")


def main(argv: Sequence[str] | None = None) -> int:
    """Entry point; returns the exit status."""
    args = parser().parse_args(argv)
    return guarded(lambda: _dispatch(args))


def parser() -> argparse.ArgumentParser:
    """The whole command line of `agent`."""
    top = argparse.ArgumentParser(
        prog="agent", description="GO / NO-GO / UNKNOWN for a model-car manifest, without a screen.",
        epilog=options.EPILOG, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    top.add_argument("--version", action="version", version=f"agent (modelcar-tui) {__version__}")
    _run_arguments(top)
    commands = top.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    _configuration(commands)
    _accelerator(commands)
    return top


def _run_arguments(top: argparse.ArgumentParser) -> None:
    top.add_argument(
        "--config", metavar="FILE", default=None, help=f"model-car manifest (default: {DEFAULT_CONFIG})"
    )
    top.add_argument("--format", choices=FORMS, default="text", dest="form", help="default: text (Markdown)")
    top.add_argument(
        "--approve", choices=("show", "all", "none"), default="show",
        help="the proposed changes: only show them (default), write all, or reject them (exit status 5)",
    )  # fmt: skip
    top.add_argument("--resume", metavar="RUN", help="go on with an earlier run (id, folder or `last`)")
    top.add_argument("--demo", action="store_true", help="stub cluster, loopback registry, recorded QA log")
    options.add_run_options(top)


def _configuration(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("configuration", help="what the manifest asks for and what the models need")
    command.add_argument("--config", metavar="FILE", default=DEFAULT_CONFIG)
    command.add_argument("--format", choices=FORMS, default="text", dest="form")
    command.add_argument("--authfile", metavar="PATH")
    command.add_argument("--registries-conf", metavar="PATH")


def _accelerator(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    command = commands.add_parser("accelerator", help="which accelerators there are and which runtime serves them")
    command.add_argument("--format", choices=FORMS, default="text", dest="form")
    options.add_cluster_options(command)


def _dispatch(args: argparse.Namespace) -> int:
    from modelcar_tui.supervisor.settings import Settings

    if args.command == "configuration":
        from modelcar_tui.commands.configuration import run_configuration

        return run_configuration(_settings(args), form=args.form)
    if args.command == "accelerator":
        from modelcar_tui.commands.accelerator import run_accelerator

        return run_accelerator(Settings(manifest="", **options.settings_fields(args)), form=args.form)
    from modelcar_tui.commands.headless import run

    return run(args, default=DEFAULT_CONFIG)


def _settings(args: argparse.Namespace) -> Settings:
    from modelcar_tui.core.errors import Problem, UserError
    from modelcar_tui.supervisor.settings import Settings

    if problem := options.manifest_problem(args.config):
        raise UserError(Problem(what=problem))
    return Settings(manifest=args.config, **options.settings_fields(args))


if __name__ == "__main__":
    sys.exit(main())
