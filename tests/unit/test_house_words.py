"""What the product says is told in an operator's words, and one thing never in the plural."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import modelcar_tui
from modelcar_tui.core.counting import several

SOURCES = Path(modelcar_tui.__file__).parent
COUNTED = (
    "models|remarks|findings|changes|nodes|warnings|errors|checks|calls|kinds|files|images|pods|cards|shares|"
    "slices|services|profiles|objects|(?:proposed|required) changes|more (?:models|nodes|kinds|checks|rows)"
)
"""What is counted on the screen and may well be one; layers, tokens and the like are terms of a formula."""
_PLURAL = re.compile(rf" (?:{COUNTED})\b")
NEVER_ONE = {
    "more than {} models": "a limit of the reader",
    "more than {} nodes": "a limit of --gpu",
    "at most {} objects": "a limit of one list",
    "{} nodes": "--gpu refuses this number: it is none of 1 to the limit",
    "{} nodes count": "more than one, else no rank is asked for",
    "none of the {} nodes": "one node is told by its name",
    "the {} nodes that could": "one is told as `the node`",
    "{} models fit": "a name that fits one model is that model",
    "one of {} cards": "a name that fits one card is that card",
    "{} nodes of": "stages of a pipeline, of which there are two at least",
    "{} models at a time": "said where more than one is tested at a time",
}
"""Texts that say a plural of a number that can't be one, and why it can't."""
STILL = {"tui/faces/changes.py", "tui/faces/qa.py", "tui/screens/finish.py"}
"""Files that do so all the same: this list only shrinks."""


@pytest.mark.parametrize(
    ("count", "word", "plural", "said"),
    [
        (1, "model", "", "1 model"),
        (0, "model", "", "0 models"),
        (2, "model", "", "2 models"),
        (1422, "GPU", "", "1,422 GPUs"),
        (1, "pod waits", "pods wait", "1 pod waits"),
        (3, "pod waits", "pods wait", "3 pods wait"),
    ],
)
def test_one_thing_is_told_in_the_singular(count: int, word: str, plural: str, said: str) -> None:
    assert several(count, word, plural) == said


def formatted(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each f-string that is said whatever the number is, `{}` for what is filled in."""
    guarded: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.IfExp) and any(
            (isinstance(part, ast.Constant) and part.value == 1) or isinstance(part, ast.Gt)
            for part in ast.walk(node.test)
        ):
            guarded |= {id(part) for part in ast.walk(node) if isinstance(part, ast.JoinedStr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr) and id(node) not in guarded:
            parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
            yield node.lineno, "".join(map(str, parts))


def test_the_rule_finds_a_plural_of_any_number() -> None:
    bad = ast.parse("f'{count} models of {name}'; f'{n} models' if n != 1 else '1 model'; f'{s} (models)'")
    assert [text for _, text in formatted(bad) if re.search(r"\{\}" + _PLURAL.pattern, text)] == [
        "{} models of {}"
    ]


def test_no_text_says_a_plural_of_any_number() -> None:
    found = []
    for path in sorted(SOURCES.rglob("*.py")):
        if str(path.relative_to(SOURCES)) in STILL:
            continue
        for line, text in formatted(ast.parse(path.read_text("utf-8"))):
            if re.search(r"\{\}" + _PLURAL.pattern, text) and not any(known in text for known in NEVER_ONE):
                found.append(f"{path.relative_to(SOURCES)}:{line}: {text}")
    assert not found, "count with core.counting.several:\n" + "\n".join(found)
