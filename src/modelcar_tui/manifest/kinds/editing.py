"""What changes in the values of a file of Kubernetes objects, and whether its reader finds it there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from itertools import chain
from typing import NamedTuple

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest.arguments import Rewrite, flag_of, mismatch, rewrite
from modelcar_tui.manifest.edits import CannotEditError, splice
from modelcar_tui.manifest.goals import Goal, Task, at, reach
from modelcar_tui.manifest.kinds.places import CountPlace, ListPart, Path, Place, TextPart
from modelcar_tui.manifest.kinds.reading import places_of
from modelcar_tui.manifest.kinds.words import word_edits
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.plain import integer, plain
from modelcar_tui.manifest.plan import Change, Operation
from modelcar_tui.manifest.spans import STR, ManifestSyntaxError, Node, Scalar, Sequence, Tree, deref

TENSOR = ("--tensor-parallel-size", "-tp")
RESOURCE = "nvidia.com/gpu"
"""Asked for where a manifest that asks for no GPU at all gets a count."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader of the new text has to find of one thing to serve."""

    words: frozenset[tuple[str, ...]]
    """Any of these; two where it is the reader's to say which list of arguments comes first."""
    gpus: int | None
    """None where the count stays."""


def object_tasks(
    tree: Tree, places: Table[str, Place], models: Table[str, Iterable[Change]]
) -> tuple[dict[str, Task], dict[str, Wanted]]:
    """The tasks of the requests that have changes, by name, and what is to be read of each afterwards.

    Raises:
        UserError: a change does not fit the file.
        CannotEditError: a change has no place in it.
    """
    tasks, wanted = {}, {}
    for name, changes in models.items():
        if name not in places:
            raise mismatch(name)
        place = places[name]
        planned = Planned(name, tree.roots[place.document], place, tuple(changes))
        goals = tuple(planned.goals())
        coarse = tuple(Goal(goal.path, goal.value) for goal in goals)
        tasks[name] = Task(place.document, (goals, coarse))
        wanted[name] = planned.wanted()
    return tasks, wanted


def reads_as(text: str, places: Table[str, Place], wanted: Table[str, Wanted]) -> bool:
    """Whether the reader finds in a text what was wanted, and of all others what was there before."""
    try:
        found = places_of(text)
    except ManifestSyntaxError:
        return False
    return list(found) == list(places) and all(
        is_as(found[name], wanted[name]) if name in wanted else found[name].words == place.words
        for name, place in places.items()
    )


def is_as(place: Place, wanted: Wanted) -> bool:
    """Whether what was read is what was wanted."""
    counts = {one.node.value for one in place.gpus}
    return place.words in wanted.words and (wanted.gpus is None or counts == {str(wanted.gpus)})


class _Piece(NamedTuple):
    """A part, its words, and what becomes of each."""

    part: ListPart | TextPart
    words: tuple[str, ...]
    kept: tuple[str | None, ...]


