"""How long the run took: the tool's own time, not the operator's."""

from __future__ import annotations

import pytest

from modelcar_tui.supervisor import Pane, RunState
from modelcar_tui.tui.faces.panes import tool_seconds


def state(*panes: Pane, now: float = 1000.0) -> RunState:
    return RunState(panes=panes, now=now)


def pane(started: float | None, finished: float | None, **more: float) -> Pane:
    return Pane(name="x", title="X", started=started, finished=finished, **more)


@pytest.mark.parametrize(
    ("panes", "seconds"),
    [
        ((), 0),
        ((pane(None, None),), 0),
        ((pane(10, 20), pane(12, 25)), 15),  # side by side
        ((pane(10, 30), pane(12, 25)), 20),  # one within the other
        ((pane(10, 20), pane(500, 520)), 30),  # the plan waited for an answer between them
        ((pane(10, 20), pane(100, 700, waited=560)), 50),  # QA waited for a key
        ((pane(10, 20), pane(100, None, asks_since=110)), 20),  # and waits still
        ((pane(10, 20), pane(990, None)), 20),  # works still
    ],
)
def test_the_time_of_the_operator_is_not_counted(panes: tuple[Pane, ...], seconds: float) -> None:
    assert tool_seconds(state(*panes)) == seconds
