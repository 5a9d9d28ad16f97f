"""One specialist alone: no graph, no checkpoint, the same events and the same reports."""

from __future__ import annotations

import time
from typing import TypeVar

import msgspec

from modelcar_tui.core.credentials import teach_environment
from modelcar_tui.core.secrets import Redactor
from modelcar_tui.core.version import __version__
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.runs import command_folder
from modelcar_tui.supervisor.settings import Settings
from modelcar_tui.supervisor.specialist import Context, Specialist
from modelcar_tui.supervisor.state import RunState, fold

R = TypeVar("R", bound=msgspec.Struct)


async def run_alone(
    specialist: Specialist, settings: Settings, kind: type[R]
) -> tuple[R, RunState, list[e.Stamped]]:
    """Run a specialist that needs no other; its report, the state it makes, and its events.

    Its files go to `info/` of the state folder, where the next such command replaces them.

    Raises:
        UserError: the specialist's own.
    """
    events: list[e.Stamped] = []
    teach_environment()

    def emit(event: e.AnyEvent) -> None:
        events.append(e.Stamped(len(events) + 1, time.time(), event))

    folder = command_folder(settings)
    pane = e.PanePlan(specialist.name, specialist.title, tuple(specialist.steps))
    emit(
        e.RunStarted(
            run_id="alone",
            manifest=settings.manifest,
            panes=(pane,),
            version=__version__,
            demo=settings.demo,
        )
    )
    emit(e.SpecialistStarted(specialist=specialist.name))
    report = await specialist.run(Context(specialist.name, settings, folder, emit, RunState(), Redactor()))
    if not isinstance(report, kind):
        raise TypeError(f"{specialist.name} gave a {type(report).__name__}")
    return report, fold(events), events
