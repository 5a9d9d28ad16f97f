"""Small edits of a YAML text at the spans of its nodes."""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from modelcar_tui.manifest.plain import own_pair, plain
from modelcar_tui.manifest.render import block, flow, scalar_text
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence, last_leaf

_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
_PROPERTIES = re.compile(r"(?:(?:&[^\s,\[\]{}]+|!\S*)(?:[ \t]+|(?:[ \t]*(?:#.*)?(?:\r\n|[\r\n]))+[ \t]*))+")
_COLON = re.compile(r"[ \t]*:")


class CannotEditError(Exception):
    """This spelling is not edited in place; a coarser edit may do."""


class Edit(NamedTuple):
    """`text[start:end]` becomes `new`."""

    start: int
    end: int
    new: str


class Layout(NamedTuple):
    """How the file is written, so that new lines look like the old ones."""

    eol: str
    list_offset: int
    """Columns from a key to the dashes of its list."""
    json: bool = False
    """Whether it is JSON, in which every text is quoted and no comma stands behind the last item."""


def splice(text: str, edits: list[Edit]) -> str:
    """`text` with all edits made.

    Raises:
        CannotEditError: two edits overlap.
    """
    out, at = [], 0
    for start, end, new in sorted(edits, key=lambda edit: edit[:2]):
        if start < at:
            raise CannotEditError("overlapping edits")
        out += [text[at:start], new]
        at = end
    return "".join([*out, text[at:]])


def layout(text: str, root: Node) -> Layout:
    """The line ends and list indentation of a file."""
    first = _BREAK.search(text)
    eol = first.group() if first else "\n"
    if is_json(text):
        return Layout(eol, 2, json=True)
    offset = 2
    stack = [root]
    while stack:
        node = stack.pop(0)
        if isinstance(node, Mapping) and not node.flow:
            for key, value in node.pairs:
                if isinstance(value, Sequence) and not value.flow and value.items:
                    dash = find_dash(text, value.items[0])
                    offset = dash - line_start(text, dash) - (key.column - 1) if dash is not None else offset
                    if key.value == "args" and offset >= 0:
                        return Layout(eol, offset)
                stack.append(value)
        elif isinstance(node, Sequence):
            stack.extend(node.items)
    return Layout(eol, max(offset, 0))


def is_json(text: str) -> bool:
    """Whether a text that is YAML is JSON, too."""
    if not text.lstrip().startswith(("{", "[")):
        return False
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def line_start(text: str, index: int) -> int:
    """Where the line of `index` begins."""
    while index > 0 and text[index - 1] not in "\r\n\x85\u2028\u2029":
        index -= 1
    return index


def line_end(text: str, index: int) -> int:
    """Where the line of `index` ends, before its line end."""
    found = _BREAK.search(text, index)
    return found.start() if found else len(text)


def next_line(text: str, index: int) -> int:
    """Where the line after that of `index` begins; the text's end if there is none."""
    found = _BREAK.search(text, index)
    return found.end() if found else len(text)


def node_end(text: str, node: Node) -> int:
    """The end of a node's own text, without the blank lines that a block scalar trails."""
    leaf = last_leaf(node)
    if isinstance(leaf, Scalar) and leaf.style in ("|", ">"):
        return leaf.start + len(text[leaf.start : leaf.end].rstrip())
    return leaf.end


def body_start(text: str, node: Node) -> int:
    """Where a node begins after its `&anchor` and `!tag`."""
    if text[node.start : node.start + 1] not in ("&", "!"):
        return node.start
    found = _PROPERTIES.match(text, node.start)
    return min(found.end(), node.end) if found else node.start


def find_dash(text: str, item: Node) -> int | None:
    """The dash of a block sequence's item, if it stands on the item's own line."""
    before = text[: item.start].rstrip(" \t")
    return len(before) - 1 if before.endswith("-") else None


def only_comment_follows(text: str, index: int) -> bool:
    """Whether the rest of the line is blank or a comment."""
    rest = text[index : line_end(text, index)]
    return not rest.strip() or (rest[0] in " \t" and rest.lstrip().startswith("#"))


def insert_lines(text: str, after: int, lines: list[str], eol: str) -> Edit:
    """An edit that adds lines below the line of `after`."""
    at = next_line(text, after)
    return Edit(at, at, "".join(line + eol for line in lines))


