"""The command line of `modelcar-tui`, and what it starts.

Nothing heavy is imported here: the first frame comes before LangGraph, YAML or Kubernetes.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence

from modelcar_tui.commands import inputs, options
from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.parser import EPILOG, Parser
from modelcar_tui.commands.preferences import take
from modelcar_tui.core.version import __version__

PICTURES = ("dashboard", "models", "model", "review", "diff", "gpus", "log", "cause", "summary", "keys")
"""What `tui.SCREENS` has, told without loading it."""


def parser() -> Parser:
    """The whole command line of `modelcar-tui`."""
    top = Parser(
        prog="modelcar-tui",
        usage="modelcar-tui FILE | --serve-line LINE | --from-cluster NS [options]\n"
        "       modelcar-tui --demo | --runs | --resume/--replay RUN | --web [options]",
        description="Look at models that vLLM is to serve, before it does: GO / NO-GO / UNKNOWN.",
        examples=(
            "modelcar-tui --demo                       # a stub cluster, all made up",
            "modelcar-tui FILE                         # on the cluster of kubectl",
            "modelcar-tui FILE --gpu L40S:4            # on these GPUs, without a cluster",
            "modelcar-tui - --no-qa                    # kustomize build | modelcar-tui -",
            "modelcar-tui --from-cluster prod/chat     # what runs on the cluster",
            "modelcar-tui --resume last                # go on after a lost line",
        ),
        epilog=EPILOG,
    )
    top.add_argument("--version", action="version", version=f"modelcar-tui {__version__}")
    group = top.add_argument_group("what to judge")
    what = group.add_mutually_exclusive_group()
    what.add_argument("manifest", nargs="?", metavar="FILE", help=options.FILE_HELP)
    options.add_input_options(what)
    what.add_argument("--runs", action="store_true", help="choose from the earlier runs")
    what.add_argument("--resume", metavar="RUN", help="go on with an earlier run (id, folder or `last`)")
    replay = "show a run again; nothing is done (id, folder, `last`, a journal FILE.jsonl, demo:NAME)"
    what.add_argument("--replay", metavar="RUN", help=replay)
    speed = "of --replay: so many times faster, 0.25 to 64; 0: its end at once; default: 1"
    group.add_argument("--speed", type=_speed, metavar="N", help=speed)
    group.add_argument("--demo", action="store_true", help="stub cluster, loopback registry, recorded QA log")
    options.add_run_options(top)
    screen = options.add_screen_options(top)
    _add_picture_options(screen)
    screen.add_argument("--headless", action="store_true", help="print instead of painting, as `agent` does")
    options.add_place_options(top)
    options.add_model_options(top)
    options.add_web_options(top)
    options.add_profile(top)
    return top


def run(argv: Sequence[str] | None) -> int:
    """Do what the command line says, by default the process's own; returns the exit status."""
    return _dispatch(parser().parse_args(argv))


def _dispatch(args: argparse.Namespace) -> int:
    if args.web or args.web_port is not None:
        from modelcar_tui.commands import web

        return web.run(args)
    if args.runs:
        return _listed(args)
    if problem := _problem(args):
        complain(problem)
        return 2
    preferences = take(args)
    for line in options.notes(args):
        complain(line)
    if args.picture:
        from modelcar_tui.commands import picture

        gc.enable()
        return picture.run(args, preferences)
    piped = args.manifest == inputs.STDIN
    inputs.settle(args)
    if piped and not args.headless:
        inputs.keys_from_terminal()
    why = "" if args.headless else _no_screen()
    if args.headless or why:
        if why:
            complain(f"modelcar-tui: {why}; going on without a screen, as `agent` does")
        return _headless(args)
    from modelcar_tui.commands import dashboard

    return dashboard.run(args, preferences)


def _problem(args: argparse.Namespace) -> str:
    """Why there is no use in starting, or the empty text."""
    if not (args.manifest or args.resume or args.replay or args.demo or inputs.given(args)):
        return "modelcar-tui: give a manifest, --resume RUN, --replay RUN or --demo; see --help"
    if args.speed is not None and (not args.replay or args.headless or args.picture):
        return "modelcar-tui: --speed is of a replay on the screen: modelcar-tui --replay RUN --speed N"
    if wrong := _picture_problem(args):
        return f"modelcar-tui: {wrong}"
    return options.start_problem(args.manifest, args) or ""


def _no_screen() -> str:
    """Why no dashboard can be painted, or the empty text. Textual reads stdin and paints on stderr."""
    if not sys.stdin.isatty():
        return "standard input is no terminal"
    if not sys.stderr.isatty():
        return "standard error is no terminal"
    if os.environ.get("TERM", "") in ("", "dumb"):
        return f"the terminal can't be painted on (TERM={os.environ.get('TERM', '')!r})"
    return ""


def _listed(args: argparse.Namespace) -> int:
    """`--runs`: the list, or its rows where there is no screen."""
    others = {"--demo": args.demo, "--report": args.reports, "--picture": args.picture}
    others |= {"--size": args.size, "--screen": args.screen}
    if lone := next((option for option, given in others.items() if given), ""):
        complain(f"modelcar-tui: --runs takes no {lone}; leave out one of the two")
        return 2
    from modelcar_tui.commands import choosing

    preferences = take(args)
    for line in options.notes(args):
        complain(line)
    if args.headless or _no_screen():
        gc.enable()  # which else the screen does, after the first paint
        return choosing.print_all(args)
    return choosing.run(args, preferences)


def _headless(args: argparse.Namespace) -> int:
    from modelcar_tui.commands import headless

    gc.enable()  # which else the screen does, after the first paint
    return headless.run(args)


def _add_picture_options(group: argparse._ActionsContainer) -> None:
    """One screen of a recorded run as a file."""
    group.add_argument("--picture", metavar="FILE.svg", help="with --replay: write one screen, no terminal")
    group.add_argument(
        "--size", type=_size, metavar="COLUMNSxROWS", help="of the picture; default: 120x40; to 400x1000"
    )
    group.add_argument(
        "--screen",
        metavar="NAME",
        choices=PICTURES,
        help=f"of the picture: {', '.join(PICTURES)}; default: dashboard",
    )


def _picture_problem(args: argparse.Namespace) -> str:
    """Why no picture can be drawn of what was asked for, or the empty text."""
    if args.picture is None:
        lone = next((name for name in ("size", "screen") if getattr(args, name) is not None), "")
        return f"--{lone} is of a picture; give --picture FILE.svg, too" if lone else ""
    if not args.replay:
        return "--picture shows a recorded run; give --replay RUN, such as --replay last"
    if not args.picture.lower().endswith(".svg"):
        return "--picture writes SVG; name the file FILE.svg"
    if args.reports:
        return "--picture writes no --report; make it by agent report RUN"
    return ""


def _speed(text: str) -> float:
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if speed != 0 and not 0.25 <= speed <= 64:  # what is no number is in no range
        raise argparse.ArgumentTypeError("give a number from 0.25 to 64, or 0 for the end at once")
    return speed


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.strip().lower().partition("x")
    if not (columns.isdecimal() and rows.isdecimal()) or not (
        40 <= int(columns) <= 400 and 10 <= int(rows) <= 1000
    ):
        raise argparse.ArgumentTypeError("give COLUMNSxROWS, from 40x10 to 400x1000, such as 120x40")
    return int(columns), int(rows)
