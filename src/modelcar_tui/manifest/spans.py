"""YAML as a tree of nodes that know their place in the text.

`yaml.compose` throws away where an alias stands and recurses as deep as its input says, so the tree is
made from PyYAML's events here: same marks, same resolver, but iterative, bounded, and with every alias
kept as a node of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from modelcar_tui.core.resources import samples_shown
from modelcar_tui.manifest.limits import shorten

MAX_DEPTH = 50
MAX_NODES = 100_000
MAX_EXPANDED = 200_000
"""Nodes after every alias is expanded: what a billion-laughs file runs into."""

_CORE = "tag:yaml.org,2002:"
STR, NULL, INT, BOOL, FLOAT, MERGE = (
    _CORE + name for name in ("str", "null", "int", "bool", "float", "merge")
)
_PLAIN_TAGS = {
    *(_CORE + name for name in ("str", "null", "int", "bool", "float", "timestamp", "seq", "map")),
    "!",
}


class ManifestSyntaxError(Exception):
    """The text is no YAML that we read. `index` is an offset in the text."""

    def __init__(self, index: int, what: str, fix: str, code: str) -> None:
        super().__init__(what)
        self.index, self.what, self.fix, self.code = index, what, fix, code


@dataclass(slots=True, eq=False)
class Node:
    """What all nodes share. `start` and `end` are offsets in the text, properties (`&anchor`, `!tag`)
    included."""

    start: int
    end: int
    line: int
    column: int
    anchor: str | None = None
    aliases: list[Alias] = field(default_factory=list)
    """Every alias of this node, in the order of the text."""
    size: int = 1
    height: int = 1
    """Levels and values with every alias expanded."""


@dataclass(slots=True, eq=False)
class Scalar(Node):
    """A text, number, null, ...: `tag` is the resolved one."""

    value: str = ""
    tag: str = STR
    style: str | None = None


@dataclass(slots=True, eq=False)
class Sequence(Node):
    """A list; the end of a block sequence is only known through its last item."""

    items: list[Node] = field(default_factory=list)
    flow: bool = False


@dataclass(slots=True, eq=False)
class Mapping(Node):
    """Pairs in the order of the text; keys are scalars."""

    pairs: list[tuple[Scalar, Node]] = field(default_factory=list)
    flow: bool = False


@dataclass(slots=True, eq=False)
class Alias(Node):
    """`*name`, and the node that it stands for."""

    target: Node = None  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class OddKey:
    """A key that is no plain text, in whose place the mapping has an empty one."""

    node: Node
    document: int
    parameter: bool
    """`{{ NAME }}` without quotes, which to YAML is a mapping as a key."""

    @property
    def fault(self) -> ManifestSyntaxError:
        """What is to be said of it."""
        if self.parameter:
            what = "a value in double braces is a parameter that nothing has filled in"
            fix = "fill the template first, as by `helm template`, or put the value in quotes"
            return ManifestSyntaxError(self.node.start, what, fix, "yaml-key")
        what = "a key must be a plain text, not a list, mapping or alias"
        return ManifestSyntaxError(self.node.start, what, "write the key as plain text", "yaml-key")


@dataclass(slots=True)
class Tree:
    """The documents of a text and the keys that a mapping holds twice: (first, second)."""

    roots: list[Node]
    """One a document, in their order; a null for one that is empty."""
    starts: list[int]
    """The offset in the text at which each document starts."""
    duplicates: list[tuple[Scalar, Scalar]]
    odd: list[OddKey] = field(default_factory=list)

    @property
    def root(self) -> Node:
        """The first document's."""
        return self.roots[0]


def deref(node: Node) -> Node:
    """The node itself, or what an alias stands for."""
    return node.target if isinstance(node, Alias) else node


def children(node: Node) -> Iterator[Node]:
    """The direct children in the order of the text, keys included."""
    if isinstance(node, Sequence):
        yield from node.items
    elif isinstance(node, Mapping):
        for key, value in node.pairs:
            yield key
            yield value


def walk(node: Node) -> Iterator[Node]:
    """The node and all that is written inside it; aliases are not followed."""
    stack = [node]
    while stack:
        node = stack.pop()
        yield node
        stack.extend(children(node))


