"""What is wrong in a manifest: errors and warnings, each with its place, in the order of the file."""

from __future__ import annotations

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.plain import bad_merge
from modelcar_tui.manifest.spans import Mapping, Node, Tree, walk
from modelcar_tui.manifest.types import Position

MAX_PROBLEMS = 20
_MOST_KEPT = 5000


class Told:
    """Collects what a reader has to say of one file."""

    def __init__(self, label: str, root: Node) -> None:
        self.faults = 0
        """Errors so far, those told already among them."""
        self._label = label
        self._root = root
        self._errors: list[tuple[int, Problem]] = []
        self._warnings: list[tuple[int, Problem]] = []
        self._seen: set[Problem] = set()

    def error(self, node: Node | None, what: str, fix: str, code: str) -> None:
        """Something that a run must stop for; without a node it is about the whole file."""
        self.error_at(position(node or self._root), what, fix, code)

    def error_at(self, at: Position, what: str, fix: str, code: str) -> None:
        """The same, at a place."""
        self.faults += 1
        self._keep(self._errors, at, what, fix, code)

    def warn(self, node: Node, what: str, fix: str, code: str) -> None:
        """Something that the operator should see."""
        self.warn_at(position(node), what, fix, code)

    def warn_at(self, at: Position, what: str, fix: str, code: str) -> None:
        """The same, at a place."""
        self._keep(self._warnings, at, what, fix, code)

    def problem(self, node: Node, what: str, fix: str, code: str) -> Problem:
        """What a reader keeps with a model, told nowhere yet."""
        at = position(node)
        return Problem(where=f"{self._label}:{at.line}:{at.column}", what=what, fix=fix, code=code)

    def errors(self) -> tuple[Problem, ...]:
        """The first ones in the order of the file, and how many more there are."""
        return self._first(self._errors, "errors")

    def warnings(self) -> tuple[Problem, ...]:
        """The same of the warnings."""
        return self._first(self._warnings, "warnings")

    def _first(self, found: list[tuple[int, Problem]], word: str) -> tuple[Problem, ...]:
        problems = [problem for _, problem in sorted(found, key=lambda pair: pair[0])]
        if len(problems) <= MAX_PROBLEMS:
            return tuple(problems)
        rest = len(problems) - MAX_PROBLEMS + 1
        more = Problem(where=self._label, what=f"{rest} more {word}", fix="mend these first", code="more")
        return (*problems[: MAX_PROBLEMS - 1], more)

    def _keep(self, to: list[tuple[int, Problem]], at: Position, what: str, fix: str, code: str) -> None:
        where = f"{self._label}:{at.line}:{at.column}"
        problem = Problem(where=where, what=what, fix=fix, code=code)
        key = at.line * 1_000_000 + at.column
        if problem not in self._seen and len(to) < _MOST_KEPT:
            self._seen.add(problem)
            to.append((key, problem))


def position(node: Node) -> Position:
    """Where a node begins."""
    return Position(node.line, node.column)


def malformed(tree: Tree, told: Told) -> None:
    """Tell what no document may hold, whatever it is."""
    for first, second in tree.duplicates:
        what = f"the key {shorten(second.value)} stands in this mapping twice (first in line {first.line})"
        told.error(second, what, "delete one of the two", "duplicate-key")
    for root in tree.roots:
        for node in walk(root):
            if isinstance(node, Mapping) and (bad := bad_merge(node)):
                told.error(bad, "`<<` needs a mapping or a list of mappings", "merge a mapping", "merge-key")
