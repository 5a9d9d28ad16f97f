"""Whose each argument of a joined container is: the runtime's, or written at the predictor."""

from __future__ import annotations

from dataclasses import dataclass, replace

from modelcar_tui.manifest.kinds.command import CommandLine
from modelcar_tui.manifest.kinds.objects import below
from modelcar_tui.manifest.kinds.places import ListPart, Path, TextPart
from modelcar_tui.manifest.spans import Mapping, Node, Sequence, walk

Part = ListPart | TextPart


@dataclass(frozen=True, slots=True)
class Parted:
    """vLLM's arguments, secrets in clear."""

    runtime: tuple[str, ...]
    own: tuple[str, ...]
    parts: tuple[Part, ...]
    """Where its own stand in the file."""
    mixed: bool
    """Whether some of the runtime's stand behind some of its own."""


def parted(line: CommandLine, joined: Node, runtime: Mapping | None, own: Mapping, path: Path) -> Parted:
    """The arguments of a joined container by their owners.

    Args:
        line: what the joined container starts.
        joined: the joined container, whose nodes are those of the other two.
        runtime: the runtime's; None where nothing was joined.
        own: the predictor's.
        path: where that stands.
    """
    if runtime is None:
        return Parted((), line.words, line.parts, mixed=False)
    home = _Home(joined, runtime, own, path)
    theirs: list[str] = []
    mine: list[str] = []
    parts: list[Part] = []
    mixed = False
    words = iter(line.words)
    for part in line.parts:
        first, at_home = home.split(part)
        here = [next(words) for _ in range(_length(part))]
        mixed = mixed or bool(mine and first)
        theirs += here[:first]
        mine += here[first:]
        parts += [at_home] if at_home is not None else []
    return Parted(tuple(theirs), tuple(mine), tuple(parts), mixed=mixed)


class _Home:
    """Where a part of the joined container stands in the file."""

    def __init__(self, joined: Node, runtime: Mapping, own: Mapping, path: Path) -> None:
        self._joined = below(joined, "args")
        theirs = below(runtime, "args")
        self._before = len(theirs.items) if isinstance(theirs, Sequence) else 0
        self._own, self._path = own, path
        self._inside = {id(node) for node in walk(own)}

    def split(self, part: Part) -> tuple[int, Part | None]:
        """How many of its words are the runtime's, which come first, and where the others stand."""
        if isinstance(part, ListPart) and part.seq is self._joined:
            first = sum(1 for item in part.items if item < self._before)
            mine = below(self._own, "args")
            if first == len(part.items) or not isinstance(mine, Sequence):
                return first, None
            own = tuple(item - self._before for item in part.items[first:])
            return first, ListPart((*self._path, "args"), mine, own)
        if id(part.seq if isinstance(part, ListPart) else part.node) not in self._inside:
            return _length(part), None
        return 0, self._renumbered(part)

    def _renumbered(self, part: Part) -> Part:
        """A part with its path in the file: a variable has another index in the joined environment."""
        depth = len(self._path)
        if not isinstance(part, TextPart) or part.path[depth : depth + 1] != ("env",):
            return part
        listed = below(self._own, "env")
        for index, item in enumerate(listed.items if isinstance(listed, Sequence) else ()):
            if any(node is part.node for node in walk(item)):
                return replace(part, path=(*part.path[: depth + 1], index, *part.path[depth + 2 :]))
        return part


def _length(part: Part) -> int:
    return len(part.items) if isinstance(part, ListPart) else len(part.spans)
