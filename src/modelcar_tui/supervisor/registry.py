"""The team: one line a specialist. Other packages join by an entry point in `modelcar_tui.specialists`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from importlib import import_module

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.supervisor.events import PanePlan
from modelcar_tui.supervisor.joining import Guest, Refused, Unfit, described, guests
from modelcar_tui.supervisor.specialist import Specialist

_HOME = "modelcar_tui.supervisor.specialists"

BUILTIN = (
    f"{_HOME}.configuration:Configuration",
    f"{_HOME}.accelerator:Accelerator",
    f"{_HOME}.decision:Decision",
    f"{_HOME}.qa:Qa",
)
TITLES = (
    "Configuration",
    "Accelerator",
    "Accelerator Compatibility",
    "Decision",
    "Deployment Decision",
    "QA",
    "QA Validation",
    "Language model",
    "Result",
)
"""Headings of our own panes and of the report's sections."""


def team(
    extra: Iterable[Specialist] = (), say: Callable[[str], object] = lambda line: None
) -> tuple[Specialist, ...]:
    """All specialists in the order of their panes: ours, those of entry points, then `extra`.

    One of `extra` takes the place of an earlier one of the same name. One of an entry point that can't be
    loaded, has a name that is taken or needs somebody who is not there is a `Refused` in its place. `say` is
    told one line for a package whose entry points can't be read.

    Raises:
        UserError: one of `extra` is no specialist, or needs a specialist that is not there.
    """
    members: list[Specialist] = [_load(path) for path in BUILTIN]
    members += guests((member.name for member in members), say)
    for newcomer in extra:
        try:
            name = described(newcomer).name
        except Unfit as error:
            raise UserError(Problem(what=f"a specialist that was given can't join: {error}")) from error
        names = [member.name for member in members]
        if name in names:
            members[names.index(name)] = newcomer
        else:
            members.append(newcomer)
    _check(members)
    return tuple(members)


def is_ours(member: Specialist) -> bool:
    """Whether a member is one of ours itself, and none that took its name."""
    return f"{type(member).__module__}:{type(member).__qualname__}" in BUILTIN


def panes(members: Iterable[Specialist]) -> tuple[PanePlan, ...]:
    """The panes of a team: what is not ours is marked, and has no title of ours or of another."""
    taken = {title.casefold() for title in TITLES}
    made = []
    for member in members:
        foreign, title = not is_ours(member), member.title
        if foreign and title.casefold() in taken:
            title = f"{title} ({member.name})"
        taken.add(title.casefold())
        made.append(PanePlan(member.name, title, tuple(member.steps), foreign=foreign))
    return tuple(made)


def _load(path: str) -> Specialist:
    module, _, name = path.partition(":")
    made: Specialist = getattr(import_module(module), name)()
    return made


def _check(members: list[Specialist]) -> None:
    """Refuse the guests that could never start; each refusal may leave others without what they need."""
    while (fault := _fault(members)) is not None:
        at, what, fix = fault
        member = members[at]
        if not isinstance(member, Guest):
            raise UserError(Problem(what=f"specialist {member.name!r} {what}", fix=fix))
        members[at] = member.refused(f"can't join: it {what}")


def _fault(members: Sequence[Specialist]) -> tuple[int, str, str] | None:
    """The first member that can never start: its place, why, and how to mend it."""
    needs = {member.name: tuple(member.needs) for member in members if not isinstance(member, Refused)}
    for at, member in enumerate(members):
        for need in needs.get(member.name, ()):
            if need not in needs:
                return at, f"needs {need!r}, which is not there", "register it, or correct `needs`"
    for at, member in enumerate(members):
        if member.name in needs and member.name in _behind(member.name, needs):
            return at, "waits for itself: what it needs needs it", "correct `needs`"
    return None


def _behind(name: str, needs: dict[str, tuple[str, ...]]) -> set[str]:
    """All that must have run before it, directly or through others."""
    found: set[str] = set()
    waiting = list(needs[name])
    while waiting:
        need = waiting.pop()
        if need not in found:
            found.add(need)
            waiting += needs[need]
    return found
