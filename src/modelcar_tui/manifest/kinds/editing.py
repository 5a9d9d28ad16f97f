"""What changes in the values of a file of Kubernetes objects, and whether its reader finds it there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, NamedTuple

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest.arguments import Rewrite, flag_of, in_two, mismatch, rewrite
from modelcar_tui.manifest.edits import CannotEditError, splice
from modelcar_tui.manifest.goals import Goal, Task, at, joined, outermost, reach
from modelcar_tui.manifest.kinds.places import CountPlace, ListPart, Path, Place, TextPart
from modelcar_tui.manifest.kinds.pods import is_accelerator
from modelcar_tui.manifest.kinds.reading import places_of
from modelcar_tui.manifest.kinds.words import quoted, word_edits
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.plain import integer, plain
from modelcar_tui.manifest.plan import Change, Operation
from modelcar_tui.manifest.spans import (
    STR,
    ManifestSyntaxError,
    Mapping,
    Node,
    Scalar,
    Sequence,
    Tree,
    deref,
    walk,
)

TENSOR = ("--tensor-parallel-size", "-tp")
RESOURCE = "nvidia.com/gpu"
"""Asked for where a count is given to a document that names no accelerator, or several."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a reader of the new text has to find of one thing to serve."""

    words: frozenset[tuple[str, ...]]
    """Any of these; two where it is the reader's to say which list of arguments comes first."""
    gpus: int | None
    """None where the count stays."""


def object_tasks(
    tree: Tree, places: Table[str, Place], models: Table[str, Iterable[Change]]
) -> tuple[dict[str, Task], dict[str, tuple[Wanted, ...]]]:
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
        planned = tuple(_planned(name, tree.roots[place.document], place, tuple(changes)))
        goals = joined(goal for one in planned for goal in one.goals())
        coarse = tuple(Goal(goal.path, goal.value) for goal in outermost(goals))
        tasks[name] = Task(place.document, (goals, coarse))
        wanted[name] = tuple(one.wanted() for one in planned)
    return tasks, wanted


def reads_as(text: str, places: Table[str, Place], wanted: Table[str, tuple[Wanted, ...]]) -> bool:
    """Whether the reader finds in a text what was wanted, and of all others what was there before."""
    try:
        found = places_of(text)
    except ManifestSyntaxError:
        return False
    return list(found) == list(places) and all(
        all(map(is_as, (found[name], *found[name].repeats), wanted[name]))
        if name in wanted
        else found[name].words == place.words
        for name, place in places.items()
    )


def is_as(place: Place, wanted: Wanted) -> bool:
    """Whether what was read is what was wanted."""
    counts = {one.node.value for one in place.gpus}
    return place.words in wanted.words and (wanted.gpus is None or counts == {str(wanted.gpus)})


def _planned(name: str, root: Node, place: Place, changes: tuple[Change, ...]) -> Iterator[Planned]:
    """The changes at a request's own places and where these are repeated, as far as they fit there."""
    yield Planned(name, root, place, changes)
    if place.ranks and _tensor(changes) is not None:
        changes = tuple(one for one in changes if flag_of(one.flag) not in TENSOR)
    for other in place.repeats:
        yield Planned(name, root, other, tuple(one for one in changes if _fits(other, one)))


