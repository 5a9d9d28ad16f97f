"""The log's keys, for every screen that shows one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import UserError
from modelcar_tui.tui.logerrors import ErrorWalk
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.patterns import parse_filter
from modelcar_tui.tui.rows import crop_middle
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.widgets.log import LogView


class LogKeys:
    """Actions on one log view."""

    def __init__(self, view: LogView, prompt: Prompt, tell: Callable[[str], None]) -> None:
        self._view = view
        self._prompt = prompt
        self._tell = tell

    def press(self, key: str, folder: str) -> bool:
        """Do what a key means; False when it means nothing here."""
        view = self._view
        view.look()
        acts: dict[str, Callable[[], None]] = {
            "slash": self.ask_filter,
            "n": lambda: self.match(1),
            "N": lambda: self.match(-1),
            "e": lambda: self.error(1),
            "E": lambda: self.error(-1),
            "f": lambda: view.end() if not view.follow else view.move(-1),
            "w": self.wrap,
            "T": self.times,
            "s": lambda: self.save(folder),
        }
        if key not in acts:
            return False
        if not view.index.total and key in ("n", "N", "e", "E", "s"):
            self._tell("the log has no lines yet")
        else:
            acts[key]()
        return True

    def wrap(self) -> None:
        """`w`: long lines over several rows, whole."""
        view = self._view
        view.wrap, view.left = not view.wrap, 0
        view.update()

    def times(self) -> None:
        """`T`: the time of each line."""
        self._view.times = not self._view.times
        self._view.update()

    def ask_filter(self) -> None:
        """`/`: filter while typing."""
        view = self._view
        before = view.index.filter

        def changed(text: str) -> None:
            try:
                wanted = parse_filter(text)
            except UserError:
                return
            if view.index.total <= 50_000:
                view.set_filter(wanted)

        def done(text: str) -> None:
            try:
                view.set_filter(parse_filter(text))
            except UserError as error:
                view.set_filter(before)
                self._tell(str(error))

        self._prompt.ask("/", before.text if before else "", done, changed=changed, left=lambda: done(""))

    def match(self, step: int) -> None:
        """`n`, `N`: the next line that matches."""
        view = self._view
        wanted = view.index.filter or view.index.search
        if wanted is None:
            self._tell(f"nothing to look for: {shown('/')} says what")
            return
        at = view.mark if view.mark is not None else view.index.number_at(view.top) - step

        def found(number: int | None) -> None:
            if number is not None:
                view.show_line(number)
            elif wanted.gave_up:
                self._tell("the expression takes too long; say it simpler")
            else:
                self._tell("no line matches")

        view.index.find(at + step, step, wanted, found)

    def error(self, step: int) -> None:
        """`e`, `E`: the root cause first, then the errors in their order, then what only repeats them."""
        view = self._view
        outcome = view.face.state.qa.outcome
        place = outcome.log_line if outcome is not None else None

        def found(number: int | None) -> None:
            if number is None:
                self._tell("no error line in the log" + (" passes the filter" if view.index.filter else ""))
                return
            view.show_line(number)
            if place is not None and number == place - 1:
                self._tell(f"the root cause, line {place:,}; {shown('e')} goes on to the other errors")

        walk = ErrorWalk(view.index, place - 1 if place is not None else None)
        walk.go(step, view.mark, view.index.number_at(view.top), found)

    def save(self, folder: str) -> None:
        """`s`: what is shown (the filter's lines, or all) into a file of the run's folder."""
        index, app = self._view.index, self._view.app
        if not index.shown:
            self._tell("nothing to save: no line passes the filter")
            return
        path = Path(folder or ".") / ("qa-filtered.log" if index.filter else "qa-saved.log")
        count = index.shown

        def work() -> None:
            # In a thread: a million lines take seconds.
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    for at in range(0, count, 2000):
                        file.writelines(f"{line.text}\n" for _, line in index.read(at, min(2000, count - at)))
                # The name first: on a narrow screen the folder is cut, not what one looks for in it.
                text = f"{path.name}: {several(count, 'line')} saved, in {crop_middle(str(path.parent), 40)}"
            except OSError as error:
                text = f"{path.name} not saved: {error.strerror}"
            app.call_from_thread(self._tell, text)

        self._view.run_worker(work, thread=True, exclusive=True, group="save", exit_on_error=False)
