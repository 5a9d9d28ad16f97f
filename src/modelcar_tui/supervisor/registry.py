"""The team: one line a specialist. Other packages join by an entry point in `modelcar_tui.specialists`."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from importlib.metadata import entry_points

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.supervisor.specialist import Specialist

GROUP = "modelcar_tui.specialists"
_HOME = "modelcar_tui.supervisor.specialists"

BUILTIN = (
    f"{_HOME}.configuration:Configuration",
    f"{_HOME}.accelerator:Accelerator",
    f"{_HOME}.decision:Decision",
    f"{_HOME}.qa:Qa",
)


def team(extra: Iterable[Specialist] = ()) -> tuple[Specialist, ...]:
    """All specialists in the order of their panes: ours, those of entry points, then `extra`.

    One of `extra` takes the place of an earlier one of the same name.

    Raises:
        UserError: two share a name, or one needs a specialist that is not there.
    """
    members: list[Specialist] = [_load(path) for path in BUILTIN]
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        members.append(_build(entry.load()))
    for newcomer in extra:
        names = [member.name for member in members]
        if newcomer.name in names:
            members[names.index(newcomer.name)] = newcomer
        else:
            members.append(newcomer)
    _check(members)
    return tuple(members)


def _load(path: str) -> Specialist:
    module, _, name = path.partition(":")
    return _build(getattr(import_module(module), name))


def _build(factory: type[Specialist] | Specialist) -> Specialist:
    return factory() if isinstance(factory, type) else factory


def _check(members: list[Specialist]) -> None:
    names = [member.name for member in members]
    for member in members:
        if names.count(member.name) > 1:
            raise UserError(Problem(what=f"two specialists are named {member.name!r}", fix="rename one of them"))
        missing = [need for need in member.needs if need not in names]
        if missing:
            raise UserError(
                Problem(what=f"specialist {member.name!r} needs {missing[0]!r}, which is not there",
                        fix="register it, or correct `needs`")
            )  # fmt: skip
