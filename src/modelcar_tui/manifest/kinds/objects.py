"""The Kubernetes objects of a file: one a document, or many in a List or a Template."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from modelcar_tui.core.text import clean
from modelcar_tui.manifest.kinds.places import Path
from modelcar_tui.manifest.plain import get, is_null, plain
from modelcar_tui.manifest.spans import Mapping, Node, Sequence, Tree, deref

_LISTS = {"List": "items", "Template": "objects"}
"""Kinds that hold other objects; any other that ends so (`PodList`) has them in `items`, too."""


@dataclass(frozen=True, slots=True)
class KubeObject:
    """One object of the file; texts are cleaned."""

    kind: str
    api_version: str
    name: str
    namespace: str
    root: Mapping
    document: int
    path: Path
    """From the document's root to the object; empty where the document is the object."""

    @property
    def group(self) -> str:
        """`serving.kserve.io`; empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def version(self) -> str:
        """`v1beta1`."""
        return self.api_version.rpartition("/")[2]

    def at(self, *keys: str) -> Node | None:
        """The value below some keys; None where there is none, or a null."""
        return below(self.root, *keys)


def below(node: Node, *keys: str) -> Node | None:
    """The value below some keys, with aliases followed; None where there is none, or a null."""
    found: Node | None = deref(node)
    for key in keys:
        found = get(found, key) if isinstance(found, Mapping) else None
        if found is None or is_null(found):
            return None
        found = deref(found)
    return found


def text_below(node: Node, *keys: str) -> str:
    """The text below some keys, cleaned; empty where there is none, or something else."""
    found = below(node, *keys)
    value = plain(found) if found is not None else None
    return clean(value, limit=2000) if isinstance(value, str) else ""


def is_kubernetes(node: Node) -> bool:
    """Whether a document looks like a Kubernetes object."""
    node = deref(node)
    return isinstance(node, Mapping) and get(node, "kind") is not None and get(node, "apiVersion") is not None


def objects_of(tree: Tree) -> tuple[KubeObject, ...]:
    """All objects of a file in its order; what is no object is left out."""
    return tuple(one for index, root in enumerate(tree.roots) for one in _expanded(root, index, ()))


def _expanded(node: Node, document: int, path: Path) -> Iterator[KubeObject]:
    root = deref(node)
    if not isinstance(root, Mapping) or not is_kubernetes(root):
        return
    kind = text_below(root, "kind")
    key = _LISTS.get(kind, "items" if kind.endswith("List") else "")
    items = below(root, key) if key else None
    if isinstance(items, Sequence):
        for index, item in enumerate(items.items):
            yield from _expanded(item, document, (*path, key, index))
        return
    yield KubeObject(
        kind=kind,
        api_version=text_below(root, "apiVersion"),
        name=text_below(root, "metadata", "name"),
        namespace=text_below(root, "metadata", "namespace"),
        root=root,
        document=document,
        path=path,
    )