def _fits(place: Place, change: Change) -> bool:
    """Whether a place has what a change is about."""
    if change.operation is Operation.GPU_COUNT:
        return bool(place.gpus)
    try:
        rewrite(place.words, (change,))
    except UserError:
        return False
    return True


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
        done = in_two(place.words, rewrite(place.words, changes))
        if self._tensor is not None:
            added = tuple(item for item in done.added if flag_of(item) not in TENSOR)
            done = Rewrite(kept=done.kept, added=added, gpu_count=done.gpu_count)
        self._done = done
        self._pieces = tuple(self._cut())

    def goals(self) -> Iterator[Goal]:
        """What changes in the arguments, the GPU counts, and in what repeats them."""
        yield from self._arguments()
        if self._done.added and not self._grows_in_part():
            yield self._new_list()
        if self._done.gpu_count is not None:
            yield from self._counts(self._done.gpu_count)
        yield from self._ranks()

    def _arguments(self) -> Iterator[Goal]:
        pieces = list(self._whole())
        lists = {piece.part.path for piece in pieces if isinstance(piece.part, ListPart)}
        texts: dict[Path, str] = {}
        for piece in pieces:
            if isinstance(piece.part, TextPart) and (self._new(piece) or piece.words != piece.kept):
                edits = word_edits(piece.part, piece.words, piece.kept, self._new(piece))
                value = texts[piece.part.path] = splice(piece.part.node.value, list(edits))
                if value.strip() or piece.part.path[:-1] not in lists:
                    yield Goal(piece.part.path, value, words=edits)
        for piece in pieces:
            if isinstance(piece.part, ListPart):
                yield from _of_list(piece.part, piece, self._new(piece), texts)

    def _new(self, piece: _Piece) -> tuple[str, ...]:
        return self._done.added if piece.part.path == self._place.grows else ()

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
            found[piece.part.path] = piece if before is None else _one_piece(before, piece)
        return found.values()

    def _new_list(self) -> Goal:
        """Arguments where the object has none yet."""
        path, added = self._place.grows, self._done.added
        if not path:
            what = f"{shorten(self._name)} has no place for an argument in this file: all come from elsewhere"
            fix = "write its arguments into this file, or change them where they stand"
            raise UserError(Problem(what=what, fix=fix, code="plan-mismatch"))
        new: Any = list(added)
        if self._place.variable:
            value = " ".join(quoted(item) for item in added)
            new = [{"name": self._place.variable, "value": value}]
        there = at(self._root, path)
        node = deref(there) if there is not None else None
        if isinstance(node, Sequence):
            items = plain(node)
            return Goal(path, [*items, *new], tuple(items), tuple(new))
        if isinstance(node, Scalar) and node.value:
            raise CannotEditError("a text of which no word is an argument")
        return reach(self._root, Goal(path, new))

    def _counts(self, count: int) -> Iterator[Goal]:
        if self._place.gpus:
            yield from _numbers(self._place.gpus, count)
        elif self._place.gpus_parent is not None:
            path = (*self._place.gpus_parent, "resources", "limits", _resource(self._root))
            yield reach(self._root, Goal(path, str(count)))
        elif any(part.path for part in self._place.parts) or self._size is None:
            what = f"the file says nowhere how many GPUs {shorten(self._name)} gets"
            fix = "write the count into `resources.limits` of its container"
            if any(not part.path for part in self._place.parts):
                fix = "set `--tensor-parallel-size`: on a command line the count follows from it"
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


def _one_piece(first: _Piece, second: _Piece) -> _Piece:
    one, other = first.part, second.part
    if isinstance(one, ListPart) and isinstance(other, ListPart):
        part: ListPart | TextPart = replace(one, items=one.items + other.items)
    elif isinstance(one, TextPart) and isinstance(other, TextPart):
        part = replace(one, spans=one.spans + other.spans)
    else:
        raise CannotEditError("a text that is a list")
    return _Piece(part, first.words + second.words, first.kept + second.kept)


def _of_list(
    part: ListPart, piece: _Piece, added: tuple[str, ...], texts: Table[Path, str]
) -> Iterator[Goal]:
    """What changes in a list; `texts` are those of its items that change word by word."""
    spelled = quoted if part.split else str
    items = list(plain(part.seq))
    kept, value = list(items), list(items)
    for index, old, new in zip(part.items, piece.words, piece.kept, strict=True):
        if new != old:
            kept[index] = value[index] = None if new is None else spelled(new)
    for index in range(len(items)):
        text = texts.get((*part.path, index))
        if text is not None:
            value[index] = text
            kept[index] = kept[index] if text.strip() else None
    if kept == items and not added:
        return
    if None in items:
        raise CannotEditError("a null in a list of arguments")
    left = [one for one, still in zip(value, kept, strict=True) if still is not None]
    more = tuple(spelled(item) for item in added)
    yield Goal(part.path, [*left, *more], tuple(kept), more)


def _resource(root: Node) -> str:
    """The accelerator that the document asks for elsewhere, if it is one."""
    keys = (key.value for node in walk(root) if isinstance(node, Mapping) for key, _ in node.pairs)
    found = {key for key in keys if is_accelerator(key)}
    return found.pop() if len(found) == 1 else RESOURCE


def _tensor(changes: Iterable[Change]) -> int | None:
    """The tensor parallel size that a plan sets or adds."""
    for change in changes:
        told = change.operation in (Operation.ADD, Operation.SET) and flag_of(change.flag) in TENSOR
        value = (change.new or "").replace("=", " ").split()
        if told and len(value) == 2 and value[1].isdecimal():
            return int(value[1])
    return None
