"""What becomes of values of a YAML file: where each stands, what it is to be, the edits that make it so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from modelcar_tui.manifest.edits import (
    CannotEditError,
    Edit,
    Layout,
    body_start,
    change_sequence,
    node_end,
    put,
)
from modelcar_tui.manifest.kinds.places import Path
from modelcar_tui.manifest.plain import Other, get, is_null, own_pair, plain
from modelcar_tui.manifest.render import scalar_text
from modelcar_tui.manifest.scalars import edit_scalar
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence, Tree, deref

_CONTAINER = "main"
"""The container that serves in an LLMInferenceService, where the file has none of its own."""


class Goal(NamedTuple):
    """One value that changes."""

    path: Path
    """From the root of the document to the value; only its last key may be missing there."""
    value: Any
    """The plain value that it is to have."""
    kept: tuple[Any, ...] | None = None
    """Of a list that is changed item by item: the new value of each present item; None where it goes."""
    added: tuple[Any, ...] = ()
    """What is added behind them."""
    words: tuple[Edit, ...] = ()
    """Of a text that is changed word by word: edits at offsets of its value."""
    first: bool = False
    """Whether the key goes before the others of its mapping where it is missing."""


class Task(NamedTuple):
    """All that changes for one thing to serve."""

    document: int
    levels: tuple[tuple[Goal, ...], ...]
    """From the finest way to say it to the coarsest; all mean the same."""


def at(node: Node, path: Path) -> Node | None:
    """The value at a path, with aliases followed on the way; None where there is none."""
    found: Node | None = node
    for step in path:
        target = deref(found) if found is not None else None
        if isinstance(step, str):
            found = get(target, step) if target is not None else None
        else:
            inside = isinstance(target, Sequence) and step < len(target.items)
            found = target.items[step] if isinstance(target, Sequence) and inside else None
    return found


def reach(root: Node, goal: Goal) -> Goal:
    """A goal with what is missing above its value put around it: mappings, and lists with a first item.

    An item that a list does not have yet is added to it; a container's is named, as Kubernetes wants it.
    """
    path, value = goal.path, goal.value
    while len(path) > 1 and is_null(at(root, path[:-1])):
        step, path = path[-1], path[:-1]
        named = {"name": _CONTAINER} if path[-2:-1] == ("containers",) else {}
        value = {**named, step: value} if isinstance(step, str) else [value]
    if isinstance(path[-1], str):
        return goal if path == goal.path else Goal(path, value)
    above = at(root, path[:-1])
    items = plain(above) if above is not None else None
    if not isinstance(items, list) or len(items) != path[-1]:
        raise CannotEditError("an item behind the end of a list")
    return Goal(path[:-1], [*items, value], tuple(items), (value,))


def joined(goals: Iterable[Goal]) -> tuple[Goal, ...]:
    """The goals with those as one that put something missing at the same place."""
    found: dict[Path, Goal] = {}
    for goal in goals:
        first = found.setdefault(goal.path, goal)
        if first is not goal:
            added = tuple(_both(*pair) for pair in zip(first.added, goal.added, strict=True))
            found[goal.path] = goal._replace(value=_both(first.value, goal.value), added=added)
    return tuple(found.values())


def _both(one: Any, other: Any) -> Any:
    """Two plain values as one, where they differ in the keys of mappings alone."""
    if isinstance(one, dict) and isinstance(other, dict):
        both = {key: _both(one[key], other[key]) for key in one.keys() & other.keys()}
        return {**one, **other, **both}
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [_both(*pair) for pair in zip(one, other, strict=True)]
    if one != other:
        raise CannotEditError("two values for one place")
    return one


def outermost(goals: Iterable[Goal]) -> list[Goal]:
    """The goals whose value is part of no other's."""
    every = list(goals)
    paths = {goal.path for goal in every}
    return [goal for goal in every if not any(goal.path[:end] in paths for end in range(len(goal.path)))]


def intended(tree: Tree, tasks: list[Task]) -> list[Any]:
    """The plain values of all documents as they are to be."""
    documents = [plain(root) for root in tree.roots]
    for task in tasks:
        for goal in outermost(task.levels[-1]):
            documents[task.document] = _with(documents[task.document], goal.path, goal.value)
    return documents


def edits_of(text: str, root: Node, goal: Goal, how: Layout) -> list[Edit]:
    """The edits that reach a goal, in a text where its value is nobody else's.

    Raises:
        CannotEditError: the value is written in a way that we don't edit so finely.
    """
    parent, key, node = _written(root, goal.path)
    if isinstance(node, Scalar) and goal.words:
        return edit_scalar(text, node, goal.words, how.eol)
    if isinstance(node, Sequence) and node.items and goal.kept is not None:
        return change_sequence(text, key, node, goal.kept, goal.added, how)
    if isinstance(node, Scalar) and not is_null(node) and isinstance(goal.value, (str, Other)):
        return [Edit(body_start(text, node), node_end(text, node), scalar_text(goal.value, node.style))]
    name = goal.path[-1]
    if isinstance(parent, Mapping) and isinstance(name, str):
        return put(text, parent, name, goal.value, how, first=goal.first)
    raise CannotEditError("no mapping of its own")


def _written(root: Node, path: Path) -> tuple[Node | None, Scalar | None, Node | None]:
    """What holds a value, its key, and the value as it is written there itself."""
    above = at(root, path[:-1])
    parent, last = deref(above) if above is not None else None, path[-1]
    if isinstance(parent, Mapping) and isinstance(last, str):
        return (parent, *(own_pair(parent, last) or (None, None)))
    if isinstance(parent, Sequence) and isinstance(last, int):
        return parent, None, parent.items[last]
    return parent, None, None


def _with(document: Any, path: Path, value: Any) -> Any:
    """A plain value with another one at a path; nothing is changed in place, since aliases share it."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, int):
        return [_with(item, rest, value) if index == step else item for index, item in enumerate(document)]
    inner = document.get(step) if rest else None
    return {**document, step: _with(inner, rest, value)}
