"""The first rows of a run: the manifest's name, the answer's rows and the specialists, before anything is
known."""

from __future__ import annotations

import msgspec

from modelcar_tui.supervisor import Pane, RunState
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.banner import banner_height, banner_rows, header_row
from modelcar_tui.tui.faces.strip import strip_rows
from modelcar_tui.tui.rows import Row

ROOMY_FROM = 34
"""Rows from which each specialist has a row of its own."""
EMPTY_BOARD = tuple(
    Pane(name=name, title=title)
    for name, title in (
        ("configuration", "Configuration"),
        ("accelerator", "Accelerator"),
        ("decision", "Decision"),
        ("qa", "QA"),
    )
)


def with_board(state: RunState) -> RunState:
    """The state with the specialists that every run has, where none has told of itself yet."""
    return state if state.panes else msgspec.structs.replace(state, panes=EMPTY_BOARD)


def front_heights(face: Face, columns: int, rows: int) -> tuple[int, int]:
    """Rows of the answer and of the specialists on a screen of that size."""
    panes = len(face.state.panes)
    roomy = rows >= ROOMY_FROM and columns >= 80
    return max(2, banner_height(face, max(1, columns))), max(1, panes) if roomy else 1


def front_rows(face: Face, columns: int, rows: int) -> list[Row]:
    """Header, answer and specialists, from the top of a screen of that size."""
    answer, strip = front_heights(face, columns, rows)
    told = banner_rows(face, columns, answer)
    told += [Row()] * (answer - len(told))
    return [header_row(face, "", columns), *told, *strip_rows(face, "", columns, strip)][:rows]
