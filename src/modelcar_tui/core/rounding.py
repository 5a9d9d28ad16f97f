"""Whole numbers rounded up."""

from __future__ import annotations


def ceil_div(a: int, b: int) -> int:
    """`a / b`, rounded up."""
    return -(-a // b)


def round_up(a: int, step: int) -> int:
    """The next multiple of `step`."""
    return ceil_div(a, step) * step
