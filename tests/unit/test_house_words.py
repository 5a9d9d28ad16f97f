"""What the product says is told in an operator's words, and one thing never in the plural.

The words that are not said stand in `tests/data/words.txt`, each with what to say instead.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import modelcar_tui
from modelcar_tui.core.counting import several
from support.words import faults

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import same  # noqa: E402

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
    "the filter; {} changes it": "a key of the operator's, no number",
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


UNDERSTOOD = {
    "supervisor/llm": "what a language model says, and is told: it has the facts by their ids",
}
"""Folders whose literals are read, or are for machines."""


def told(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and text of each literal of more than a word; docstrings are for us."""
    ours = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in ours:
            text = node.value.strip()
            if " " in text and not text.isidentifier():
                yield node.lineno, node.value


def test_no_literal_says_what_is_not_said() -> None:
    found = []
    for path in sorted(SOURCES.rglob("*.py")):
        name = str(path.relative_to(SOURCES))
        if path.name == "__init__.py" or any(name.startswith(folder) for folder in UNDERSTOOD):
            continue  # a door lists names
        for line, text in told(ast.parse(path.read_text("utf-8"))):
            found += [f"{name}:{line}: {fault}" for fault in faults(text)]
    assert not found, "\n".join(found)


def leaves(value: Any) -> Iterator[str]:
    """The sentences of an answer."""
    if isinstance(value, dict):
        for inner in value.values():
            yield from leaves(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner)
    elif isinstance(value, str) and " " in value:
        yield value


@pytest.mark.parametrize("part", [part for part in same.PARTS if part != "demos"])
def test_no_answer_says_what_is_not_said(part: str) -> None:
    found = {
        fault
        for one in same.answers(part, every=7).values()
        for text in leaves(json.loads(one.text))
        for fault in faults(text)
    }
    assert not found, "\n".join(sorted(found)[:20])


SAID = {
    "a run": ("--demo", "--approve", "all", "--no-qa"),
    "a card too small": ("--demo", "--gpu", "T4:1", "--vllm", "0.11.2", "--no-qa"),
    "the accelerators": ("accelerator", "--gpu", "H100-80GB-HBM3:2"),
    "an estimate": ("estimate", "meta-llama/Llama-3.1-8B-Instruct", "--gpu", "L40S:1", "--explain"),
    "an estimate from a name": ("estimate", "foo/Bar-8b", "--gpu", "H200:1"),
}


@pytest.mark.parametrize("words", SAID.values(), ids=SAID)
def test_no_command_says_what_is_not_said(words: tuple[str, ...], tmp_path: Path) -> None:
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH") if name in os.environ}
    own = {**kept, "HOME": str(tmp_path), "PYTHONPATH": str(SOURCES.parent)}
    done = subprocess.run(
        [sys.executable, "-m", "modelcar_tui.agent", *words],
        cwd=tmp_path,
        env=own,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    lines = [*done.stdout.splitlines(), *done.stderr.splitlines()]
    assert len(lines) > 2, done
    assert not [fault for line in lines for fault in faults(line)]
