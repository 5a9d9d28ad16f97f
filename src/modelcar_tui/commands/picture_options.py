"""Options of a picture of a recorded run. Nothing heavy is imported."""

from __future__ import annotations

import argparse

PICTURES = ("dashboard", "models", "model", "review", "diff", "gpus", "log", "cause", "summary", "keys")
"""What `tui.SCREENS` has, told without loading it."""


def add_picture_options(group: argparse._ActionsContainer) -> None:
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


def picture_problem(args: argparse.Namespace) -> str:
    """Why no picture can be drawn of what was asked for, or the empty text."""
    if args.picture is None:
        lone = next((name for name in ("size", "screen") if getattr(args, name) is not None), "")
        return f"--{lone} is of a picture; give --picture FILE.svg, too" if lone else ""
    if not args.replay:
        return "--picture shows a recorded run; give --replay RUN, such as --replay last"
    if not args.picture.lower().endswith(".svg"):
        return "--picture writes SVG; name the file FILE.svg"
    return ""


def _size(text: str) -> tuple[int, int]:
    columns, _, rows = text.strip().lower().partition("x")
    if not (columns.isdecimal() and rows.isdecimal()) or not (
        40 <= int(columns) <= 400 and 10 <= int(rows) <= 1000
    ):
        raise argparse.ArgumentTypeError("give COLUMNSxROWS, from 40x10 to 400x1000, such as 120x40")
    return int(columns), int(rows)
