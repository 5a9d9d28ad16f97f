"""Budgets that need no output to be kept: the whole run, one model, silence."""

from __future__ import annotations

import math
import time
from collections.abc import Awaitable, Callable

from modelcar_tui.qa.events import WentSilent
from modelcar_tui.qa.log.pipeline import Pipeline
from modelcar_tui.qa.outcome import Ended, doing
from modelcar_tui.qa.runner import OnEvent
from modelcar_tui.qa.types import QaRequest


class Watchdog:
    """Looks at the clock; ends the run once and says why in `ended`.

    Args:
        age_s: How long the container has run already, when we attach to one.
    """

    def __init__(
        self, request: QaRequest, pipeline: Pipeline, on_event: OnEvent, *, age_s: float = 0.0
    ) -> None:
        self.ended = Ended.ITSELF
        self.limit_s: float | None = None
        self.doing = ""
        """What the suite did when it was ended; it goes on to tear down."""
        self.stopped_at = math.inf
        """By the monotonic clock."""
        self._request = request
        self._pipeline = pipeline
        self._on_event = on_event
        self._began = time.monotonic() - age_s
        self._next_note = request.silence_s
        if not pipeline.parser.result.lines:
            # Pulling and probing the image were no silence of the suite.
            pipeline.last_line = self._began

    async def look(self, stop: Callable[[], Awaitable[None]]) -> None:
        """Call it often; `stop` is awaited at most once."""
        if self.ended is not Ended.ITSELF:
            return
        now, request = time.monotonic(), self._request
        silent = now - self._pipeline.last_line
        if silent < self._next_note:
            if silent < request.silence_s:
                self._next_note = request.silence_s
        else:
            self._next_note *= 2
            self._on_event(WentSilent(seconds=silent, phase=self._pipeline.phase))
        limits = (
            (Ended.TIMEOUT, request.timeout_s, now - self._began),
            (Ended.MODEL_TIMEOUT, self._model_limit(), now - self._pipeline.model_since),
            (Ended.HANG, request.hang_s, silent),
        )
        for why, limit, used in limits:
            if limit is not None and used > limit:
                self.ended, self.limit_s = why, limit
                self.doing = doing(self._pipeline.parser.result)
                self._pipeline.say(f"stopped: {why.value} ({limit:.0f} s) is used up")
                await stop()
                self.stopped_at = time.monotonic()
                return

    def _model_limit(self) -> float | None:
        return self._request.model_timeout_s if self._pipeline.parser.result.model else None
