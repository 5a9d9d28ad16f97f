"""One manifest's text, edited model by model and proven to mean what was intended."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping as Table
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.manifest.arguments import Rewrite, rewrite
from modelcar_tui.manifest.edits import (
    CannotEditError,
    Edit,
    Layout,
    change_sequence,
    layout,
    put,
    set_scalar,
    splice,
)
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.plain import entries, get, integer, is_empty, is_null, own_pair, plain
from modelcar_tui.manifest.plan import Change
from modelcar_tui.manifest.spans import ManifestSyntaxError, Mapping, Node, Sequence, Tree, compose, deref
from modelcar_tui.manifest.unshare import Fields, item_of, unshare

COARSEST = 2
"""Edits are tried item by item (0), then with the whole `args` (1) or `serving_arguments` (2) written
anew."""
_ROUNDS = 100


class Editor:
    """Applies the changes of some models to a text; `text` is the result, `touched` says where."""

    def __init__(self, text: str) -> None:
        self._original = text
        self._final_tree = compose(text)
        self._layout = layout(text, self._final_tree.root)
        # The last line is edited like any other if it has an end, too.
        self._tail = "" if text.endswith(("\n", "\r")) else self._layout.eol
        self._names = _names(self._final_tree.root)
        self._reset()

    @property
    def text(self) -> str:
        """The text as it is now."""
        return self._text.removesuffix(self._tail) if self._tail else self._text

    def apply(self, models: Table[str, list[Change]]) -> None:
        """Make the changes of each model.

        Raises:
            UserError: a change does not fit the manifest, or no edit could be proven right.
        """
        rewrites = {name: self._rewrite(name, changes) for name, changes in models.items()}
        intended = self._intend(self._final_tree, rewrites)
        levels = dict.fromkeys(rewrites, 0)
        while failed := self._attempt(rewrites, levels):
            for name in failed:
                levels[name] += 1
                if levels[name] > COARSEST:
                    raise _unproven(name)
            self._reset()
        if self._proven(intended):
            return
        self._reset()
        for name, done in rewrites.items():
            self._alone(name, done)
        if not self._proven(intended):
            raise _unproven(", ".join(rewrites))

    def touched(self) -> dict[str, set[int]]:
        """The lines of the original text, from 1, that each model's edits rewrite or stand behind."""
        starts = [at + 1 for at, char in enumerate(self._original) if char == "\n"]
        return {
            name: {
                line
                for start, end in spans
                for line in range(bisect_right(starts, start) + 1, bisect_left(starts, end) + 2)
            }
            | {bisect_right(starts, start) + 1 for start, _ in spans}
            for name, spans in self._spans.items()
        }

    def _reset(self) -> None:
        self._history: list[list[Edit]] = []
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._load(self._original + self._tail)

    def _load(self, text: str) -> None:
        self._text, self._tree = text, compose(text)

    def _alone(self, name: str, done: Rewrite) -> None:
        """One model's changes at the finest level that can be proven."""
        before = (
            self._text,
            self._tree,
            list(self._history),
            {key: list(at) for key, at in self._spans.items()},
        )
        intended = self._intend(self._tree, {name: done})
        for level in range(COARSEST + 1):
            if not self._attempt({name: done}, {name: level}) and self._proven(intended):
                return
            self._text, self._tree, self._history, self._spans = before
        raise _unproven(name)

    def _attempt(self, rewrites: dict[str, Rewrite], levels: dict[str, int]) -> list[str]:
        """Edit all models in one go; the names of those that can't be edited at their level."""
        try:
            failed = self._unshare(rewrites, levels)
            edits: dict[str, list[Edit]] = {}
            for name, done in rewrites.items():
                try:
                    root = self._tree.root
                    edits[name] = _edits(
                        self._text, root, self._names[name], done, levels[name], self._layout
                    )
                except CannotEditError:
                    failed.append(name)
            if not failed:
                self._splice(edits)
        except (CannotEditError, ManifestSyntaxError):
            return list(rewrites)
        return failed

    def _unshare(self, rewrites: dict[str, Rewrite], levels: dict[str, int]) -> list[str]:
        pending = dict(rewrites)
        for _ in range(_ROUNDS):
            edits: dict[str, list[Edit]] = {}
            failed: list[str] = []
            for name, done in list(pending.items()):
                try:
                    step = self._step(name, done, levels[name])
                except CannotEditError:
                    failed.append(name)
                    continue
                if not step:
                    del pending[name]
                elif not _clash(step, edits):
                    edits[name] = step
            if failed or not edits:
                return failed
            self._splice(edits)
        raise CannotEditError("too many shared values")

    def _step(self, name: str, done: Rewrite, level: int) -> list[Edit]:
        index = self._names[name]
        old = tuple(_serving(self._tree.root, index).get("args") or ())
        fields = Fields(
            gpu_count=level == COARSEST or done.gpu_count is not None,
            args=level > 0 or done.args != old,
            items=None if level else frozenset(at for at, item in enumerate(old) if item != done.kept[at]),
        )
        return unshare(self._text, self._tree, index, fields, self._layout)

    def _splice(self, edits: dict[str, list[Edit]]) -> None:
        everything = [edit for own in edits.values() for edit in own]
        text = splice(self._text, everything)
        for name, own in edits.items():
            spans = [(self._back(edit.start), self._back(edit.end)) for edit in own]
            self._spans.setdefault(name, []).extend(spans)
        self._history.append(sorted(everything, key=lambda edit: edit[:2]))
        self._load(text)

    def _back(self, at: int) -> int:
        """An offset of the present text as one of the original text."""
        for edits in reversed(self._history):
            shift = 0
            for start, end, new in edits:
                if at <= start + shift:
                    break
                if at < start + shift + len(new):
                    at = start + shift
                    break
                shift += len(new) - (end - start)
            at -= shift
        return at

    def _proven(self, intended: Any) -> bool:
        try:
            final = compose(self.text)
        except ManifestSyntaxError:
            return False
        return not final.duplicates and bool(plain(final.root) == intended)

    def _rewrite(self, name: str, changes: list[Change]) -> Rewrite:
        if name not in self._names:
            what = f"the manifest has no model {shorten(name)}"
            raise UserError(Problem(what=what, fix="make the plan again", code="plan-mismatch"))
        return rewrite(tuple(_serving(self._final_tree.root, self._names[name]).get("args") or ()), changes)

    def _intend(self, tree: Tree, rewrites: dict[str, Rewrite]) -> Any:
        """What the whole document must mean afterwards."""
        document = dict(plain(tree.root))
        cars = document["model-car"]
        items = list(cars) if isinstance(cars, list) else [cars]
        for name, done in rewrites.items():
            index = self._names[name]
            items[index] = {**items[index], "serving_arguments": _intended(tree.root, index, done)}
        document["model-car"] = items if isinstance(cars, list) else items[0]
        return document


