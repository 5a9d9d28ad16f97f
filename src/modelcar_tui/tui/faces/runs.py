"""The earlier runs as rows: their groups, what Enter does with each, and a line for each width."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from modelcar_tui.core.counting import several
from modelcar_tui.core.sizes import size_text
from modelcar_tui.core.text import reveal
from modelcar_tui.tui.format import VERDICT_ROLE, age
from modelcar_tui.tui.glyphs import Glyphs
from modelcar_tui.tui.rows import Row, crop_middle, labelled, pad, row, spans_width, width
from modelcar_tui.verdict import QA_FAILED, Verdict

if TYPE_CHECKING:
    from modelcar_tui.api import EarlierRun
    from modelcar_tui.tui.patterns import Filter

GOES_ON, OWN, DEMOS, SLIPS, UNREADABLE = range(5)
TITLES = {
    GOES_ON: "can go on",
    OWN: "runs that have ended",
    DEMOS: "demos",
    SLIPS: "ended before a model was judged",
    UNREADABLE: "nothing to show: killed before they began, or damaged",
}
FOLDED = frozenset((SLIPS, UNREADABLE))
"""Groups that begin folded: seldom what somebody looks for."""
WIDEST_FROM, WIDE_FROM, MIDDLE_FROM = 150, 100, 70
"""Cells from which the list has more of the outcome; has the year; has status, size and time at all."""
LONG_TIME, SHORT_TIME = len("2026-12-01 03:12"), len("12-01 03:12")
RESUME, REPLAY = "resume", "replay"
CHOICES = {RESUME: "go on with it", REPLAY: "show it again"}
IN_FOOTER = {RESUME: "go on", REPLAY: "show", "": "nothing"}


class RunGroup(NamedTuple):
    """A heading with the runs below it."""

    group: int
    inside: int
    open: bool


def group_of(run: EarlierRun) -> int:
    """The group of a run, one of `TITLES`."""
    if run.kind in ("broken", "nothing"):
        return UNREADABLE
    if run.kind == "start":
        return SLIPS
    if run.kind == "demo":
        return DEMOS
    return GOES_ON if run.resumable else OWN


def choice_of(run: EarlierRun) -> str:
    """What Enter does with a run: `resume`, `replay`, or nothing."""
    if group_of(run) == UNREADABLE:
        return ""
    return RESUME if run.resumable else REPLAY


def arrange_runs(
    runs: Iterable[EarlierRun], passes: Callable[[EarlierRun], bool], turned: set[int], *, grouped: bool
) -> list[EarlierRun | RunGroup]:
    """Rows of the list, in the order of the runs; a heading over each group that has one.

    Args:
        runs: newest first.
        passes: whether a run is shown.
        turned: groups that the operator has folded or unfolded.
        grouped: whether there are groups at all.
    """
    shown = [run for run in runs if passes(run)]
    if not grouped:
        return list(shown)
    groups: dict[int, list[EarlierRun]] = {group: [] for group in TITLES}
    for run in shown:
        groups[group_of(run)].append(run)
    out: list[EarlierRun | RunGroup] = []
    for group, inside in groups.items():
        if inside:
            is_open = (group in FOLDED) == (group in turned)
            out.append(RunGroup(group, len(inside), is_open))
            out.extend(inside if is_open else ())
    return out


def passing(chosen: Filter | None, places: Callable[[EarlierRun], str]) -> Callable[[EarlierRun], bool]:
    """Whether a run's id, end, kind or manifest passes a filter."""
    if chosen is None:
        return lambda _: True
    return lambda run: chosen.matches(f"{run.id} {run.end} {run.kind} {places(run)}")


class Telling(NamedTuple):
    """What the rows are told with."""

    now: float
    glyphs: Glyphs
    words: Mapping[str, str]
    """The outcome in words, by the run's id; as long as there is none its verdict stands there."""
    place: Callable[[EarlierRun], str]
    """The manifest as it can be typed."""


