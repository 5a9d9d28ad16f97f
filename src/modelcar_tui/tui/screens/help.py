"""`?`: why, where each number of the focused panel comes from; and the keys of the screen below."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import BindingType
from textual.screen import Screen
from textual.widget import Widget

from modelcar_tui.core.rounding import ceil_div
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.facts import Known, explain_rows, fact_row, fact_widths, facts_of
from modelcar_tui.tui.keys import bind, pretty
from modelcar_tui.tui.narrow import ask_filter
from modelcar_tui.tui.own_keys import shown
from modelcar_tui.tui.rows import EMPTY, Row, Span, labelled, paragraph, row, spans_width
from modelcar_tui.tui.screens.base import FaceScreen, Keys, move_bindings, style
from modelcar_tui.tui.screens.gpus import MOVES
from modelcar_tui.tui.screens.prompt import Prompt
from modelcar_tui.tui.view import Scrolled, View

if TYPE_CHECKING:
    from modelcar_tui.tui.patterns import Filter

KEY_CELLS = 14
_NOTHING = "no numbers are known here yet; tab shows the keys"


class FactList(View, can_focus=True):
    """The facts behind the panel, grouped by model or node."""

    framed = True

    def __init__(self, face: Face, topic: str, chosen: Filter | None, at: str = "") -> None:
        super().__init__(face, id="facts")
        self._topic = topic
        self.cursor = 0
        self.filter = chosen
        self.facts: list[Known] = facts_of(face.state, topic)
        if at:
            passing = enumerate(self._passing())
            self.cursor = next((where for where, one in passing if at in (one.group, one.key)), 0)

    @property
    def current(self) -> Known | None:
        """The fact under the cursor."""
        return self.facts[self.cursor] if self.cursor < len(self.facts) else None

    def head(self) -> tuple[Row, Row]:
        pane = self.face.state.pane(self._topic)
        title = (
            pane.title
            if pane
            else {"gpus": "GPUs", "log": "QA log", "plan": "changes"}.get(self._topic, self._topic)
        )
        return row(
            ("why: ", "muted"), (title, "title"), (f"  /{self.filter.text}" if self.filter else "", "accent")
        ), EMPTY

    def foot(self) -> Row:
        return row((f"{self.cursor + 1}/{len(self.facts)}", "muted")) if self.facts else EMPTY

    def body(self, width: int, height: int) -> list[Row]:
        self.facts = self._passing()
        if not self.facts:
            none = (
                f"nothing passes the filter; {shown('/')} changes it" if self.filter is not None else _NOTHING
            )
            return paragraph(none, width, "muted")
        self.cursor = max(0, min(self.cursor, len(self.facts) - 1))
        now = self.face.clock()
        lines: list[int | str] = []
        """Of thousands of facts only those are laid out that are seen: an index, or the name of a group."""
        for at, known in enumerate(self.facts):
            if not at or known.group != self.facts[at - 1].group:
                lines.append(known.group)
            lines.append(at)
        top = max(0, min(lines.index(self.cursor) - height // 2, len(lines) - height))
        glyphs, seen = self.face.glyphs, lines[top : top + height]
        told = [self.facts[line] for line in seen if not isinstance(line, str)]
        widths = fact_widths(told, width, now, glyphs)
        return [
            row((line, "title"))
            if isinstance(line, str)
            else fact_row(self.facts[line], widths, now, glyphs, chosen=line == self.cursor)
            for line in seen
        ]

    def _passing(self) -> list[Known]:
        facts = facts_of(self.face.state, self._topic)
        if self.filter is None:
            return facts
        return [one for one in facts if self.filter.matches(f"{one.group} {one.label}")]

    def set_filter(self, chosen: Filter | None) -> None:
        """Show only the facts whose group or label passes."""
        self.filter, self.cursor = chosen, 0
        self.screen.query_one(Explanation).top = 0
        self.update()
        self.screen.query_one(Explanation).update()

    def move(self, by: int) -> None:
        """Move the cursor."""
        self.cursor = max(0, min(self.cursor + by, len(self.facts) - 1))

    def next_group(self, by: int) -> None:
        """To the first fact of the next model or node, or of the one before."""
        starts = [
            at for at, known in enumerate(self.facts) if not at or known.group != self.facts[at - 1].group
        ]
        if by > 0:
            self.cursor = next((at for at in starts if at > self.cursor), self.cursor)
        else:
            self.cursor = next((at for at in reversed(starts) if at < self.cursor), 0)


class Explanation(Scrolled):
    """The fact under the cursor down to its terms."""

    page_key = "PgDn"

    def __init__(self, face: Face, facts: FactList) -> None:
        super().__init__(face, id="explanation")
        self._facts = facts

    def all_rows(self, width: int, height: int) -> list[Row]:
        known = self._facts.current
        return explain_rows(known, width, self.face.clock(), self.face.glyphs) if known else []


class KeyList(Scrolled):
    """The live bindings of the screen below, in as many columns as there is room for."""

    def __init__(self, face: Face, below: Screen[object]) -> None:
        super().__init__(face, id="keys")
        self._key_rows = key_rows(below)

    def head(self) -> tuple[Row, Row]:
        return row(("keys", "title")), EMPTY

    def all_rows(self, width: int, height: int) -> list[Row]:
        rows = self._key_rows
        cells = max((spans_width(line.spans) for line in rows), default=1) + 3
        count = max(1, min(width // cells, ceil_div(len(rows), max(1, height))))
        if count == 1:
            return [line for one in rows for line in _wrapped(one, width)]
        deep = ceil_div(len(rows), count)
        out: list[Row] = []
        for at in range(deep):
            spans: list[Span] = []
            filled = ""
            for part in rows[at::deep]:
                gap = " " * (cells - spans_width(part.spans))
                spans += [*([(filled, "text")] if spans else []), *part.spans]
                filled = gap
            out.append(Row(tuple(spans)))
        return out


def _wrapped(line: Row, cells: int) -> list[Row]:
    """A key and its words on as many rows as they take."""
    key, words = line.spans
    return labelled(key[0], words[0], cells, indent=KEY_CELLS, tone=key[1])


def key_rows(below: Screen[object]) -> list[Row]:
    """One row an action, its keys together."""
    actions: dict[str, tuple[list[str], str]] = {}
    for bindings in below._bindings.key_to_bindings.values():
        for binding in bindings:
            if binding.show and binding.description:
                same = binding.action.partition("(")[0] if binding.key.isdecimal() else binding.action
                actions.setdefault(same, ([], binding.description))[0].append(pretty(binding.key))
    rows = []
    for keys, text in actions.values():
        names = f"{keys[0]}-{keys[-1]}" if keys[0].isdecimal() else " ".join(keys)
        rows.append(row((f"{names:<{KEY_CELLS}}", "accent"), text))
    return [*rows, row((f"{shown('ctrl+p'):<{KEY_CELLS}}", "accent"), "all commands and themes")]


class HelpScreen(FaceScreen):
    """Why, and keys."""

    TITLE = "why and keys"
    CSS_PATH = style("help")
    BINDINGS: ClassVar[list[BindingType]] = [
        *move_bindings(*MOVES),
        *bind("right_curly_bracket", "group(1)"),
        *bind("left_curly_bracket", "group(-1)"),
        *bind("slash", "filter"),
        *bind("tab", "other"),
        *bind("escape,q,question_mark,f1", "back"),
    ]

    def __init__(
        self, face: Face, topic: str, below: Screen[object], chosen: Filter | None = None, at: str = ""
    ) -> None:
        super().__init__(face)
        self._at = at
        self._topic = topic
        self._chosen = chosen
        self._below = below

    def content(self) -> Iterable[Widget]:
        self._facts = FactList(self.face, self._topic, self._chosen, self._at)
        yield self._facts
        yield Explanation(self.face, self._facts)
        yield KeyList(self.face, self._below)
        yield Prompt()

    def on_mount(self) -> None:
        super().on_mount()
        self.set_class(not self._facts.facts, "-keys")
        self._facts.focus()

    def keys(self) -> Keys:
        if self.has_class("-keys"):
            return [("j k", "scroll"), ("tab", "where the numbers come from"), ("q", "back")]
        return [
            ("j k", "choose a number"),
            ("} {", "next, last model"),
            ("/", "filter"),
            ("tab", "all keys"),
            ("q", "back"),
        ]

    def action_group(self, by: int) -> None:
        """`}` and `{`."""
        self._facts.next_group(by)
        self.refresh_state()

    def action_filter(self) -> None:
        """`/`."""
        ask_filter(self._facts, self.query_one(Prompt), self.tell, self.refresh_state)

    def action_other(self) -> None:
        """Tab: the numbers, or the keys."""
        self.toggle_class("-keys")
        self.refresh_state()

    def action_move(self, how: str) -> None:
        """Move among the facts."""
        explanation = self.query_one(Explanation)
        steps = {"down": 1, "up": -1, "pagedown": 5, "pageup": -5, "home": -9999, "end": 9999}
        if self.has_class("-keys"):
            keys = self.query_one(KeyList)
            keys.top = max(0, keys.top + steps[how])
        elif how.startswith("page"):
            explanation.top = max(0, explanation.top + steps[how])
        else:
            explanation.top = 0
            self._facts.move(steps[how])
        self.refresh_state()
