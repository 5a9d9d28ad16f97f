"""The words of a script with the variables that are known put in, and where each of them stands."""

from __future__ import annotations

import re
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace

from modelcar_tui.manifest.kinds.objects import below, text_below
from modelcar_tui.manifest.kinds.places import Path
from modelcar_tui.manifest.kinds.shell import OPAQUE, VARIABLE, Piece, ShellSyntaxError, Word
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.spans import STR, Mapping, Node, Scalar, Sequence

_KUBERNETES = re.compile(r"\$\(([A-Za-z_][\w.-]*)\)\Z")
_BLANKS = re.compile(r"[^ \t\n]+")
_MOST = 200_000
"""Characters and words that all variables of a script may come to where they are used."""
_LATE = ("LWS_", "KUBERNETES_")
"""Variables that a controller adds, so that a default in the script may not hold."""


@dataclass(frozen=True, slots=True)
class Block:
    """A list or a text that holds arguments."""

    path: Path
    node: Sequence | Scalar
    shell: bool = True
    end: int = 0
    """Where one more argument goes, in a text."""

    @property
    def text(self) -> bool:
        """Whether it is a text."""
        return isinstance(self.node, Scalar)

    def item(self, start: int) -> Node:
        """The node in which an argument stands; of a text whose lines are known, one that begins there."""
        node = self.node
        if isinstance(node, Sequence):
            return node.items[start]
        lines = node.value.count("\n", 0, start)
        if not self.path:
            return replace(node, line=node.line + lines, column=start - node.value.rfind("\n", 0, start))
        return replace(node, line=node.line + 1 + lines, column=1) if node.style == "|" else node


@dataclass(frozen=True, slots=True)
class Argument:
    """One word as the program gets it, and where it stands."""

    text: str
    block: Block
    start: int
    """Index in a list; offset in a text."""
    end: int = 0
    unsure: str = ""
    """Why it is not known, where it isn't; the text is then as it is written."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a value that stands somewhere as it is, so that words of it can be edited there."""

    text: str
    block: Block | None = None
    """None where it stands nowhere as it is."""
    start: int = 0


@dataclass(frozen=True, slots=True)
class Value:
    """A variable's value; None where it isn't known."""

    text: str | None
    why: str = ""
    segments: tuple[Segment, ...] = ()
    """The text from its beginning; empty where it stands nowhere in the file."""
    items: tuple[Argument, ...] | None = None
    """Of an array."""


