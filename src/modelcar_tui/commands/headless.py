"""A run without a screen, from either command line."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from modelcar_tui.commands import inputs, options
from modelcar_tui.commands.report_files import reports_of
from modelcar_tui.commands.resuming import run_to_resume, servers_of
from modelcar_tui.commands.run import run_headless
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest import read_manifest
from modelcar_tui.supervisor import Approve, Settings


def run(args: argparse.Namespace, *, default: str = "") -> int:
    """Start, resume or replay what `args` say; returns the exit status."""
    fields = options.settings_fields(args)
    form = getattr(args, "form", "text")
    approve = Approve(getattr(args, "approve", Approve.SHOW))
    at_end = reports_of(args).write
    if args.resume:
        settings = Settings(manifest="", **fields)
        folder = run_to_resume(args.resume, settings)
        return run_headless(settings, form=form, resume=folder, prepare=servers_of(folder), at_end=at_end)
    if getattr(args, "replay", None):
        from modelcar_tui.commands.replay import print_run
        from modelcar_tui.supervisor import recorded_run

        folder = recorded_run(args.replay, Settings(manifest="", **fields))
        return print_run(folder, form=form, at_end=at_end)
    inputs.settle(args)
    manifest = getattr(args, "manifest", None) or getattr(args, "config", None)
    if args.demo:
        from modelcar_tui.demo import demo_settings, prepare_demo

        return run_headless(
            demo_settings(manifest, approve=approve, **fields),
            form=form,
            prepare=prepare_demo,
            at_end=at_end,
        )
    manifest = manifest or default
    if problem := options.start_problem(manifest, args):
        raise UserError(Problem(what=problem))
    _read(Path(manifest))
    return run_headless(Settings(manifest=manifest, approve=approve, **fields), form=form, at_end=at_end)


def _read(manifest: Path) -> None:
    """A manifest that can't be read is told before the run, not a run of other findings.

    Its last line holds what scripts of the predecessor look for.
    """
    try:
        read_manifest(manifest)
    except UserError as error:
        *first, last = error.problems
        told = msgspec.structs.replace(last, fix=f"{last.fix} (QA_ERROR:MODELCAR_YAML_INVALID)".strip())
        raise UserError(*first, told, status=error.status) from error
