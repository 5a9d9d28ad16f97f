"""The two lines that answer: what the run comes to and why, and what to do next; three where it is narrow.

Word, condition, reason and next step come from the run's outcome in forms from long to short. The longest
that fits is taken; none is cut but a model's name, in its middle.
"""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.core.text import homely
from modelcar_tui.supervisor import outcome_of
from modelcar_tui.tui import format as f
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.decision import tightest
from modelcar_tui.tui.faces.doing import activity, doing
from modelcar_tui.tui.faces.panes import tool_seconds
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import Row, Span, crop_middle, row, spans_width, width, wrap
from modelcar_tui.verdict import QA_FAILED, Brief, NextStep, RunOutcome, Verdict

_MOST = 3
_GAP = "   "
_SHORTEST_NAME = 10
_NEXT = " next  "


def banner_height(face: Face, cells: int) -> int:
    """The rows that the answer takes at that width: 2, or 3 where the forms that say something need them."""
    return len(_laid_out(face, cells, _MOST))


def banner_rows(face: Face, cells: int, height: int) -> list[Row]:
    """The verdict and why; below it what the operator can do now.

    Args:
        face: what is shown.
        cells: width of the screen.
        height: rows that there are; as many as `banner_height` says, or 2, which takes shorter forms.
    """
    return _laid_out(face, cells, max(2, min(height, _MOST)))[:height]


def _laid_out(face: Face, cells: int, most: int) -> list[Row]:
    told = outcome_of(face.state, recorded=face.replay)
    if told is None:
        block = row(
            (f" WORKING {face.glyphs.running} ", "wait-block"), "  ", (activity(face.state), "strong")
        )
        return [block, *next_rows(face, told, cells, 1)[0]]
    good, whole = _in_one_row(face, told, cells)
    below, all_told = next_rows(face, told, cells, 1)
    if most < _MOST or (whole and all_told):
        return [good, *below]
    if not all_told:
        return [good, *next_rows(face, told, cells, 2)[0]]
    return [*_in_two_rows(face, told, cells), *below]


def _in_one_row(face: Face, told: RunOutcome, cells: int) -> tuple[Row, bool]:
    """Headline and reason in one row, and whether both say more than a count."""
    good = told.word == Verdict.GO  # how many are well says enough
    telling = [brief for brief in told.brief if good or not brief.count]
    heads = [head for head in told.heads if " condition" not in head]
    for some_heads, briefs, whole in ((heads, telling, True), (told.heads, told.brief, False)):
        for head in some_heads:
            block = f.headline_block(told, head, face.glyphs)
            for brief in briefs:
                text = fitted(brief, cells - width(block[0]) - 2, face)
                if text:
                    said = row(block, "  ", (text, "strong"))
                    return Row((*said.spans, *_margin(face, told, cells - spans_width(said.spans)))), whole
    return row(f.headline_block(told, told.heads[-1], face.glyphs)), False


def _in_two_rows(face: Face, told: RunOutcome, cells: int) -> list[Row]:
    """The headline, and below it the reason."""
    blocks = [f.headline_block(told, head, face.glyphs) for head in told.heads]
    block = next((each for each in blocks if width(each[0]) <= cells), blocks[-1])
    reasons = (fitted(brief, cells - 1, face) for brief in told.brief)
    reason = next((text for text in reasons if text), str(told.brief[-1]) if told.brief else "")
    return [Row((block, *_margin(face, told, cells - width(block[0])))), row((f" {reason}", "strong"))]


def fitted(brief: Brief, cells: int, face: Face) -> str:
    """The reason in that many cells, its model's name cut in the middle where need be; empty if it can't
    be."""
    what = homely(brief.what)
    if not brief.model:
        return what if width(what) <= cells else ""
    room = cells - width(what) - 2
    if room < min(_SHORTEST_NAME, width(brief.model)):
        return ""
    return f"{crop_middle(brief.model, room, face.glyphs.ellipsis)}: {what}"


def _margin(face: Face, told: RunOutcome, room: int) -> tuple[Span, ...]:
    """How many models QA found well; else, for a GO, how near it is: the model that fills its GPU most."""
    report = face.state.decision
    forms = [told.tally if told.word == QA_FAILED else f"QA {told.tally}"] if told.tally else []
    closest = tightest(report) if report is not None and told.word == Verdict.GO and not forms else None
    if report is not None and closest is not None:
        text = closest.comparison.split(" (")[0]
        name = f" (tightest: {closest.model})" if len(report.models) > 1 else ""
        forms = [text + name, text]
    found = next((form for form in forms if width(form) + len(_GAP) <= room), "")
    return ((_GAP + found, "text"),) if found else ()


