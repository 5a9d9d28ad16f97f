"""A whole run as one call that waits, for programs that have no event loop."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.loops import run_once
from modelcar_tui.manifest import Decision
from modelcar_tui.supervisor.settings import Approve, Settings
from modelcar_tui.supervisor.specialist import Specialist
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.supervisor import Supervisor


def run_supervisor(
    bootstrap_config: str | os.PathLike[str] | Mapping[str, Any] | Settings,
    *,
    specialists: Iterable[Specialist] = (),
    resume: Path | None = None,
    **options: Any,
) -> RunState:
    """Run the team over one manifest to the end, and give the state that all reports are made of.

    Nobody is there to be asked. So `approve="ask"`, which is the default, is answered as `"show"` is: the
    plan stands in the state and nothing is written; `"all"` writes what our rules propose. QA runs where it
    can, as it does for `agent`; `qa=False` leaves it out. Ctrl-C stops the run as it stops `agent`: what runs
    outside is cleaned up, the run can be resumed, and `KeyboardInterrupt` is raised.

    Args:
        bootstrap_config: Path of the model-car manifest, the manifest itself (`{"model-car": [...]}`), or the
            settings of the run.
        specialists: More members for the team; one with the name of ours takes its place.
        resume: Folder of an earlier run to go on with; its own settings are used.
        options: Fields of `Settings`, such as `gpus=("L40S:4",)`.

    Raises:
        UserError: an event loop runs in this thread; what is given can't be read; the run's folder can't be
            made, or another process holds it; the disk is full. A manifest with faults is no exception:
            `state.faults`.
    """
    _refuse_in_loop()
    supervisor = Supervisor(bootstrap_config, specialists=specialists, resume=resume, **options)
    with _stopped_by_ctrl_c(supervisor) as heard:
        run_once(_driven(supervisor))
    if heard:
        raise KeyboardInterrupt
    return supervisor.state


async def _driven(supervisor: Supervisor) -> None:
    """Answer what waits for an operator, once the run has told all that stands before the question."""
    asked, may = "", False
    async for _ in supervisor.run():
        state = supervisor.state
        if state.waiting_for_approval and state.approval is not None and asked != state.approval.request_id:
            asked = state.approval.request_id
            supervisor.answer(Decision(plan_digest=state.approval.plan_digest, who=Approve.SHOW))
        if state.waiting_for_consent and not may:
            may = True
            supervisor.consent(True)


def _refuse_in_loop() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return
    what = "waits for the run's end and would stop the event loop of this thread"
    fix = "async for event in Supervisor(...).run() instead"
    raise UserError(Problem(where="run_supervisor", what=what, fix=fix))


@contextmanager
def _stopped_by_ctrl_c(supervisor: Supervisor) -> Iterator[list[int]]:
    """The first Ctrl-C cancels the run, and is told in the list; a second one is Python's own.

    A program that hears the signal by itself keeps it, and so does one whose main thread this is not.
    """
    heard: list[int] = []
    main = threading.current_thread() is threading.main_thread()
    if not main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield heard
        return

    def stop(number: int, _: FrameType | None) -> None:
        heard.append(number)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        supervisor.cancel()

    signal.signal(signal.SIGINT, stop)
    try:
        yield heard
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
