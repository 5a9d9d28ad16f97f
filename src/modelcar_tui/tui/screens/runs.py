"""Earlier runs to choose from: go on with one, show it again, make its report, remove it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from textual import events
from textual.binding import BindingType
from textual.widget import Widget

from modelcar_tui.core.sizes import size_text
from modelcar_tui.core.text import reveal
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.runs import IN_FOOTER, RESUME, RunGroup, choice_of, command_of, end_text
from modelcar_tui.tui.keys import bind
from modelcar_tui.tui.messages import Copied
from modelcar_tui.tui.narrow import ask_filter
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.screens.base import FaceScreen, Keys, move_bindings, style
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.shelf import Reading, Shelf
from modelcar_tui.tui.widgets.runs import RunDetail, RunTable

if TYPE_CHECKING:
    from modelcar_tui.api import EarlierRun

MOVES = ("down", "up", "pagedown", "pageup", "home", "end")
LOOK_S, SLOW_S = 0.1, 0.5
"""How often the list looks for runs that have been read, on a slow line too; where none has, nothing is
sent."""
WORD = "remove"


class RunsScreen(FaceScreen):
    """The list."""

    TITLE = "earlier runs"
    CSS_PATH = style("runs")
    BINDINGS: ClassVar[list[BindingType]] = [
        *move_bindings(*MOVES),
        *bind("enter", "open"),
        *bind("u", "choose('resume')"),
        *bind("P", "choose('replay')"),
        *bind("O", "report"),
        *bind("B", "remove"),
        *bind("slash", "filter"),
        *bind("b", "group"),
        *bind("y", "copy"),
        *bind("question_mark,f1", "why"),
        *bind("escape,q", "back"),
    ]

    def __init__(
        self, face: Face, shelf: Shelf, choose: Callable[[str, EarlierRun], None], leave: Callable[[], None]
    ) -> None:
        """
        Args:
            face: the manner of showing it.
            shelf: where the runs are.
            choose: what follows where a run is chosen: `resume` or `replay`, and the run.
            leave: what follows where none is.
        """
        super().__init__(face)
        self._shelf = shelf
        self._choose = choose
        self._leave = leave
        self._reading = Reading(shelf)
        self._removing = False

    def content(self) -> Iterable[Widget]:
        self._table = RunTable(self.face, self._shelf)
        yield self._table
        yield RunDetail(self.face, self._table)
        yield Prompt()

    def on_mount(self) -> None:
        super().on_mount()
        self._table.focus()
        self._reading.start()
        self.set_interval(SLOW_S if self.face.slow else LOOK_S, self._look)

    def on_unmount(self) -> None:
        """The threads end."""
        self._reading.stop()

    def _look(self) -> None:
        if not (self._reading.busy or self._table.reading):
            return
        fresh, words = self._reading.drain()
        done = self._reading.done
        if fresh or words or done is self._table.reading:
            self._table.add(fresh, words, reading=not done)
            self.refresh_state()
            if done and self._reading.fault:
                self.tell(self._reading.fault)
        self._want_words()

    def _want_words(self) -> None:
        self._reading.want(run for run in self._table.seen_runs if choice_of(run))

    def on_resize(self) -> None:
        """More rows are seen, perhaps."""
        super().on_resize()
        self.call_after_refresh(self._want_words)

    def on_key(self, event: events.Key) -> None:
        self.face.now = float(int(time.time()))  # ages move with a key, so that an idle list sends nothing
        super().on_key(event)

    def keys(self) -> Keys:
        one = self._table.current
        keys: Keys = []
        if isinstance(one, RunGroup):
            keys.append(("Enter", "fold" if one.open else "unfold"))
        elif one is not None:
            keys.append(("Enter", IN_FOOTER[choice_of(one)]))
            keys += [("P", "show")] if one.resumable else []
        if self._table.runs:
            keys.append(("/", "filter"))
        keys.append(("?", "keys"))
        if one is not None and not isinstance(one, RunGroup):
            keys += [("B", "remove"), ("O", "report"), ("y", "copy")]
        return [*keys, ("b", "groups"), ("q", "quit")]

    def action_move(self, how: str) -> None:
        """Move the cursor."""
        self._table.go(how)
        self._want_words()
        self.refresh_state()

    def action_open(self) -> None:
        """Enter: what the row says."""
        run = self._table.run
        if run is None:
            self._table.fold()
            self.refresh_state()
        elif choice := choice_of(run):
            self._choose(choice, run)
        else:
            self.tell(f"run {reveal(run.id)}: {end_text(run, {})}; nothing to show")

    def action_choose(self, choice: str) -> None:
        """`u` and `P`."""
        run = self._table.run
        if run is None:
            self.tell("this is a group; choose a run below it")
        elif not choice_of(run):
            self.tell(f"run {reveal(run.id)}: {end_text(run, {})}; nothing to show")
        elif choice == RESUME and not run.resumable:
            self.tell(f"this run can't be gone on with; {shown('P')} shows it again")
        else:
            self._choose(choice, run)

    def action_report(self) -> None:
        """`O`: the command, for a list writes nothing."""
        run = self._table.run
        if run is None or choice_of(run) == "":
            self.tell("no run is under the cursor that a report could be made of")
            return
        self.post_message(
            Copied(f"agent report {self._shelf.named(run)} -o {_report_file(run)}{self._shelf.state_dir}")
        )

    def action_copy(self) -> None:
        """`y`: the command that does what Enter does."""
        run = self._table.run
        if run is None or choice_of(run) == "":
            self.tell("no run is under the cursor that a command could show")
            return
        self.post_message(Copied(command_of(run, self._shelf.named(run), self._shelf.state_dir)))

    def action_filter(self) -> None:
        """`/`."""
        ask_filter(self._table, self.query_one(Prompt), self.tell, self._narrowed)

    def _narrowed(self) -> None:
        self._want_words()
        self.refresh_state()

    def action_group(self) -> None:
        """`b`."""
        self._table.turn_groups()
        self._narrowed()

    def action_remove(self) -> None:
        """`B`: asks for a word."""
        run = self._table.run
        if run is None:
            self.tell("this is a group; choose a run below it")
            return
        if self._removing:
            self.tell("still removing")
            return
        from modelcar_tui.tui.screens.confirm import ConfirmDialog

        facts = [
            ("run", run.id),
            ("end", end_text(run, self._table.words)),
            ("file", self._table.place(run)),
            ("folder", f"{run.folder} ({size_text(run.size)})"),
        ]
        warnings = ["it can be gone on with; once removed it can't"] if run.resumable else []
        dialog = ConfirmDialog(
            self.face, WORD, "Remove this run: journal, logs, what it keeps", facts, warnings
        )
        self.app.push_screen(dialog, lambda word: self._remove(run) if word == WORD else None)

    def _remove(self, run: EarlierRun) -> None:
        self._removing = True
        self.tell("removing ...")

        def work() -> None:
            # In a thread: a folder may hold gigabytes of logs.
            try:
                why = self._shelf.remove(run)
            except Exception as error:  # noqa: BLE001 - the list stays of use
                why = f"a fault of ours ({type(error).__name__})"
            with suppress(RuntimeError):  # the list has gone
                self.app.call_from_thread(self._removed, run, why)

        threading.Thread(target=work, name="remove", daemon=True).start()

    def _removed(self, run: EarlierRun, why: str) -> None:
        self._removing = False
        if why:
            self.tell(f"not removed: {why}")
            return
        self._table.drop(run)
        self._want_words()
        self.tell(f"run {reveal(run.id)} is removed ({size_text(run.size)})")
        self.refresh_state()

    def action_why(self) -> None:
        """`?`."""
        self.opening.open_why("runs")

    def action_back(self) -> None:
        """`q`, Esc: nothing is chosen."""
        self._leave()


def _report_file(run: EarlierRun) -> str:
    """A name for its report that needs no quotes."""
    return f"run-{''.join(char for char in run.id if char.isascii() and char.isalnum())[-12:]}.html"
