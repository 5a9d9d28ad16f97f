"""No function of the product is harder to follow than 15, as radon counts, without a reason on its `def`.

`tests/data/complexity.txt` lists those that are still to be cut; it may only shrink, and this file run as a
program takes off what needs no place there.
"""

from __future__ import annotations

import re
from pathlib import Path

from radon.complexity import cc_visit
from radon.visitors import Function

LIMIT = 15
_ROOT = Path(__file__).parents[2]
_LIST = _ROOT / "tests/data/complexity.txt"
_REASON = re.compile(r"#\s*complexity:\s*\S+")


def _measured() -> tuple[dict[str, int], dict[str, int]]:
    """Complexity by `path::function` of functions and methods: of those with a reason, and of the others."""
    explained: dict[str, int] = {}
    plain: dict[str, int] = {}
    for path in sorted((_ROOT / "src").rglob("*.py")):
        text = path.read_text()
        lines = text.splitlines()
        for block in cc_visit(text):
            if not isinstance(block, Function):
                continue
            name = f"{path.relative_to(_ROOT / 'src/modelcar_tui')}::{block.fullname}"
            written = lines[max(0, block.lineno - 2) : block.lineno]
            kept = explained if any(_REASON.search(line) for line in written) else plain
            kept[name] = max(block.complexity, kept.get(name, 0))
    return explained, plain


def _listed() -> dict[str, int]:
    rows = (
        line.rsplit(" ", 1) for line in _LIST.read_text().splitlines() if line and not line.startswith("#")
    )
    return {name: int(count) for name, count in rows}


def _standing() -> dict[str, int]:
    return {name: count for name, count in _measured()[1].items() if count > LIMIT}


def test_no_function_is_above_the_limit_without_a_reason() -> None:
    listed = _listed()
    grown = {name: count for name, count in _standing().items() if count > listed.get(name, LIMIT)}
    assert not grown, (
        "cut them by meaning, or say on the def or the line above: # complexity: <why it stays whole>"
    )


def test_the_list_holds_only_what_still_stands() -> None:
    standing = _standing()
    mended = {name: count for name, count in _listed().items() if standing.get(name, 0) < count}
    assert not mended, f"take them off: python {Path(__file__).relative_to(_ROOT)}"


def test_a_reason_is_given_only_where_one_is_needed() -> None:
    explained, _ = _measured()
    assert not [name for name, count in explained.items() if count <= LIMIT]


def shrink() -> None:
    """Rewrite the list with what it has in common with what stands, at no more than either says."""
    head = [line for line in _LIST.read_text().splitlines() if line.startswith("#")]
    standing = _standing()
    rows = {name: min(count, standing[name]) for name, count in _listed().items() if name in standing}
    _LIST.write_text("\n".join([*head, *(f"{name} {count}" for name, count in sorted(rows.items()))]) + "\n")


if __name__ == "__main__":
    shrink()
