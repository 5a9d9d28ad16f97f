"""What QA left on the cluster: looked up, shown with its commands, deleted only after a typed word."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType

from modelcar_tui.core.errors import UserError
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import EMPTY, Row, labelled, paragraph, row
from modelcar_tui.tui.screens.base import Dialog
from modelcar_tui.tui.screens.confirm import ConfirmDialog

if TYPE_CHECKING:
    from modelcar_tui.qa import Leftover
    from modelcar_tui.supervisor import CleanUp


class CleanupDialog(Dialog):
    """Asks the cluster in a thread of its own; keys stay alive."""

    last_rows: ClassVar[int] = 2
    BINDINGS: ClassVar[list[BindingType]] = [
        *bind("C", "remove"),
        *bind("escape,q", "leave"),
    ]

    def __init__(self, face: Face, work: CleanUp | None = None) -> None:
        super().__init__(face)
        self._work = work
        self._items: tuple[Leftover, ...] | None = None
        self._done: tuple[str, ...] = ()
        self._problem = ""

    def title_text(self) -> str:
        return "Left on the cluster by QA"

    def on_mount(self) -> None:
        super().on_mount()
        self._in_thread(self._look)

    def rows(self, cells: int) -> list[Row]:
        rows: list[Row] = [EMPTY]
        if self._problem:
            rows += paragraph(self._problem, cells, "bad")
        elif self._done:
            for line in self._done:
                rows += paragraph(line, cells, "bad" if line.startswith("not") else "text")
        elif self._items is None:
            rows.append(row(("asking the cluster ...", "muted")))
        elif not self._items:
            rows += paragraph("Nothing that the log names is there any more.", cells, "ok")
        for item in self._items or () if not self._done else ():
            rows += labelled("", f"{item.kind} {item.name}", cells, indent=2)
            rows += labelled("", item.command if item.ours else f"kept: {item.kept}", cells, indent=4)
        keys = row(("Esc", "key"), " back")
        if self._ours and not self._done:
            keys = row((shown("C"), "key"), f" deletes {len(self._ours)}   ", ("Esc", "key"), " back")
        return [*rows, EMPTY, keys]

    @property
    def _ours(self) -> tuple[Leftover, ...]:
        return tuple(item for item in self._items or () if item.ours)

    def action_remove(self) -> None:
        """`C`: the second, different confirmation comes first."""
        if not self._ours or self._done:
            return
        facts = [("", item.command) for item in self._ours]
        dialog = ConfirmDialog(self.face, "delete", "Delete from the cluster?", facts, [])
        self.app.push_screen(dialog, self._confirmed)

    def _confirmed(self, word: str | None) -> None:
        if word == "delete":
            self._in_thread(self._delete)

    def _look(self, work: CleanUp) -> None:
        self._items = asyncio.run(work.look())

    def _delete(self, work: CleanUp) -> None:
        self._done = asyncio.run(work.delete(frozenset(item.uid for item in self._ours)))

    def _in_thread(self, what: Callable[[CleanUp], None]) -> None:
        def work() -> None:
            try:
                what(self._work or self._open())
            except UserError as error:
                self._problem = str(error)
            except Exception as error:  # noqa: BLE001 - whoever asked must hear the end of it
                self._problem = f"a fault of ours: {type(error).__name__}"
            self.app.call_from_thread(self.refresh, layout=True)
            self.app.call_from_thread(self.refresh_state)

        self.run_worker(work, thread=True, exclusive=True, group="cleanup", exit_on_error=False)

    def _open(self) -> CleanUp:
        from modelcar_tui.supervisor import Settings, clean_up

        return clean_up(Path(self.face.state.folder), self.face.state, Settings(manifest=""))
