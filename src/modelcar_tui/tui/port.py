"""The dashboard's side of the wall: what it asks of an engine, and nothing else.

The engine lives in its own thread; a recorded run behind the same port is a replay.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from modelcar_tui.manifest import Decision
    from modelcar_tui.supervisor.answers import WhatIf
    from modelcar_tui.supervisor.events import ChangesMarked, Stamped
    from modelcar_tui.verdict import ApplyPreview


class EnginePort(Protocol):
    """An engine as the screen knows it. Every method returns at once and may be called from the UI thread."""

    def start(self, on_ready: Callable[[], None]) -> None:
        """Start the engine's thread; called once, after the first paint. `on_ready` is called from any
        thread."""
        ...

    def drain(self) -> list[Stamped]:
        """The events since the last call, oldest first; never blocks."""
        ...

    def answer(self, decision: Decision) -> None:
        """The operator's answer to the open approval."""
        ...

    def mark(self, marked: ChangesMarked) -> None:
        """Keep the operator's marks on the plan; they come back as an event."""
        ...

    def consent(self, allowed: bool) -> None:
        """The operator's word on whether QA may change the cluster."""
        ...

    def cancel(self) -> None:
        """Stop gracefully: QA container stopped and removed, journal closed."""
        ...

    def detach(self) -> None:
        """End the engine and leave the QA container running; the run can be resumed."""
        ...

    def preview(self, decision: Decision) -> ApplyPreview:
        """What this decision would write. Pure; may take a moment, so it is called from a worker thread."""
        ...

    def join(self, timeout: float) -> bool:
        """Wait for the engine's end after the screen is gone; False when it is still alive."""
        ...


@runtime_checkable
class Asked(Protocol):
    """A port that answers questions about the run; a recording does not."""

    def ask(self, question: str | WhatIf) -> str:
        """The id of the question; its answer comes as an event."""
        ...


@runtime_checkable
class Offering(Protocol):
    """A port that may offer a language model; a recording does not."""

    def allow_model(self, host: str, allowed: bool) -> None:
        """The operator's word on the host that was offered; kept, and told as an event."""
        ...


@runtime_checkable
class Looking(Protocol):
    """A port that can read the cluster again; a recording can't."""

    def look_again(self, done: Callable[[str], None]) -> None:
        """Read again what changes; `done` is told one line, from any thread."""
        ...


@runtime_checkable
class Trying(Protocol):
    """A port that can try a model on the cluster's real GPUs; a recording can't."""

    def try_model(self, name: str, accepted: Decision | None) -> str:
        """Work out what a try of the model would do, with the arguments of the manifest or of the accepted
        changes; the id of its `TrialAsked`. `TrialPlanned` asks for the operator's word, `TrialEnded` says
        why there is none to ask for. One at a time: while one is open, a notice says so, and the id is empty.
        """
        ...

    def allow_trial(self, identifier: str, allowed: bool) -> None:
        """The operator's word on the plan of that id; where it is no, that is the end of the try."""
        ...

    def stop_trial(self, identifier: str) -> None:
        """Stop it wherever it is; what it has made is removed, and `TrialEnded` comes after that."""
        ...


@runtime_checkable
class Clocked(Protocol):
    """A port with a clock of its own: a replay, a test."""

    def now(self) -> float:
        """The run's time, in seconds since 1970."""
        ...
