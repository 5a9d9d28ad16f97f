"""What each panel of the dashboard has to tell by now, and how much of it matters."""

from __future__ import annotations

from modelcar_tui.supervisor import Pane
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui.arranging import SIDES_FROM, TWO_FROM, Want, arranged
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.models import ModelGroup
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.widgets.board import Board, Panel
from modelcar_tui.tui.widgets.gpus import GpuTable
from modelcar_tui.tui.widgets.models import ModelTable
from modelcar_tui.tui.widgets.panels import SpecialistPane

FOCUSED = 200
"""What the operator looks at comes before all."""
_PAGES = 8
"""Models whose pages are looked at for the room that one takes: it must not jump with the cursor."""
_GPU_ROWS = 14
_PANE = 9
"""Rows of QA's pane while it runs."""
_TABLE = 5
"""Rows of the table that stay beside what is looked at."""


class Wants:
    """Asks the panels; what costs is asked anew only where it may have changed."""

    def __init__(self, face: Face, index: LogIndex, board: Board) -> None:
        self._face = face
        self._index = index
        self._board = board
        self.names: frozenset[str] = frozenset()
        """The panels that had something to tell when it was last asked."""
        self._ended: dict[str, tuple[tuple[object, ...], int]] = {}
        self._rows: dict[str, int] = {}
        self._of: tuple[object, ...] = ()
        self._held: tuple[object, ...] = ()
        """Whose ids `_of` holds: what is kept alive gives its id to nothing else."""

    def told(self, width: int, height: int, opened: set[str], focus: str) -> list[Want]:
        """The panels that have something to show, in the order of reading."""
        self._look(width)
        qa_runs = bool(self._face.state.qa.started.container) and self._face.state.qa.outcome is None
        wants = [
            Want(pane.id or "", _PANE if qa_runs and width >= TWO_FROM else 4, pane.wanted(width), 70)
            for pane in self._board.query(SpecialistPane)
            if _open(self._face.state.pane(pane.specialist), pane.specialist in opened)
        ]
        models = self._rows.get("models", 0)
        if models:
            least = _least_of_models(height, focus, shared=bool(wants) or qa_runs)
            wants.append(Want("models", min(models, least), models, 80))
        plan = 45 if self._face.state.answer is None else 20
        for name, least, weight in (("page", 7, 40), ("plan", 5, plan), ("notes", 4, 30), ("gpus", 5, 25)):
            rows = self._rows.get(name, 0)
            beside = qa_runs and width < SIDES_FROM and name in ("plan", "notes") and name != focus
            if rows and not beside:
                wants.append(Want(name, min(rows, least), rows, weight, grows=name == "page"))
        if self._index.total:
            weight = 75 if qa_runs else 28
            rows = min(self._index.total + 2, max(6, height * 2 // 5))
            wants.append(Want("log", min(rows, 5), rows, weight, grows=True))
        most = height - (_TABLE if models else 0)
        wants = [_looked_at(want, most) if want.name == focus else want for want in wants]
        wants = self._filled(wants, width, height) if width >= TWO_FROM else wants
        self.names = frozenset(want.name for want in wants)
        return wants

    def _filled(self, wants: list[Want], width: int, height: int) -> list[Want]:
        """With the specialists that are done, as far as they fill room that nothing else needs."""
        named = {want.name for want in wants}
        part = width // 2 if width < SIDES_FROM else round(width * 0.44)
        spare = 2 * height - sum(want.rows for want in wants)
        for pane in self._board.query(SpecialistPane):
            rows = self._pane(pane, part) if pane.id not in named and spare > 0 else spare + 1
            if rows <= spare:
                more = [*wants, Want(pane.id or "", 4, rows, 10)]
                places = arranged(width, height, more)
                if all(want.name in places and places[want.name].height >= want.rows for want in more):
                    wants, spare = more, spare - rows
        return wants

    def _pane(self, pane: SpecialistPane, width: int) -> int:
        """Rows of a specialist that has ended: they change with what it tells and with the decision alone."""
        state = self._face.state
        key = (state.pane(pane.specialist), state.decision, state.qa.outcome, width)
        known = self._ended.get(pane.specialist)
        if known is None or any(new is not old for new, old in zip(key[:3], known[0][:3], strict=True)):
            known = self._ended[pane.specialist] = key, pane.wanted(width)
        return known[1]

    def _look(self, width: int) -> None:
        state = self._face.state
        table = self._board.query_one(ModelTable)
        of = (state.decision, state.qa.outcome, state.notices, state.answer, state.cluster, state.manifest)
        now = (*map(id, of), width, len(table.shown), table.filter)
        if now == self._of:
            return
        self._of, self._held = now, of
        self._rows = {"models": table.wanted() if state.manifest is not None or state.decision else 0}
        part = width if width < TWO_FROM else width // 2 if width < SIDES_FROM else round(width * 0.44)
        if state.decision is not None:
            told = [panel for panel in self._board.query(Panel) if panel.id != "page"]
            self._rows |= {str(panel.id): panel.wanted(part) for panel in told}
        if self._rows["models"] and (state.decision is not None or width >= TWO_FROM):
            self._rows["page"] = self._page(table, part)
        if state.cluster is not None:
            self._rows["gpus"] = min(_GPU_ROWS, self._board.query_one(GpuTable).wanted())

    def _page(self, table: ModelTable, width: int) -> int:
        """Rows of the longest page."""
        from modelcar_tui.tui.faces.page import page_rows

        firsts = [one.first if isinstance(one, ModelGroup) else one for one in table.shown[:_PAGES]]
        state, glyphs = self._face.state, self._face.glyphs
        longest = max((len(page_rows(state, one, width - 4, glyphs)) for one in firsts), default=0)
        return longest + 2 if longest else 0


def _least_of_models(height: int, focus: str, *, shared: bool) -> int:
    """Rows that the table keeps; beside what is looked at it gives way to it."""
    return _TABLE if focus not in ("", "models") else max(_TABLE, height * (35 if shared else 55) // 100)


def _looked_at(want: Want, most: int) -> Want:
    """What the operator looks at is shown whole, as far as the table leaves room."""
    least = want.least if want.name == "models" else max(want.least, min(want.rows, most))
    return want._replace(weight=FOCUSED, least=least)


def _open(pane: Pane | None, by_hand: bool) -> bool:
    """Whether a specialist's pane is open: while it works, and where the operator has opened it."""
    return pane is not None and (by_hand or pane.status is Status.RUNNING)
