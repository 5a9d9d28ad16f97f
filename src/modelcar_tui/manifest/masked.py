"""A whole manifest as it may be shown: with a mask for every secret."""

from __future__ import annotations

from collections.abc import Iterator

from modelcar_tui.core.masking import masked_by_shape
from modelcar_tui.core.names import Kind, kind_of
from modelcar_tui.core.numbers import mask_of
from modelcar_tui.core.shapes import mask_value, without_shapes
from modelcar_tui.manifest.edits import CannotEditError, Edit, splice
from modelcar_tui.manifest.kinds import is_serve_line
from modelcar_tui.manifest.masking import masked_arguments, masked_line, masked_value, script_masks
from modelcar_tui.manifest.plain import get
from modelcar_tui.manifest.scalars import edit_scalar
from modelcar_tui.manifest.spans import (
    ManifestSyntaxError,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Tree,
    compose_all,
    deref,
    walk,
)

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""An annotation that repeats the whole object."""


def masked_text(text: str) -> str:
    """A manifest's text with a mask for every secret, with as many lines as before; comments included.

    Of a script only the words that are secrets are masked, of a Secret all that it holds, as of a key that is
    no plain text. In a text that
    can't be read as YAML only shapes are masked: nothing of such a file is shown but its faults.
    """
    if is_serve_line(text):
        return masked_by_shape(masked_line(text))
    try:
        tree = compose_all(text)
    except ManifestSyntaxError:
        return masked_by_shape(text)
    edits: dict[tuple[int, int], list[Edit]] = {}
    for node in (node for root in tree.roots for node in walk(root)):
        for item, shown in _shown(node):
            own = _masks(text, item, shown, arguments=isinstance(node, Mapping))
            if own:
                edits[item.start, item.end] = own
    flat = [*_in_odd_keys(tree), *(edit for own in edits.values() for edit in own)]
    kept = [edit._replace(new=edit.new + "\n" * text.count("\n", edit.start, edit.end)) for edit in flat]
    return masked_by_shape(splice(text, kept))


def _in_odd_keys(tree: Tree) -> Iterator[Edit]:
    for key in tree.odd:
        for item in walk(key.node):
            if isinstance(item, Scalar) and item.value:
                yield Edit(item.start, item.end, mask_of(item.value))


def masked_values(root: Node) -> dict[int, str]:
    """What is shown of the scalars of a tree in which a secret stands, by their `id`: `masked_text` without
    a text."""
    found: dict[int, str] = {}
    for node in walk(root):
        for item, shown in _shown(node):
            script = script_masks(item.value, sure=isinstance(node, Mapping) and item.value.startswith("-"))
            value = masked_value(item.value) if shown is None else shown
            if value == item.value or _by_words(item.value, value, script):
                value = splice(item.value, script or [])
            if (value := masked_by_shape(value)) != item.value:
                found[id(item)] = value
    return found


def _masks(text: str, item: Scalar, shown: str | None, *, arguments: bool) -> list[Edit]:
    """The edits that mask a text: all of it, or its words where it is a script (or `arguments`)."""
    if shown is None:
        return [Edit(item.start, item.end, masked_value(item.value))]
    script = script_masks(item.value, sure=arguments and item.value.startswith("-"))
    if shown != item.value and not _by_words(item.value, shown, script):
        return [Edit(item.start, item.end, shown.replace("\n", " "))]
    return _in_place(text, item, script) if script else []


def _by_words(value: str, shown: str, script: list[Edit] | None) -> bool:
    """Whether a script needs no other mask than those of its words, and of shapes, which come last."""
    if script is None:
        return False
    return shown in (without_shapes(value), masked_by_shape(splice(value, script)))


def _in_place(text: str, item: Scalar, script: list[Edit]) -> list[Edit]:
    """Edits that mask the words of a script and leave its lines."""
    try:
        return edit_scalar(text, item, tuple(script), "\n")
    except CannotEditError:
        return [Edit(item.start, item.end, masked_value(item.value))]


def _shown(node: Node) -> Iterator[tuple[Scalar, str | None]]:
    """The scalars of a list or a mapping with what is shown of them; None for nothing."""
    if isinstance(node, Sequence):
        scalars = [item for item in map(deref, node.items) if isinstance(item, Scalar)]
        yield from zip(scalars, masked_arguments(tuple(item.value for item in scalars)), strict=True)
    elif isinstance(node, Mapping):
        named = _named_value(node)
        if named is not None:
            yield named
        for key, value in node.pairs:
            target = deref(value)
            if isinstance(target, Scalar):
                yield target, mask_value(key.value, target.value)
            elif kind_of(key.value) is Kind.SURE:
                texts = (item for item in walk(target) if isinstance(item, Scalar))
                yield from ((item, mask_value(key.value, item.value)) for item in texts)
        yield from _held(node)


def _held(node: Mapping) -> Iterator[tuple[Scalar, None]]:
    """What a Secret holds."""
    kind = get(node, "kind")
    target = deref(kind) if kind is not None else None
    if not isinstance(target, Scalar) or target.value != "Secret":
        return
    metadata = get(node, "metadata")
    annotations = get(metadata, "annotations") if metadata is not None else None
    applied = get(annotations, _APPLIED) if annotations is not None else None
    for held in (get(node, "data"), get(node, "stringData"), applied):
        inner = deref(held) if held is not None else None
        values = [value for _, value in inner.pairs] if isinstance(inner, Mapping) else [inner]
        for value in map(deref, filter(None, values)):
            for item in walk(value):
                if isinstance(item, Scalar) and item.value:
                    yield item, None


def _named_value(node: Mapping) -> tuple[Scalar, str] | None:
    """The value of a variable (`name: HF_TOKEN`, `value: ...`) with what is shown of it."""
    told = {key.value: target for key, value in node.pairs if isinstance(target := deref(value), Scalar)}
    if "name" not in told or "value" not in told:
        return None
    return told["value"], mask_value(told["name"].value, told["value"].value)