def list_row(one: EarlierRun | RunGroup, cells: int, how: Telling, *, chosen: bool) -> Row:
    """One row of the list."""
    over = "cursor" if chosen else ""
    mark = how.glyphs.cursor if chosen else " "
    if isinstance(one, RunGroup):
        sign = how.glyphs.unfolded if one.open else how.glyphs.folded
        return row(
            (mark, "accent"),
            (f"{sign} {TITLES[one.group]}", "title"),
            (f"  {one.inside:,}", "muted"),
            over=over,
        )
    role, glyph = _look(one, how.glyphs)
    columns, dots = _columns(cells), how.glyphs.ellipsis
    spans = [(mark, "accent"), (f" {pad(_age(one, how.now), 6, '>')} ", "text")]
    if columns.began:
        began = _when(one, how.now, whole=columns.began > SHORT_TIME)
        spans.append((f"{pad(began, columns.began)} ", "muted"))
    spans += [(f" {glyph} ", role), (pad(end_text(one, how.words), columns.outcome, ellipsis=dots), role)]
    if columns.began:
        status = "" if one.exit_status is None else str(one.exit_status)
        spans += [(f" {status:>3}", "muted"), (f"{size_text(one.size):>9}", "muted")]
    room = cells - spans_width(spans) - 2
    spans.append((f"  {_file(how.place(one), room, dots)}", "text"))
    return row(*spans, over=over)


def head_row(cells: int) -> Row:
    """Titles of the columns."""
    columns = _columns(cells)
    text = f"  {'age':>6} "
    if columns.began:
        text += f"{'began':<{columns.began}} "
    text += f"   {'outcome':<{columns.outcome}}"
    if columns.began:
        text += f" {'st.':>3}{'size':>9}"
    return row((f"{text}  manifest", "muted"))


class _Columns(NamedTuple):
    """Cells of the columns whose width depends on that of the list."""

    began: int
    """0 where neither time nor status nor size has room."""
    outcome: int


def _columns(cells: int) -> _Columns:
    if cells >= WIDE_FROM:
        return _Columns(LONG_TIME, 44 if cells >= WIDEST_FROM else 32)
    return _Columns(SHORT_TIME, 18) if cells >= MIDDLE_FROM else _Columns(0, 18)


def _file(path: str, room: int, ellipsis: str) -> str:
    """A path; where it has no room its name alone, for that tells the runs apart."""
    if width(path) > room:
        folder, slash, name = path.rpartition("/")
        if folder and width(name) + 2 <= room:
            return ellipsis + slash + name
        path = name
    return crop_middle(path, room, ellipsis)


def end_text(run: EarlierRun, words: Mapping[str, str]) -> str:
    """How a run ended, or what it waits for, without its status."""
    told = reveal((words.get(run.id) or run.end).partition(" (status ")[0])
    # It had been told to stop: its verdict is that of the moment.
    return f"{told}, interrupted" if run.resumable and run.exit_status is not None else told


def detail_rows(one: EarlierRun | RunGroup | None, cells: int, how: Telling) -> list[Row]:
    """The row under the cursor, whole: a run's id, end, manifest and folder, and what Enter does."""
    if one is None:
        return []
    if isinstance(one, RunGroup):
        what = f"{several(one.inside, 'run')}; Enter {'folds' if one.open else 'unfolds'} them"
        return [row((what, "muted"))]
    enter = CHOICES.get(choice_of(one), "nothing: there is nothing to show")
    ended = end_text(one, how.words)
    status = "" if one.exit_status is None else f" (status {one.exit_status})"
    rows = [row(("Enter  ", "key"), (enter, "strong"), (f"   run {reveal(one.id)}", "muted"))]
    rows += labelled("end", f"{ended}{status}", cells)
    rows += labelled("file", how.place(one), cells)
    rows += labelled("folder", reveal(one.folder), cells)
    return rows


def command_of(run: EarlierRun, name: str, state_dir: str) -> str:
    """The command that does what Enter does with a run.

    Args:
        run: which.
        name: what it is called there, as one word of a shell.
        state_dir: ` --state-dir DIR` where it is not the usual one.
    """
    return f"modelcar-tui --{choice_of(run) or REPLAY} {name}{state_dir}"


def _look(run: EarlierRun, glyphs: Glyphs) -> tuple[str, str]:
    if group_of(run) == UNREADABLE:
        return "muted", glyphs.skipped
    if run.verdict is None or run.resumable:
        return "need", glyphs.running
    if run.verdict == QA_FAILED:
        return "bad", glyphs.failed
    try:
        verdict = Verdict(run.verdict)
    except ValueError:
        return "muted", glyphs.skipped
    return VERDICT_ROLE[verdict], glyphs.verdict(verdict)


def _age(run: EarlierRun, now: float) -> str:
    return age(run.began or 0, now).removesuffix(" ago").replace("just now", "now")


def _when(run: EarlierRun, now: float, *, whole: bool) -> str:
    """Local time; where there is little room the year stands only for a run of another one."""
    if run.began is None:
        return ""
    began = time.localtime(run.began)
    if whole:
        return time.strftime("%Y-%m-%d %H:%M", began)
    same = began.tm_year == time.localtime(now).tm_year
    return time.strftime("%m-%d %H:%M" if same else "%Y-%m-%d", began)
