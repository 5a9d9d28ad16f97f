"""Specialists of other packages: found by their entry points, looked at before they join.

One that can't be loaded, or is no specialist, becomes a pane that failed with its name and the reason
(`Refused`). The run goes on without it, and what it would have said counts as not known: somebody installed
it so that it may say NO-GO.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import EntryPoint
from itertools import islice
from typing import Any

import msgspec

from modelcar_tui.core.crash import class_name
from modelcar_tui.core.ends import ENDS
from modelcar_tui.core.text import clean
from modelcar_tui.supervisor.entries import entries
from modelcar_tui.supervisor.events import Noticed, Status, StepPlan
from modelcar_tui.supervisor.specialist import Context, Specialist

RESERVED = frozenset(
    (
        "supervisor",
        "approval",
        "write",
        "summary",
        "graph_version",
        "ended",
        "again",
        "fatal",
        "gpus",
        "log",
    )
)
"""Names that the graph's steps and fields or the screen's panels already use."""
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,38}[A-Za-z0-9])?")
_CREDENTIAL = re.compile(
    r"(?i)authori[sz]ation|bearer|basic |token|passw|secret|credential|api.?key|://[^/\s]*@|[a-z0-9+/=~-]{32,}"
)
_MOST_TITLE = 60
_MOST_STEPS = 200
_MOST_NEEDS = 50


class Described(msgspec.Struct, frozen=True, kw_only=True):
    """What a specialist says of itself, read once and of the right types."""

    name: str
    title: str
    steps: tuple[StepPlan, ...]
    needs: tuple[str, ...]


class Unfit(Exception):  # noqa: N818 - not a fault of ours
    """Something is no specialist; the text says why."""


class NoReport(msgspec.Struct, frozen=True):
    """What a refused specialist found out."""


class Guest:
    """A specialist of another package that may join."""

    def __init__(self, member: Specialist, said: Described, package: str) -> None:
        self.name, self.title, self.steps, self.needs = said.name, said.title, said.steps, said.needs
        self.package = package
        self._member = member

    async def run(self, context: Context) -> msgspec.Struct:
        """See `Specialist.run`; what it tells can only be about itself.

        It runs in a task of its own: when it cancels "the current task", that is not the run.
        """
        context.only_itself()
        report: msgspec.Struct
        report, error = await asyncio.create_task(self._ended(context))
        if error is not None:
            raise error
        return report

    async def _ended(self, context: Context) -> tuple[Any, BaseException | None]:
        try:
            return await self._member.run(context), None
        except BaseException as error:  # noqa: BLE001 - an exit would go past whoever waits and end the loop
            return None, error

    @property
    def mend(self) -> str:
        """What the operator may do where it fails."""
        return _mend(self.package)

    def refused(self, why: str) -> Refused:
        """The same pane, failed."""
        return Refused(self.name, self.title, f"{self.package}: {why}", mend=self.mend)


class Refused:
    """Stands for a specialist that can't join: its pane fails with the reason, which counts as not known."""

    steps: tuple[StepPlan, ...] = ()
    needs: tuple[str, ...] = ()

    def __init__(
        self, name: str, title: str, why: str, error: BaseException | None = None, *, mend: str = ""
    ) -> None:
        self.name, self.title, self.why = name, title, why
        self._error, self._mend = error, mend

    async def run(self, context: Context) -> NoReport:
        """Tell why."""
        lines = [self.why]
        if self._error is not None:
            context.crash(self._error)
            lines.append(f"details are in {context.folder / 'crash.txt'}")
        context.emit(Noticed(text=context.redact(f"{self.title}: {self.why}"), status=Status.WARNING))
        if self._mend:
            lines.append(f"next: {self._mend}")
        context.fail(self.why, tuple(lines), mend=self._mend)
        return NoReport()


def guests(ours: Iterable[str], say: Callable[[str], object]) -> Iterator[Guest | Refused]:
    """What the entry points of the installed packages give, in the order of their names.

    Args:
        ours: Names of our own specialists, which no package can take.
        say: Told one line for a package whose entry points can't be read.
    """
    taken = {*ours}
    for entry, package in entries(say):
        member = _joined(entry, package, taken)
        taken.add(member.name)
        yield member


