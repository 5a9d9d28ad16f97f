"""What was seen on the cluster beside a recorded log, told again at its lines."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from modelcar_tui.core.secrets import Redactor, quoted
from modelcar_tui.qa.events import QaSaw
from modelcar_tui.qa.runner import OnEvent
from modelcar_tui.qa.seen import Seen
from modelcar_tui.qa.watch_record import ClusterRecord

_TEXTS = ("model", "object", "text", "cause", "means", "fix")


class RecordedLook(msgspec.Struct, frozen=True, kw_only=True):
    """What the cluster said from a line of the log on."""

    line: int
    """Counted from 0."""
    seen: tuple[Seen, ...] = ()
    """A model that was in trouble and goes on is in it with an empty text."""


class RecordedLooks:
    """Told line by line.

    Args:
        looks: of the recording.
        record: where what was seen is kept, as a run keeps it.
        redact: a recording is text from outside.
        on_event: told what is seen from a line on.
    """

    def __init__(
        self, looks: Sequence[RecordedLook], record: ClusterRecord, redact: Redactor, on_event: OnEvent
    ) -> None:
        self._left = sorted(looks, key=lambda look: look.line)
        self._record = record
        self._redact = redact
        self._on_event = on_event

    def at(self, number: int) -> None:
        """The line of that number is played."""
        due = [look for look in self._left if look.line <= number]
        if not due:
            return
        del self._left[: len(due)]
        for look in due:
            seen = tuple(self._safe(one) for one in look.seen)
            for one in seen:
                self._record.saw(one)
        self._on_event(QaSaw(seen=tuple(one for one in seen if one.text)))

    def _safe(self, seen: Seen) -> Seen:
        texts = {name: self._redact(quoted(getattr(seen, name))) for name in _TEXTS}
        return msgspec.structs.replace(seen, **texts)