class Expansion:
    """The variables of a script while it is read, and its words with them."""

    def __init__(self, script: Block, known: Table[str, str], container: Mapping | None, path: Path) -> None:
        self.script = script
        self.declared = _declared(container, path) if container is not None else {}
        """The container's own; one without a known value is here, too."""
        self.known = {name: Value(text) for name, text in known.items()}
        for name, value in self.declared.items():
            if value.text is not None and value.text == known.get(name):
                self.known[name] = value
        self.arguments: tuple[Argument, ...] = ()
        """What stands behind the script; the first is its own name (`$0`)."""
        self.passed_on = False
        """Whether a word has all of these."""
        self._left = _MOST
        self._open_ended = container is not None and below(container, "envFrom") is not None

    def words(self, word: Word) -> list[Argument]:
        """What the program gets of one word: one argument, or as many as a variable has."""
        only = word.pieces[0] if len(word.pieces) == 1 else None
        if only is not None and only.kind == VARIABLE:
            if only.name in "@*":
                self.passed_on = True
                self._spend(len(self.arguments))
                return list(self.arguments[1:])
            if only.name.endswith("]"):
                value = self.known.get(only.name.partition("[")[0])
                if value is not None and value.items is not None:
                    self._spend(len(value.items))
                    return list(value.items)
            elif not only.quoted:
                value = self._value(only)
                if value.text is not None and (not value.text or _BLANKS.fullmatch(value.text) is None):
                    return self._split(word, value)
        text, why = self._joined(word.pieces, split=True)
        return [Argument(text, self.script, word.start, word.end, unsure=why)]

    def _spend(self, amount: int) -> None:
        """Bound what variables that hold each other come to."""
        self._left -= amount
        if self._left < 0:
            raise ShellSyntaxError("its variables grow beyond what is read")

    def _split(self, word: Word, value: Value) -> list[Argument]:
        """The words of a variable that stands without quotes."""
        self._spend(len(value.text or "") + len(value.segments))
        found: list[Argument] = []
        segments, before = list(value.segments), 0
        for match in _BLANKS.finditer(value.text or ""):
            while segments and match.start() >= before + len(segments[0].text):
                before += len(segments.pop(0).text)
            one = segments[0] if segments else Segment("")
            if one.block is None or match.end() > before + len(one.text):
                why = "its value has blanks, and is put together of several texts"
                return [Argument(word.text, self.script, word.start, word.end, unsure=why)]
            start = one.start + match.start() - before
            found.append(Argument(match[0], one.block, start, start + len(match[0])))
        return found

    def _joined(self, pieces: list[Piece] | tuple[Piece, ...], *, split: bool) -> tuple[str, str]:
        """The text of some pieces, and why it isn't known, where it isn't."""
        texts, whys = [], []
        for piece in pieces:
            if piece.kind == VARIABLE:
                value = self._value(piece)
                known = value.text is not None
                self._spend(len(value.text or "") + len(value.segments))
                if known and split and not piece.quoted and re.search(r"\s", value.text or ""):
                    value, known = Value(None, "its value has blanks"), False
                texts.append(value.text if known and value.text is not None else piece.text)
                whys += [] if known else [value.why]
            else:
                texts.append(piece.text)
                if piece.kind == OPAQUE and (why := self._substituted(piece)):
                    whys.append(why)
        return "".join(texts), whys[0] if whys else ""

    def _value(self, piece: Piece) -> Value:
        name = piece.name
        if name.isdigit():
            if int(name) < len(self.arguments) or not self.arguments:
                one = self.arguments[int(name)] if self.arguments else None
                return (
                    Value(one.text, one.unsure) if one and not one.unsure else Value(None, "it is not given")
                )
            return Value("")
        value = self.known.get(name) or self.declared.get(name)
        if value is None:
            if piece.default is not None and not self._open_ended and not name.startswith(_LATE):
                return Value(piece.default)
            return Value(None, f"nothing here sets {shorten(name)}")
        if value.text == "" and piece.default is not None:
            return Value(piece.default)
        return value

    def _substituted(self, piece: Piece) -> str:
        """Why a substitution isn't known; `$(NAME)` of Kubernetes is left to who reads the arguments."""
        match = _KUBERNETES.match(piece.text)
        if match is None or not (match[1] in self.declared or match[1].isupper()):
            return "only the shell knows what a substitution gives"
        value = self.known.get(match[1]) or self.declared.get(match[1])
        if value is None or value.text is None:
            return value.why if value is not None else f"nothing here sets {shorten(match[1])}"
        return "" if re.fullmatch(r"[\w./:@=,+%-]+", value.text) else "the shell reads its value once more"

    def assigned(self, word: Word, start: int) -> Value:
        """What `NAME=VALUE` gives the variable; `start` is the value's offset in the word's first piece."""
        if word.items is not None:
            items = tuple(argument for item in word.items for argument in self.words(item))
            return Value(None, "it is an array", items=items)
        head, *rest = word.pieces
        tail = head.text[start:]
        pieces = ([replace(head, text=tail, start=head.start + start)] if tail else []) + rest
        text, why = self._joined(pieces, split=False)
        if why:
            return Value(None, why)
        return Value(text, segments=tuple(one for piece in pieces for one in self._segments(piece)))

    def _segments(self, piece: Piece) -> tuple[Segment, ...]:
        if piece.kind == VARIABLE:
            value = self._value(piece)
            return value.segments or (Segment(value.text or ""),)
        node, end = self.script.node, piece.start + len(piece.text)
        if isinstance(node, Scalar) and node.value[piece.start : end] == piece.text:
            return (Segment(piece.text, replace(self.script, shell=False, end=end), piece.start),)
        return (Segment(piece.text),)


def joined(first: Value, second: Value) -> Value:
    """What `NAME+=VALUE` gives: of arrays the items of both, else the texts."""
    if first.items is not None and second.items is not None:
        return replace(second, items=(*first.items, *second.items))
    if first.text is None or second.text is None:
        return Value(None, first.why or second.why)
    segments = (first.segments or (Segment(first.text),)) + (second.segments or (Segment(second.text),))
    return Value(first.text + second.text, segments=segments)


def _declared(container: Mapping, path: Path) -> dict[str, Value]:
    """The container's own variables; those of other objects are named without a value."""
    found: dict[str, Value] = {}
    listed = below(container, "env")
    for index, item in enumerate(listed.items if isinstance(listed, Sequence) else ()):
        name, node = text_below(item, "name"), below(item, "value")
        if isinstance(node, Scalar) and node.tag == STR and "$(" not in node.value:
            block = Block((*path, "env", index, "value"), node, shell=False, end=len(node.value))
            found[name] = Value(node.value, segments=(Segment(node.value, block),))
        elif name:
            found[name] = Value(None, f"another object sets {shorten(name)}")
    return found
