"""What a specialist is, and what the engine gives it.

A specialist is one file: a class with these attributes and `run`. It is registered by one line in
`registry.py`, or by an entry point of another package in the group `modelcar_tui.specialists`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import msgspec

from modelcar_tui.core.secrets import Redactor
from modelcar_tui.supervisor.events import AnyEvent, SpecialistFinished, Status, StepChanged, StepPlan
from modelcar_tui.supervisor.settings import Settings

R = TypeVar("R", bound=msgspec.Struct)


class Context:
    """What one run of one specialist may use: settings, the reports it needs, and its voice."""

    def __init__(
        self,
        name: str,
        settings: Settings,
        folder: Path,
        emit: Callable[[AnyEvent], None],
        reports: Mapping[str, Any],
        redact: Redactor,
    ) -> None:
        self.name = name
        self.settings = settings
        self.folder = folder
        """The run's own folder, mode 0700."""
        self.emit = emit
        self.redact = redact
        self._reports = reports

    def report(self, specialist: str, kind: type[R]) -> R:
        """The report of a specialist that this one `needs`.

        Raises:
            KeyError: it has not run; name it in `needs`.
        """
        return msgspec.convert(self._reports[specialist], kind)

    def step(self, step: str, status: Status = Status.DONE, detail: str = "") -> None:
        """Tick a line of the checklist, or say how it stands."""
        self.emit(StepChanged(specialist=self.name, step=step, status=status, detail=self.redact(detail)))

    def finish(
        self,
        summary: str,
        lines: tuple[str, ...] = (),
        *,
        status: Status = Status.DONE,
        metadata: dict[str, str | int | float | bool | None] | None = None,
    ) -> None:
        """Tell the pane's result. Call it once, at the end."""
        self.emit(
            SpecialistFinished(
                specialist=self.name, status=status, summary=self.redact(summary),
                lines=tuple(self.redact(line) for line in lines), metadata=metadata or {},
            )
        )  # fmt: skip


class Specialist(Protocol):
    """One expert of the supervisor's team."""

    name: str
    """Short and unique: `configuration`."""
    title: str
    steps: tuple[StepPlan, ...]
    """Its checklist, in order."""
    needs: tuple[str, ...]
    """Specialists whose reports it reads; it starts when all of them have finished."""

    async def run(self, context: Context) -> msgspec.Struct:
        """Find out what there is to find out, ticking the steps, and return the report.

        Cancellation is passed on after cleaning up. Faults that the operator can mend are told as a step's
        detail and make the report say "unknown"; anything else may be raised and fails this pane only.
        """
        ...
