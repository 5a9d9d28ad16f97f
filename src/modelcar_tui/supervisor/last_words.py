"""What is said once the terminal is back: what the run came to, what was written, its log, the way back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.core.text import homely
from modelcar_tui.supervisor.outcome import outcome_of
from modelcar_tui.supervisor.state import RunState
from modelcar_tui.supervisor.way_back import named
from modelcar_tui.verdict import RunOutcome, Verdict

LINE = 80
"""Characters of a short line: those of the narrowest terminal that is usual."""
_MOST = 3


def last_words(state: RunState) -> tuple[str, ...]:
    """At most three lines, none broken inside a name; empty of a run that has not begun.

    A run that was ended by a slip of the operator's or a fault of ours says that one alone.
    """
    if state.finish is None:
        return tuple(_way_back(state))
    if state.finish.exit_status in (ExitStatus.USAGE, ExitStatus.INTERNAL) and state.written is None:
        return (state.finish.summary, *_way_back(state))
    told = outcome_of(state)
    return tuple(_few([_outcome(told, state), _written(state), _log(state), *_way_back(state)]))


def _outcome(told: RunOutcome | None, state: RunState) -> tuple[str, ...]:
    """From long to short; the shortest of a GO is its word, for it has no reason to give."""
    if told is None:
        return (state.finish.summary,) if state.finish is not None else ()
    said = [f"{head}: {brief}" for head in told.heads for brief in told.brief if not brief.count]
    words = list(told.heads) if told.word == Verdict.GO or not said else []
    return tuple(homely(form) for form in (*said, *words))


def _written(state: RunState) -> tuple[str, ...]:
    if state.written is not None:
        name = f"written: {Path(state.written.path).name}"
        if state.to_apply:
            return f"written; {state.to_apply}", name
        return f"written: {homely(state.written.path)}", name
    return (f"nothing was written: {state.kept}",) if state.kept else ()


def _log(state: RunState) -> tuple[str, ...]:
    return (f"log: {homely(state.qa.started.log)}",) if state.qa.started.log else ()


def _way_back(state: RunState) -> Iterator[str]:
    if not state.run_id:
        return
    if state.finish is None or state.finish.resumable:
        kept = f" ({state.marks_told}: kept)" if state.marks_told else ""
        yield f"the run can go on{kept}: modelcar-tui --resume {named(state)}"
    else:
        yield f"see it again: modelcar-tui --replay {named(state)}"


def _few(items: list[tuple[str, ...] | str]) -> list[str]:
    """Each item in its longest form that is a short line; two on one line where there are too many."""
    told = [(item,) if isinstance(item, str) else item for item in items if item]
    lines = [next((form for form in forms if len(form) <= LINE), forms[-1]) for forms in told]
    while len(lines) > _MOST:
        pairs = [(at, pair) for at in range(len(lines) - 1) for pair in _joined(told[at], told[at + 1])]
        short = next(((at, pair) for at, pair in pairs if len(pair) <= LINE), None)
        at, pair = short or (len(lines) - 2, f"{lines[-2]}; {lines[-1]}")
        lines[at : at + 2], told[at : at + 2] = [pair], [(pair,)]
    return lines


def _joined(first: tuple[str, ...], second: tuple[str, ...]) -> Iterator[str]:
    yield from (f"{one}; {other}" for other in second for one in first)
