"""An HTML page as its parser sees it, and states of runs to make pages of."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any, NamedTuple

import msgspec

from modelcar_tui.manifest import Manifest
from modelcar_tui.supervisor import RunState, fold
from pilot import support as s

VOID = frozenset({"meta", "br", "rect", "line"})
"""Elements without content: HTML's own, and SVG's that the page closes at once."""


class Tag(NamedTuple):
    """A start tag with its attributes."""

    name: str
    attributes: tuple[tuple[str, str | None], ...]

    def get(self, name: str) -> str | None:
        return dict(self.attributes).get(name)


class Page(HTMLParser):
    """Tags in order, and the text within each of them."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[Tag] = []
        self.texts: list[tuple[str, str]] = []
        """The innermost element and the text in it."""
        self.unbalanced: list[str] = []
        self.other: list[str] = []
        """Comments, processing instructions and other declarations."""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, tuple(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(Tag(tag, tuple(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.unbalanced.append(f"/{tag}")
        else:
            self._open.pop()

    def handle_data(self, data: str) -> None:
        self.texts.append((self._open[-1] if self._open else "", data))

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        self.other.append(data)

    @property
    def text(self) -> str:
        """All that is read, the style sheet left out."""
        return " ".join(" ".join(text for where, text in self.texts if where != "style").split())

    def all(self, name: str) -> list[Tag]:
        """The tags of one name."""
        return [tag for tag in self.tags if tag.name == name]


class Cells(HTMLParser):
    """The tables of a page: each a caption and its rows of cells."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[tuple[str, list[list[str]]]] = []
        self._caption, self._in, self._before = "", "", ""
        self._rows: list[list[str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        if tag == "table":
            self._caption, self._rows = "", []
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
            self._in = "cell"
        elif tag == "caption":
            self._in = "caption"
        elif tag == "svg":
            self._before, self._in = self._in, ""

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "caption"):
            self._in = ""
        elif tag == "svg":
            self._in = self._before
        elif tag == "table":
            rows = [[" ".join(cell.split()) for cell in row] for row in self._rows]
            self.tables.append((self._caption.strip(), rows))
            self._in = ""

    def handle_data(self, data: str) -> None:
        if self._in == "caption":
            self._caption += data
        elif self._in == "cell":
            self._rows[-1][-1] += data

    def of(self, caption: str) -> list[list[str]]:
        """The body of the table whose caption begins so."""
        return next(rows[1:] for told, rows in self.tables if told.startswith(caption))


def states(folder: Any) -> dict[str, RunState]:
    """The dashboard's states, a run that has hardly begun, and none at all."""
    from pilot.states import STATES

    found = {name: fold(s.stamp(make(folder))) for name, (make, _) in STATES.items()}
    early = fold(s.stamp(s.begin(demo=True)))
    return {**found, "early": early, "empty": RunState()}


def hundred_read() -> RunState:
    """A hundred models, all of them read and judged."""
    state = fold(s.stamp(s.decided()))
    assert state.decision is not None
    assert state.manifest is not None
    models, verdicts = [], []
    for at in range(100):
        model, verdict = state.models[at % 5], state.decision.models[at % 5]
        name = f"{model.car.name}-{at:03}"
        models.append(msgspec.structs.replace(model, car=msgspec.structs.replace(model.car, name=name)))
        verdicts.append(msgspec.structs.replace(verdict, model=name))
    manifest: Manifest = msgspec.structs.replace(state.manifest, models=tuple(m.car for m in models))
    decision = msgspec.structs.replace(state.decision, models=tuple(verdicts))
    return msgspec.structs.replace(state, manifest=manifest, models=tuple(models), decision=decision)
