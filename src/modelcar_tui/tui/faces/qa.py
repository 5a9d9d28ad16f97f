"""The QA pane: each model against its budget and what the cluster says of it, then how it ended."""

from __future__ import annotations

from collections.abc import Sequence

from modelcar_tui.qa import QaOutcome, Seen, hopeless_models
from modelcar_tui.supervisor import Qa, RunState
from modelcar_tui.tui import format as f
from modelcar_tui.tui.faces.qa_models import (
    RUNNING,
    Fares,
    ModelQa,
    glyph_of,
    models_in_qa,
    role_of,
    seen_of,
    totals,
)
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import (
    Row,
    Span,
    crop,
    crop_middle,
    labelled,
    pad,
    paragraph,
    row,
    spans_width,
    width,
)

MOST_ROWS = 12
"""Models that have a row each; of more only those that run and that failed have one."""
_MOST_SEEN = 4
_SAID = ("inference", "teardown")
"""Phases that the model's own word says."""
_WORD = 11
"""Cells of the longest word of a model."""


def qa_rows(state: RunState, cells: int, glyphs: Glyphs, now: float = 0.0) -> list[Row]:
    """What matters most first, since a small pane shows only the first rows: the model under test, the
    cluster's words, the sums, those that failed; of a run that has ended the outcome."""
    qa, models = state.qa, models_in_qa(state)
    if qa.outcome is not None:
        rows = outcome_rows(qa.outcome, cells, _sums(models, qa, cells, glyphs))
        return rows + (model_rows(_worst_first(models), cells, glyphs) if len(models) <= MOST_ROWS else [])
    return _under_way(qa, models, cells, glyphs, max(now, state.now))


def outcome_rows(out: QaOutcome, cells: int, sums: Sequence[Row] = ()) -> list[Row]:
    """How it ended, what it means, what to do, where the log says it, and what vLLM said against what we
    predicted.

    Args:
        sums: rows to stand below the code.
    """
    from modelcar_tui.qa import failed_lines, measured_line  # the first paint does not wait for it

    role = "ok" if out.ok else "skip" if out.skipped else "bad"
    rows = [row((out.code, role)), *sums, *paragraph(out.message, cells)]
    rows += labelled("cause", out.cause, cells) + labelled("next", out.fix, cells)
    if out.log_line is not None:
        rows += labelled("log", f"line {out.log_line:,}: {shown('l')}, then {shown('e')} goes there", cells)
    # A model whose cause and next step are the run's, which stand above, needs no row of its own.
    others = [one for one in out.models if not (one.line and one.line in out.cause and one.fix == out.fix)]
    for line in failed_lines(others):
        rows += labelled("model", line, cells)
    for model in out.models:
        if model.predicted:
            rows += labelled("our", f"estimate of {model.model}: {model.predicted}", cells)
    for one in out.measured:
        rows += labelled("vLLM", measured_line(one), cells)
    if out.leftovers:
        how = f"{shown('o')}, then {shown('C')} removes them"
        rows += labelled("left", f"{len(out.leftovers)} objects on the cluster: {how}", cells)
    return rows


def _under_way(qa: Qa, models: Sequence[ModelQa], cells: int, glyphs: Glyphs, now: float) -> list[Row]:
    current, names = [one for one in models if one.fares in RUNNING], _names_width(models, cells)
    rows: list[Row] = []
    for one in current:
        rows.append(_current_row(one, qa, cells, glyphs, names, now))
        rows += _seen_rows(seen_of(one.model, qa.seen), cells)
    rows += _phase(qa, now, alone=not current)
    told = {id(seen) for one in current for seen in seen_of(one.model, qa.seen)}
    rows += _others([seen for seen in qa.seen if seen.text and id(seen) not in told], cells)
    if hopeless_models(qa.seen):
        rows.append(
            row((" " * 7, "muted"), (shown("S"), "key"), (" stops QA: it will not mend itself", "muted"))
        )
    rows += _sums(models, qa, cells, glyphs) + _whole_time(qa, now)
    rows += model_rows(_not_running(models), cells, glyphs, names)
    return rows + (labelled("in", qa.started.container, cells) if qa.started.container else [])


def _not_running(models: Sequence[ModelQa]) -> list[ModelQa]:
    """Those that have a row below the sums: what failed, and of few models all that are known."""
    order = (Fares.FAILED, Fares.WAITING, Fares.PASSED)
    shown = order if len(models) <= MOST_ROWS else order[:1]
    return sorted((one for one in models if one.fares in shown), key=lambda one: order.index(one.fares))


def _phase(qa: Qa, now: float, *, alone: bool) -> list[Row]:
    """What the suite does, where no model's own word says it."""
    phase = qa.progress.phase
    if not phase or (phase in _SAID and not alone):
        return []
    time = _phase_time(qa, now) if alone else []
    return [Row((("phase  ", "muted"), (phase, "text"), *time))]


def model_rows(models: Sequence[ModelQa], cells: int, glyphs: Glyphs, names: int = 0) -> list[Row]:
    """A row for each model: sign, name, word, and the code of its cause.

    Args:
        names: cells of the names; 0 for as many as these models need.
    """
    names = names or _names_width(models, cells)
    return [_model_row(one, cells, glyphs, names, [(one.cause, role_of(one))]) for one in models]


