"""Accepted changes applied to a manifest's bytes; everything else stays byte for byte."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.manifest.arguments import accepted_changes, by_model
from modelcar_tui.manifest.editor import Editor, unproven
from modelcar_tui.manifest.edits import CannotEditError
from modelcar_tui.manifest.kinds import (
    LineEditor,
    is_kubernetes,
    is_serve_line,
    object_tasks,
    places_of,
    reads_as,
)
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.modelcar_edits import car_tasks
from modelcar_tui.manifest.plan import Change, Decision, Plan
from modelcar_tui.manifest.source import decode
from modelcar_tui.manifest.spans import ManifestSyntaxError, compose_all, only_document


def apply_changes(base: bytes, plan: Plan, decision: Decision | None = None) -> bytes:
    """The base's bytes with the accepted changes made; with none accepted, the very same bytes.

    All changes count as accepted without a decision. The result is read again and proven to mean what was
    intended: the accepted changes, and nothing else.

    Raises:
        UserError: the base is not the one that the plan was made for, a change does not fit it, or no edit
            could be proven right.
    """
    return apply_with_places(base, plan, decision)[0]


def apply_with_places(
    base: bytes, plan: Plan, decision: Decision | None = None
) -> tuple[bytes, dict[str, set[int]]]:
    """`apply_changes`, and the lines of the base (from 1) that each model's changes meet."""
    if hashlib.sha256(base).hexdigest() != plan.base_sha256:
        what = "the file has changed since the plan was made"
        where = shorten(plan.base, 400)
        raise UserError(Problem(where=where, what=what, fix="make the plan again", code="plan-stale"))
    changes = accepted_changes(plan, decision)
    if not changes:
        return base, {}
    source = decode(base, plan.base)
    try:
        editor = _editor(source.text, by_model(changes))
    except ManifestSyntaxError as fault:
        raise UserError(
            Problem(where=source.label, what=fault.what, fix=fault.fix, code=fault.code)
        ) from None
    editor.apply()
    return source.encode(editor.text), editor.touched()


def _editor(text: str, models: Mapping[str, list[Change]]) -> Editor | LineEditor:
    if is_serve_line(text):
        return LineEditor(text, models, places_of)
    tree = compose_all(text)
    if not any(map(is_kubernetes, tree.roots)):
        return Editor(text, car_tasks(only_document(tree).root, models))
    places = places_of(text)
    try:
        tasks, wanted = object_tasks(tree, places, models)
    except CannotEditError:
        raise unproven(", ".join(models)) from None
    return Editor(text, tasks, lambda new: reads_as(new, places, wanted))
