"""What a caller gives, as the rooms take it; a slip that Python lets pass is said in one line."""

from __future__ import annotations

import os
from collections.abc import Iterable

from modelcar_tui.core.errors import Problem, UserError

Path_ = str | os.PathLike[str]


def words(name: str, given: Iterable[str]) -> tuple[str, ...]:
    """Several words; a lone one would be taken letter by letter.

    Args:
        name: The parameter's.
        given: What was given for it.

    Raises:
        UserError: it is a lone word, or holds what is none.
    """
    told = None if isinstance(given, str | bytes) else tuple(given)
    if told is None or not all(isinstance(word, str) for word in told):
        what = "takes a list of words, each a str"
        raise UserError(Problem(where=name, what=what, fix=f'write {name}=["..."]'))
    return told


def place(given: Path_ | None) -> str | None:
    """A path as text."""
    return None if given is None else os.fspath(given)