def _model_row(one: ModelQa, cells: int, glyphs: Glyphs, names: int, tail: Sequence[Span]) -> Row:
    room = cells - 4 - names - _WORD
    return row(
        (f"{glyph_of(one, glyphs)} ", role_of(one)),
        (
            pad(crop_middle(one.model, names, glyphs.ellipsis), names),
            "strong" if one.fares in RUNNING else "text",
        ),
        (f"  {one.fares.value:<{_WORD}}", role_of(one)),
        *((text if at < len(tail) - 1 else crop(text, room), role) for at, (text, role) in enumerate(tail)),
    )


def _current_row(one: ModelQa, qa: Qa, cells: int, glyphs: Glyphs, names: int, now: float) -> Row:
    """With a bar and the time against the nearer limit: the suite's for this phase, else the model's."""
    progress = qa.progress
    since, limit = progress.phase_since, progress.window_s
    if not limit or not since:
        since, limit = progress.model_since, qa.started.model_limit_s
    if not since:
        return _model_row(one, cells, glyphs, names, [])
    seconds = max(now - since, 0.0)
    text, role = _against(seconds, limit)
    bar = _bar(seconds / limit, role, cells - 4 - names - _WORD - width(text) - 1, glyphs) if limit else []
    return _model_row(one, cells, glyphs, names, [*bar, (text, role)])


def _bar(share: float, role: str, room: int, glyphs: Glyphs) -> list[Span]:
    cells = min(16, room)
    if cells < 4:
        return []
    full, rest = f.bar(share, 1.0, cells, glyphs) if share < 1.0 else (glyphs.bar_full * cells, "")
    return [(full, "run" if role == "text" else role), (rest, "faint"), (" ", "text")]


def _phase_time(qa: Qa, now: float) -> list[Span]:
    if not qa.progress.phase_since:
        return []
    text, role = _against(now - qa.progress.phase_since, qa.progress.window_s)
    return [("  ", "text"), (text, role)]


def _whole_time(qa: Qa, now: float) -> list[Row]:
    progress, started = qa.progress, qa.started
    times = [("model", progress.model_since, started.model_limit_s), ("all", started.began, started.limit_s)]
    told = [(word, _against(now - since, limit)) for word, since, limit in times if since]
    if not told:
        return []
    spans: list[Span] = [("time   ", "muted")]
    for at, (word, (text, role)) in enumerate(told):
        spans += [(f"{'  ' if at else ''}{word} ", "muted"), (text, role)]
    return [Row(tuple(spans))]


def _sums(models: Sequence[ModelQa], qa: Qa, cells: int, glyphs: Glyphs) -> list[Row]:
    """`████░░ 5/25  4 passed, 1 failed, 1 running, 19 to come`; the part that failed is red."""
    progress = qa.progress
    if not progress.total and not models:
        return []
    room = min(20, cells // 4)
    whole = progress.total or len(models)
    ran = qa.outcome.counts.ran if qa.outcome is not None and qa.outcome.counts is not None else 0
    done = min(max(progress.done, ran), whole)
    full, rest = f.bar(done, whole, room, glyphs)
    bad = min(len(full), max(1, round(progress.failed / whole * room))) if progress.failed else 0
    spans: list[Span] = [(full[: len(full) - bad], "ok"), (full[len(full) - bad :], "bad"), (rest, "faint")]
    spans.append((f" {done}/{whole}", "text"))
    told: list[Span] = []
    for at, (text, role) in enumerate(totals(models, qa)):
        told += [(", " if at else "", "muted"), (text, role)]
    if spans_width(spans) + spans_width(told) + 2 <= cells:
        return [Row((*spans, ("  ", "text"), *told))]
    return [Row(tuple(spans)), Row(tuple(told))]


def _worst_first(models: Sequence[ModelQa]) -> list[ModelQa]:
    order = (Fares.FAILED, Fares.CUT_SHORT, Fares.NOT_REACHED, Fares.SKIPPED, Fares.PASSED)
    return sorted(models, key=lambda one: order.index(one.fares) if one.fares in order else len(order))


def _names_width(models: Sequence[ModelQa], cells: int) -> int:
    longest = max((width(one.model) for one in models), default=0)
    return min(longest, max(12, cells - _WORD - 4 - (30 if cells >= 70 else 15)))


def _others(seen: Sequence[Seen], cells: int) -> list[Row]:
    """What the cluster says of models that are not under test, each with its name."""
    rows: list[Row] = []
    for one in seen[:_MOST_SEEN]:
        rows += labelled("why", one.line, cells, role="warn" if one.mends_itself else "bad")
    return rows


def _seen_rows(seen: Sequence[Seen], cells: int) -> list[Row]:
    """What the cluster says of the model above, beneath its name."""
    rows: list[Row] = []
    for one in seen[:_MOST_SEEN]:
        rows += paragraph(one.text, cells, "warn" if one.mends_itself else "bad", indent=2)
    return rows


def _against(seconds: float, limit: float | None) -> tuple[str, str]:
    spent = f.elapsed(max(seconds, 0.0))
    if not limit:
        return spent, "text"
    role = "bad" if seconds > limit else "warn" if seconds > 0.8 * limit else "text"
    return f"{spent}/{f.elapsed(limit).removesuffix('00s')}", role
