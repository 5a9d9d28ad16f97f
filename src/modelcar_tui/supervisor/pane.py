"""A specialist as every face shows it: its checklist, its result, its own time."""

from __future__ import annotations

import msgspec

from modelcar_tui.supervisor import events as e


class Step(msgspec.Struct, frozen=True):
    """One line of a checklist."""

    id: str
    title: str
    status: e.Status = e.Status.WAITING
    detail: str = ""


class Pane(msgspec.Struct, frozen=True, kw_only=True):
    """One specialist."""

    name: str
    title: str
    steps: tuple[Step, ...] = ()
    status: e.Status = e.Status.WAITING
    summary: str = ""
    lines: tuple[str, ...] = ()
    metadata: dict[str, str | int | float | bool | None] = {}
    started: float | None = None
    finished: float | None = None
    asks_since: float | None = None
    """Since when it waits for the operator's word; None where it does not."""
    waited: float = 0.0
    """Seconds that it waited for the operator's words before: no time of its own."""
    foreign: bool = False
    """Not one of our own specialists, whatever its name."""