def set_scalar(text: str, node: Node, value: str, style: str | None) -> Edit:
    """An edit that gives a scalar another text in its own quoting style."""
    if isinstance(node, Scalar):
        return Edit(body_start(text, node), node_end(text, node), scalar_text(value, style))
    return Edit(node.start, node.end, scalar_text(value))


def put(
    text: str, mapping: Mapping, name: str, value: Any, how: Layout, *, first: bool = False
) -> list[Edit]:
    """Edits that give a key of a mapping another value, or add the key (at the end, or `first`).

    Raises:
        CannotEditError: the mapping is written in a way that we don't edit.
    """
    pair = own_pair(mapping, name)
    if pair is not None:
        return _replace(text, mapping, pair, value, how)
    if mapping.flow:
        style = '"' if how.json else None
        entry = f"{scalar_text(name, style)}: {flow(value, style)}"
        if not mapping.pairs:
            return [Edit(body_start(text, mapping), mapping.end, "{" + entry + "}")]
        if first:
            start = mapping.pairs[0][0].start
            return [Edit(start, start, f"{entry}, ")]
        end = node_end(text, mapping.pairs[-1][1])
        return [Edit(end, end, f"{' ' if text[end - 1] == ':' else ''}, {entry}")]
    if not mapping.pairs:
        raise CannotEditError("an empty block mapping")
    key, last = mapping.pairs[0][0], mapping.pairs[-1][1]
    lines = block({name: value}, key.column - 1, how.list_offset)
    end = node_end(text, last)
    if first or _keeps_lines(text, last) or not (_ends_line(last) or only_comment_follows(text, end)):
        return [Edit(key.start, key.start, how.eol.join(lines).lstrip() + how.eol + " " * (key.column - 1))]
    return [insert_lines(text, end, lines, how.eol)]


def _ends_line(node: Node) -> bool:
    leaf = last_leaf(node)
    return isinstance(leaf, Scalar) and leaf.style in ("|", ">")


def _keeps_lines(text: str, node: Node) -> bool:
    """Whether a node ends with a block scalar to which the blank lines behind it belong (`|+`)."""
    leaf = last_leaf(node)
    return _ends_line(node) and "+" in text[leaf.start : line_end(text, leaf.start)].partition("#")[0]


def _replace(text: str, mapping: Mapping, pair: tuple[Scalar, Node], value: Any, how: Layout) -> list[Edit]:
    key, node = pair
    colon = _COLON.match(text, key.end)
    if colon is None:
        raise CannotEditError("a complex or bare key")
    end = node_end(text, node)
    same_line = line_start(text, node.start) == line_start(text, key.start)
    if mapping.flow or not isinstance(value, (dict, list)) or not value:
        return [Edit(colon.end(), end, " " + flow(value, '"' if how.json else None))]
    column = key.column - 1 + (how.list_offset if isinstance(value, list) else 2)
    if same_line or isinstance(node, Scalar):
        if not only_comment_follows(text, end):
            raise CannotEditError("something follows on the line")
        return [
            Edit(colon.end(), end, ""),
            insert_lines(text, end, block(value, column, how.list_offset), how.eol),
        ]
    start = line_start(text, node.start)
    if text[start : node.start].strip():
        raise CannotEditError("something precedes on the line")
    lines = block(value, node.column - 1, how.list_offset)
    return [Edit(start, end, how.eol.join(lines))]


def change_sequence(
    text: str,
    key: Scalar | None,
    seq: Sequence,
    kept: tuple[Any, ...],
    added: tuple[Any, ...],
    how: Layout,
) -> list[Edit]:
    """Edits that make a sequence hold `kept` (None: removed) and then `added`; only texts are changed.

    Raises:
        CannotEditError: the sequence is written in a way that we don't edit item by item.
    """
    pairs = list(zip(seq.items, kept, strict=True))
    edits = _changed(text, pairs)
    style = '"' if how.json else _style(seq)
    new = [flow(item, style if how.json or isinstance(item, str) else None) for item in added]
    if seq.flow:
        return edits + _flow(text, seq, kept, new, how)
    edits += [_line_of(text, item) for item, value in pairs if value is None]
    if new:
        edits.append(_lines_behind(text, seq.items[-1], list(zip(added, new, strict=True)), how))
    elif all(value is None for value in kept):
        edits.append(_empty_list(text, key, seq))
    return edits


