"""Accepted changes applied to a manifest's bytes; everything else stays byte for byte."""

from __future__ import annotations

import hashlib
from typing import Any

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.exit_codes import ExitStatus
from modelcar_tui.manifest.arguments import Rewrite, accepted_changes, by_model, rewrite
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
from modelcar_tui.manifest.fields import shorten
from modelcar_tui.manifest.plain import entries, get, integer, is_empty, is_null, own_pair, plain
from modelcar_tui.manifest.plan import Change, Decision, Plan
from modelcar_tui.manifest.source import decode
from modelcar_tui.manifest.spans import ManifestSyntaxError, Mapping, Node, Sequence, Tree, compose, deref
from modelcar_tui.manifest.unshare import item_of, unshare

_LEVELS = (0, 1, 2)
"""Item by item; the whole `args`; the whole `serving_arguments`. Coarser ones only where finer ones can't be."""


def apply_changes(base: bytes, plan: Plan, decision: Decision | None = None) -> bytes:
    """The base's bytes with the accepted changes made; with none accepted, the very same bytes.

    All changes count as accepted without a decision. The result is read again and proven to mean what was
    intended: the accepted changes, and nothing else.

    Raises:
        UserError: the base is not the one that the plan was made for, a change does not fit it, or no edit could
            be proven right.
    """
    if hashlib.sha256(base).hexdigest() != plan.base_sha256:
        what = "the file has changed since the plan was made"
        raise UserError(
            Problem(where=shorten(plan.base, 400), what=what, fix="make the plan again", code="plan-stale")
        )
    changes = accepted_changes(plan, decision)
    if not changes:
        return base
    source = decode(base, plan.base)
    try:
        text = _Editor(source.text).apply(by_model(changes))
    except ManifestSyntaxError as fault:
        raise UserError(Problem(where=source.label, what=fault.what, fix=fault.fix, code=fault.code)) from None
    return source.encode(text)


class _Editor:
    def __init__(self, text: str) -> None:
        self._original = text
        tree = compose(text)
        self._layout = layout(text, tree.root)
        ended = text.endswith(("\n", "\r"))
        self._text = text if ended else text + self._layout.eol
        self._ended = ended
        self._tree = tree if ended else compose(self._text)
        self._names = _names(self._tree.root)

    def apply(self, models: Any) -> str:
        rewrites = {name: self._rewrite(name, changes) for name, changes in models.items()}
        intended = self._intend(compose(self._original), rewrites)
        try:
            if self._try(rewrites, 0, intended):
                return self.final
        except (CannotEditError, ManifestSyntaxError):
            pass
        self._reset()
        for name, done in rewrites.items():
            self._one(name, done)
        if self._proven(intended):
            return self.final
        raise _unproven(", ".join(rewrites))

    def _one(self, name: str, done: Rewrite) -> None:
        before, tree = self._text, self._tree
        intended = self._intend(tree, {name: done})
        for level in _LEVELS:
            try:
                if self._try({name: done}, level, intended):
                    return
            except (CannotEditError, ManifestSyntaxError):
                pass
            self._text, self._tree = before, tree
        raise _unproven(name)

    def _try(self, rewrites: dict[str, Rewrite], level: int, intended: Any) -> bool:
        for name, done in rewrites.items():
            self._unshare(self._names[name], done, level)
        edits: list[Edit] = []
        for name, done in rewrites.items():
            edits += _edits(self._text, self._tree.root, self._names[name], done, level, self._layout)
        self._load(splice(self._text, edits))
        return self._proven(intended)

    def _unshare(self, index: int, done: Rewrite, level: int) -> None:
        fields = {"args"} if level or done.added or _touches(self._tree.root, index, done) else set()
        if level == 2 or done.gpu_count is not None:
            fields.add("gpu_count")
        for _ in range(50):
            edits = unshare(self._text, self._tree, index, frozenset(fields), self._layout)
            if not edits:
                return
            self._load(splice(self._text, edits))
        raise CannotEditError("too many shared values")

    def _load(self, text: str) -> None:
        self._text, self._tree = text, compose(text)

    def _reset(self) -> None:
        self._load(self._original if self._ended else self._original + self._layout.eol)

    @property
    def final(self) -> str:
        return self._text if self._ended else self._text.removesuffix(self._layout.eol)

    def _proven(self, intended: Any) -> bool:
        final = compose(self.final)
        return not final.duplicates and plain(final.root) == intended

    def _rewrite(self, name: str, changes: list[Change]) -> Rewrite:
        if name not in self._names:
            what = f"the manifest has no model {shorten(name)}"
            raise UserError(Problem(what=what, fix="make the plan again", code="plan-mismatch"))
        return rewrite(tuple(_serving(self._tree.root, self._names[name]).get("args") or ()), changes)

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


def touched_lines(base: bytes, plan: Plan, decision: Decision | None = None) -> dict[str, set[int]]:
    """The lines of the base, from 1, that each model's accepted changes rewrite or stand behind."""
    text = decode(base, plan.base).text
    found: dict[str, set[int]] = {}
    for name, changes in by_model(accepted_changes(plan, decision)).items():
        editor = _Editor(text)
        editor.apply({name: changes})
        found[name] = _differing(text, editor.final)
    return found


def _differing(old: str, new: str) -> set[int]:
    import difflib

    before, after = old.split("\n"), new.split("\n")
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    lines: set[int] = set()
    for tag, start, end, _, _ in matcher.get_opcodes():
        if tag != "equal":
            lines.update(range(start + 1, max(end, start + 1) + 1))
    return lines