def last_leaf(node: Node) -> Node:
    """The last node of the text that belongs to `node` and whose end is exact."""
    while True:
        if isinstance(node, Sequence) and not node.flow and node.items:
            node = node.items[-1]
        elif isinstance(node, Mapping) and not node.flow and node.pairs:
            node = node.pairs[-1][1]
        else:
            return node


def compose(text: str, *, loader: type | None = None) -> Tree:
    """The tree of the only document in `text`.

    Raises:
        ManifestSyntaxError: syntax, a second document, a bound, a tag or an alias that we refuse.
    """
    return only_document(compose_all(text, loader=loader))


def only_document(tree: Tree) -> Tree:
    """The tree, if the text has one document, and all its keys are plain texts.

    Raises:
        ManifestSyntaxError: there is a second one, or a key that is none.
    """
    for key in tree.odd:
        raise key.fault
    if len(tree.roots) > 1:
        fix = "keep one document in a file"
        raise ManifestSyntaxError(tree.starts[1], "a second YAML document starts here", fix, "yaml-documents")
    return tree


def compose_all(text: str, *, loader: type | None = None) -> Tree:
    """The trees of all documents in `text`; anchors are a document's own. Whoever reads a document looks at
    `odd`: `only_document` does.

    Raises:
        ManifestSyntaxError: syntax, a bound, a tag or an alias that we refuse.
    """
    kind: Any = loader or getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    reader = kind(text)
    try:
        return _Builder(reader).build()
    except yaml.MarkedYAMLError as error:
        raise _syntax(text, error) from None
    except yaml.reader.ReaderError as error:
        raise ManifestSyntaxError(
            0, f"a character can't be read ({error.reason})", "delete it", "control-character"
        ) from None
    except (UnicodeError, ValueError, RecursionError, MemoryError) as error:
        raise ManifestSyntaxError(
            0, f"this is no YAML ({type(error).__name__})", "check the file", "yaml-syntax"
        ) from None
    finally:
        reader.dispose()


