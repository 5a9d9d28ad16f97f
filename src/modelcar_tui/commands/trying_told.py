"""What `agent try` prints: what a try would do, how it goes, what it measured beside what was predicted.

The words are those of reports.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping

from modelcar_tui.commands.guard import complain
from modelcar_tui.core.text import reveal
from modelcar_tui.report import end_words, news_line, plan_words, start_figures, trial_figures, trial_word
from modelcar_tui.supervisor import Trial
from modelcar_tui.supervisor import events as e
from modelcar_tui.trial import TrialNews, TrialPlan, TrialStage

BEAT_S = 30.0
"""A line at the latest so often, while a try says nothing new."""


def consent_lines(plan: TrialPlan) -> Iterator[str]:
    """All that the operator should know before the word."""
    yield reveal(f"a try of {plan.model}")
    yield from (f"  {words.label}: {words.text}" for words in plan_words(plan))


def figures_line(figures: Mapping[str, float]) -> str:
    """`weights 14.99 GiB, KV cache 22.10 GiB`; of what nobody has a title for nothing."""
    return ", ".join(f"{figure.name} {figure.measured}" for figure in start_figures(figures, {}))


def end_lines(trial: Trial) -> Iterator[str]:
    """How a try ended: measured beside predicted, or why nothing was measured; and what is left."""
    for at, words in enumerate(end_words(trial)):
        if at:
            yield f"  {words.label}: {words.text}"
        elif trial.measured is None:
            word = f"{trial_word(trial)}: "
            yield reveal(f"{trial.model}: {word}{words.text.removeprefix(f'it {word}')}")
        else:
            yield reveal(f"{trial.model}: {words.text}")
            yield from _figure_lines(trial)
    if trial.measured is not None and trial.plan is not None:
        yield from (reveal(f"  not: {text}") for text in trial.plan.unproven)


def _figure_lines(trial: Trial) -> Iterator[str]:
    figures = trial_figures(trial)
    for figure in figures:
        if figure.measured:
            predicted = f"predicted {figure.predicted}" if figure.predicted else "not predicted"
            off = f" ({figure.off})" if figure.off else ""
            yield f"  {figure.name:<22} {figure.measured:>16}  {predicted}{off}"
    missing = dict.fromkeys(figure.name for figure in figures if not figure.measured)
    if missing:
        yield f"  not measured: {', '.join(missing)}"


class Voice:
    """Tells a try on standard error while it goes."""

    def __init__(self) -> None:
        self._news: TrialNews | None = None
        self._plan: TrialPlan | None = None
        self._stage: tuple[str, str] = ("", "")
        self._figures: dict[str, float] = {}
        self._left: tuple[str, ...] = ()
        self._last = time.monotonic()

    def tell(self, event: e.AnyEvent) -> None:
        """An event of the try."""
        match event:
            case e.TrialAsked():
                self._news, self._stage, self._figures = None, ("", ""), {}
                self._say(f"{event.model}: working out what a try would do")
            case e.TrialPlanned():
                self._plan = event.plan
            case e.TrialMoved():
                self._moved(event.news)
            case e.TrialEnded():
                self._news, self._left = None, event.end.left
            case e.Noticed():
                self._say(event.text)

    def _moved(self, news: TrialNews) -> None:
        self._news = news
        stage = (str(news.stage), news.node)
        if news.stage is TrialStage.REMOVING:  # its news bring what vLLM told last
            self._measured(news)
        if stage != self._stage:
            self._stage = stage
            self._say(news_line(news))
        self._measured(news)

    def _measured(self, news: TrialNews) -> None:
        fresh = {what: value for what, value in news.figures.items() if self._figures.get(what) != value}
        self._figures = dict(news.figures)
        if told := figures_line(fresh):
            self._say(told)

    def stopped(self) -> None:
        """The operator has stopped it."""
        self._say(
            "stopped by the operator" + ("" if self._left else ": nothing of it is left on the cluster")
        )
        for text in self._left:
            self._say(f"left on the cluster: {text}")

    def hurried(self) -> None:
        """The operator has asked again for the end, which comes before all is removed."""
        if self._news is not None and self._plan is not None:
            mend = f"oc -n {self._plan.namespace} delete job,secret -l io.modelcar-tui/trial={self._plan.id}"
            self._say(f"ends at once; what is left is removed by the next run on this cluster, or: {mend}")

    async def beat(self) -> None:
        """A line now and then, so that nobody takes a long stage for a dead program."""
        while True:
            await asyncio.sleep(max(1.0, self._last + BEAT_S - time.monotonic()))
            if self._news is None:
                self._last = time.monotonic()
            elif time.monotonic() - self._last >= BEAT_S:
                self._say(f"{news_line(self._news)}{self._elapsed(self._news)}")

    def _elapsed(self, news: TrialNews) -> str:
        if not news.began or self._plan is None:
            return ""
        return f" ({time.time() - news.began:.0f} of {self._plan.limit_s} s)"

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        complain(f"[TRY] {reveal(text)}")
