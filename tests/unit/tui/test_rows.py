"""Text in lines: what is broken where."""

from __future__ import annotations

import pytest

from modelcar_tui.tui.rows import width, wrap

PATH = "/home/op/runs/20261130-120300-c801a6/replaced/sample_modelcar_config.generated.yaml"


@pytest.mark.parametrize("cells", [30, 46, 58, 62])
def test_a_path_is_broken_behind_a_slash(cells: int) -> None:
    lines = wrap(f"a copy: {PATH}", cells)
    assert "".join(lines).replace(" ", "") == f"acopy:{PATH}"
    assert all(width(line) <= cells for line in lines)
    assert "/sample_" in lines[-2] + "/" + lines[-1] or lines[-1].startswith("sample_")


def test_an_image_is_broken_between_its_words() -> None:
    image = "registry.redhat.io/rhelai1/modelcar-llama-3-3-70b-instruct:1.5"
    lines = wrap(image, 46)
    assert "".join(lines) == image
    assert all(line[-1] in "/-:" for line in lines[:-1])


@pytest.mark.parametrize("text", ["x" * 50, "/" + "x" * 50, "-" * 50, "模" * 30])
def test_a_word_without_a_place_to_break_is_broken_anywhere(text: str) -> None:
    lines = wrap(text, 20)
    assert "".join(lines) == text
    assert all(width(line) <= 20 for line in lines)


def test_sentences_are_broken_at_blanks() -> None:
    assert wrap("one two-three four", 10) == ["one", "two-three", "four"]
