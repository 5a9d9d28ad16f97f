"""`modelcar-tui --web`: the dashboard in a browser, reached through a tunnel."""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

from modelcar_tui.commands import options
from modelcar_tui.commands.guard import complain
from modelcar_tui.commands.preferences import take
from modelcar_tui.core.counting import several
from modelcar_tui.core.crash import kind
from modelcar_tui.core.ends import ENDS, LIMIT_S
from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.loops import run_once
from modelcar_tui.core.secrets import VARIABLES, Secret, teach
from modelcar_tui.supervisor import Settings
from modelcar_tui.supervisor.llm import choose_model
from modelcar_tui.web import Offer, Page, lacking

STOP_S = LIMIT_S + 8
"""From a signal to the end of every run and of the server."""
_SAID_S = 60.0
"""Between two lines that say the same of the loop."""
_RESUMED = ("llm", "state_dir", "theme", "ascii", "mouse", "low_bandwidth")
"""What a run that goes on hears of the server's own command line."""


def run(args: argparse.Namespace) -> int:
    """Serve until a signal ends it; returns its status.

    Raises:
        UserError: the extra is missing, an option has no place beside `--web`, or the port is taken.
    """
    _check(args)
    take(args)
    return serve(_offer(args), args.web_port)


def serve(offer: Offer, port: int | None) -> int:
    """See `run`; `port` is None for the default."""
    gc.enable()  # which else the screen does, after the first paint
    return run_once(_serve(offer, port))


def own_words(
    words: Sequence[str], args: argparse.Namespace, only: Sequence[str] | None = None
) -> tuple[str, ...]:
    """The words of a command line that its runs hear: all but `--web` and `--web-port`.

    Args:
        words: the command line.
        args: what it was read as.
        only: what the options that are kept set; all by default.
    """
    spelled = {spelling: dest for dest, option in args.given.items() for spelling in _spellings(option)}
    kept: list[str] = []
    keep = True
    for word in words:
        if word == "--":  # options of the page follow
            continue
        if word.startswith("--"):
            dest = spelled.get(word.partition("=")[0], "")
            keep = dest not in ("web", "web_port") and (only is None or dest in only)
        if keep:
            kept.append(word)
    return tuple(kept)


def _spellings(option: str) -> tuple[str, str]:
    """A switch can be given in two ways."""
    return option, f"--no-{option[2:]}"


def _check(args: argparse.Namespace) -> None:
    if not args.web:
        raise UserError(Problem(where="--web-port", what="is the port of --web", fix="add --web"))
    if (problem := lacking()) is not None:
        raise UserError(problem)
    for option, given in (
        ("FILE", args.manifest),
        ("--resume", args.resume),
        ("--replay", args.replay),
        ("--speed", args.speed),
        ("--serve-line", args.serve_line),
        ("--from-cluster", args.from_cluster),
        ("--runs", args.runs or None),
    ):
        if given is not None:
            fix = "leave it out: the page asks for the manifest"
            raise UserError(Problem(where="--web", what=f"takes no {option}", fix=fix))
    for option in ("headless", "picture", "size", "screen"):
        if getattr(args, option):
            fix = "leave out one of the two"
            raise UserError(Problem(where="--web", what=f"takes no --{option}", fix=fix))
    if args.reports:  # all runs would write the same file, each over the one before
        fix = "leave it out: the page offers the report of each run"
        raise UserError(Problem(where="--web", what="takes no --report", fix=fix))


def _offer(args: argparse.Namespace) -> Offer:
    settings = Settings(manifest="", **options.settings_fields(args))
    handed = {name: Secret(os.environ[name]) for name in VARIABLES if os.environ.get(name)}
    teach(*handed.values())
    return Offer(
        # -P: the folder in which the server was started is no place to import from.
        program=(sys.executable, "-P", "-m", "modelcar_tui.commands.web_run"),
        arguments=own_words(args.words, args),
        to_resume=own_words(args.words, args, _RESUMED),
        folder=settings.runs_folder.parent.absolute() / "web",
        runs=settings.runs_folder.absolute(),
        demo=args.demo,
        qa=settings.qa,
        key_variable=_key_variable(args.model, args.model_url),
        handed=handed,
    )


def _key_variable(model: str | None, url: str | None) -> str:
    """Where the runs look for the key that is typed into the page; a bad name costs the model alone."""
    try:
        return choose_model(model, url).provider.variable
    except UserError as error:
        _say(f"no language model: {error}")
        return choose_model(None, None).provider.variable


async def _serve(offer: Offer, port: int | None) -> int:
    asking = asyncio.get_running_loop()
    asking.set_exception_handler(_Faults())
    ended = _End(asking)
    page = Page(offer, _say)
    with ENDS.heard_by(ended):
        async with page.open(port):
            _tell_address(page)
            _say(f"from your own machine first: ssh -L {page.port}:127.0.0.1:{page.port} HOST")
            _say("each address is good for one visitor; Enter prints another, Ctrl+C ends all runs")
            with _asked_again(asking, lambda: _tell_address(page)):
                await ended.came.wait()
            if count := page.open_runs:
                way_back = "modelcar-tui --resume RUN; see agent runs"
                _say(f"ending {several(count, 'run')}; to go on with one: {way_back}")
    return ended.status


def _tell_address(page: Page) -> None:
    """As it is: it holds a token, which every other line would mask."""
    with suppress(OSError):
        sys.stderr.write(f"{page.new_address()}\n")
        sys.stderr.flush()


def _say(line: str) -> None:
    """`complain`, also where the terminal is gone."""
    with suppress(OSError):
        complain(line)


class _Faults:
    """Says what the loop itself meets, such as no descriptor left for a further socket: one line, where the
    library writes a traceback each time."""

    def __init__(self) -> None:
        self._said: dict[str, float] = {}

    def __call__(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        what = (error.strerror if isinstance(error, OSError) else None) or (
            kind(error) if error else "a fault"
        )
        if time.monotonic() - self._said.get(what, -_SAID_S) >= _SAID_S:
            self._said[what] = time.monotonic()
            _say(f"--web: {what}; the page may stand still; see docs/browser.md")


class _End:
    """Hears the signal that ends the server."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.came = asyncio.Event()
        self.status = ExitStatus.GO
        self._loop = loop

    def leave(self, status: ExitStatus) -> float:
        """In the watchdog's thread."""
        self.status = status
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.came.set)
        return STOP_S

    def hurry(self) -> None:
        """Nothing here waits for a terminal."""


@contextmanager
def _asked_again(loop: asyncio.AbstractEventLoop, tell: Callable[[], None]) -> Iterator[None]:
    """Tell another address for each Enter in the terminal, and for each SIGUSR1."""

    def heard_key() -> None:
        typed = b""
        with suppress(OSError):  # the terminal is gone, and the server goes on (nohup)
            typed = os.read(0, 4096) if _in_front() else b""
        if typed:
            tell()
        else:
            loop.remove_reader(0)

    def heard(_: int, __: FrameType | None) -> None:
        loop.call_soon_threadsafe(tell)

    before = signal.signal(signal.SIGUSR1, heard)
    listens = _in_front()
    if listens:
        loop.add_reader(0, heard_key)
    try:
        yield
    finally:
        if listens:
            loop.remove_reader(0)
        signal.signal(signal.SIGUSR1, before)


def _in_front() -> bool:
    """Whether the terminal's keys are ours: a process behind the shell would be stopped for reading them."""
    with suppress(OSError):
        return os.isatty(0) and os.tcgetpgrp(0) == os.getpgrp()
    return False
