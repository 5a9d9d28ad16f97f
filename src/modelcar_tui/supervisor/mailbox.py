"""The one crossing from the engine's thread to the screen's: bounded, newest wins.

Events that only say how something stands now replace their predecessor if the screen has not fetched it
yet, so a slow terminal holds a handful of events, never a queue. Nothing else is dropped: verdicts, plans
and approvals are few, and log lines don't travel here (the screen reads the spool).
"""

from __future__ import annotations

import itertools
import threading

from modelcar_tui.qa import QaLogGrew, QaProgressed, QaSaw
from modelcar_tui.supervisor import events as e


class Mailbox:
    """Put from any thread, drain from one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._events: dict[object, e.Stamped] = {}
        self._count = itertools.count()
        self.coalesced = 0
        """How many events were replaced by newer ones before they were fetched."""

    def put(self, stamped: e.Stamped) -> None:
        """Leave an event."""
        key = _key(stamped.event)
        with self._lock:
            if key is None:
                key = next(self._count)  # what the journal did not take has the number of the one before
            elif self._events.pop(key, None) is not None:
                self.coalesced += 1
            self._events[key] = stamped

    def drain(self) -> list[e.Stamped]:
        """Take all events, in order."""
        with self._lock:
            events, self._events = self._events, {}
        return list(events.values())


def _key(event: e.AnyEvent) -> object:
    match event:
        case QaLogGrew() | QaProgressed() | QaSaw() | e.ClusterRead():
            return type(event)
        case e.StepChanged():
            return ("step", event.specialist, event.step)
        case e.ModelLearned():
            return ("model", event.model.car.name)
        case e.TrialMoved():
            return ("try", event.news.id)
    return None
