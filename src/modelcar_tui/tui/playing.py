"""Where a recording is: its clock with pause, speed and seek, and the state at any moment of it."""

from __future__ import annotations

import time
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate

import msgspec

from modelcar_tui.qa import QaStarted
from modelcar_tui.supervisor import RunState, fold
from modelcar_tui.supervisor import events as e

LONGEST_GAP_S = 2.0
"""Seconds on the screen for any silence of the recording: an operator's lunch is not replayed."""
SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
"""What the keys choose from; the command line takes any number between the ends."""
JUMP_S = 10.0
"""Seconds of the recording that one key goes back or forward."""
AGAIN_S = 2.0
"""Seconds on the screen after which "to what mattered before" goes to the same place again."""
KEEP_EVERY = 256
"""Events between two states that are kept, so that a jump folds less than that many."""
_SLACK_S = 1e-6
MATTERS = (
    e.SpecialistFinished,
    e.DecisionMade,
    e.ApprovalRequested,
    e.ApprovalGiven,
    e.ManifestWritten,
    e.ManifestKept,
    e.ConsentRequested,
    e.ConsentGiven,
    QaStarted,
    e.QaFinished,
    e.TrialAllowed,
    e.TrialEnded,
    e.Noticed,
    e.RunFinished,
)


class Played(msgspec.Struct, frozen=True, kw_only=True):
    """How far a recording is shown, as its line on the screen says."""

    position: int
    """Whole seconds since its first event."""
    duration: int
    speed: float
    paused: bool
    ended: bool
    growing: bool = False
    """The run is open elsewhere: there is more than what is told here."""


class Playing:
    """Plays events by a clock of its own. Not for several threads.

    Between two events the recording's time passes at `speed`, or faster where the silence would last longer
    than `LONGEST_GAP_S` on the screen.
    """

    def __init__(
        self, events: Sequence[e.Stamped], speed: float = 1.0, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """
        Args:
            events: At least one, in their order.
            speed: How many times faster than recorded; 0 begins at the end, and plays on from a jump at 1.
            clock: Seconds from any origin.
        """
        self._events = events
        self._times = list(accumulate((stamped.at for stamped in events), max))
        self._clock = clock
        self._since = clock()
        self._given = 0
        self._position = self._times[0]
        self._kept = _kept(events)
        self._landed = (0, float("-inf"))
        self.speed = speed or 1.0
        self.paused = False
        if not speed:
            self._go(len(events), self._times[-1])

    def begin(self) -> None:
        """Time passes from here on."""
        self._since = self._clock()

    @property
    def given(self) -> int:
        """Events up to this moment."""
        self._pass_time()
        return self._given

    @property
    def position(self) -> float:
        """The recording's time, in seconds since 1970; it stands still in a pause and at the end."""
        self._pass_time()
        return self._position

    @property
    def ended(self) -> bool:
        """Whether all of it has been given."""
        return self.given == len(self._events)

    @property
    def played(self) -> Played:
        """What the line on the screen says."""
        begin, end = self._times[0], self._times[-1]
        return Played(
            position=int(self.position - begin),
            duration=int(end - begin),
            speed=self.speed,
            paused=self.paused,
            ended=self.ended,
        )

    def state(self) -> RunState:
        """The run at this moment."""
        return self.state_at(self.given)

    def state_at(self, given: int) -> RunState:
        """The run after so many events."""
        kept = min(given // KEEP_EVERY, len(self._kept) - 1)
        return fold(self._events[kept * KEEP_EVERY : given], self._kept[kept])

    def pause(self) -> None:
        """Stand still, or go on."""
        self._pass_time()
        self.paused = not self.paused

    def change_speed(self, step: int) -> None:
        """The next speed of `SPEEDS`, faster (1) or slower (-1)."""
        self._pass_time()
        at = bisect_right(SPEEDS, self.speed) if step > 0 else bisect_left(SPEEDS, self.speed) - 1
        self.speed = SPEEDS[max(0, min(at, len(SPEEDS) - 1))]

    def jump(self, seconds: float) -> None:
        """Forward, or back, by seconds of the recording."""
        place = max(self._times[0], min(self.position + seconds, self._times[-1]))
        self._go(bisect_right(self._times, place), place)

    def to_beginning(self) -> None:
        """To the first event, and those of the same moment."""
        self._go(bisect_right(self._times, self._times[0]), self._times[0])

    def to_end(self) -> None:
        """To the last event."""
        self._go(len(self._events), self._times[-1])

    def to_event(self, step: int) -> e.Stamped | None:
        """To the next (1) event that matters, or to the one before (-1); the event, or None where there is
        none."""
        given = self.given
        landed, then = self._landed
        if step > 0:
            places = range(given, len(self._events))
        else:
            # Right after a jump to one, "before" means the one before that.
            fresh = landed <= given and self._clock() - then < AGAIN_S
            behind = self._position > self._times[max(0, given - 1)]
            places = range((landed - 2 if fresh else given - 2 + behind), -1, -1)
        found = next((at for at in places if isinstance(self._events[at].event, MATTERS)), None)
        if found is None:
            return None
        self._go(found + 1, self._times[found])
        self._landed = (found + 1, self._clock())
        return self._events[found]

    def _go(self, given: int, position: float) -> None:
        self._given, self._position, self._since = given, position, self._clock()
        self._landed = (0, float("-inf"))

    def _pass_time(self) -> None:
        now = self._clock()
        left, self._since = now - self._since, now
        while not self.paused and self._given < len(self._times):
            due = self._times[self._given]
            rate = max(self.speed, (due - self._times[max(0, self._given - 1)]) / LONGEST_GAP_S)
            need = (due - self._position) / rate
            if need > left + _SLACK_S:
                self._position += left * rate
                return
            left -= max(0.0, need)
            self._position = due
            self._given += 1


def _kept(events: Sequence[e.Stamped]) -> list[RunState]:
    """The state before the first event, and after each `KEEP_EVERY` more."""
    kept = [RunState()]
    for at in range(KEEP_EVERY, len(events) + 1, KEEP_EVERY):
        kept.append(fold(events[at - KEEP_EVERY : at], kept[-1]))
    return kept
