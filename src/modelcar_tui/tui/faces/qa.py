"""The QA pane: where the suite is, against its budgets, and what came out."""

from __future__ import annotations

from modelcar_tui.qa import QaOutcome, Seen, hopeless_models
from modelcar_tui.supervisor import Qa, RunState
from modelcar_tui.tui import format as f
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, Span, labelled, paragraph, row

_MOST_SEEN = 4


def qa_rows(state: RunState, cells: int, glyphs: Glyphs, now: float = 0.0) -> list[Row]:
    """Progress, phase, time against budgets while it runs; outcome, cause and next step when it has ended."""
    qa, progress = state.qa, state.qa.progress
    rows: list[Row] = []
    if progress.total:
        full, rest = f.bar(progress.done, progress.total, min(20, cells // 3), glyphs)
        rows.append(
            row(
                (full, "ok"),
                (rest, "faint"),
                f" {progress.done}/{progress.total}  ",
                (f"{progress.passed} passed", "ok"),
                "  ",
                (f"{progress.failed} failed", "bad" if progress.failed else "muted"),
            )
        )
    if qa.outcome is not None:
        return rows + outcome_rows(qa.outcome, cells)
    return rows + _running(qa, cells, glyphs, max(now, state.now))


def outcome_rows(out: QaOutcome, cells: int) -> list[Row]:
    """How it ended, what it means, what to do, and what vLLM said against what we predicted."""
    from modelcar_tui.qa import failed_lines, measured_line  # the first paint does not wait for it

    role = "ok" if out.ok else "skip" if out.skipped else "bad"
    rows = [row((out.code, role)), *paragraph(out.message, cells)]
    rows += labelled("cause", out.cause, cells) + labelled("next", out.fix, cells)
    for line in failed_lines(out.models):
        rows += labelled("model", line, cells)
    for model in out.models:
        if model.predicted:
            rows += labelled("our", f"estimate of {model.model}: {model.predicted}", cells)
    for one in out.measured:
        rows += labelled("vLLM", measured_line(one), cells)
    if out.leftovers:
        rows += labelled(
            "left", f"{len(out.leftovers)} objects on the cluster: o, then C removes them", cells
        )
    return rows


def _running(qa: Qa, cells: int, glyphs: Glyphs, now: float) -> list[Row]:
    started, progress = qa.started, qa.progress
    rows: list[Row] = []
    if progress.phase or progress.model:
        spans: list[Span] = [("phase  ", "muted"), (progress.phase, "text")]
        if progress.model:
            spans.append((f" {glyphs.dot} {progress.model}", "muted"))
        rows.append(Row(tuple(spans)))
    times = [
        ("phase", progress.phase_since, progress.window_s),
        ("model", progress.model_since, started.model_limit_s),
        ("all", started.began, started.limit_s),
    ]
    told = [(word, _against(now - since, limit)) for word, since, limit in times if since]
    if told:
        spans = [("time   ", "muted")]
        for at, (word, (text, role)) in enumerate(told):
            spans += [(f"{'  ' if at else ''}{word} ", "muted"), (text, role)]
        rows.append(Row(tuple(spans)))
    rows += _seen(qa.seen, cells)
    if started.container:
        rows += labelled("in", started.container, cells)
    return rows


def _seen(seen: tuple[Seen, ...], cells: int) -> list[Row]:
    """Why models do not start, by the cluster itself; and the key, where waiting does not help."""
    rows: list[Row] = []
    for at, one in enumerate(seen[:_MOST_SEEN]):
        rows += labelled("" if at else "why", one.line, cells, role="warn" if one.mends_itself else "bad")
    if hopeless_models(seen):
        rows.append(row((" " * 7, "muted"), ("S", "key"), (" stops QA: it will not mend itself", "muted")))
    return rows


def _against(seconds: float, limit: float | None) -> tuple[str, str]:
    spent = f.elapsed(max(seconds, 0.0))
    if not limit:
        return spent, "text"
    role = "bad" if seconds > limit else "warn" if seconds > 0.8 * limit else "text"
    return f"{spent}/{f.elapsed(limit).removesuffix('00s')}", role
