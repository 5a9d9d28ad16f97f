"""One file's text, edited for one thing to serve after the other and proven to mean what was intended."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from collections.abc import Mapping as Table
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.manifest.edits import CannotEditError, Edit, is_json, layout, splice
from modelcar_tui.manifest.goals import Goal, Task, edits_of, intended
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.plain import plain
from modelcar_tui.manifest.spans import ManifestSyntaxError, compose_all
from modelcar_tui.manifest.unshare import unshare

_ROUNDS = 100


class Editor:
    """Reaches the goals of some tasks in a text; `text` is the result, `touched` says where.

    `reads` is asked of a result that means what was intended: whether a reader finds in it what it should.
    """

    def __init__(
        self, text: str, tasks: Table[str, Task], reads: Callable[[str], bool] = lambda _text: True
    ) -> None:
        self._original = text
        self._tasks = tasks
        self._reads = reads
        self._final_tree = compose_all(text)
        self._layouts = [layout(text, root) for root in self._final_tree.roots]
        # The last line is edited like any other if it has an end, too.
        self._tail = "" if text.endswith(("\n", "\r")) else self._layouts[0].eol
        self._reset()

    @property
    def text(self) -> str:
        """The text as it is now."""
        return self._text.removesuffix(self._tail) if self._tail else self._text

    def apply(self) -> None:
        """Reach all goals.

        Raises:
            UserError: no edit could be proven right.
        """
        wanted = intended(self._final_tree, list(self._tasks.values()))
        levels = dict.fromkeys(self._tasks, 0)
        while failed := self._attempt(levels):
            for name in failed:
                levels[name] += 1
                if levels[name] >= len(self._tasks[name].levels):
                    raise unproven(name)
            self._reset()
        if self._proven(wanted) and self._reads(self.text):
            return
        self._reset()
        for name in self._tasks:
            self._alone(name)
        if not self._proven(wanted) or not self._reads(self.text):
            raise unproven(", ".join(self._tasks))

    def touched(self) -> dict[str, set[int]]:
        """The lines of the original text, from 1, that each model's edits rewrite or stand behind."""
        return {name: lines_of(self._original, spans) for name, spans in self._spans.items()}

    def _reset(self) -> None:
        self._history: list[list[Edit]] = []
        self._spans: dict[str, list[tuple[int, int]]] = {}
        self._load(self._original + self._tail)

    def _load(self, text: str) -> None:
        self._text, self._tree = text, compose_all(text)

    def _alone(self, name: str) -> None:
        """One task at the finest level that can be proven."""
        task = self._tasks[name]
        before = (
            self._text,
            self._tree,
            list(self._history),
            {key: list(at) for key, at in self._spans.items()},
        )
        wanted = intended(self._tree, [task])
        for level in range(len(task.levels)):
            if not self._attempt({name: level}) and self._proven(wanted):
                return
            self._text, self._tree, self._history, self._spans = before
        raise unproven(name)

    def _attempt(self, levels: Table[str, int]) -> list[str]:
        """Edit for all in one go; the names of those that can't be edited at their level."""
        goals = {name: self._tasks[name].levels[level] for name, level in levels.items()}
        try:
            failed = self._unshare(goals)
            edits: dict[str, list[Edit]] = {}
            for name, own in goals.items():
                try:
                    edits[name] = self._edits(name, own)
                except CannotEditError:
                    failed.append(name)
            if not failed:
                self._splice(edits)
        except (CannotEditError, ManifestSyntaxError):
            return list(levels)
        return failed

    def _edits(self, name: str, goals: tuple[Goal, ...]) -> list[Edit]:
        at = self._tasks[name].document
        root, how = self._tree.roots[at], self._layouts[at]
        return [edit for goal in goals for edit in edits_of(self._text, root, goal, how)]

    def _unshare(self, goals: dict[str, tuple[Goal, ...]]) -> list[str]:
        pending = dict(goals)
        for _ in range(_ROUNDS):
            edits: dict[str, list[Edit]] = {}
            failed: list[str] = []
            for name, own in list(pending.items()):
                at = self._tasks[name].document
                try:
                    step = unshare(self._text, self._tree.roots[at], own, self._layouts[at])
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

    def _splice(self, edits: dict[str, list[Edit]]) -> None:
        everything = sorted((edit for own in edits.values() for edit in own), key=_outwards)
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

    def _proven(self, wanted: list[Any]) -> bool:
        try:
            final = compose_all(self.text)
        except ManifestSyntaxError:
            return False
        still = not self._layouts[0].json or is_json(self.text)
        return still and not final.duplicates and [plain(root) for root in final.roots] == wanted


def _outwards(edit: Edit) -> int:
    """Lines that are added at one place go from the innermost mapping to the outermost."""
    return len(edit.new.lstrip(" ")) - len(edit.new) if edit.start == edit.end else 0


def lines_of(text: str, spans: Iterable[tuple[int, int]]) -> set[int]:
    """The lines of a text, from 1, that some spans meet or stand behind."""
    starts = [at + 1 for at, char in enumerate(text) if char == "\n"]
    return {
        line
        for start, end in spans
        for first in (bisect_right(starts, start) + 1,)
        for line in (first, *range(first, bisect_left(starts, end) + 2))
    }


def unproven(names: str) -> UserError:
    """No way to write the changes of these is right beyond doubt."""
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
