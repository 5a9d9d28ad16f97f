"""The last answer is kept for the same objects, and for no others."""

from __future__ import annotations

from modelcar_tui.tui.lately import Lately


def test_the_same_objects_are_worked_out_once_and_equal_ones_afresh() -> None:
    asked: list[tuple[list[int], str]] = []

    @Lately
    def longest(numbers: list[int], word: str) -> str:
        asked.append((numbers, word))
        return f"{word} {max(numbers)}"

    first, equal = [1, 2], [1, 2]
    assert longest(first, "most") == "most 2"
    assert longest(first, "most") == "most 2"
    assert len(asked) == 1
    assert longest(equal, "most") == "most 2"
    assert len(asked) == 2, "equal is not the same: to compare would be as dear"
    assert longest(first, "most") == "most 2"
    assert len(asked) == 3, "only the last is kept"


def test_an_error_is_not_kept() -> None:
    @Lately
    def half(number: int) -> float:
        return 1 / number

    for _ in range(2):
        try:
            half(0)
        except ZeroDivisionError:
            continue
        raise AssertionError("it must raise every time")
    assert half(2) == 0.5