def _serving(root: Node, index: int) -> dict[Any, Any]:
    """A model's serving arguments as plain values: its own, else the whole default block's."""
    own = get(item_of(root, index), "serving_arguments")
    if own is not None and not is_empty(own):
        return dict(plain(own))
    default = get(root, "default")
    block = None if default is None or is_null(default) else get(default, "serving_arguments")
    return {} if block is None or is_empty(block) else dict(plain(block))


def _intended(root: Node, index: int, done: Rewrite) -> dict[Any, Any]:
    serving = _serving(root, index)
    if done.gpu_count is not None:
        serving = {"gpu_count": integer(done.gpu_count), **serving} | {"gpu_count": integer(done.gpu_count)}
    if done.args != tuple(serving.get("args") or ()):
        serving["args"] = list(done.args)
    return serving


def _touches(root: Node, index: int, done: Rewrite) -> bool:
    return done.args != tuple(_serving(root, index).get("args") or ())


def _edits(text: str, root: Node, index: int, done: Rewrite, level: int, how: Layout) -> list[Edit]:
    item = item_of(root, index)
    serving = get(item, "serving_arguments")
    if not isinstance(item, Mapping):
        raise CannotEditError("no mapping of its own")
    target = _intended(root, index, done)
    if serving is None or is_empty(serving) or level == 2:
        return put(text, item, "serving_arguments", target, how)
    if not isinstance(serving, Mapping):
        raise CannotEditError("no mapping of its own")
    edits: list[Edit] = []
    if done.gpu_count is not None:
        count = own_pair(serving, "gpu_count")
        if count is None:
            edits += put(text, serving, "gpu_count", integer(done.gpu_count), how, first=True)
        else:
            edits.append(set_scalar(text, count[1], "", None)._replace(new=str(done.gpu_count)))
    if _touches(root, index, done):
        pair = own_pair(serving, "args")
        if pair is not None and isinstance(pair[1], Sequence) and pair[1].items and level == 0:
            edits += change_sequence(text, pair[0], pair[1], done.kept, done.added, how)
        else:
            edits += put(text, serving, "args", list(done.args), how)
    return edits


def _names(root: Node) -> dict[str, int]:
    cars = get(root, "model-car")
    target = deref(cars) if cars is not None else None
    items = target.items if isinstance(target, Sequence) else [cars]
    names: dict[str, int] = {}
    for index, item in enumerate(items):
        mapping = deref(item) if item is not None else None
        for key, value in entries(mapping) if isinstance(mapping, Mapping) else ():
            if key.value == "name" and isinstance(text := plain(value), str):
                names.setdefault(text.strip(), index)
    return names


def _unproven(names: str) -> UserError:
    what = f"the changes of {shorten(names, 300)} can't be written without touching other text"
    problem = Problem(what=what, fix="make these changes by hand in an editor", code="edit-unproven")
    return UserError(problem, status=ExitStatus.INTERNAL)


def _clash(step: list[Edit], edits: dict[str, list[Edit]]) -> bool:
    """Whether two models want to edit one place; the second waits for the next round."""
    return any(
        mine.start <= other.end and other.start <= mine.end
        for own in edits.values()
        for other in own
        for mine in step
    )
