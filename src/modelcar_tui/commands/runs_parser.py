"""The commands of `agent` over earlier runs: a list of them, going on, telling again, removing."""

from __future__ import annotations

import argparse

from modelcar_tui.commands import options, values
from modelcar_tui.commands.agent_tools import Commands, add_command

RUN = "id, the start of one, folder or `last`"
OTHER_FOLDER = "another folder of runs than the one of the settings"
COMMANDS = ("runs", "resume", "replay", "prune", "rm")
KINDS = ("run", "demo", "start")


def add_runs(commands: Commands) -> None:
    """All of them."""
    for add in (_runs, _resume, _replay, _prune, _rm):
        add(commands)


def _runs(commands: Commands) -> None:
    command = add_command(
        commands,
        "runs",
        "earlier runs, newest first",
        usage="agent runs [--all] [--kind KIND] [--format json] [options]",
        examples=(
            "agent runs                  # the newest 50",
            "agent runs --all            # all there are",
            "agent runs --kind run       # no demos, no slips",
            "agent runs --format json    # for a script",
            "agent runs --state-dir DIR  # kept elsewhere",
        ),
        epilog="to go on: agent resume; to see one again: agent replay; to remove: agent rm\n"
        "exit status: 0 told, 2 usage; all: agent --help",
    )
    command.add_argument("--all", action="store_true", help="all of them; default: the newest 50")
    command.add_argument(
        "--kind", choices=KINDS, help="only these; start: it ended before a model was judged"
    )
    _form(command, ("text", "json"))
    options.add_state_dir(command)


def _resume(commands: Commands) -> None:
    command = add_command(
        commands,
        "resume",
        "go on with an earlier run, with the options that it had",
        usage="agent resume RUN [options]",
        examples=(
            "agent resume last                # after a lost line",
            "agent resume 20261130-1412       # the start of an id will do",
            "agent resume last --report r.md  # and write its report",
            "modelcar-tui --resume last       # in the dashboard",
        ),
        epilog="exit status: the run's own, 2 no such run or it is open; all: agent --help",
    )
    command.add_argument("resume", metavar="RUN", help=RUN)
    command.add_argument(
        "--force",
        action="store_true",
        default=None,
        help="replace a generated file that this run did not write, and keep a copy",
    )
    command.add_argument(
        "--no-llm", dest="llm", action="store_false", default=None, help="ask no language model"
    )
    command.add_argument(
        "--llm", dest="llm", action="store_true", default=None, help="let one be asked in this run"
    )
    _form(command, ("text", "json", "jsonl"))
    options.add_report_option(command)
    options.add_state_dir(command, OTHER_FOLDER)


def _replay(commands: Commands) -> None:
    command = add_command(
        commands,
        "replay",
        "tell an earlier run again; nothing is done",
        usage="agent replay RUN [--format FORM] [options]",
        examples=(
            "agent replay last                 # what it said at its end",
            "agent replay last --format jsonl  # every event",
            "agent replay journal.jsonl        # a journal that somebody sent",
            "modelcar-tui --replay last        # in the dashboard",
        ),
        epilog="exit status: the run's own, 8 where it has not finished; all: agent --help",
    )
    command.add_argument("replay", metavar="RUN", help=f"{RUN}; a journal FILE.jsonl, demo:NAME")
    _form(command, ("text", "json", "jsonl"))
    options.add_report_option(command)
    options.add_state_dir(command, OTHER_FOLDER)
    command.set_defaults(resume=None)


def _prune(commands: Commands) -> None:
    command = add_command(
        commands,
        "prune",
        "earlier runs whose time has come; removes them only with --yes",
        usage="agent prune [--older-than DAYS] [--keep-size SIZE] [--yes] [options]",
        description="Each new run does the same beside it, by the settings runs.keep-days and\n"
        "runs.keep-size. What can be gone on with, and what holds work of yours, stays.",
        examples=(
            "agent prune                       # shows what would go, and what stays",
            "agent prune --yes                 # removes what was shown",
            "agent prune --older-than 30       # ... than the settings say",
            "agent prune --keep-size 500MiB",
        ),
        epilog="exit status: 0 shown or removed, 2 usage; all: agent --help",
    )
    command.add_argument(
        "--older-than", type=values.days, metavar="DAYS", help="default: runs.keep-days; 0: age is no reason"
    )
    command.add_argument(
        "--keep-size", type=values.size, metavar="SIZE", help="default: runs.keep-size; 0: nor is size"
    )
    what = command.add_mutually_exclusive_group()
    what.add_argument("--dry-run", dest="show", action="store_true", help="only show (default)")
    what.add_argument("--yes", action="store_true", help="remove what is shown")
    options.add_state_dir(command, OTHER_FOLDER)


def _rm(commands: Commands) -> None:
    command = add_command(
        commands,
        "rm",
        "remove earlier runs for good, each by its id",
        usage="agent rm RUN... [--force] [options]",
        examples=(
            "agent rm 20261130-141210-3fa9c1  # this one",
            "agent rm 20261130-14             # the start of one id will do",
            "agent rm ID ID --force           # with all that they hold",
        ),
        epilog="exit status: 0 all removed, 2 one was not; all: agent --help",
    )
    command.add_argument(
        "gone", nargs="+", metavar="RUN", help="id, the start of one, or folder; `last` is refused"
    )
    command.add_argument(
        "--force",
        action="store_true",
        help="also copies of other hands' files in it, files of yours, and what it left outside",
    )
    options.add_state_dir(command, OTHER_FOLDER)


def _form(command: argparse.ArgumentParser, forms: tuple[str, ...]) -> None:
    command.add_argument("--format", choices=forms, default="text", dest="form", help="default: text")
