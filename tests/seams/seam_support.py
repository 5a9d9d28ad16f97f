"""Where two rooms meet: cases by name, and the marks of those on which they disagree today."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

REFUSED = "refused"
"""A room's answer where it tells the operator that it can't use what it was given."""


def params(cases: Mapping[str, Any], differ: Mapping[str, str] | None = None) -> list[Any]:
    """The cases as parameters, by name; those in `differ` are strict xfails with its reason.

    Raises:
        KeyError: `differ` names a case that is not there, or that no longer is.
    """
    differ = differ or {}
    if stray := set(differ) - set(cases):
        raise KeyError(f"no such cases: {sorted(stray)}")
    return [
        pytest.param(
            case,
            id=name,
            marks=[xfail(differ[name])] if name in differ else [],
        )
        for name, case in cases.items()
    ]


def xfail(reason: str) -> pytest.MarkDecorator:
    """A disagreement of today: an answer other than the right one, not an error on the way to it."""
    return pytest.mark.xfail(strict=True, raises=AssertionError, reason=reason)


def grouped(differ: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    """`{reason: names}` as `{name: reason}`."""
    return {name: why for why, names in differ.items() for name in names}
