"""One failure costs one thing: what is raised while a thing is looked at becomes that thing's "not known,
because ..."; the others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

from modelcar_tui.core.crash import kind
from modelcar_tui.core.errors import Problem

SURPRISE = "surprise"
"""Code of the problem of an error that nobody foresaw."""
STOPPED = "timeout"
"""Code of the problem of what hit its time limit."""
_FIX = "run again; if it stays so, report it with the run's crash.txt"
_keeper: ContextVar[Callable[[BaseException], object] | None] = ContextVar("keeper", default=None)


class Contained:
    """A block that costs one thing: whatever it raises is kept as `problem`, and the block is left.

    Args:
        where: The thing that is looked at: `node gpu-1`, an image.
    """

    def __init__(self, where: str = "") -> None:
        self.where = where
        self.problem: Problem | None = None

    def __enter__(self) -> Contained:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if error is None or _ends_the_run(_first(error)):
            return False
        self.problem = not_known(error, self.where)
        return True


def not_known(error: BaseException, where: str = "") -> Problem:
    """What an error makes of the thing that was looked at: its own words where it was made for the operator,
    else its kind and place, never its text; its traceback goes to whoever keeps them.

    Raises:
        BaseException: the error itself, where it ends the run and is not the thing's.
    """
    error = _first(error)
    if _ends_the_run(error):
        raise error
    own = getattr(error, "problem", None) or next(iter(getattr(error, "problems", ())), None)
    if isinstance(own, Problem):
        return own
    keep(error)
    return Problem(
        where=where, what=f"not known, because looking at it failed: {kind(error)}", fix=_FIX, code=SURPRISE
    )


def stopped(what: str, seconds: float, where: str = "", fix: str = "try again") -> Problem:
    """What hit its time limit; what was found out before stays."""
    told = f"{what} was stopped after its limit of {seconds:.0f} s; what is known so far is used"
    return Problem(where=where, what=told, fix=fix, code=STOPPED)


def hit(limit: asyncio.Timeout, error: BaseException) -> bool:
    """Whether an error is that of our own time limit, and not of a cancellation beside it."""
    return limit.expired() and isinstance(error, TimeoutError)


def keep(error: BaseException) -> None:
    """Have the traceback of a surprise kept, where there is a run that keeps them."""
    keeper = _keeper.get()
    if keeper is not None:
        with suppress(Exception):
            keeper(error)


@contextmanager
def keeping(keeper: Callable[[BaseException], object]) -> Iterator[None]:
    """Within the block, and in the tasks and threads that it starts, tracebacks go to `keeper`."""
    token = _keeper.set(keeper)
    try:
        yield
    finally:
        _keeper.reset(token)


def _first(error: BaseException) -> BaseException:
    """Of a group the first error that ends the run, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    inner = [_first(each) for each in error.exceptions]
    return next((each for each in inner if _ends_the_run(each)), inner[0])


def _ends_the_run(error: BaseException) -> bool:
    """A cancellation counts only where somebody cancels us: a library raises it by itself as well."""
    if isinstance(error, asyncio.CancelledError):
        return being_cancelled()
    return not isinstance(error, Exception)


def being_cancelled() -> bool:
    """Whether the current task is being stopped."""
    try:
        task = asyncio.current_task()
    except RuntimeError:
        return False
    return task is not None and task.cancelling() > 0