def next_rows(face: Face, told: RunOutcome | None, cells: int, most: int) -> tuple[list[Row], bool]:
    """What goes on or waits, and the keys and commands for it, in at most `most` rows; whether the first step
    and every command are there."""
    state = face.state
    lead = doing(state, replay=face.replay, glyphs=face.glyphs, now=face.now)
    steps = told.steps if told is not None else ()
    if lead.busy or not steps:
        return [_with_end(face, lead.row_of(cells, face.glyphs), cells)], True
    reserve = _least(steps)
    whole = not lead.forms or lead.fits(cells - reserve)
    if not lead.forms:
        waits = state.waiting_for_approval or state.waiting_for_consent
        start: list[tuple[Span, ...]] = [((_NEXT, "need" if waits else "muted"),)]
    elif whole or most == 1:
        start = [(*lead.row_of(cells - reserve, face.glyphs).spans, (_GAP, "text"))]
    else:
        start = [lead.row_of(cells, face.glyphs).spans, ((_NEXT, "muted"),)]
    lines, placed = _packed(start, steps, cells, most)
    all_told = whole and all(step in placed for step in steps if step.command or step is steps[0])
    return [*lines[:-1], _with_end(face, lines[-1], cells)], all_told


def _least(steps: Sequence[NextStep]) -> int:
    """The room that the first key needs behind what goes on; of the first step, where there is no key."""
    return _narrowest(next((step for step in steps if step.key), steps[0]))


def _narrowest(step: NextStep) -> int:
    return len(_GAP) + min(spans_width(_step_spans(step, form)) for form in step.forms)


def _packed(
    start: list[tuple[Span, ...]], steps: Sequence[NextStep], cells: int, most: int
) -> tuple[list[Row], list[NextStep]]:
    """The steps side by side, each in its longest form that leaves room for the keys behind it."""
    lines = list(start)
    placed: list[NextStep] = []
    for at, step in enumerate(steps):
        kept = sum(_narrowest(each) for each in steps[at + 1 : at + 3] if each.key) if at == 0 else 0
        for reserve in dict.fromkeys((kept, 0)):
            if _place(lines, step, cells - reserve, most, first=not placed):
                placed.append(step)
                break
    if steps[0] not in placed and steps[0].command and (rows := _wrapped(start[0], steps[0], cells, most)):
        return rows, [steps[0]]
    return [Row(line) for line in lines], placed


def _wrapped(start: tuple[Span, ...], step: NextStep, cells: int, most: int) -> list[Row]:
    """A command that is longer than a row, whole on as many as there are; none where they are too few."""
    room = cells - width(_NEXT)
    *_, command = step.forms
    parts = list(command.rpartition(" ")[::2])
    if not all(0 < width(part) <= room for part in parts):
        parts = wrap(command, room)
    heads = [start[0], *[(" " * width(_NEXT), "text")] * len(parts)]
    rows = [row(head, (part, "strong")) for head, part in zip(heads, parts, strict=False)]
    return rows if len(rows) <= most else []


def _place(lines: list[tuple[Span, ...]], step: NextStep, cells: int, most: int, *, first: bool) -> bool:
    """Put it on the last line, or on a line of its own while there may be one more."""
    gap: tuple[Span, ...] = () if first else ((_GAP, "text"),)
    for form in step.forms:
        spans = (*lines[-1], *gap, *_step_spans(step, form))
        if spans_width(spans) <= cells:
            lines[-1] = spans
            return True
    if len(lines) < most and spans_width(lines[-1]) > width(_NEXT):
        for form in step.forms:
            spans = ((" " * width(_NEXT), "text"), *_step_spans(step, form))
            if spans_width(spans) <= cells:
                lines.append(spans)
                return True
    return False


def _step_spans(step: NextStep, form: str) -> tuple[Span, ...]:
    if step.key:
        return (shown(step.key), "key"), (f": {form}", "text")
    if step.command and form.endswith(step.command):
        return (form.removesuffix(step.command), "text"), (step.command, "strong")
    return ((form, "text"),)


def _with_end(face: Face, line: Row, cells: int) -> Row:
    """How long it took and the exit status, at the right edge, where there is room."""
    finish = face.state.finish
    if finish is None:
        return line
    status = finish.exit_status
    seconds = tool_seconds(face.state) or finish.seconds
    took = f"finished in {f.elapsed(seconds)} with exit status {status}"
    room = cells - spans_width(line.spans)
    text = next((form for form in (took, f"exit status {status}") if width(form) + len(_GAP) <= room), "")
    return Row((*line.spans, (" " * (room - width(text)), "text"), (text, "muted"))) if text else line
