"""Values freed from anchors, aliases and merge keys, so that an edit meets one place alone."""

from __future__ import annotations

import re

from modelcar_tui.manifest.edits import CannotEditError, Edit, Layout, put
from modelcar_tui.manifest.goals import Goal, at
from modelcar_tui.manifest.plain import get, own_pair, plain
from modelcar_tui.manifest.render import flow
from modelcar_tui.manifest.spans import Alias, Mapping, Node, Sequence, deref, walk


def unshare(text: str, root: Node, goals: tuple[Goal, ...], how: Layout) -> list[Edit]:
    """Edits of one step towards a document in which what the goals change is nobody else's; none when it is.

    The meaning of the text stays the same. Call it again on the edited text until it gives nothing.
    """
    for goal in goals:
        if edits := _path(text, root, goal, how) or _inside(text, at(root, goal.path), goal):
            return edits
    return []


def _path(text: str, root: Node, goal: Goal, how: Layout) -> list[Edit]:
    """One step towards a path of which every value is written right there and nowhere else used."""
    node = deref(root)
    for step in goal.path:
        if isinstance(step, str):
            value = get(node, step)
            edits = _pair(text, node, step, how)
        else:
            value = node.items[step] if isinstance(node, Sequence) else None
            edits = _own(text, value) if value is not None else []
        if edits or value is None:
            return edits
        node = deref(value)
    return []


def _inside(text: str, node: Node | None, goal: Goal) -> list[Edit]:
    """One step towards a value in which nothing that goes is used elsewhere."""
    if node is None:
        return []
    if goal.kept is not None and isinstance(node, Sequence):
        pairs = zip(node.items, goal.kept, strict=True)
        going = [item for item, kept in pairs if kept is None or kept != plain(item)]
    else:
        going = [inner for inner in walk(node) if inner is not node]
    return next((_own(text, item) for item in going if item.aliases), [])


def _pair(text: str, mapping: Node, name: str, how: Layout) -> list[Edit]:
    """One step towards a key of a mapping whose value is written right there and nowhere else used."""
    if not isinstance(mapping, Mapping):
        raise CannotEditError("no mapping")
    value = get(mapping, name)
    pair = own_pair(mapping, name)
    if value is None:
        return []
    if pair is None or isinstance(pair[1], Alias):
        return put(text, mapping, name, plain(value), how)
    return _own(text, pair[1])


def _own(text: str, node: Node) -> list[Edit]:
    if isinstance(node, Alias):
        return [Edit(node.start, node.end, flow(plain(node)))]
    if not node.aliases:
        return []
    return [_drop_anchor(text, node), _define(node)]


def _define(node: Node) -> Edit:
    """The first alias becomes the definition, so that the others mean what they meant."""
    first = node.aliases[0]
    return Edit(first.start, first.end, f"&{node.anchor} {flow(plain(node))}")


def _drop_anchor(text: str, node: Node) -> Edit:
    found = re.compile(rf"(?:!\S*\s+)?(&{re.escape(node.anchor or '')})([ \t]*)").match(text, node.start)
    if found is None:
        raise CannotEditError("an unusual anchor")
    start, end = found.start(1), found.end()
    if text[end : end + 1] in ("\r", "\n", ""):
        while start > 0 and text[start - 1] in " \t":
            start -= 1
    return Edit(start, end, "")
