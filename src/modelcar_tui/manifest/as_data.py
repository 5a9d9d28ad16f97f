"""The objects of a file as data, with the accepted changes in them: what an object is rendered from.

Every secret in them is a mask, and what holds a mask is rendered nowhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from modelcar_tui.manifest.apply import apply_changes
from modelcar_tui.manifest.kinds import is_kubernetes, is_serve_line
from modelcar_tui.manifest.kinds.objects import objects_of
from modelcar_tui.manifest.masked import masked_values
from modelcar_tui.manifest.plain import entries
from modelcar_tui.manifest.plan import Decision, Plan
from modelcar_tui.manifest.source import decode
from modelcar_tui.manifest.spans import (
    BOOL,
    FLOAT,
    INT,
    NULL,
    Mapping,
    Node,
    Scalar,
    Sequence,
    compose_all,
    deref,
)
from modelcar_tui.manifest.telling import position
from modelcar_tui.manifest.types import Position


@dataclass(frozen=True, slots=True)
class FileObject:
    """One object of Kubernetes in a file."""

    at: Position
    """Where it begins in the file as it stands: the `at` of what it serves."""
    body: dict[str, Any]
    """The object with the accepted changes, as JSON has it; a null is left out."""


def objects_as_data(base: bytes, plan: Plan, decision: Decision | None = None) -> tuple[FileObject, ...]:
    """The objects of a file in its order; none for a model-car manifest and a command line.

    Args:
        base: the file's bytes.
        plan: the changes that are proposed.
        decision: which of them are accepted; None for all.

    Raises:
        UserError: the file is not the one that the plan was made for, or no edit could be proven right.
    """
    text = decode(base, plan.base).text
    if is_serve_line(text):
        return ()
    tree = compose_all(text)
    if not any(map(is_kubernetes, tree.roots)):
        return ()
    places = [position(one.root) for one in objects_of(tree)]
    changed = compose_all(decode(apply_changes(base, plan, decision), plan.base).text)
    masks = {key: text for root in changed.roots for key, text in masked_values(root).items()}
    bodies = [_data(one.root, masks) for one in objects_of(changed)]
    return tuple(FileObject(at, body) for at, body in zip(places, bodies, strict=True))


def _data(node: Node, masks: dict[int, str]) -> Any:
    """A node's value; aliases are written out, of which the reader bounds the number."""
    node = deref(node)
    if isinstance(node, Mapping):
        pairs = ((key.value, _data(value, masks)) for key, value in entries(node))
        return {key: value for key, value in pairs if value is not None}
    if isinstance(node, Sequence):
        return [_data(item, masks) for item in node.items]
    assert isinstance(node, Scalar)  # noqa: S101 - a node is one of the three
    if node.tag == NULL:
        return None
    if id(node) in masks:
        return masks[id(node)]
    return yaml.safe_load(node.value) if node.tag in (BOOL, FLOAT, INT) else node.value
