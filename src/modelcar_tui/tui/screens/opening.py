"""The screens by name. Each is imported when it is asked for, so that the first paint waits for none.

An opener answers None where there is nothing to show; it has then said why, or there is nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.screens.base import FaceScreen

if TYPE_CHECKING:
    from modelcar_tui.tui.board import Board


def _diff(board: Board, *, accept_required: bool = False) -> Screen[Any] | None:
    """The approval screen."""
    from modelcar_tui.tui.screens.diff import DiffScreen

    report = board.face.state.decision
    if report is not None and report.plan.changes:
        return DiffScreen(board.face, report, board.port, accept_required=accept_required)
    if report is not None:
        board.tell("no changes are proposed")
    elif board.face.state.finish is not None:
        board.tell("no plan: nothing was decided")
    else:
        board.tell("no plan yet; Decision has not finished")
    return None


def _required(board: Board) -> Screen[Any] | None:
    """The approval screen with what is required accepted."""
    report = board.face.state.decision
    changes = report.plan.changes if report is not None else ()
    if changes and not any(change.severity == "required" for change in changes):
        board.tell(f"nothing is required; {shown('d')} reviews the {len(changes)} proposed")
        return None
    return _diff(board, accept_required=True)


def _gpus(board: Board) -> Screen[Any]:
    from modelcar_tui.tui.screens.gpus import GpuScreen

    return GpuScreen(board.face, board.port)


def _model(board: Board) -> Screen[Any] | None:
    """The page of the model under the dashboard's cursor."""
    from modelcar_tui.tui.screens.model import ModelScreen
    from modelcar_tui.tui.widgets.models import ModelTable

    return ModelScreen(board.face, board.screen.query_one(ModelTable))


def _log(board: Board) -> Screen[Any]:
    from modelcar_tui.tui.screens.log import LogScreen

    return LogScreen(board.face, board.index)


def _ask(board: Board) -> Screen[Any]:
    from modelcar_tui.tui.screens.ask import AskScreen

    return AskScreen(board.face, board.port)


def _consent(board: Board) -> Screen[Any] | None:
    """What QA would do, and the key that lets it."""
    from modelcar_tui.tui.screens.consent import ConsentDialog

    asked = board.face.state.waiting_for_consent and not board.face.replay
    return ConsentDialog(board.face) if asked else None


def _language_model(board: Board) -> Screen[Any] | None:
    """What a language model would be given, and the key that lets it."""
    from modelcar_tui.tui.faces.offer import why_no_offer
    from modelcar_tui.tui.port import Offering
    from modelcar_tui.tui.screens.offer import OfferDialog

    offer, replay = board.face.state.llm.offer, board.face.replay
    if offer is None or replay or not isinstance(board.port, Offering):
        board.tell(why_no_offer(board.face.state, replay=replay))
        return None
    return OfferDialog(board.face, offer)


def _try(board: Board) -> Screen[Any] | None:
    """A try of the model that is looked at: asked for, answered, or followed."""
    from modelcar_tui.tui.screens.opening_trial import open_try

    return open_try(board)


def _try_again(board: Board) -> Screen[Any] | None:
    """The same, where one that has ended is on the screen."""
    from modelcar_tui.tui.screens.opening_trial import open_try

    return open_try(board, again=True)


def _try_question(board: Board) -> Screen[Any] | None:
    """What the try that waits would do, and the key that lets it."""
    from modelcar_tui.tui.screens.opening_trial import question_of

    trial = board.face.state.trial
    asks = trial is not None and trial.asks and not board.face.replay
    return question_of(board, trial) if asks and trial is not None else None


def _summary(board: Board) -> Screen[Any]:
    """How the run ended, or stands."""
    from modelcar_tui.tui.screens.finish import FinishDialog

    return FinishDialog(board.face)


def _palette(board: Board) -> Screen[Any] | None:
    from modelcar_tui.tui.screens.palette import PaletteScreen

    below = board.screen
    return (
        PaletteScreen(board.face, below) if isinstance(below, FaceScreen) and below.offers_palette else None
    )


def _quit(board: Board) -> Screen[Any] | None:
    from modelcar_tui.tui.screens.quit import QuitDialog

    return None if isinstance(board.screen, QuitDialog) else QuitDialog(board.face)


OPENERS: dict[str, Callable[[Board], Screen[Any] | None]] = {
    "diff": _diff,
    "required": _required,
    "gpus": _gpus,
    "model": _model,
    "log": _log,
    "ask": _ask,
    "consent": _consent,
    "language-model": _language_model,
    "try": _try,
    "try-again": _try_again,
    "try-question": _try_question,
    "summary": _summary,
    "palette": _palette,
    "quit": _quit,
}
