"""What the faces hear of a try: each change at once, a growing log a few times a second."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

import msgspec

from modelcar_tui.trial.types import TrialNews, TrialStage

EVERY_S = 0.25
"""Between two news of one stage."""


class Telling:
    """Tells of one try."""

    def __init__(self, trial: str, on_news: Callable[[TrialNews], None]) -> None:
        self._news = TrialNews(id=trial, stage=TrialStage.MAKING)
        self._told: TrialNews | None = None
        self._at = 0.0
        self._on_news = on_news

    @property
    def last(self) -> TrialNews:
        """Where it is."""
        return self._news

    def at(self, stage: TrialStage, text: str = "", **more: object) -> None:
        """Where it is and why it waits; `more` are fields of `TrialNews` that change."""
        changed = stage is not self._news.stage
        self._news = msgspec.structs.replace(self._news, stage=stage, text=text, **more)
        self.tell(now=changed or self._told is None)

    def grew(self, lines: int, last: str, figures: Mapping[str, float]) -> None:
        """The log has grown."""
        self._news = msgspec.structs.replace(
            self._news, lines=lines, text=last or self._news.text, figures=dict(figures)
        )
        self.tell()

    def tell(self, *, now: bool = False) -> None:
        """Tell what has changed, unless that was done a moment ago: call it again and again."""
        due = now or time.monotonic() - self._at >= EVERY_S
        if due and self._news != self._told:
            self._told, self._at = self._news, time.monotonic()
            self._on_news(self._news)
