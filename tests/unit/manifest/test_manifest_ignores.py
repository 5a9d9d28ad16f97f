"""Comments that switch findings off: where they stand and what they are about."""

from __future__ import annotations

import pytest

from modelcar_tui.manifest.reader import parse_manifest
from modelcar_tui.manifest.types import Ignore

TEXT = """# about this file
default:
  serving_arguments:
    args:
    - --seed=1
    - --seed=2
model-car:
  - name: a
    image: oci://quay.io/a/a:1
    serving_arguments:
      gpu_count: 1
      args:
        - --port=9000
        - "--max-model-len=4096"
  - name: b
    image: oci://quay.io/b/b:1
"""


def ignores(text: str) -> tuple[Ignore, ...]:
    return parse_manifest(text.encode(), "m.yaml").ignores


def beside(line: str, comment: str = "# modelcar: ignore[x]") -> tuple[int, int]:
    (found,) = ignores(TEXT.replace(line + "\n", f"{line}  {comment}\n", 1))
    return found.first, found.last


def above(line: str) -> tuple[int, int]:
    (found,) = ignores(TEXT.replace(line, f"# modelcar: ignore[x]\n\n  # and more\n{line}", 1))
    return found.first, found.last


@pytest.mark.parametrize(
    ("line", "first", "last"),
    [
        ("        - --port=9000", 13, 13),
        ('        - "--max-model-len=4096"', 14, 14),
        ("      args:", 12, 14),
        ("    serving_arguments:\n      gpu_count", 10, 14),
        ("    args:\n    - --seed", 4, 6),
        ("  - name: a", 8, 14),
        ("  - name: b", 15, 16),
        ("model-car:", 7, 16),
        ("default:", 2, 6),
    ],
)
def test_a_comment_is_about_what_begins_on_its_line_or_the_next(line: str, first: int, last: int) -> None:
    assert above(line) == (first + 3, last + 3)
    if "\n" not in line:
        assert beside(line) == (first, last)


def test_the_whole_file() -> None:
    (found,) = ignores("# modelcar: ignore-file[a, b,c]\n" + TEXT)
    assert found.codes == ("a", "b", "c") and found.first == 1 and found.last > 10**6
    assert (found.at.line, found.at.column) == (1, 1)


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("# modelcar: ignore[x]", ("x",)),
        ("#modelcar:ignore [ x , y z ] because of reasons", ("x", "y", "z")),
        ("# modelcar: ignore", ()),
        ("# modelcar: ignore[]", ()),
        ("# modelcar: off x", ()),
    ],
)
def test_what_can_not_be_read_names_no_code(comment: str, codes: tuple[str, ...]) -> None:
    (found,) = ignores(TEXT.replace("  - name: b", f"  - name: b {comment}"))
    assert found.codes == codes


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("--port=9000", '"--x=a # modelcar: ignore[x]"'),
        TEXT + "x-note: |\n  some words\n  # modelcar: ignore[x]\n",
        TEXT.replace("--port=9000", "--x=a#modelcar:ignore[x]"),
        TEXT.replace("# about this file", "# about modelcar: ignore[x]"),
    ],
)
def test_what_is_no_comment_of_ours_says_nothing(text: str) -> None:
    assert ignores(text) == ()


def test_other_line_ends_and_the_end_of_the_file() -> None:
    (found,) = ignores((TEXT + "# modelcar: ignore[x]\n").replace("\n", "\r\n"))
    assert found.first > found.last, "nothing comes after it"
    (found,) = ignores(
        TEXT.replace("  - name: b", "  # modelcar: ignore[x]\n  - name: b").replace("\n", "\r\n")
    )
    assert (found.first, found.last) == (16, 17)