class Planned:
    """The changes of one request, as goals at its places."""

    def __init__(self, name: str, root: Node, place: Place, changes: tuple[Change, ...]) -> None:
        self._name, self._root, self._place = name, root, place
        self._size = _tensor(changes)
        self._tensor = self._size if place.ranks else None
        done = rewrite(place.words, changes)
        if self._tensor is not None:
            added = tuple(item for item in done.added if flag_of(item) not in TENSOR)
            done = Rewrite(kept=done.kept, added=added, gpu_count=done.gpu_count)
        self._done = done
        self._pieces = tuple(self._cut())

    def goals(self) -> Iterator[Goal]:
        """What changes in the arguments, the GPU counts, and in what repeats them."""
        for piece in self._whole():
            added = self._done.added if piece.part.path == self._place.grows else ()
            if added or piece.words != piece.kept:
                yield _of_part(piece, added)
        if self._done.added and not self._grows_in_part():
            yield self._new_list()
        if self._done.gpu_count is not None:
            yield from self._counts(self._done.gpu_count)
        yield from self._ranks()

    def wanted(self) -> Wanted:
        """What is to be read afterwards."""
        pieces = [[item for item in piece.kept if item is not None] for piece in self._pieces]
        grows = [at for at, one in enumerate(self._pieces, 1) if one.part.path == self._place.grows]
        found = set()
        for index in grows or (0, len(pieces)):
            before, behind = (list(chain(*some)) for some in (pieces[:index], pieces[index:]))
            found.add((*before, *self._done.added, *behind))
        counted = self._place.gpus or self._place.gpus_parent is not None
        return Wanted(frozenset(found), self._done.gpu_count if counted else None)

    def _grows_in_part(self) -> bool:
        return any(part.path == self._place.grows for part in self._place.parts)

    def _cut(self) -> Iterator[_Piece]:
        begin = 0
        for part in self._place.parts:
            end = begin + len(part.items if isinstance(part, ListPart) else part.spans)
            yield _Piece(part, self._place.words[begin:end], self._done.kept[begin:end])
            begin = end
        if begin != len(self._place.words):
            raise CannotEditError("words without a place")

    def _whole(self) -> Iterable[_Piece]:
        """One piece for each list and text: a script may take its list in between (`vllm serve "$@" --a`)."""
        found: dict[Path, _Piece] = {}
        for piece in self._pieces:
            before = found.get(piece.part.path)
            found[piece.part.path] = piece if before is None else _joined(before, piece)
        return found.values()

    def _new_list(self) -> Goal:
        """Arguments where the object has none yet."""
        path, added = self._place.grows, self._done.added
        there = at(self._root, path)
        node = deref(there) if there is not None else None
        if isinstance(node, Sequence):
            items = plain(node)
            return Goal(path, [*items, *added], tuple(items), added)
        if isinstance(node, Scalar) and node.value:
            raise CannotEditError("a text of which no word is an argument")
        return reach(self._root, Goal(path, list(added)))

    def _counts(self, count: int) -> Iterator[Goal]:
        if self._place.gpus:
            yield from _numbers(self._place.gpus, count)
        elif self._place.gpus_parent is not None:
            path = (*self._place.gpus_parent, "resources", "limits", RESOURCE)
            yield reach(self._root, Goal(path, str(count)))
        elif any(part.path for part in self._place.parts) or self._size is None:
            what = f"the file says nowhere how many GPUs {shorten(self._name)} gets"
            fix = "set the count in the runtime that serves it, or `--tensor-parallel-size` on a command line"
            raise UserError(Problem(what=what, fix=fix, code="plan-mismatch"))

    def _ranks(self) -> Iterator[Goal]:
        """The tensor parallel size beside the arguments: as planned, else with the count it equalled."""
        count = self._done.gpu_count
        if self._tensor is not None:
            yield from _numbers(self._place.ranks, self._tensor)
        elif count is not None:
            old = {one.node.value for one in self._place.gpus}
            same = tuple(one for one in self._place.ranks if one.node.value in old)
            yield from _numbers(same, count)


def _numbers(places: tuple[CountPlace, ...], value: int) -> Iterator[Goal]:
    """A number in all its places, a text where it is one."""
    for one in places:
        if one.node.value != str(value):
            yield Goal(one.path, str(value) if one.node.tag == STR else integer(value))


def _joined(first: _Piece, second: _Piece) -> _Piece:
    one, other = first.part, second.part
    if isinstance(one, ListPart) and isinstance(other, ListPart):
        part: ListPart | TextPart = replace(one, items=one.items + other.items)
    elif isinstance(one, TextPart) and isinstance(other, TextPart):
        part = replace(one, spans=one.spans + other.spans)
    else:
        raise CannotEditError("a text that is a list")
    return _Piece(part, first.words + second.words, first.kept + second.kept)


def _of_part(piece: _Piece, added: tuple[str, ...]) -> Goal:
    part = piece.part
    if isinstance(part, TextPart):
        edits = word_edits(part, piece.words, piece.kept, added)
        return Goal(part.path, splice(part.node.value, list(edits)), words=edits)
    items = list(plain(part.seq))
    if None in items:
        raise CannotEditError("a null in a list of arguments")
    for index, old, new in zip(part.items, piece.words, piece.kept, strict=True):
        items[index] = items[index] if new == old else new
    value = [item for item in items if item is not None]
    return Goal(part.path, [*value, *added], tuple(items), added)


def _tensor(changes: Iterable[Change]) -> int | None:
    """The tensor parallel size that a plan sets or adds."""
    for change in changes:
        told = change.operation in (Operation.ADD, Operation.SET) and flag_of(change.flag) in TENSOR
        value = (change.new or "").replace("=", " ").split()
        if told and len(value) == 2 and value[1].isdecimal():
            return int(value[1])
    return None
