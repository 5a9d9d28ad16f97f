"""`a`: a question in words, or a what-if as a small form; the answers with the facts they rest on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Input, Label

from modelcar_tui.core.text import reveal
from modelcar_tui.supervisor.answers import WhatIf, suggestions
from modelcar_tui.supervisor.events import QuestionAnswered
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.port import Asked, EnginePort
from modelcar_tui.tui.rows import EMPTY, Row, labelled, paragraph, row
from modelcar_tui.tui.screens.base import FaceScreen, Keys, style
from modelcar_tui.tui.view import Scrolled

QUESTION = "question"
FIELDS = (
    (QUESTION, "question", "1 why, 2 which GPU, 3 half"),
    ("model", "or what if: model", "a part of its name; empty: all"),
    ("--max-model-len", "--max-model-len", "4096, 32k, half, double"),
    ("--max-num-seqs", "--max-num-seqs", "64, half, double"),
    ("--gpu-memory-utilization", "--gpu-memory-utilization", "0.95"),
    ("--tensor-parallel-size", "--tensor-parallel-size", "2"),
    ("gpu", "GPUs", "PRODUCT or PRODUCT:COUNT"),
)
"""Name, label and hint of each line."""
_END = 1 << 30
"""More rows than there are."""


class Answers(Scrolled):
    """What was asked and answered, the newest at the end, from its beginning; PgUp and PgDn turn the
    pages."""

    page_key = "PgDn"

    def __init__(self, face: Face) -> None:
        super().__init__(face, id="answers")
        self.waiting: dict[str, str] = {}
        """Questions without an answer yet, by id."""
        self._seen = 0

    def head(self) -> tuple[Row, Row]:
        llm = self.face.state.llm
        who = f"{llm.model}: {llm.cost}" if llm.model else ""
        return row(("ask", "title")), row((who or "no language model: rules and what-if", "muted"))

    def all_rows(self, width: int, height: int) -> list[Row]:
        answers = self.face.state.answers
        parts = [answer_rows(answer, width) for answer in answers]
        rows = [line for part in parts for line in part]
        if len(answers) != self._seen:
            # A new answer is read from its first line, also where it is longer than the screen.
            self._seen = len(answers)
            self.top = len(rows) - len(parts[-1]) if parts else 0
        known = {answer.id for answer in answers}
        for name, text in self.waiting.items():
            if name not in known:
                rows += [*paragraph(f"? {reveal(text)}", width, "accent"), row(("  ...", "muted"))]
        if not rows:
            return self._welcome(width)
        while rows[-1] is EMPTY:
            rows.pop()
        return rows

    def wait_for(self, identifier: str, question: str) -> None:
        """Show what was asked, below all answers."""
        self.waiting[identifier] = question
        self.scroll_rows(_END)

    def _welcome(self, width: int) -> list[Row]:
        """What may be asked, and what a language model is given."""
        rows: list[Row] = []
        for number, text in enumerate(suggestions(self.face.state), 1):
            rows += labelled(f"{number} ", reveal(text), width, indent=2, tone="key")
        rows += paragraph(
            "Type a number or a question, or fill in a what-if: the real estimate answers.", width, "muted"
        )
        llm = self.face.state.llm
        if llm.model and not self.face.replay:
            rows += [EMPTY, *paragraph(f"{llm.model} at {llm.host} is given, as data:", width, "muted")]
            rows += [row for text in llm.shares for row in paragraph(f"- {reveal(text)}", width, "muted")]
        if llm.offer is not None and not self.face.replay:
            at = f"{reveal(llm.offer.model)} at {reveal(llm.offer.host)}"
            told = f"{at} is asked, too, if you let it: Esc, then {shown('M')}."
            rows += [EMPTY, *paragraph(told, width, "muted")]
        return rows


def answer_rows(answer: QuestionAnswered, cells: int) -> list[Row]:
    """A question and its answer."""
    rows = paragraph(f"? {reveal(answer.question)}", cells, "accent")
    for text in answer.text.splitlines():
        rows += paragraph(reveal(text.strip()), cells, indent=2 if text.startswith("  ") else 0)
    if answer.credit:
        rows += paragraph(f"({answer.credit})", cells, "muted")
    if answer.why:
        rows += paragraph(reveal(answer.why), cells, "warn")
    return [*rows, EMPTY]


class AskScreen(FaceScreen):
    """Enter asks what was filled in; nothing of the run is changed."""

    TITLE = "ask"
    offers_palette = False
    CSS_PATH = style("ask")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", priority=True),
        Binding("tab,down", "app.focus_next", "next line", priority=True),
        Binding("shift+tab,up", "app.focus_previous", "line before", priority=True),
        Binding("pageup", "scroll(-1)", "back", priority=True),
        Binding("pagedown", "scroll(1)", "forth", priority=True),
    ]

    def __init__(self, face: Face, port: EnginePort) -> None:
        super().__init__(face)
        self._port = port

    def content(self) -> Iterable[Widget]:
        yield Answers(self.face)
        for name, label, hint in FIELDS:
            yield _Line(name, label, hint)

    def on_mount(self) -> None:
        super().on_mount()
        self.query(Input).first().focus()

    def keys(self) -> Keys:
        return [("Enter", "ask"), ("tab", "next line"), ("PgUp/PgDn", "page"), ("Esc", "back")]

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Ask the question, or what the form says."""
        event.stop()
        port = self._port
        if not isinstance(port, Asked):
            self.tell("a recorded run takes no questions here: agent ask RUN")
            return
        lines = {line.field: line.value for line in self.query(_Line)}
        typed = lines.pop(QUESTION)
        offered = {str(number): text for number, text in enumerate(suggestions(self.face.state), 1)}
        question: str | WhatIf = offered.get(typed, typed)
        if not question:
            flags = {flag: value for flag, value in lines.items() if flag.startswith("--") and value}
            question = WhatIf(model=lines["model"], arguments=flags, gpu=lines["gpu"] or None)
        view = self.query_one(Answers)
        text = question if isinstance(question, str) else question.text
        self.query(Input).first().value = ""
        view.wait_for(port.ask(question), text)

    def action_scroll(self, how: int) -> None:
        """A page of answers back or forth."""
        view = self.query_one(Answers)
        view.scroll_rows(how * max(1, view.inner[1] - 1))


class _Line(Horizontal):
    """One labelled line of the form."""

    def __init__(self, field: str, label: str, hint: str) -> None:
        super().__init__()
        self.field = field
        self._label, self._hint = label, hint

    def compose(self) -> ComposeResult:
        yield Label(self._label, markup=False)
        line = Input(placeholder=self._hint, compact=True, max_length=500)
        line.cursor_blink = False
        yield line

    @property
    def value(self) -> str:
        """What was typed."""
        return self.query_one(Input).value.strip()