def _lines_behind(text: str, last: Node, items: list[tuple[Any, str]], how: Layout) -> Edit:
    """Items of a block sequence below its last one; each with its spelling on one line."""
    dash = find_dash(text, last)
    if dash is None or not only_comment_follows(text, node_end(text, last)):
        raise CannotEditError("an unusual list item")
    start = line_start(text, dash)
    head = re.sub(r"[^\t]", " ", text[start:dash]) + "-" + text[dash + 1 : last.start]
    lines = [
        line
        for item, one in items
        for line in (_block_item(item, head, how) if isinstance(item, dict) else [f"{head}{one}"])
    ]
    return insert_lines(text, node_end(text, last), lines, how.eol)


def _block_item(item: dict[str, Any], head: str, how: Layout) -> list[str]:
    """A mapping as an item of a block sequence, its first key behind the dash."""
    lines = block(item, len(head), how.list_offset)
    return [head + lines[0].lstrip(), *lines[1:]]


def _empty_list(text: str, key: Scalar | None, seq: Sequence) -> Edit:
    """`[]` behind the key of a block sequence that loses all its items, in place of an anchor that none
    uses."""
    colon = _COLON.match(text, key.end) if key is not None else None
    anchor = f"&{seq.anchor}" if seq.anchor else ""
    if colon is None or not only_comment_follows(text, seq.start + len(anchor) if anchor else colon.end()):
        raise CannotEditError("no place for an empty list")
    if not anchor:
        return Edit(colon.end(), colon.end(), " []")
    if not text.startswith(anchor, seq.start):
        raise CannotEditError("an unusual anchor")
    return Edit(seq.start, seq.start + len(anchor), "[]")


def _changed(text: str, pairs: list[tuple[Node, Any]]) -> list[Edit]:
    return [
        set_scalar(text, item, value, item.style if isinstance(item, Scalar) else None)
        for item, value in pairs
        if value is not None and value != plain(item)
    ]


def _style(seq: Sequence) -> str | None:
    """The quoting of most items; what is added is quoted alike."""
    styles = [item.style for item in seq.items if isinstance(item, Scalar)]
    common = max(styles, key=styles.count, default=None)
    return common if common in ("'", '"') else None


def _line_of(text: str, item: Node) -> Edit:
    dash = find_dash(text, item)
    end = node_end(text, item)
    if dash is None or text[line_start(text, dash) : dash].strip() or not only_comment_follows(text, end):
        raise CannotEditError("an unusual list item")
    return Edit(line_start(text, dash), next_line(text, end), "")


def _flow(text: str, seq: Sequence, kept: tuple[Any, ...], new: list[str], how: Layout) -> list[Edit]:
    alive = [index for index, value in enumerate(kept) if value is not None]
    if not alive:
        if not new and not seq.items:
            return []
        return [Edit(body_start(text, seq), seq.end, "[" + ", ".join(new) + "]")]
    edits: list[Edit] = []
    last = alive[-1]
    tail = seq.items[last + 1 :]
    if tail and (how.json or not _BREAK.search(text, seq.items[last].end, tail[-1].end)):
        edits.append(Edit(seq.items[last].end, tail[-1].end, ""))
        tail = []
    removed = [item for item, value in zip(seq.items[:last], kept, strict=False) if value is None] + tail
    edits += [_flow_removal(text, item) for item in removed]
    if new:
        edits += _flow_addition(text, seq.items[last], new, how)
    return edits


def _flow_removal(text: str, item: Node) -> Edit:
    comma = re.compile(r"[ \t]*,[ \t]*").match(text, item.end)
    end = comma.end() if comma else item.end
    start = line_start(text, item.start)
    if not text[start : item.start].strip() and not text[end : line_end(text, end)].strip():
        return Edit(start, next_line(text, end), "")
    return Edit(item.start, end, "")


def _flow_addition(text: str, last: Node, new: list[str], how: Layout) -> list[Edit]:
    start = line_start(text, last.start)
    pad = text[start : last.start]
    rest = re.compile(r"[ \t]*(,)?[ \t]*(?:(?<=[ \t,])#[^\r\n]*)?(?=[\r\n])").match(text, last.end)
    if pad.strip() or rest is None:
        return [Edit(last.end, last.end, "".join(f", {item}" for item in new))]
    lines = [pad + item for item in new]
    below = Edit(rest.end(), rest.end(), how.eol + ("," + how.eol).join(lines))
    return [below] if rest[1] else [Edit(last.end, last.end, ","), below]
