"""A specialist as every face shows it: its checklist, its result, its own time."""

from __future__ import annotations

import msgspec

from modelcar_tui.supervisor import events as e

_NO_MODEL_CARS = {"manifest": "Read the manifest", "images": "Look the models up"}
"""Steps of Configuration in words that hold for every manifest."""


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


def of_objects(pane: Pane) -> Pane:
    """Configuration's checklist in the words of a manifest that lists no model-cars; others as they are."""
    if pane.name != "configuration":
        return pane
    steps = tuple(Step(s.id, _NO_MODEL_CARS.get(s.id, s.title), s.status, s.detail) for s in pane.steps)
    return msgspec.structs.replace(pane, steps=steps)
