"""The files of an image as its layers leave them: the last layer wins, marks of removal and links count."""

from __future__ import annotations

import posixpath
from collections import deque
from collections.abc import Mapping

import msgspec

_LEFT = ".wh."
_ALL_LEFT = ".wh..wh..opq"
_MOST_LINKS = 16
_MOST_FILES = 20_000


class Place(msgspec.Struct, kw_only=True):
    """Where a file stands in the layers; `data` is filled where it was read by the way."""

    layer: int
    size: int
    """Of the file, or of its layer where that was not opened."""
    start: int = -1
    """Within the layer's tar; -1 in a layer of its own that was not opened."""
    link: str = ""
    odd: bool = False
    """A device, a pipe, a sparse file."""
    data: bytes | None = None


class LayerFiles(msgspec.Struct, kw_only=True):
    """What one layer puts over those below it."""

    places: dict[str, Place] = {}
    gone: set[str] = set()
    emptied: set[str] = set()
    """Folders of which nothing of the layers below is left."""

    def add(self, path: str, place: Place) -> None:
        """Keep a file; the later one of the same name counts, and no more of them than may be held."""
        if path in self.places or len(self.places) < _MOST_FILES:
            self.places[path] = place

    def mark(self, path: str) -> bool:
        """Note a mark of removal (a whiteout of the OCI image specification); whether `path` is one."""
        folder, name = posixpath.split(path)
        if name == _ALL_LEFT:
            self.emptied.add(folder)
        elif name.startswith(_LEFT):
            self.gone.add(posixpath.join(folder, name.removeprefix(_LEFT)))
        return name.startswith(_LEFT)


class BrokenLinkError(Exception):
    """A link that leads to no file; its text says where."""


def merged(layers: list[LayerFiles]) -> dict[str, Place]:
    """All files, by their path from the image's root. The upper layers come first, so that each file is
    looked at once, however many layers take something away."""
    tree: dict[str, Place] = {}
    gone, emptied = set[str](), set[str]()
    for layer in reversed(layers):
        for path, place in layer.places.items():
            if path not in tree and not _removed(path, gone, emptied):
                tree[path] = place
        gone |= layer.gone
        emptied |= layer.emptied
    return tree


def _removed(path: str, gone: set[str], emptied: set[str]) -> bool:
    """Whether a layer above has taken the file, or a folder that it is in, away."""
    if path in gone:
        return True
    folder = posixpath.dirname(path)
    while folder:
        if folder in gone or folder in emptied:
            return True
        folder = posixpath.dirname(folder)
    return "" in emptied


def follow(tree: Mapping[str, Place], path: str) -> Place:
    """The file that `path` is, or that its links lead to.

    Raises:
        BrokenLinkError: they lead out of the image, in a circle, or to nothing.
    """
    waiting, done, links = deque(path.split("/")), list[str](), 0
    while waiting:
        part = waiting.popleft()
        if part in ("", "."):
            continue
        if part == "..":
            if not done:
                raise BrokenLinkError("is a link that leads out of the image")
            done.pop()
            continue
        place = tree.get("/".join((*done, part)))
        if place is None or not place.link:
            done.append(part)
            continue
        links += 1
        if links > _MOST_LINKS or len(waiting) > 1000:
            raise BrokenLinkError("is a link that leads in a circle")
        if place.link.startswith("/"):
            done.clear()
        waiting.extendleft(reversed(place.link.split("/")))
    found = tree.get("/".join(done))
    if found is None:
        raise BrokenLinkError("is a link to a file that is not there")
    return found
