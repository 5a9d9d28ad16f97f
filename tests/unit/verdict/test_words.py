"""A verdict's word stands as a literal in `verdict/` alone: every face takes it from there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelcar_tui.verdict.reports import Verdict

SOURCE = Path(__file__).parents[3] / "src" / "modelcar_tui"
EXEMPT = {
    "commands/start.py": "the command's description in its help",
    "commands/agent_parser.py": "descriptions, examples and exit statuses in the help",
    "commands/parser.py": "the table of exit statuses in the help",
    "core/settings_table.py": "below verdict/: says what the colours of a theme stand for",
    "qa/preconditions.py": "below verdict/: is told the word and may not import it",
}
_WORD = re.compile(r"(?<![\w-])(?:NO-GO|GO)(?![\w-])|^UNKNOWN$")


def literals(path: Path) -> Iterator[str]:
    """String constants of a module, docstrings excepted."""
    tree = ast.parse(path.read_text())
    plain = {
        id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr) and hasattr(node, "value")
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in plain:
            yield node.value


FILES = sorted(
    name
    for path in SOURCE.rglob("*.py")
    if not (name := path.relative_to(SOURCE).as_posix()).startswith("verdict/")
)


def test_no_module_outside_of_verdict_spells_a_verdict() -> None:
    spelled = {name for name in FILES if any(_WORD.search(text) for text in literals(SOURCE / name))}
    assert spelled - set(EXEMPT) == set()


@pytest.mark.parametrize("name", EXEMPT)
def test_an_exemption_is_still_needed(name: str) -> None:
    assert any(_WORD.search(text) for text in literals(SOURCE / name))


def test_the_words_are_three() -> None:
    assert tuple(map(str, Verdict)) == ("GO", "NO-GO", "UNKNOWN")
