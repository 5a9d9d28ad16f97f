"""The header, the verdict banner and the footer's keys."""

from __future__ import annotations

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.qa import Seen, hopeless_models
from modelcar_tui.supervisor import Finish, RunState, outcome_of
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui import format as f
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.decision import tightest
from modelcar_tui.tui.rows import Row, Span, between, crop_middle, row, spans_width, width
from modelcar_tui.verdict import Verdict

_NAME = " modelcar-tui "
_TOLD_ABOVE = (ExitStatus.NO_GO, ExitStatus.CLUSTER, ExitStatus.QA_FAILED, ExitStatus.UNKNOWN)
"""Ends whose reason stands in the line above; what is of interest is what to do about it."""


def header_row(face: Face, screen: str, cells: int) -> Row:
    """Product, manifest and screen at the left; DEMO and the run at the right."""
    state = face.state
    marks: list[Span] = []
    if state.demo:
        marks.append((" DEMO ", "demo"))
    if face.replay:
        marks.append((" REPLAY ", "wait-block"))
    if face.slow:
        marks.append((" slow line ", "wait-block"))
    run = f" {state.run_id} " if state.run_id and cells >= 100 else ""
    right = Row((*marks, (run, "label")))
    title = f" {face.glyphs.dot} {screen}" if screen else ""
    room = cells - width(_NAME) - width(title) - spans_width(right.spans) - 2
    path = crop_middle(state.path or "starting", max(12, room), face.glyphs.ellipsis)
    line = between(row((_NAME, "key"), (path, "bar"), (title, "label")), right, cells)
    return Row(tuple((text, "bar" if role == "text" else role) for text, role in line.spans))


def banner_rows(face: Face, cells: int, height: int) -> list[Row]:
    """The verdict and why; below it what the operator can do now."""
    state, glyphs = face.state, face.glyphs
    told = outcome_of(state)
    block, why = (f" WORKING {glyphs.running} ", "wait-block"), activity(state)
    if told is not None:
        block, why = f.outcome_block(told, glyphs), "" if state.decision is None else told.why
    first = row(
        block, "  ", (why, "strong"), (_margin(state, cells - width(block[0]) - width(why) - 2), "text")
    )
    return [first, next_row(face, cells)][:height]


def _margin(state: RunState, room: int) -> str:
    """For a GO, how near it is: the comparison of the model that fills its GPU most."""
    report = state.decision
    closest = tightest(report) if report is not None and report.verdict is Verdict.GO else None
    if report is None or closest is None:
        return ""
    text = closest.comparison.split(" (")[0]
    name = f" (tightest: {closest.model})" if len(report.models) > 1 else ""
    return next((f"  {form}" for form in (text + name, text) if width(form) + 2 <= room), "")


def next_row(face: Face, cells: int) -> Row:
    """What is going on, or what the run waits for."""
    state, glyphs = face.state, face.glyphs
    if state.finish is not None:
        text = f" finished in {f.elapsed(state.finish.seconds)} with exit status {state.finish.exit_status}"
        return row((text, "strong"), (f"  {glyphs.dot}  {_after(state, state.finish)}", "muted"))
    if state.waiting_for_approval:
        count = len(state.decision.plan.changes) if state.decision else 0
        what = f"{count} proposed change{'s' * (count != 1)}"
        return row(
            (" your answer is needed ", "need"),
            (f"{glyphs.dot} {what}: press ", "text"),
            ("d", "key"),
            (" to review", "text"),
        )
    if state.waiting_for_consent:
        what = f"{glyphs.dot} QA would work on the cluster: "
        return row(
            (" your answer is needed ", "need"), (what, "text"), ("x", "key"), (" to read and start", "text")
        )
    if state.kept:
        return row((" nothing was written: ", "warn"), state.kept)
    if state.qa.seen:
        return _seen_row(state.qa.seen)
    if state.notices and state.notices[-1].status in (Status.WARNING, Status.FAILED):
        notice = state.notices[-1]
        return row(
            (f" {notice.status.value} {glyphs.status(notice.status)} ", f.STATUS_ROLE[notice.status]),
            (notice.text.removeprefix(f"{notice.status.value}: "), "text"),
        )
    if state.llm.model and state.decision is None:
        told = f" {state.llm.model} at {state.llm.host} is given facts, no secrets: "
        return row((told, "muted"), ("a", "key"), (" lists them, --no-llm keeps them here", "muted"))
    if state.qa.started.container and state.qa.outcome is None:
        return row((" QA is running", "run"), (f"  {activity(state)}", "muted"))
    return row((f" {activity(state)}" if state.decision else "", "muted"))


def _after(state: RunState, finish: Finish) -> str:
    """What to do about an end, or what it was."""
    told = outcome_of(state)
    if told is not None and told.next and finish.exit_status in _TOLD_ABOVE:
        return f"next: {told.next}"
    return finish.summary


def _seen_row(seen: tuple[Seen, ...]) -> Row:
    """Why a model does not start while QA waits for it: first what will not mend itself."""
    first = (*hopeless_models(seen), *seen)[0]
    more = f" (and {len(seen) - 1} more)" if len(seen) > 1 else ""
    key = (("   ", "muted"), ("S", "key"), (" stops QA", "muted")) if not first.mends_itself else ()
    role = "warn" if first.mends_itself else "bad"
    return row((" QA waits in vain " if key else " QA waits ", role), (f" {first.line}{more}", "text"), *key)


def activity(state: RunState) -> str:
    """What is being done right now, in words."""
    for pane in state.panes:
        if pane.status is Status.RUNNING:
            step = next((step for step in pane.steps if step.status is Status.RUNNING), None)
            return f"{pane.title}: {step.title}" if step else pane.title
    return "" if state.panes else "starting the engine"


def keys_row(keys: list[tuple[str, str]], message: str, cells: int) -> Row:
    """The footer: a message if there is one, else the keys that work here; the last of them is always
    shown."""
    if message:
        return row((f" {message}".ljust(cells), "bar"))
    spans: list[Span] = []
    used = 0
    kept = sum(len(part) for part in keys[-1]) + 3 if keys else 0
    for at, (key, label) in enumerate(keys):
        need = len(key) + len(label) + 3
        if used + need <= (cells if at == len(keys) - 1 else cells - kept):
            spans += [(f" {key} ", "key"), (f"{label} ", "label")]
            used += need
    return Row((*spans, (" " * (cells - used), "bar")))
