"""The difference between a base manifest and what would be generated, as text."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from modelcar_tui.core.text import reveal
from modelcar_tui.manifest.apply import apply_changes, apply_with_places
from modelcar_tui.manifest.arguments import accepted_changes, by_model
from modelcar_tui.manifest.kinds.objects import objects_of
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.masked import masked_text
from modelcar_tui.manifest.plain import get
from modelcar_tui.manifest.plan import Change, Decision, Hunk, Plan
from modelcar_tui.manifest.source import decode
from modelcar_tui.manifest.spans import ManifestSyntaxError, Sequence, Tree, compose_all, deref

CONTEXT = 3
_Piece = tuple[str, list[str]]
"""A hunk's header and its lines."""
_HEADER = re.compile(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,\d+)? @@")


def text_hunks(base: bytes, plan: Plan, decision: Decision | None = None) -> tuple[Hunk, ...]:
    """The hunks of the unified diff, each with the ids of the changes that cause it.

    Models that stand next to each other have hunks of their own. All changes count as accepted without a
    decision. Invisible characters are shown as code points, secrets masked.

    Raises:
        UserError: as `apply_changes`.
    """
    changes = accepted_changes(plan, decision)
    new, lines = apply_with_places(base, plan, decision)
    tree = _tree(decode(base, plan.base).text)
    starts, objects = (_model_lines(tree), _objects(tree)) if tree is not None else (frozenset(), [])
    hunks = [piece for hunk in _hunks(base, new, plan, masked=True) for piece in _by_model(*hunk, starts)]
    if not hunks:
        return ()
    causes = _causes(hunks, changes, lines)
    return tuple(
        Hunk(
            header=header + _object_at(objects, header, body),
            lines=tuple(line[0] + reveal(line[1:].rstrip("\r\n").expandtabs(4)) for line in body),
            changes=tuple(change.id for change in changes if change.id in named),
        )
        for (header, body), named in zip(hunks, causes, strict=True)
    )


def _causes(
    hunks: list[_Piece], changes: tuple[Change, ...], lines: Mapping[str, set[int]]
) -> list[set[str]]:
    """The ids of the changes that each hunk shows, or whose model it touches."""
    named: list[set[str]] = [set() for _ in hunks]
    areas = [_area(header) for header, _ in hunks]
    for model, own in by_model(changes).items():
        touched = [at for at, area in enumerate(areas) if any(line in area for line in lines.get(model, ()))]
        for change in own:
            exact = [at for at in touched if _shows(hunks[at][1], change)]
            for at in exact or touched:
                named[at].add(change.id)
    everyone = {change.id for change in changes}  # together they moved an anchor to where none is named
    return [ids or everyone for ids in named]


def unified_patch(base: bytes, plan: Plan, decision: Decision | None = None) -> str:
    """A patch for `patch -p0` or `git apply -p0` that gives the base what the generated manifest has; "" for
    none.

    Both its names are the base's: git looks for the second one.
    """
    hunks = _hunks(base, apply_changes(base, plan, decision), plan)
    if not hunks:
        return ""
    name = Path(plan.base).name
    out = [f"--- {name}\n", f"+++ {name}\n"]
    for header, body in hunks:
        out.append(header + "\n")
        out += [line if line.endswith("\n") else line + "\n\\ No newline at end of file\n" for line in body]
    return "".join(out)


def _hunks(base: bytes, new: bytes, plan: Plan, *, masked: bool = False) -> list[_Piece]:
    old_text, new_text = (decode(data, plan.base).text for data in (base, new))
    if masked:
        old_text, new_text = masked_text(old_text), masked_text(new_text)
    old_lines, new_lines = _lines(old_text), _lines(new_text)
    hunks: list[_Piece] = []
    for line in difflib.unified_diff(old_lines, new_lines, n=CONTEXT):
        if line.startswith("@@") and _HEADER.match(line):
            hunks.append((line.rstrip("\n"), []))
        elif hunks:
            hunks[-1][1].append(line)
    return hunks


def _tree(text: str) -> Tree | None:
    """The text as YAML; None of what is none, such as a command line that has a colon."""
    try:
        return compose_all(text)
    except ManifestSyntaxError:
        return None


def _model_lines(tree: Tree) -> frozenset[int]:
    """The lines, from 1, on which a model begins."""
    cars = get(tree.root, "model-car")
    target = deref(cars) if cars is not None else None
    items = target.items if isinstance(target, Sequence) else []
    return frozenset(node.line for node in (*items, *(one.root for one in objects_of(tree))))


def _objects(tree: Tree) -> list[tuple[int, str]]:
    """The objects of a Kubernetes manifest: the line on which each begins, and what it is."""
    return [(one.root.line, reveal(shorten(f"{one.kind} {one.name}"))) for one in objects_of(tree)]


def _object_at(objects: list[tuple[int, str]], header: str, body: list[str]) -> str:
    """` InferenceService granite`: the object that the first change of a hunk is in; empty where none is."""
    if not objects or not (match := _HEADER.match(header)):
        return ""
    first = next((at for at, text in enumerate(body) if text[0] in "+-"), 0)
    # What is only added belongs to the line before it: the next may begin another object.
    line = int(match[1]) + first - (body[first][0] == "+")
    before = [what for begin, what in objects if begin <= line]
    return f" {before[-1]}" if before else ""


def _by_model(header: str, body: list[str], starts: frozenset[int]) -> Iterator[_Piece]:
    """A hunk cut where an unchanged line begins a model, so that no piece is without a change."""
    match = _HEADER.match(header)
    if match is None:
        yield header, body
        return
    old, new = (int(match[at]) for at in (1, 3))
    cuts = [0]
    line = old
    changed = [mark[0] in "+-" for mark in body]
    for at, text in enumerate(body):
        if text[0] == " " and line in starts and any(changed[cuts[-1] : at]) and any(changed[at:]):
            cuts.append(at)
        line += text[0] != "+"
    if len(cuts) == 1:
        yield header, body
        return
    for begin, end in zip(cuts, [*cuts[1:], len(body)], strict=True):
        piece = body[begin:end]
        gone, come = (sum(text[0] != mark for text in piece) for mark in "+-")
        yield f"@@ -{old},{gone} +{new},{come} @@", piece
        old, new = old + gone, new + come


def _lines(text: str) -> list[str]:
    return re.findall(r"[^\n]*\n|[^\n]+", text)


def _area(header: str) -> range:
    """The lines of the base that a hunk covers, from 1; one more at its end, for what is added there."""
    match = _HEADER.match(header)
    start, count = (int(match[1]), int(match[2] or 1)) if match else (0, 0)
    return range(start, start + count + 1)


def _shows(lines: Iterable[str], change: Change) -> bool:
    for mark, item in (("-", change.old), ("+", change.new)):
        if item and any(line.startswith(mark) and item.split(" ")[0] in line for line in lines):
            return True
    return False
