"""Whatever ends the dashboard, a try is stopped and its removal waited for; nothing else gets the time."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.supervisor import TRY_STOP_S, RunState
from modelcar_tui.supervisor import events as e
from modelcar_tui.supervisor.state import fold
from modelcar_tui.tui import run
from support.trials import plan_of

OPEN = (e.TrialAsked(id="t", model="one"), e.TrialPlanned(plan=plan_of("one"), asked="t"))
OVER = e.RunFinished(exit_status=0, verdict="GO", summary="", seconds=1.0)


class Port:
    """Ends once it was waited for `waits` times."""

    def __init__(self, waits: int) -> None:
        self.waits = waits
        self.calls: list[str] = []

    def cancel(self) -> None:
        self.calls.append("cancel")

    def detach(self) -> None:
        self.calls.append("detach")

    def join(self, timeout: float) -> bool:
        self.waits -= 1
        return self.waits <= 0


def ended(state: RunState, status: ExitStatus, port: Port, leaving: str = "") -> Any:
    app = SimpleNamespace(
        state=state,
        face=SimpleNamespace(replay=False),
        leaving=leaving,
        qa_works=state.qa_works,
        engine_ready=True,
        signals=SimpleNamespace(again=False),
        return_code=None,
    )
    assert run._finish(app, port, int(status)) == status
    return app


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    allowed: list[float] = []
    monkeypatch.setattr(run, "ENDS", SimpleNamespace(allow=allowed.append))
    monkeypatch.setattr(run, "let_go_of_terminal", lambda: None)
    return allowed


def of(*events: e.AnyEvent) -> RunState:
    return fold(e.Stamped(at, float(at), event) for at, event in enumerate(events, 1))


@pytest.mark.parametrize("status", [ExitStatus.GO, ExitStatus.HANGUP, ExitStatus.TERMINATED])
@pytest.mark.parametrize("finished", [False, True])
def test_it_is_stopped_and_waited_for(status: ExitStatus, finished: bool, kept: list[float]) -> None:
    port = Port(3)
    ended(of(*OPEN, *([OVER] if finished else [])), status, port)
    assert port.calls == ["cancel"] and port.waits == 0 and kept[0] > TRY_STOP_S


def test_leaving_qa_running_waits_for_it_as_well(kept: list[float]) -> None:
    port = Port(3)
    ended(of(*OPEN), ExitStatus.GO, port, leaving="detach")
    assert port.calls == [] and port.waits == 0 and kept


def test_a_run_that_is_over_without_one_ends_at_once(kept: list[float]) -> None:
    port = Port(3)
    ended(of(OVER), ExitStatus.GO, port)
    assert port.calls == [] and port.waits == 3 and kept == []
