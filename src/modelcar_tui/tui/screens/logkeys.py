"""The log's keys, for every screen that shows one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from modelcar_tui.core.counting import several
from modelcar_tui.core.errors import UserError
from modelcar_tui.tui.patterns import Filter, parse_filter
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
        match key:
            case "slash":
                self.ask_filter()
            case "n":
                self.find(1, view.index.filter or view.index.search)
            case "N":
                self.find(-1, view.index.filter or view.index.search)
            case "e":
                self.find(1, None)
            case "E":
                self.find(-1, None)
            case "f":
                view.end() if not view.follow else view.move(-1)
            case "w":
                view.wrap = not view.wrap
                view.update()
            case "t":
                view.times = not view.times
                view.update()
            case "s":
                self.save(folder)
            case _:
                return False
        return True

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

    def find(self, step: int, wanted: Filter | None) -> None:
        """`n`, `N`, `e`: the next line that matches."""
        view = self._view
        at = view.mark if view.mark is not None else view.index.number_at(view.top) - step

        def found(number: int | None) -> None:
            if number is not None:
                view.show_line(number)
            elif wanted is not None and wanted.gave_up:
                self._tell("the expression takes too long; say it simpler")
            else:
                self._tell("no error line in the log" if wanted is None else "no line matches")

        view.index.find(at + step, step, wanted, found)

    def save(self, folder: str) -> None:
        """`s`: what is shown (the filter's lines, or all) into a file of the run's folder."""
        index, app = self._view.index, self._view.app
        path = Path(folder or ".") / ("qa-filtered.log" if index.filter else "qa-saved.log")
        count = index.shown

        def work() -> None:
            # In a thread: a million lines take seconds.
            try:
                handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
                with os.fdopen(handle, "w", encoding="utf-8") as file:
                    for at in range(0, count, 2000):
                        file.writelines(f"{line.text}\n" for _, line in index.read(at, min(2000, count - at)))
                text = f"{several(count, 'line')} saved to {path}"
            except OSError as error:
                text = f"not saved: {error.strerror}"
            app.call_from_thread(self._tell, text)

        self._view.run_worker(work, thread=True, exclusive=True, group="save", exit_on_error=False)
