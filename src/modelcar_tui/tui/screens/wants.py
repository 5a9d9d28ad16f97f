"""What each panel of the dashboard has to tell by now, and how much of it matters."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.supervisor import Pane
from modelcar_tui.supervisor.events import Status
from modelcar_tui.tui.arranging import SHARE, SIDES_FROM, TWO_FROM, Want, arranged
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.models import ModelGroup
from modelcar_tui.tui.logindex import LogIndex
from modelcar_tui.tui.widgets.board import Board, Panel, PlanPanel
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

    def __init__(self, face: Face, index: LogIndex, board: Board, table: ModelTable, gpus: GpuTable) -> None:
        self._face = face
        # Held, not looked for: a board that is taken apart is laid out until its last child is gone.
        self._table_of_models = table
        self._gpus = gpus
        self._index = index
        self._board = board
        self.names: frozenset[str] = frozenset()
        """The panels that had something to tell when it was last asked."""
        self._ended: dict[str, tuple[tuple[object, ...], int]] = {}
        self._rows: dict[str, int] = {}
        self._short = 0
        """Of the plan where it only counts what changes no verdict."""
        self._of: tuple[object, ...] = ()
        self._held: tuple[object, ...] = ()
        """Whose ids `_of` holds: what is kept alive gives its id to nothing else."""

    def told(self, width: int, height: int, opened: set[str], focus: str) -> list[Want]:
        """The panels that have something to show, in the order of reading."""
        self._look(width)
        qa = self._face.state.qa
        tests = bool(qa.started.container) and qa.outcome is None
        wants = [*self._panes(width, opened | {focus}, roomy=tests and width >= TWO_FROM)]
        wants += self._table(height, focus, share=35 if wants or tests else 55)
        away = ("plan", "notes") if tests and width < SIDES_FROM else ()
        wants += [want for want in self._around() if want.name not in away or want.name == focus]
        wants += self._log(height, tests=tests)
        most = height - (_TABLE if self._rows["models"] else 0)
        wants = [_looked_at(want, most) if want.name == focus else want for want in wants]
        wants = self._filled(wants, width, height) if width >= TWO_FROM else wants
        self.names = frozenset(want.name for want in wants)
        return wants

    def _panes(self, width: int, opened: set[str], *, roomy: bool) -> Iterator[Want]:
        """The specialists that work, those that the operator has opened or looks at, and what failed where
        no model is known or nothing was decided: there is no verdict to look at."""
        state = self._face.state
        failed = state.manifest is None or state.decision is None
        for pane in self._board.query(SpecialistPane):
            by_hand = pane.specialist in opened or pane.id in opened
            if _open(state.pane(pane.specialist), by_hand, failed=failed):
                yield Want(pane.id or "", _PANE if roomy else 4, pane.wanted(width), 70)

    def _table(self, height: int, focus: str, *, share: int) -> Iterator[Want]:
        """The models; at least that share (in percent) of the rows, as far as there are so many: they give
        way to another panel that is looked at."""
        if rows := self._rows["models"]:
            least = max(_TABLE, height * share // 100) if focus in ("", "models") else _TABLE
            yield Want("models", min(rows, least), rows, 80)

    def _around(self) -> Iterator[Want]:
        """What stands around the table: the model's page, the plan, remarks, GPUs."""
        plan = 45 if self._face.state.answer is None else 20
        for name, least, weight in (("page", 6, 40), ("plan", 5, plan), ("notes", 4, 30), ("gpus", 5, 25)):
            if rows := self._rows.get(name, 0):
                short = self._short if name == "plan" else 0
                yield Want(name, min(rows, least), rows, weight, grows=name == "page", short=short)

    def _log(self, height: int, *, tests: bool) -> Iterator[Want]:
        if self._index.total:
            rows = min(self._index.total + 2, max(6, height * 2 // 5))
            yield Want("log", min(rows, 5), rows, 75 if tests else 28, grows=True)

    def _filled(self, wants: list[Want], width: int, height: int) -> list[Want]:
        """With the specialists that are done, as far as they fill room that nothing else needs."""
        named = {want.name for want in wants}
        part = width // 2 if width < SIDES_FROM else round(width * (1 - SHARE))
        spare = 2 * height - sum(want.rows for want in wants)
        for pane in self._board.query(SpecialistPane):
            more_to_tell = pane.id not in named and _begun(self._face.state.pane(pane.specialist))
            rows = self._pane(pane, part) if more_to_tell and spare > 0 else spare + 1
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
        table = self._table_of_models
        of = (state.decision, state.qa.outcome, state.notices, state.answer, state.cluster, state.manifest)
        held = (*of, state.trials)
        now = (*map(id, held), width, len(table.shown), table.filter)
        if now == self._of:
            return
        self._of, self._held = now, held
        # Of its width the board may still know another: it is laid out by what is told here.
        own = width if width < SIDES_FROM else round(width * SHARE)
        self._rows = {"models": table.wanted(own) if state.manifest is not None or state.decision else 0}
        part = width if width < TWO_FROM else width // 2 if width < SIDES_FROM else round(width * (1 - SHARE))
        if state.decision is not None:
            told = [panel for panel in self._board.query(Panel) if panel.id != "page"]
            self._rows |= {str(panel.id): panel.wanted(part) for panel in told}
            self._short = self._board.query_one(PlanPanel).short(part)
        if self._rows["models"] and (state.decision is not None or width >= TWO_FROM):
            self._rows["page"] = self._page(table, part)
        if state.cluster is not None:
            self._rows["gpus"] = min(_GPU_ROWS, self._gpus.wanted())

    def _page(self, table: ModelTable, width: int) -> int:
        """Rows of the longest page."""
        from modelcar_tui.tui.faces.page import page_rows

        firsts = [one.first if isinstance(one, ModelGroup) else one for one in table.shown[:_PAGES]]
        state, glyphs = self._face.state, self._face.glyphs
        longest = max((len(page_rows(state, one, width - 4, glyphs)) for one in firsts), default=0)
        return longest + 2 if longest else 0


def _looked_at(want: Want, most: int) -> Want:
    """What the operator looks at is shown whole, as far as the table leaves room."""
    least = want.least if want.name == "models" else max(want.least, min(want.rows, most))
    return want._replace(weight=FOCUSED, least=least)


def _open(pane: Pane | None, by_hand: bool, *, failed: bool) -> bool:
    """Whether a specialist's pane is open: while it works, where the operator has opened it, or once it has
    failed."""
    return pane is not None and (
        by_hand or pane.status is Status.RUNNING or (failed and pane.status is Status.FAILED)
    )


def _begun(pane: Pane | None) -> bool:
    """Whether a specialist's pane says more than its row of the strip."""
    return pane is not None and pane.status is not Status.WAITING
