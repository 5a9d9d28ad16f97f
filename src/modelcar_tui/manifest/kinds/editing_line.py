"""A command line of vLLM, edited word by word and read again; its text is no YAML."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from collections.abc import Mapping as Table

from modelcar_tui.manifest.arguments import mismatch
from modelcar_tui.manifest.editor import lines_of, unproven
from modelcar_tui.manifest.edits import CannotEditError, Edit, splice
from modelcar_tui.manifest.kinds.editing import Planned, is_as
from modelcar_tui.manifest.kinds.places import Place
from modelcar_tui.manifest.plan import Change
from modelcar_tui.manifest.spans import Scalar

Reader = Callable[[str], dict[str, Place]]
"""Gives the place of what a text serves, by its name; all its parts are words of that text."""


class LineEditor:
    """Applies changes to a command line; `text` is the result, `touched` says where."""

    def __init__(self, text: str, models: Table[str, Iterable[Change]], read: Reader) -> None:
        self.text = self._original = text
        self._models = models
        self._read = read
        self._edits: dict[str, list[Edit]] = {}

    def apply(self) -> None:
        """Make the changes.

        Raises:
            UserError: a change does not fit the line, or no edit could be proven right.
        """
        places = self._read(self._original)
        planned = {name: _planned(name, self._original, places, own) for name, own in self._models.items()}
        try:
            for name, one in planned.items():
                self._edits[name] = [edit for goal in one.goals() for edit in goal.words]
            self.text = splice(self._original, [edit for own in self._edits.values() for edit in own])
        except CannotEditError:
            raise unproven(", ".join(planned)) from None
        # What it serves may be named by an argument, so it is found again by its place.
        found = dict(zip(places, self._read(self.text).values(), strict=False))
        if not all(name in found and is_as(found[name], one.wanted()) for name, one in planned.items()):
            raise unproven(", ".join(planned))

    def touched(self) -> dict[str, set[int]]:
        """The lines of the original text, from 1, that each one's edits rewrite or stand behind."""
        return {
            name: lines_of(self._original, [(edit.start, edit.end) for edit in own])
            for name, own in self._edits.items()
        }


def _planned(name: str, text: str, places: Table[str, Place], changes: Iterable[Change]) -> Planned:
    if name not in places:
        raise mismatch(name)
    return Planned(name, Scalar(0, len(text), 1, 1, value=text), places[name], tuple(changes))
