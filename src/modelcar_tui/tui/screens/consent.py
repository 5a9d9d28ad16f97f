"""Before QA starts: what it will do to the cluster, and a key that lets it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from modelcar_tui.tui.rows import EMPTY, Row, paragraph, row
from modelcar_tui.tui.screens.base import Dialog


class ConsentDialog(Dialog):
    """Answers `start`, `skip`, or nothing: then the question stays open.

    What was not on the screen can't be agreed to.
    """

    deaf_s: ClassVar[float] = 0.5
    BINDINGS: ClassVar[list[BindingType]] = [
        ("s", "start", "start QA"),
        ("n", "say('skip')", "skip QA"),
        ("escape,q", "leave", "decide later"),
    ]

    def title_text(self) -> str:
        return "QA will work on the cluster"

    def rows(self, cells: int) -> list[Row]:
        consent = self.face.state.consent
        rows = [EMPTY]
        for line in consent.effects if consent else ():
            rows += paragraph(line, cells, "text")
        keys = row(
            ("  s ", "key"),
            f"  {'start QA' if self.top >= self.below else 'read on '}    ",
            ("n ", "key"),
            "  skip it    ",
            ("Esc ", "key"),
            "  later (x)",
        )
        return [*rows, EMPTY, keys, EMPTY]

    def action_start(self) -> None:
        """`s`: reads on until the last effect has been on the screen."""
        if self.top < self.below:
            self.action_scroll(3)
        else:
            self.dismiss("start")
