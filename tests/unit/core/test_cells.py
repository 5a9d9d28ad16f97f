"""Columns of text: widths in cells, nothing lost, never wider than asked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelcar_tui.core.cells import hang, pad, table, width, wrap
from modelcar_tui.core.text import clean

_TEXTS = st.text(st.characters(codec="utf-8"), max_size=60).map(clean)


@pytest.mark.parametrize(
    ("text", "cells"), [("", 0), ("gpu-1", 5), ("節点", 4), ("é", 1), ("e\u0301", 1), ("🚀", 2)]
)
def test_wide_characters_take_two_cells_and_marks_none(text: str, cells: int) -> None:
    assert width(text) == cells


@settings(max_examples=200, deadline=None)
@given(_TEXTS, st.integers(2, 40))
def test_wrapped_text_keeps_its_words_and_its_width(text: str, cells: int) -> None:
    lines = wrap(text, cells)
    assert all(width(line) <= cells for line in lines)
    assert "".join("".join(lines).split()) == "".join(text.split())


def test_a_word_is_broken_behind_a_mark_where_it_must_be() -> None:
    assert wrap("gpu-1.pool-a.cluster.example.com", 16) == ["gpu-1.pool-a.", "cluster.example.", "com"]
    assert wrap("x" * 10, 4) == ["xxxx", "xxxx", "xx"]


def test_lines_under_a_lead_stand_under_the_first() -> None:
    assert hang("Cluster: ", "one two three", 18) == ["Cluster: one two", "         three"]


def test_what_is_to_be_copied_is_not_broken_for_a_lead() -> None:
    image = "registry.redhat.io/rhaii/vllm-cuda-rhel9@sha256:61f92f79"
    assert hang("Runtime image: ", f"{image}, vLLM 0.18.0", 60) == [
        "Runtime image:",
        f"  {image},",
        "  vLLM 0.18.0",
    ]


def test_columns_are_wrapped_where_they_have_no_room() -> None:
    rows = [["1", "a name of many words", "3 of 4"], ["2", "節点", "0 of 4"]]
    assert table(["#", "NAME", "FREE"], rows, 24, right=(0,), firm=(0, 2)) == [
        "#  NAME           FREE",
        "1  a name of      3 of 4",
        "   many words",
        "2  節点           0 of 4",
    ]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(_TEXTS, _TEXTS, _TEXTS), min_size=1, max_size=4),
    st.sampled_from([30, 60, 80, 120, 200]),
)
def test_a_table_is_never_wider_than_asked_and_loses_no_word(
    rows: list[tuple[str, str, str]], cells: int
) -> None:
    lines = table(["A", "LONG TITLE", "B"], rows, cells, firm=(0,))
    if width(lines[0]) <= cells:
        assert all(width(line) <= cells for line in lines)
    shown = set("".join(lines))
    assert set("".join("".join(row) for row in rows)) - {" "} <= shown | set("\u3000\xa0\u1680")


def test_without_room_for_columns_a_row_is_a_block() -> None:
    rows = [["1", "L40S", "time-sliced x4"]]
    assert table(["#", "PRODUCT", "HOW"], rows, 16) == ["1 PRODUCT: L40S", "  HOW:", "  time-sliced x4"]


@pytest.mark.parametrize(
    ("row", "lines"),
    [
        (("0" * 21, "", ""), ["0" * 21]),
        (("a" * 17, "L40S", ""), ["a" * 17, "  PRODUCT: L40S"]),
        (("節" * 16, "L40S", "x"), ["節" * 14, "節" * 2, "  PRODUCT: L40S", "  HOW: x"]),
        (("", "L40S", "x"), [" PRODUCT: L40S", " HOW: x"]),
    ],
)
def test_a_block_keeps_a_first_column_that_is_wide_or_stands_alone(
    row: tuple[str, str, str], lines: list[str]
) -> None:
    others = [("x" * 30, "y" * 30, "z" * 30)]
    assert table(["#", "PRODUCT", "HOW"], [row, *others], 28, firm=(0, 1))[: len(lines)] == lines


def test_padding_counts_cells() -> None:
    assert pad("節", 4) == "節  "
    assert pad("7", 3, right=True) == "  7"
    assert pad("long", 2) == "long"
