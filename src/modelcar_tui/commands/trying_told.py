"""What `agent try` says: what a try would do, how it goes, what it measured beside what was predicted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping

from modelcar_tui.commands.guard import complain
from modelcar_tui.core.counting import several
from modelcar_tui.core.text import reveal
from modelcar_tui.memory import Outcome
from modelcar_tui.models import MeasuredStart
from modelcar_tui.supervisor import events as e
from modelcar_tui.trial import TrialEnd, TrialNews, TrialPlan

BEAT_S = 30.0
"""A line at the latest so often, while a try says nothing new."""
_FIGURES = {
    "weights_gib": ("weights", "GiB"),
    "activation_gib": ("activation peak", "GiB"),
    "non_torch_gib": ("outside PyTorch", "GiB"),
    "graphs_gib": ("CUDA graphs", "GiB"),
    "kv_cache_gib": ("KV cache", "GiB"),
    "kv_tokens": ("KV cache", "tokens"),
    "max_model_len": ("context", "tokens"),
    "concurrency": ("full requests at once", ""),
    "init_s": ("engine ready after", "s"),
}
"""What is told of a start, in the order of reading; GiB are per GPU."""


def consent_lines(plan: TrialPlan) -> Iterator[str]:
    """All that the operator should know before the word."""
    yield reveal(f"a try of {plan.model}: {_gpus(plan)}, namespace {plan.namespace}")
    yield (
        f"  takes: at most {_minutes(plan.limit_s)} from its container's start, and before that at most "
        f"{_minutes(plan.start_s)} for a node and the runtime's image"
    )
    if plan.nodes:
        yield _row("lands on", ", ".join(plan.nodes))
    yield _row("runs", plan.image)
    for title, text in (("queue", plan.queue), ("priority class", plan.priority_class)):
        if text:
            yield _row(title, text)
    yield from (_row("makes", text) for text in plan.creates)
    if plan.files:
        size = sum(count for _, count in plan.files) / 1024
        yield f"  lends: {several(len(plan.files), 'small file')} of the model's image, {size:,.0f} KiB"
    yield from (_row("does not lend", f"{path}: {why}") for path, why in plan.left_out)
    yield _row("vLLM's arguments", " ".join(plan.args))
    yield from (_row("other than in production", text) for text in plan.changed)
    if not plan.pushed:
        yield f"  pushes away: no pod{' that is known of' if plan.cautions else ''}"
    yield from (_row("may push away", text) for text in plan.pushed)
    yield from (_row("caution", text) for text in plan.cautions)
    if plan.predicted:
        yield _row("predicted", _predicted(plan))
    yield "  proves: whether vLLM starts so on this card, and with which memory; all is removed at its end"
    yield from (reveal(f"  a good start says {text}") for text in plan.unproven)


def figures_line(figures: Mapping[str, float]) -> str:
    """`weights 14.99 GiB, KV cache 22.10 GiB`; of what nobody has a title for nothing."""
    told = (
        f"{_FIGURES[what][0]} {amount(what, value)}" for what, value in figures.items() if what in _FIGURES
    )
    return ", ".join(told)


def end_lines(plan: TrialPlan | None, end: TrialEnd) -> Iterator[str]:
    """How a try ended: measured beside predicted, or why nothing was measured; and what is left."""
    if end.measured is not None:
        yield from _measured_lines(end.measured)
        for text in plan.unproven if plan is not None else ():
            yield reveal(f"  it says {text}")
    elif end.problem is not None:
        yield reveal(f"nothing was measured: {end.problem}")
    yield from (_row("left on the cluster", text) for text in end.left)
    if end.log:
        yield _row("log", end.log)


def _measured_lines(start: MeasuredStart) -> Iterator[str]:
    where = f"{start.gpus} x {start.gpu or 'a GPU whose product is not known'}"
    release = start.vllm or "(release not known)"
    beside = f" (predicted: {_ended(start.predicted)})" if start.predicted else ""
    yield reveal(f"{start.model} on {where} with vLLM {release}: {_ended(start.outcome)}{beside}")
    if start.error:
        yield _row("vLLM's own words", start.error)
    for what, (title, _) in _FIGURES.items():
        one, other = start.figures.get(what), start.predicted_figures.get(what)
        if one is None and other is None:
            continue
        measured = "not told" if one is None else amount(what, one)
        predicted = "not predicted" if other is None else f"predicted {amount(what, other)}"
        yield f"  {title:<22} {measured:>16}  {predicted}{_off(one, other)}"


def amount(what: str, value: float) -> str:
    """`14.99 GiB`, `123,456 tokens`: a figure with its unit."""
    unit = _FIGURES.get(what, ("", ""))[1]
    whole = unit == "tokens" or abs(value) >= 1000
    return (f"{value:,.0f} {unit}" if whole else f"{value:.2f} {unit}").rstrip()


def _off(measured: float | None, predicted: float | None) -> str:
    if not measured or predicted is None:
        return ""
    by = (predicted - measured) / abs(measured) * 100
    return f" ({abs(by):.1f} % {'high' if by > 0 else 'low'})" if abs(by) >= 0.05 else " (exact)"


def _predicted(plan: TrialPlan) -> str:
    figures = figures_line(plan.predicted_figures)
    return _ended(plan.predicted) + (f"; {figures}" if figures else "")


def _ended(outcome: str) -> str:
    return Outcome(outcome).told if outcome in list(Outcome) else outcome or Outcome.UNKNOWN.told


def _gpus(plan: TrialPlan) -> str:
    return f"{plan.gpus} x {plan.product} ({plan.resource})"


def _minutes(seconds: int) -> str:
    return f"{seconds} s" if seconds % 60 else f"{seconds // 60} min"


def _row(title: str, text: str) -> str:
    return reveal(f"  {title}: {text}")


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
        if stage != self._stage:
            self._stage = stage
            self._say(_stage_line(news))
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

    async def beat(self) -> None:
        """A line now and then, so that nobody takes a long stage for a dead program."""
        while True:
            await asyncio.sleep(max(1.0, self._last + BEAT_S - time.monotonic()))
            if self._news is None:
                self._last = time.monotonic()
            elif time.monotonic() - self._last >= BEAT_S:
                self._say(f"{_stage_line(self._news)}{self._elapsed(self._news)}")

    def _elapsed(self, news: TrialNews) -> str:
        if not news.began or self._plan is None:
            return ""
        return f" ({time.time() - news.began:.0f} of {self._plan.limit_s} s)"

    def _say(self, text: str) -> None:
        self._last = time.monotonic()
        complain(f"[TRY] {reveal(text)}")


def _stage_line(news: TrialNews) -> str:
    where = f" on {news.node}" if news.node else ""
    return f"{news.stage}{where}{f': {news.text}' if news.text else ''}"
