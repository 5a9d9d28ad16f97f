"""`t`: the question of a try, the try that goes on, the one that ended, or a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from modelcar_tui.core.text import reveal
from modelcar_tui.manifest import Decision
from modelcar_tui.report import model_trials
from modelcar_tui.supervisor import RunState, Trial
from modelcar_tui.tui.faces.trial import why_no_try
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.port import Trying
from modelcar_tui.tui.rows import width

if TYPE_CHECKING:
    from modelcar_tui.tui.board import Board


def open_try(board: Board, *, again: bool = False) -> Screen[Any] | None:
    """What there is of a try of the model that the screen shows; where there is none, one is asked for.

    Args:
        board: the app; its screen names the model.
        again: whether one that has ended is tried again rather than shown.
    """
    state, replay = board.face.state, board.face.replay
    name = getattr(board.screen, "model_name", "")
    if not name:
        board.tell("no model is under the cursor")
        return None
    going = state.trial if not replay else None
    if going is not None:
        return _going(board, going, name, again=again)
    own = model_trials(state.trials, name)
    if own and (replay or not again):
        return _screen(board, name)
    cells = board.screen.size.width - 2
    why = why_no_try(state, name, able=isinstance(board.port, Trying), replay=replay, cells=cells)
    if why or not isinstance(board.port, Trying):
        board.tell(why)
        return None
    accepted = accepted_of(state)
    if board.port.try_model(name, accepted):
        whose = "the accepted changes" if accepted is not None else "the manifest's arguments"
        told = f"working out a try of {reveal(name)} with {whose}; it asks before it makes anything"
        board.tell(told if width(told) <= cells else "working out a try; it asks before it makes anything")
    return None


def _going(board: Board, trial: Trial, name: str, *, again: bool) -> Screen[Any] | None:
    """One at a time: the open one comes first, whichever model is asked for."""
    if trial.asks:
        return question_of(board, trial)
    if trial.model != name:
        board.tell(f"one try at a time: that of {reveal(trial.model)} is open")
    if trial.plan is None or again:
        board.tell(
            f"what a try of {reveal(trial.model)} takes is being worked out"
            if trial.plan is None
            else f"it goes on; {shown('S')} stops it"
        )
        return None
    return _screen(board, trial.model)


def question_of(board: Board, trial: Trial) -> Screen[Any]:
    """What the try would do, and the key that lets it."""
    from modelcar_tui.tui.screens.trial_question import TrialDialog

    return TrialDialog(board.face, trial, board.port)


def _screen(board: Board, name: str) -> Screen[Any]:
    from modelcar_tui.tui.screens.trial import TrialScreen

    return TrialScreen(board.face, name, board.port)


def accepted_of(state: RunState) -> Decision | None:
    """The changes whose arguments are tried: those that are marked accepted, else those that were written.
    None tries the manifest's own."""
    from modelcar_tui.tui.faces.plan import review_of

    answer = state.answer
    if answer is not None:
        return answer if answer.write and answer.accepted else None
    review = review_of(state)
    if review is None or not review.counts.accepted:
        return None
    return review.decision(write=True)
