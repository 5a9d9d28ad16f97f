"""What goes on right now, or what became of it: what stands before the next step."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import reveal
from modelcar_tui.qa import Seen, hopeless_models
from modelcar_tui.supervisor import Finish, Qa, RunState, Trial
from modelcar_tui.supervisor.events import LanguageModelOffered, Status
from modelcar_tui.tui import format as f
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import Row, crop, row, spans_width


class Doing(NamedTuple):
    """What goes on, in forms from long to short, behind its word; no forms where only the next step
    counts."""

    word: str = ""
    role: str = "muted"
    forms: tuple[str, ...] = ()
    busy: bool = False
    """There is nothing to do but to wait for it."""

    def fits(self, cells: int) -> bool:
        """Whether one of the forms does."""
        return any(spans_width(self._row(form).spans) <= cells for form in self.forms or ("",))

    def row_of(self, cells: int, glyphs: Glyphs) -> Row:
        """In that many cells; a text of others that has no form short enough is cut."""
        form = next((form for form in self.forms if spans_width(self._row(form).spans) <= cells), None)
        if form is None and self.forms:
            form = crop(self.forms[-1], max(8, cells - spans_width(self._row("").spans)), glyphs.ellipsis)
        return self._row(form or "")

    def _row(self, text: str) -> Row:
        return row(
            (f" {self.word}  " if self.word else " ", self.role), (text, "muted" if self.busy else "text")
        )


def doing(state: RunState, *, replay: bool, glyphs: Glyphs, now: float) -> Doing:
    """What goes on or has been done, by the state alone; what the operator does about it is the outcome's."""
    if state.trial is not None and not replay:
        return _tried(state.trial, max(now, state.now))
    if state.finish is not None:
        return _done(state, state.finish)
    if state.waiting_for_approval or state.waiting_for_consent:
        return _asked(state) if replay else Doing()
    if state.kept:
        return Doing("nothing was written", "warn", (state.kept,))
    if state.qa.seen:
        return _seen(state.qa.seen)
    notice = state.notices[-1] if state.notices else None
    if _tests(state) and (notice is None or _decided(state, notice.text)):
        return _testing(state.qa, max(now, state.now))
    if notice is not None and notice.status in (Status.WARNING, Status.FAILED):
        text = notice.text.removeprefix(f"{notice.status.value}: ")
        word = f"{notice.status.value} {glyphs.status(notice.status)}"
        return Doing(word, f.STATUS_ROLE[notice.status], (text,))
    return _working(state, now, replay=replay)


def _tried(trial: Trial, now: float) -> Doing:
    """A try goes on, or waits for its word: it holds a GPU, and stands before all that can wait."""
    from modelcar_tui.tui.faces.trial import doing_forms  # the first paint has none

    word, forms = doing_forms(trial, now)
    return Doing(word, "need" if trial.asks else "run", forms)


def _asked(state: RunState) -> Doing:
    """A recording has come to a question: the operator who looks at it has nothing to answer."""
    asked = "about the plan" if state.waiting_for_approval else "whether QA may start"
    return Doing("recorded", "wait", (f"the operator was asked here {asked}", f"asked {asked}"))


def _decided(state: RunState, text: str) -> bool:
    """Whether it was noticed when it was decided: then it stands among the remarks, and QA goes before."""
    checks = state.decision.checks if state.decision is not None else ()
    return any(check.what in text for check in checks)


def _tests(state: RunState) -> bool:
    return bool(state.qa.started.container) and state.qa.outcome is None


def _working(state: RunState, now: float, *, replay: bool) -> Doing:
    if _tests(state):
        return _testing(state.qa, max(now, state.now))
    if state.llm.offer is not None and state.decision is None and not replay:
        return _offered(state.llm.offer)
    if state.llm.model and state.decision is None and not replay:
        given = f"{state.llm.model} at {state.llm.host} is given facts, no secrets"
        forms = (
            f"{given}: {shown('a')} lists them, --no-llm keeps them here",
            f"{given}: {shown('a')} lists them",
            f"{shown('a')}: what it is given",
        )
        return Doing("", "muted", forms, busy=True)
    answer = state.answer
    if answer is not None and state.written is None and activity(state) == "":
        text = "the accepted changes are being written" if answer.write else "the plan was rejected"
    else:
        text = activity(state) if state.decision is not None else ""
    return Doing("", "muted", (text,) if text else (), busy=bool(text))


def _offered(offer: LanguageModelOffered) -> Doing:
    """A language model waits for a word; the run does not wait for it."""
    name = reveal(offer.model.partition(":")[2] or offer.model)
    forms = (
        f"{name} at {reveal(offer.host)} is asked only if you let it: {shown('M')}",
        f"{name} is asked only if you let it: {shown('M')}",
        f"{shown('M')}: let a language model be asked, or not",
    )
    return Doing("", "muted", forms, busy=True)


def activity(state: RunState) -> str:
    """What is being done right now, in words."""
    for pane in state.panes:
        if pane.status is Status.RUNNING:
            step = next((step for step in pane.steps if step.status is Status.RUNNING), None)
            return f"{pane.title}: {step.title}" if step else pane.title
    return "" if state.panes else "starting the engine"


def _done(state: RunState, finish: Finish) -> Doing:
    if finish.exit_status == ExitStatus.REJECTED:
        return Doing("rejected", "warn", ("nothing was written",))
    if state.kept:
        return Doing("nothing was written", "warn", (state.kept,))
    if state.written is not None and finish.exit_status == ExitStatus.GO:
        name = reveal(Path(state.written.path).name)
        count = f"{state.written.changes} change{'s' * (state.written.changes != 1)}"
        return Doing("written", "ok", (f"{count} in {name}", name, count))
    return Doing()


def _seen(seen: tuple[Seen, ...]) -> Doing:
    """Why a model does not start while QA waits for it: first what will not mend itself."""
    first = (*hopeless_models(seen), *seen)[0]
    more = f" (and {len(seen) - 1} more)" if len(seen) > 1 else ""
    word, role = ("QA waits", "warn") if first.mends_itself else ("QA waits in vain", "bad")
    return Doing(word, role, (first.line + more, first.line, first.text))


def _testing(qa: Qa, now: float) -> Doing:
    """Phase, model, tests and time against the budget, as much as is known."""
    told, started = qa.progress, qa.started
    count = f"{told.done} of {told.total}" if told.total else ""
    failed = f"{told.failed} failed" if told.failed else ""
    time = f.elapsed(now - started.began) if started.began else ""
    if time and started.limit_s:
        time += f" of {f.elapsed(started.limit_s).removesuffix('00s')}"
    parts = [f"{told.phase} {told.model}".strip(), ", ".join(filter(None, (count, failed))), time]
    forms = [parts, [told.phase, *parts[1:]], parts[1:], parts[1:2]]
    texts = dict.fromkeys("  ".join(filter(None, form)) for form in forms)
    return Doing("QA is running", "run", tuple(text for text in texts if text) or ("",))