class _Builder:
    def __init__(self, reader: Any) -> None:
        self._reader = reader
        self._stack: list[Sequence | Mapping] = []
        self._keys: list[Scalar | None] = []
        self._seen: list[dict[tuple[str, str], Scalar]] = []
        self._anchors: dict[str, Node] = {}
        self._roots: list[Node] = []
        self._starts: list[int] = []
        self._start = 0
        self._count = 0
        self._duplicates: list[tuple[Scalar, Scalar]] = []
        self._odd: list[OddKey] = []

    def build(self) -> Tree:
        while (event := self._reader.get_event()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                start: Any = event.start_mark
                self._start = start.index
                self._anchors = {}
            elif isinstance(event, yaml.NodeEvent):
                self._node(event)
            elif isinstance(event, yaml.CollectionEndEvent):
                self._close(event)
        if not self._roots:
            fix = f"write a `model-car:` list, or objects that serve vLLM; samples are in {samples_shown()}"
            raise ManifestSyntaxError(0, "the file holds only comments", fix, "empty")
        return Tree(self._roots, self._starts, self._duplicates, self._odd)

    def _node(self, event: Any) -> None:
        mark: Any = event.start_mark
        self._count += 1
        if self._count > MAX_NODES:
            what = f"more than {MAX_NODES:,} values"
            raise ManifestSyntaxError(mark.index, what, "split the manifest", "yaml-too-many")
        place = (mark.index, event.end_mark.index, mark.line + 1, mark.column + 1)
        if isinstance(event, yaml.AliasEvent):
            self._add(self._alias(event, place))
            return
        if event.tag is not None and event.tag not in _PLAIN_TAGS:
            what = f"the tag {shorten(event.tag)} is not allowed"
            raise ManifestSyntaxError(
                mark.index, what, "delete the tag: a manifest holds plain values", "yaml-tag"
            )
        node: Scalar | Sequence | Mapping
        if isinstance(event, yaml.ScalarEvent):
            node = Scalar(
                *place, event.anchor, value=event.value, tag=self._tag(event), style=event.style or None
            )
        elif isinstance(event, yaml.SequenceStartEvent):
            node = Sequence(*place, event.anchor, flow=bool(event.flow_style))
        else:
            node = Mapping(*place, event.anchor, flow=bool(event.flow_style))
        self._add(node)
        if event.anchor:
            self._anchors[event.anchor] = node
        if not isinstance(node, Scalar):
            if len(self._stack) >= MAX_DEPTH:
                what = f"nested deeper than {MAX_DEPTH} levels"
                raise ManifestSyntaxError(mark.index, what, "a manifest needs five", "yaml-depth")
            self._stack.append(node)
            self._keys.append(None)
            self._seen.append({})

    def _alias(self, event: Any, place: tuple[int, int, int, int]) -> Alias:
        target = self._anchors.get(event.anchor)
        if target is None:
            what = f"the alias *{shorten(event.anchor)} has no anchor before it"
            raise ManifestSyntaxError(place[0], what, f"define &{shorten(event.anchor)} above", "yaml-alias")
        if any(target is open_node for open_node in self._stack):
            what = f"the alias *{shorten(event.anchor)} stands inside its own anchor"
            raise ManifestSyntaxError(place[0], what, "write the value out", "yaml-alias")
        alias = Alias(*place, target=target)
        alias.size, alias.height = target.size, target.height
        target.aliases.append(alias)
        return alias

    def _tag(self, event: Any) -> str:
        if event.tag is None:
            return str(self._reader.resolve(yaml.ScalarNode, event.value, event.implicit))
        return STR if event.tag == "!" else str(event.tag)

    def _add(self, node: Node) -> None:
        if not self._stack:
            self._roots.append(node)
            self._starts.append(self._start)
            return
        parent = self._stack[-1]
        if isinstance(parent, Sequence):
            parent.items.append(node)
        elif (key := self._keys[-1]) is not None:
            parent.pairs.append((key, node))
            self._keys[-1] = None
        else:
            self._keys[-1] = self._key(node)
        if not isinstance(node, (Sequence, Mapping)):
            self._grow(node)

    def _key(self, node: Node) -> Scalar:
        if not isinstance(node, Scalar):
            parent = self._stack[-1]
            braces = parent.flow and node.start == parent.start + 1
            odd = OddKey(node, len(self._roots) - 1, isinstance(node, Mapping) and node.flow and braces)
            self._odd.append(odd)
            return Scalar(node.start, node.start, node.line, node.column)
        first = self._seen[-1].setdefault((node.tag, node.value), node)
        if first is not node:
            self._duplicates.append((first, node))
        return node

    def _close(self, event: Any) -> None:
        node = self._stack.pop()
        self._keys.pop()
        self._seen.pop()
        node.end = event.end_mark.index
        self._grow(node)

    def _grow(self, node: Node) -> None:
        """Add a finished node's size to its parent's."""
        if self._stack:
            parent = self._stack[-1]
            parent.size += node.size
            parent.height = max(parent.height, node.height + 1)
            if parent.height > MAX_DEPTH:
                what = f"nested deeper than {MAX_DEPTH} levels through its aliases"
                raise ManifestSyntaxError(node.start, what, "a manifest needs five", "yaml-depth")
            if parent.size > MAX_EXPANDED:
                what = f"its aliases expand to more than {MAX_EXPANDED:,} values"
                raise ManifestSyntaxError(node.start, what, "use fewer aliases", "yaml-alias-bomb")


def _syntax(text: str, error: yaml.MarkedYAMLError) -> ManifestSyntaxError:
    mark = error.problem_mark or error.context_mark
    index = min(mark.index, len(text)) if mark else 0
    if "nesting depth" in (error.problem or ""):
        # libyaml 0.2.6 and newer gives up on its own, before it hands out the events that are counted here.
        what = f"nested deeper than {MAX_DEPTH} levels"
        return ManifestSyntaxError(index, what, "a manifest needs five", "yaml-depth")
    line = text[text.rfind("\n", 0, index) + 1 : index + 1]
    if "\t" in line[: len(line) - len(line.lstrip())] or text[index : index + 1] == "\t":
        tab = text.rfind("\n", 0, index) + 1 + line.index("\t") if "\t" in line else index
        return ManifestSyntaxError(tab, "a tab stands where YAML wants blanks", "use blanks", "yaml-tab")
    what = (error.problem or error.context or "a syntax error").strip()
    if error.problem and error.context:
        what = f"{what} ({error.context})"
    return ManifestSyntaxError(
        index,
        f"this is no YAML: {shorten(what, 160)}",
        "check indentation, quotes and brackets here",
        "yaml-syntax",
    )
