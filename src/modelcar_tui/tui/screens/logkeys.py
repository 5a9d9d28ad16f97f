"""The log's keys, for every screen that shows one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from modelcar_tui.core.errors import UserError
from modelcar_tui.tui.lines import Filter, parse_filter
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.widgets.log import LogView

KEYS = ("slash", "n", "N", "e", "E", "f", "w", "t", "s")


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
        number = view.index.find(at + step, step, wanted)
        if number is None:
            self._tell("no error line in the log" if wanted is None else "no line matches")
            return
        view.show_line(number)

    def save(self, folder: str) -> None:
        """`s`: what is shown (the filter's lines, or all) into a file of the run's folder."""
        index = self._view.index
        path = Path(folder or ".") / ("qa-filtered.log" if index.filter else "qa-saved.log")
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                for at in range(0, index.shown, 2000):
                    file.writelines(f"{line.text}\n" for _, line in index.read(at, 2000))
        except OSError as error:
            self._tell(f"not saved: {error.strerror}")
            return
        self._tell(f"{index.shown:,} lines saved to {path}")