def described(member: Any) -> Described:
    """Read what a specialist says of itself.

    Raises:
        Unfit: an attribute is missing, can't be read or has the wrong type.
    """
    if isinstance(member, type):
        raise Unfit(f"{_called(member)} is a class, not an instance of one")
    name, title, steps, needs, run = (
        _read(member, key) for key in ("name", "title", "steps", "needs", "run")
    )
    if not isinstance(name, str) or not _NAME.fullmatch(name := _plain(name)):
        raise Unfit(f"its name {_shown(name)} is not 1 to 40 letters, digits and . _ -")
    if name in RESERVED:
        raise Unfit(f"the name {name!r} is the product's own")
    if not isinstance(title, str) or not clean(title := _plain(title)).strip():
        raise Unfit(f"its title {_shown(title)} is no text")
    if not callable(run):
        raise Unfit("its run is no function")
    return Described(
        name=name, title=clean(title, limit=_MOST_TITLE).strip(), steps=_steps(steps), needs=_needs(needs)
    )


def told(error: BaseException) -> str:
    """A foreign exception in one line: its type, and its text where that can hold no credential."""
    kind = class_name(type(error))
    try:
        text = clean(_plain(str(error)).strip().partition("\n")[0], limit=200)
    except BaseException as fault:
        if isinstance(fault, KeyboardInterrupt) and ENDS.is_operators(fault):
            raise
        return kind  # its text is made by the same foreign hand
    return kind if not text or _CREDENTIAL.search(text) else f"{kind}: {text}"


def _joined(entry: EntryPoint, package: str, taken: set[str]) -> Guest | Refused:
    declared, title = "", ""
    try:
        member = _made(entry.load())
        said = described(member)
        declared, title = said.name, said.title
        if said.name in taken:
            raise Unfit(f"a specialist is named {said.name!r} already")
    except Unfit as error:
        why, cause = f"can't join: {error}", None
    except BaseException as error:  # whatever a foreign module does when it is imported
        if isinstance(error, KeyboardInterrupt) and ENDS.is_operators(error):
            raise
        why, cause = f"can't be loaded: {told(error)}", error
    else:
        return Guest(member, said, package)
    name = _free((declared, _name_of(entry.name)), taken)
    return Refused(name, title or _name_of(entry.name), f"{package} {why}", cause, mend=_mend(package))


def _mend(package: str) -> str:
    name = package.partition(" ")[0]
    return f"upgrade or uninstall its package: pip install --upgrade {name}, or pip uninstall {name}"


def _made(found: Any) -> Any:
    """The specialist itself, of its class, its factory or itself."""
    if isinstance(found, type) or (callable(found) and not hasattr(found, "run")):
        return found()
    return found


def _read(member: Any, key: str) -> Any:
    try:
        return getattr(member, key)
    except AttributeError:
        raise Unfit(f"{_called(type(member))} has no {key!r}") from None
    except Exception as error:
        raise Unfit(f"its {key!r} can't be read: {told(error)}") from error


def _steps(value: Any) -> tuple[StepPlan, ...]:
    wrong = "its steps are not a tuple of StepPlan(id, title)"
    steps = _items(value, _MOST_STEPS, "steps", wrong)
    for step in steps:
        if not (isinstance(step, StepPlan) and isinstance(step.id, str) and isinstance(step.title, str)):
            raise Unfit(wrong)
    return tuple(StepPlan(_plain(step.id), clean(_plain(step.title), limit=200)) for step in steps)


def _needs(value: Any) -> tuple[str, ...]:
    wrong = "are not a tuple of names"
    needs = _items(value, _MOST_NEEDS, "needs", f"its needs {_shown(value)} {wrong}")
    if not all(isinstance(need, str) for need in needs):
        raise Unfit(f"its needs {wrong}")
    return tuple(_plain(need) for need in needs)


def _items(value: Any, most: int, what: str, wrong: str) -> tuple[Any, ...]:
    """At most so many; an iterable of another package may have no end."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise Unfit(wrong)
    items = tuple(islice(value, most + 1))
    if len(items) > most:
        raise Unfit(f"it has more than {most} {what}")
    return items


def _plain(text: str) -> str:
    """Of `str` itself: a subclass may compare, hash and slice as it likes."""
    return str.__str__(text)


def _shown(value: Any) -> str:
    return clean(_plain(repr(value)), limit=60)


def _called(kind: type) -> str:
    return class_name(kind)


def _name_of(entry: str) -> str:
    text = re.sub(r"[^A-Za-z0-9 ._-]+", "-", clean(entry, limit=40)).strip(" ._-")
    return text or "specialist"


def _free(candidates: tuple[str, ...], taken: set[str]) -> str:
    """The first name that nobody has; the last of them with a number where all are taken."""
    for name in candidates:
        if name and name not in taken | RESERVED:
            return name
    number = 2
    while f"{candidates[-1]}-{number}" in taken:
        number += 1
    return f"{candidates[-1]}-{number}"
