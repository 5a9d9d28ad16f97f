"""A model's arguments freed from anchors, aliases and merge keys, so that an edit meets that model alone."""

from __future__ import annotations

import re
from typing import NamedTuple

from modelcar_tui.manifest.edits import CannotEditError, Edit, Layout, put
from modelcar_tui.manifest.plain import get, is_empty, own_pair, plain
from modelcar_tui.manifest.render import flow
from modelcar_tui.manifest.spans import Alias, Mapping, Node, Sequence, Tree, deref


def item_list(root: Node) -> Node:
    """The value of `model-car`."""
    cars = get(root, "model-car")
    if cars is None:
        raise CannotEditError("no model-car")
    return cars


def item_of(root: Node, index: int) -> Node:
    """The node of a model: an item of the list, or the single mapping."""
    cars = item_list(root)
    target = deref(cars)
    return target.items[index] if isinstance(target, Sequence) else cars


class Fields(NamedTuple):
    """What of a model's `serving_arguments` must be its own."""

    gpu_count: bool
    args: bool
    items: frozenset[int] | None
    """The items of `args` that change; None: all of them."""


def unshare(text: str, tree: Tree, index: int, fields: Fields, how: Layout) -> list[Edit]:
    """Edits of one step towards a model whose `fields` are its own; none when they are.

    The meaning of the text stays the same. Call it again on the edited text until it gives nothing.
    """
    root = tree.root
    if not isinstance(root, Mapping):
        raise CannotEditError("no mapping")
    cars = own_pair(root, "model-car")
    if cars is None:
        return put(text, root, "model-car", plain(item_list(root)), how)
    item = item_of(root, index)
    if edits := _own(text, cars[1]) or _own(text, item):
        return edits
    mapping = deref(item)
    serving = get(mapping, "serving_arguments")
    if serving is None or is_empty(serving):
        return []
    edits = _pair(text, mapping, "serving_arguments", how)
    serving = deref(serving)
    if not edits and fields.gpu_count:
        edits = _pair(text, serving, "gpu_count", how)
    if not edits and fields.args:
        edits = _pair(text, serving, "args", how) or _items(text, get(serving, "args"), fields.items)
    return edits


def _items(text: str, args: Node | None, wanted: frozenset[int] | None) -> list[Edit]:
    """One step towards items that no alias elsewhere stands for."""
    for at, item in enumerate(args.items) if isinstance(args, Sequence) else ():
        if item.aliases and (wanted is None or at in wanted):
            return _own(text, item)
    return []


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
