"""A run without a screen, from either command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from modelcar_tui.commands import options
from modelcar_tui.commands.run import run_headless
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest.reader import read_manifest
from modelcar_tui.supervisor.runs import find_run
from modelcar_tui.supervisor.settings import Approve, Settings


def run(args: argparse.Namespace, *, default: str = "") -> int:
    """Start, resume or replay what `args` say; returns the exit status."""
    fields = options.settings_fields(args)
    form = getattr(args, "form", "text")
    approve = Approve(getattr(args, "approve", Approve.SHOW))
    if args.resume:
        settings = Settings(manifest="", **fields)
        return run_headless(settings, form=form, resume=find_run(args.resume, settings))
    if getattr(args, "replay", None):
        from modelcar_tui.commands.replay import print_run

        return print_run(find_run(args.replay, Settings(manifest="", **fields)), form=form)
    manifest = getattr(args, "manifest", None) or getattr(args, "config", None)
    if args.demo:
        from modelcar_tui.demo.run import demo_settings, prepare_demo

        return run_headless(
            demo_settings(manifest, approve=approve, **fields), form=form, prepare=prepare_demo
        )
    manifest = manifest or default
    if problem := options.start_problem(manifest, args):
        raise UserError(Problem(what=problem))
    read_manifest(Path(manifest))  # a manifest that can't be read is one line, not a run of other findings
    return run_headless(Settings(manifest=manifest, approve=approve, **fields), form=form)
