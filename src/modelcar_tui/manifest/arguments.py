"""Changes applied to a list of arguments: what each item becomes, without any YAML."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from modelcar_tui.core.errors import Problem, UserError
from modelcar_tui.core.numbers import holds_mask, unnumbered
from modelcar_tui.core.text import has_hidden, reveal
from modelcar_tui.manifest.limits import MAX_GPUS, MAX_TEXT, shorten
from modelcar_tui.manifest.plan import Change, Decision, Operation, Plan
from modelcar_tui.manifest.types import Position, ServingArguments

_NUMBER = re.compile(r"-\d+(\.\d*)?\Z|-\.\d+\Z")
_ITS_VALUE = re.compile(r"(--?[A-Za-z][\w.-]*)[= ]([^-].*)")
_COUNT = re.compile(r"(?:gpu_count\s*[:=]\s*)?([1-9]\d{0,4})\Z")


class Rewrite(msgspec.Struct, frozen=True, kw_only=True):
    """One model's arguments after its changes, item by item."""

    kept: tuple[str | None, ...]
    """The new text of each present item; None where it is removed."""
    added: tuple[str, ...] = ()
    gpu_count: int | None = None
    """None leaves the count as it is."""

    @property
    def args(self) -> tuple[str, ...]:
        """The whole new list."""
        return (*(item for item in self.kept if item is not None), *self.added)


def accepted_changes(plan: Plan, decision: Decision | None) -> tuple[Change, ...]:
    """The accepted changes in the plan's order with the operator's edits; all where there is no decision.

    Raises:
        UserError: an id that the plan does not have, or an edited value that can't be written.
    """
    if decision is None:
        return plan.changes
    known = {change.id for change in plan.changes}
    for wanted in (*decision.accepted, *decision.edited):
        if wanted not in known:
            what = f"the plan has no change {shorten(wanted)}"
            raise UserError(Problem(what=what, fix="make the plan again", code="change-unknown"))
    accepted = frozenset(decision.accepted)
    return tuple(
        msgspec.structs.replace(change, new=decision.edited[change.id])
        if change.id in decision.edited and change.operation is not Operation.REMOVE
        else change
        for change in plan.changes
        if change.id in accepted
    )


def rewrite(args: tuple[str, ...], changes: Iterable[Change]) -> Rewrite:
    """Apply one model's changes to its arguments.

    A flag whose value is the next item (`--flag`, `value`) is set and removed together with its value. SET
    meets the last of several equal flags, which is the one that counts on a command line; REMOVE meets the
    first.

    Raises:
        UserError: a change whose flag the arguments don't have, or a value that can't be written.
    """
    kept: list[str | None] = list(args)
    changes = tuple(changes)
    args = _shown(args, changes)
    index = _index(args)
    taken: set[int] = set()
    added: list[str] = []
    gpu_count = None
    for change in sorted(changes, key=lambda change: change.operation is not Operation.REMOVE):
        if change.operation is Operation.GPU_COUNT:
            gpu_count = _count(change)
        elif change.operation is Operation.ADD:
            added.append(_item(change))
        elif not _went(args, index, change, taken):
            group = _find(args, index, change, taken)
            taken.update(group)
            for at in group:
                kept[at] = None
            if change.operation is Operation.SET:
                kept[group[0]] = _item(change)
    return Rewrite(kept=tuple(kept), added=tuple(added), gpu_count=gpu_count)


def _shown(args: tuple[str, ...], changes: tuple[Change, ...]) -> tuple[str, ...]:
    """The arguments as the plan was made from them: a secret of the file is a mask there."""
    if not any(change.old and holds_mask(change.old) for change in changes):
        return args
    from modelcar_tui.manifest.masking import masked_arguments  # needs a YAML parser

    return masked_arguments(args)


def in_two(words: tuple[str, ...], done: Rewrite) -> Rewrite:
    """A flag whose value is a word of its own keeps it so: the value alone changes.

    That is for what a container starts; an item of a model-car is written as the change says.
    """
    out = list(done.kept)
    for index, (word, new) in enumerate(zip(words, done.kept, strict=True)):
        found = _ITS_VALUE.fullmatch(new) if new and new != word else None
        alone = values_after(words, index) == (index + 1,)
        if found and found[1] == word and alone and done.kept[index + 1] is None:
            out[index : index + 2] = [word, found[2]]
    return msgspec.structs.replace(done, kept=tuple(out))


def mismatch(name: str) -> UserError:
    """A plan that names what the manifest does not have."""
    what = f"the manifest has no model {shorten(name)}"
    return UserError(Problem(what=what, fix="make the plan again", code="plan-mismatch"))


def effective(serving: ServingArguments, changes: Iterable[Change]) -> ServingArguments:
    """A model's arguments as they would be with `changes`; the places of the arguments are dropped.

    That there is a GPU count of its own is kept: without its place it would count as the suite's default.
    """
    done = rewrite(serving.args, changes)
    if not serving.by_suite:
        done = in_two(serving.args, done)
    at = serving.gpu_count_at or (Position(1, 1) if done.gpu_count else None)
    count = done.gpu_count or serving.gpu_count
    return msgspec.structs.replace(serving, gpu_count=count, args=done.args, args_at=(), gpu_count_at=at)


def by_model(changes: Iterable[Change]) -> Mapping[str, list[Change]]:
    """The changes of each model, in their order."""
    models: dict[str, list[Change]] = {}
    for change in changes:
        models.setdefault(change.model, []).append(change)
    return models


