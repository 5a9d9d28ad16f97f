"""The record of a family is found by name, by the longest beginning, or is a plain decoder's."""

from __future__ import annotations

from itertools import chain

import pytest

from modelcar_tui.models import families
from modelcar_tui.models.families import Family, family_of


def test_every_name_stands_in_one_row() -> None:
    names = list(chain.from_iterable(row.names for row in families._ROWS))
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("model_type", "norms", "period", "altup"),
    [
        ("gemma", 2, 0, False),
        ("gemma2", 4, 2, False),
        ("gemma3_text", 4, 6, False),
        ("gemma3_something", 4, 0, False),
        ("gemma3n_text", 4, 0, True),
        ("gemma4_text", 4, 0, False),
        ("llama", 2, 0, False),
        ("", 2, 0, False),
    ],
)
def test_the_longest_beginning_counts(model_type: str, norms: int, period: int, altup: bool) -> None:
    found = family_of(model_type)
    assert (found.norms, found.period, found.altup) == (norms, period, altup)


def test_every_row_says_something_that_a_plain_decoder_does_not() -> None:
    plain = Family()
    for row in families._ROWS:
        other = [name for name in Family.__struct_fields__ if getattr(row, name) != getattr(plain, name)]
        assert "names" in other and len(other) > 1, row.names


def test_what_is_no_row_is_one_and_the_same_plain_decoder() -> None:
    assert family_of("llama") is family_of("mistral") is family_of("nobody-knows")