def flag_of(item: str) -> str:
    """The flag of an item: what stands before `=` or a blank, with dashes for underscores."""
    flag = re.split(r"[=\s]", item.strip(), maxsplit=1)[0]
    return "--" + flag[2:].replace("_", "-") if flag.startswith("--") else flag


def values_after(args: tuple[str, ...], index: int) -> tuple[int, ...]:
    """The indices of the items that are values of the flag at `index`."""
    if "=" in args[index] or not _is_flag(args[index]):
        return ()
    end = index + 1
    while end < len(args) and not _is_flag(args[end]):
        end += 1
    return tuple(range(index + 1, end))


class _Index(NamedTuple):
    """Where arguments stand, by what a change may say of them: thousands of changes look thousands of
    arguments up."""

    flags: Mapping[str, list[int]]
    """By flag; a word that is none by what stands there in its place."""
    begins: Mapping[tuple[str, ...], list[int]]
    """By how an item, alone and with the one behind it, begins."""


def _index(args: tuple[str, ...]) -> _Index:
    flags: dict[str, list[int]] = {}
    begins: dict[tuple[str, ...], list[int]] = {}
    for index, item in enumerate(args):
        flags.setdefault(flag_of(item), []).append(index)
        for begin in {_begin(item), _begin(" ".join(args[index : index + 2]))}:
            begins.setdefault(begin, []).append(index)
    return _Index(flags, begins)


def _begin(spelled: str) -> tuple[str, ...]:
    """What stands before the first and before the second blank or `=`: no item that spells a text begins
    otherwise."""
    return (*re.split(r"[=\s]", spelled, maxsplit=2), "")[:2]


def _went(args: tuple[str, ...], index: _Index, change: Change, taken: Collection[int]) -> bool:
    """Whether a word that is to go went with the flag before it already, as if it were that one's value."""
    old = change.old
    if change.operation is not Operation.REMOVE or old is None or old.startswith("--"):
        return False
    there = [at for at in index.begins.get(_begin(old), ()) if args[at] == old]
    return bool(there) and all(at in taken for at in there)


def _find(args: tuple[str, ...], index: _Index, change: Change, taken: Collection[int]) -> tuple[int, ...]:
    """The items that a change is about: the last ones that fit it to be set, the first ones to be removed."""

    def free(found: Sequence[int]) -> Iterator[tuple[int, ...]]:
        for at in reversed(found) if change.operation is Operation.SET else found:
            if at not in taken:
                yield _group(args, at, taken)

    begins = free(index.begins.get(_begin(change.old or ""), ()))
    spelled = filter(None, (_matching(args, group, change.old) for group in begins))
    found = next(spelled, ()) or _matching_masked(args, change, taken)
    found = found or next(free(index.flags.get(flag_of(change.flag), ())), ())
    if not found:
        what = f"{shorten(change.model)} has no argument {shorten(change.old or change.flag)}"
        raise UserError(Problem(what=what, fix="make the plan again", code="plan-mismatch"))
    return found


def _group(args: tuple[str, ...], index: int, taken: Collection[int]) -> tuple[int, ...]:
    """An item and its values."""
    return (index, *(at for at in values_after(args, index) if at not in taken))


def _matching_masked(args: tuple[str, ...], change: Change, taken: Collection[int]) -> tuple[int, ...]:
    """Another process than the one that made the plan gives its masks other numbers."""
    if not change.old or not holds_mask(change.old):
        return ()
    shown, old = tuple(map(unnumbered, args)), unnumbered(change.old)
    groups = (_group(args, at, taken) for at in range(len(args)) if at not in taken)
    found = [match for group in groups if (match := _matching(shown, group, old))]
    if len(found) > 1:
        what = f"{shorten(change.model)} has {len(found)} arguments that differ in their secrets alone"
        fix = "make the plan again, or change them in the base"
        raise UserError(Problem(what=what, fix=fix, code="plan-mismatch"))
    return found[0] if found else ()


def _matching(args: tuple[str, ...], group: tuple[int, ...], old: str | None) -> tuple[int, ...]:
    """As many items of a flag and its values as spell `old`."""
    if old is None:
        return ()
    items = [args[index] for index in group]
    for count in range(len(items), 0, -1):
        spelled = " ".join(items[:count])
        if old in (spelled, spelled.replace(" ", "=", 1) if count > 1 else spelled):
            # A bare flag whose value is the next item goes together with it.
            return group if count == 1 else group[:count]
    return ()


def _is_flag(item: str) -> bool:
    return item.startswith("-") and len(item) > 1 and not _NUMBER.match(item)


def _item(change: Change) -> str:
    new = change.new or ""
    if not new.strip() or len(new) > MAX_TEXT or has_hidden(new):
        what = f"{shorten(change.id)}: `{shorten(reveal(new))}` can't be an argument"
        raise UserError(Problem(what=what, fix="write one line, such as `--flag=value`", code="bad-value"))
    if holds_mask(new):
        what = f"{shorten(change.id)}: `{shorten(new)}` holds a mask, not the secret itself"
        raise UserError(Problem(what=what, fix="change this argument in the base", code="bad-value"))
    return new


def _count(change: Change) -> int:
    match = _COUNT.match((change.new or "").strip())
    if not match or int(match[1]) > MAX_GPUS:
        what = f"{shorten(change.id)}: `{shorten(change.new or '')}` is no GPU count"
        raise UserError(Problem(what=what, fix=f"write a number from 1 to {MAX_GPUS}", code="bad-value"))
    return int(match[1])
