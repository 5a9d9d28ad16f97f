"""Each small edit of a YAML text by itself, where the editor's coarser edits can't make good for it."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from modelcar_tui.manifest.edits import (
    CannotEditError,
    Edit,
    Layout,
    body_start,
    change_sequence,
    find_dash,
    insert_lines,
    layout,
    line_end,
    line_start,
    next_line,
    node_end,
    only_comment_follows,
    put,
    set_scalar,
    splice,
)
from modelcar_tui.manifest.plain import integer
from modelcar_tui.manifest.spans import Mapping, Node, Scalar, Sequence, compose

HOW = Layout("\n", 2)


def root(text: str) -> Node:
    return compose(text).root


def mapping(text: str) -> Mapping:
    found = root(text)
    assert isinstance(found, Mapping)
    return found


def sequence(text: str) -> tuple[Scalar, Sequence]:
    key, found = mapping(text).pairs[0]
    assert isinstance(found, Sequence)
    return key, found


def value(text: str) -> Node:
    return mapping(text).pairs[0][1]


# Splicing.


def test_edits_are_made_in_the_order_of_the_text_and_equal_places_in_their_own() -> None:
    assert splice("abcdef", [Edit(4, 5, "X"), Edit(1, 2, "")]) == "acdXf"
    assert splice("abc", [Edit(1, 1, "z"), Edit(1, 1, "y")]) == "azybc"
    assert splice("abcd", [Edit(1, 3, "X"), Edit(1, 1, "-")]) == "a-Xd"
    assert splice("abcd", [Edit(1, 3, "X"), Edit(3, 3, "-")]) == "aX-d"
    assert splice("abc", []) == "abc"


def test_edits_that_overlap_are_refused() -> None:
    with pytest.raises(CannotEditError, match="overlapping"):
        splice("abcdef", [Edit(1, 4, ""), Edit(3, 5, "")])


# How a file is written.


@pytest.mark.parametrize(
    ("text", "eol", "offset"),
    [
        ("a: 1\n", "\n", 2),
        ("a: 1", "\n", 2),
        ("a:\n- x\n", "\n", 0),
        ("a:\r\n  - x\r\n", "\r\n", 2),
        ("a:\r    - x\r", "\r", 4),
        ("a:\x85  - x\n", "\x85", 2),
        ("a: [x]\n", "\n", 2),
        ("{a: [x], b: {c: [y]}}\n", "\n", 2),
        # The last list counts, but that of arguments more than any other.
        ("a:\n- x\nb:\n    - y\n", "\n", 4),
        ("a:\n    - x\nb:\n- y\n", "\n", 0),
        ("b:\n    - y\nargs:\n   - x\n", "\n", 3),
        ("args:\n- x\nb:\n    - y\n", "\n", 0),
        ("args:\n   - x\nb:\n- y\n", "\n", 3),
        ("args: [x]\nb:\n    - y\n", "\n", 4),
        # Deep inside lists and mappings.
        ("model-car:\n- name: m\n  serving:\n    args:\n       - x\n", "\n", 3),
        ("model-car:\n  serving:\n    list:\n     - x\n", "\n", 1),
        # An item below its dash tells nothing; what is known so far stays.
        ("b:\n    - y\nargs:\n  -\n    x\n", "\n", 4),
        # Behind an explicit key the dash may stand left of it.
        ("? args\n: - x\n", "\n", 0),
        ("?   args\n: - x\n", "\n", 0),
        ("?   args\n: - x\nb:\n    - y\n", "\n", 4),
    ],
)
def test_the_layout_is_that_of_the_lists(text: str, eol: str, offset: int) -> None:
    assert layout(text, root(text)) == Layout(eol, offset)


# Lines.


@pytest.mark.parametrize(
    ("text", "index", "start", "end", "following"),
    [
        ("ab\ncd", 0, 0, 2, 3),
        ("ab\ncd", 1, 0, 2, 3),
        ("ab\ncd", 2, 0, 2, 3),
        ("ab\ncd", 3, 3, 5, 5),
        ("ab\ncd", 5, 3, 5, 5),
        ("ab", 1, 0, 2, 2),
        ("a\r\nb\rc\x85d\u2028e\u2029f", 0, 0, 1, 3),
        ("a\r\nb\rc\x85d\u2028e\u2029f", 3, 3, 4, 5),
        ("a\r\nb\rc\x85d\u2028e\u2029f", 5, 5, 6, 7),
        ("a\r\nb\rc\x85d\u2028e\u2029f", 7, 7, 8, 9),
        ("a\r\nb\rc\x85d\u2028e\u2029f", 9, 9, 10, 11),
        ("a\r\nb\rc\x85d\u2028e\u2029f", 11, 11, 12, 12),
    ],
)
def test_where_a_line_begins_ends_and_is_followed(
    text: str, index: int, start: int, end: int, following: int
) -> None:
    assert (line_start(text, index), line_end(text, index), next_line(text, index)) == (start, end, following)


@pytest.mark.parametrize(
    ("text", "index", "free"),
    [
        ("a", 1, True),
        ("a  \nb", 1, True),
        ("a # c\nb", 1, True),
        ("a\t# c", 1, True),
        ("a# c", 1, False),
        ("a b", 1, False),
        ("a b # c", 1, False),
        ("a,# c", 1, False),
    ],
)
def test_what_may_follow_on_the_line(text: str, index: int, free: bool) -> None:
    assert only_comment_follows(text, index) is free


def test_lines_go_below_the_line_in_the_file_s_own_line_ends() -> None:
    assert splice("a\r\nb\r\n", [insert_lines("a\r\nb\r\n", 0, ["x", "y"], "\r\n")]) == "a\r\nx\r\ny\r\nb\r\n"


# Nodes.


@pytest.mark.parametrize(
    ("text", "own"),
    [
        ("a: |\n  x\n\n\nb: 1\n", "|\n  x"),
        ("a: >-\n  x\n  y\n\n", ">-\n  x\n  y"),
        ("a: x  # c\n", "x"),
        ("a: 'x  '\n", "'x  '"),
        ("a:\n  - x\n  - |\n    y\n\n", "- x\n  - |\n    y"),
    ],
)
def test_a_node_s_text_ends_before_the_blank_lines_behind_it(text: str, own: str) -> None:
    node = value(text)
    assert text[node.start : node_end(text, node)] == own


@pytest.mark.parametrize(
    ("text", "body"),
    [
        ("a: x", "x"),
        ("a: &n x", "x"),
        ("a: !!str x", "x"),
        ("a: &n !!str x", "x"),
        ("a: !!str &n\n  x", "x"),
        ("a: &n [x]", "[x]"),
        ("a: &n\nb: 1", ""),  # an anchor of nothing ends where it ends
        ("a: &n", "&n"),
    ],
)
def test_a_node_begins_after_its_anchor_and_its_tag(text: str, body: str) -> None:
    node = value(text)
    assert text[body_start(text, node) : node.end] == body
    assert body_start(text, node) <= node.end


def test_the_dash_of_an_item_stands_on_its_line() -> None:
    def dash(text: str) -> int | None:
        found = root(text)
        assert isinstance(found, Sequence)
        return find_dash(text, found.items[-1])

    assert dash("- x") == 0
    assert dash("-    x") == 0
    assert dash("- y\n-   x\n") == 4
    assert dash("-\n  x") is None
    assert dash("[x]") is None
    _, inner = sequence("a:\n- [x]\n")
    assert find_dash("a:\n- [x]\n", inner.items[0].items[0]) is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("text", "style", "after"),
    [
        ("a: x  # c\n", None, "a: new  # c\n"),
        ("a: &n 'x'\n", "'", "a: &n 'new'\n"),
        ('a: "x"\n', '"', 'a: "new"\n'),
        ("a: |\n  x\n\nb: 1\n", None, "a: new\n\nb: 1\n"),
        ("a: [x, y]\n", None, "a: new\n"),
    ],
)
def test_a_scalar_gets_another_text_in_its_style(text: str, style: str | None, after: str) -> None:
    assert splice(text, [set_scalar(text, value(text), "new", style)]) == after


def test_an_alias_is_replaced_by_the_text_and_its_anchor_stays() -> None:
    text = "a: &n x\nb: *n\n"
    alias = mapping(text).pairs[1][1]
    assert splice(text, [set_scalar(text, alias, "new", None)]) == "a: &n x\nb: new\n"


# Keys.


def added(text: str, new: Any, *, name: str = "k", how: Layout = HOW, first: bool = False) -> str:
    after = splice(text, put(text, mapping(text), name, new, how, first=first))
    assert yaml.safe_load(after).keys() == yaml.safe_load(text).keys() | {name}
    return after


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("{}\n", False, "{k: v}\n"),
        ("&n {}\n", False, "&n {k: v}\n"),
        ("{a: 1}\n", False, "{a: 1, k: v}\n"),
        ("{a: 1, b: [2]}\n", False, "{a: 1, b: [2], k: v}\n"),
        ("{a: 1, b: 2}\n", True, "{k: v, a: 1, b: 2}\n"),
        ("{a: 1, b: }\n", False, "{a: 1, b: , k: v}\n"),
        ("a: 1\n", False, "a: 1\nk: v\n"),
        ("a: 1  # c\n", False, "a: 1  # c\nk: v\n"),
        ("a: 1\nb:\n  - x\n", False, "a: 1\nb:\n  - x\nk: v\n"),
        ("a: 1\nb: 2\n", True, "k: v\na: 1\nb: 2\n"),
        # A plus in a plain text keeps no lines; in a block scalar's head it does: the key comes first then.
        ("a: x+y\n", False, "a: x+y\nk: v\n"),
        ("a: |+\n  x\n\n", False, "k: v\na: |+\n  x\n\n"),
        ("a: |  # +\n  x\n\n", False, "a: |  # +\n  x\nk: v\n\n"),
        ("a: |\n  x\n", False, "a: |\n  x\nk: v\n"),
    ],
)
def test_a_key_is_added_in_the_mapping_s_own_style(text: str, first: bool, after: str) -> None:
    assert added(text, "v", first=first) == after


def test_the_first_key_of_an_indented_mapping_keeps_its_column() -> None:
    text = "m:\n    a: 1\n    b: 2\n"
    inner = value(text)
    assert isinstance(inner, Mapping)
    assert splice(text, put(text, inner, "k", "v", HOW, first=True)) == "m:\n    k: v\n    a: 1\n    b: 2\n"
    assert splice(text, put(text, inner, "k", "v", HOW)) == "m:\n    a: 1\n    b: 2\n    k: v\n"
    lists = splice(text, put(text, inner, "k", ["x", "y"], Layout("\n", 3), first=True))
    assert lists == "m:\n    k:\n       - x\n       - y\n    a: 1\n    b: 2\n"


def test_a_null_that_ends_with_its_colon_gets_a_blank_before_the_comma() -> None:
    text = '{"a":}\n'
    assert added(text, "v") == '{"a": , k: v}\n'


@pytest.mark.parametrize(
    ("text", "new", "how", "after"),
    [
        ("k: 1  # c\nb: 2\n", integer(3), HOW, "k: 3  # c\nb: 2\n"),
        ("k:\nb: 2\n", integer(3), HOW, "k: 3\nb: 2\n"),
        ("k:  # c\nb: 2\n", "v", HOW, "k: v  # c\nb: 2\n"),
        ("k :\nb: 2\n", "v", HOW, "k : v\nb: 2\n"),
        ("k: [x]\n", [], HOW, "k: []\n"),
        ("{k: [x], b: 2}\n", ["y", "z"], HOW, "{k: [y, z], b: 2}\n"),
        # A list where a text, a null or a flow list was stands below the key, as far in as the file's lists.
        ("k: 1  # c\nb: 2\n", ["x"], Layout("\n", 4), "k:  # c\n    - x\nb: 2\n"),
        ("k: [x]\nb: 2\n", ["y"], Layout("\n", 0), "k:\n- y\nb: 2\n"),
        ("k:\nb: 2\n", ["x"], HOW, "k:\n  - x\nb: 2\n"),
        # A mapping stands two columns in.
        ("k: 1\nb: 2\n", {"x": "y"}, Layout("\n", 4), "k:\n  x: y\nb: 2\n"),
        # One that stood below its key keeps its column.
        ("k:\n   - x\n   - y\nb: 2\n", ["z"], HOW, "k:\n   - z\nb: 2\n"),
        ("k:\n- x\nb: 2\n", ["z", "w"], HOW, "k:\n- z\n- w\nb: 2\n"),
        ("k:\n     x: 1\nb: 2\n", {"y": ["z"]}, Layout("\n", 1), "k:\n     y:\n      - z\nb: 2\n"),
        ("k:\r\n - x\r\nb: 2\r\n", ["z", "w"], Layout("\r\n", 1), "k:\r\n - z\r\n - w\r\nb: 2\r\n"),
        # Behind an explicit key it stands no further left than the key.
        ("?   k\n:\n - x\n", ["z"], HOW, None),
    ],
)
def test_a_key_gets_another_value_in_its_place(text: str, new: Any, how: Layout, after: str | None) -> None:
    if after is None:
        with pytest.raises(CannotEditError):
            put(text, mapping(text), "k", new, how)
        return
    assert added(text, new, how=how) == after


def test_an_indented_key_s_list_and_mapping_stand_below_it() -> None:
    text = "m:\n   k: 1\n"
    inner = value(text)
    assert isinstance(inner, Mapping)
    assert splice(text, put(text, inner, "k", ["x"], HOW)) == "m:\n   k:\n     - x\n"
    assert splice(text, put(text, inner, "k", {"x": "y"}, HOW)) == "m:\n   k:\n     x: y\n"


def test_a_key_whose_colon_stands_on_a_line_of_its_own_is_not_edited_in_place() -> None:
    text = "? k\n: 1\n"
    with pytest.raises(CannotEditError, match="complex"):
        put(text, mapping(text), "k", "v", HOW)


def test_a_text_over_lines_gives_way_to_a_list() -> None:
    text = "k: 'x\n\n  y'  # c\nb: 2\n"
    assert added(text, ["y"]) == "k:  # c\n  - y\nb: 2\n"


# Lists of texts.


def changed(
    text: str, *kept: str | None, added: tuple[str, ...] = (), how: Layout = HOW, keyed: bool = True
) -> str:
    key, seq = sequence(text)
    after = splice(text, change_sequence(text, key if keyed else None, seq, kept, added, how))
    found = next(iter(yaml.safe_load(after).values()))
    assert found == [*(item for item in kept if item is not None), *added]
    return after


@pytest.mark.parametrize(
    ("text", "kept", "new", "after"),
    [
        ("a:\n  - x  # c\n  - y\n", ("x", None), (), "a:\n  - x  # c\n"),
        ("a:\n  - x\n  - y\n", ("x", "z"), (), "a:\n  - x\n  - z\n"),
        ("a:\n  -   x\n", ("x",), ("y", "z"), "a:\n  -   x\n  -   y\n  -   z\n"),
        ("a:\n- 'x'\n- \"y\"\n- 'z'\n", ("x", "y", "z"), ("w",), "a:\n- 'x'\n- \"y\"\n- 'z'\n- 'w'\n"),
        ('a:\n- "x"\n- y\n- "z"\n', ("x", "y", "z"), ("w",), 'a:\n- "x"\n- y\n- "z"\n- "w"\n'),
        ("a:\n- x\n- 'y'\n- z\n", ("x", "y", "z"), ("w",), "a:\n- x\n- 'y'\n- z\n- w\n"),
        ("a:\n- >-\n  x\n- >-\n  y\n", ("x", "y"), ("w",), "a:\n- >-\n  x\n- >-\n  y\n- w\n"),
        ("a:\n  - x\n  - y\n", (None, None), ("z",), "a:\n  - z\n"),
        ("a:  # c\n  - x\nb: 1\n", (None,), (), "a: []  # c\nb: 1\n"),
        ("a: &n\n  - x\nb: 1\n", (None,), (), "a: []\nb: 1\n"),
        ("a: &n  # c\n  - x\nb: 1\n", (None,), (), "a: []  # c\nb: 1\n"),
        # On one line.
        ("a: [x, y, z]\n", ("x", None, "z"), (), "a: [x, z]\n"),
        ("a: [x, y, z]\n", (None, "y", "z"), (), "a: [y, z]\n"),
        ("a: [x, y, z]\n", ("x", None, None), (), "a: [x]\n"),
        ("a: [x, y, z, w]\n", ("x", None, None, None), (), "a: [x]\n"),
        ("a: [x, y, z]\n", (None, "w", None), (), "a: [w]\n"),
        ("a: [x, y]\n", ("x", "y"), ("z", "w"), "a: [x, y, z, w]\n"),
        ("a: ['x', y, 'z']\n", ("x", "y", "z"), ("w",), "a: ['x', y, 'z', 'w']\n"),
        ("a: [x, y]\n", (None, None), (), "a: []\n"),
        ("a: [x, y]\n", (None, None), ("z", "w"), "a: [z, w]\n"),
        ("a: &n [x]\n", (None,), ("z",), "a: &n [z]\n"),
        ("a: []\n", (), (), "a: []\n"),
        ("a: [ ]\n", (), (), "a: [ ]\n"),
        ("a: []\n", (), ("z",), "a: [z]\n"),
        ("a: [x, y, z,]\n", ("x", "y", None), (), "a: [x, y,]\n"),
        # Over lines.
        ("a: [\n  x,  # c\n  y,\n  z\n]\n", ("x", None, "z"), (), "a: [\n  x,  # c\n  z\n]\n"),
        ("a: [\n  x,\n  y\n]\n", ("x", None), (), "a: [\n  x,\n]\n"),
        ("a: [\n  x, y,\n  z\n]\n", ("x", None, None), (), "a: [\n  x, \n]\n"),
        ("a: [\n  x, y,\n  z\n]\n", (None, "y", "z"), (), "a: [\n  y,\n  z\n]\n"),
        ("a: [\n  x,\n  y  # c\n]\n", ("x", "y"), ("z", "w"), "a: [\n  x,\n  y,  # c\n  z,\n  w\n]\n"),
        ("a: [\n  x,\n  y,  # c\n]\n", ("x", "y"), ("z",), "a: [\n  x,\n  y,  # c\n  z\n]\n"),
        ("a: [\n  x\n]\n", ("x",), ("y",), "a: [\n  x,\n  y\n]\n"),
        ("a: [x,\n  y]\n", ("x", "y"), ("z",), "a: [x,\n  y, z]\n"),
        ("a: [x, y\n]\n", ("x", "y"), ("z",), "a: [x, y, z\n]\n"),
    ],
)
def test_a_list_keeps_its_spelling(
    text: str, kept: tuple[str | None, ...], new: tuple[str, ...], after: str
) -> None:
    assert changed(text, *kept, added=new) == after


def test_added_items_take_the_file_s_line_ends() -> None:
    text = "a: [\r\n  x\r\n]\r\n"
    assert (
        changed(text, "x", added=("y", "z"), how=Layout("\r\n", 2)) == "a: [\r\n  x,\r\n  y,\r\n  z\r\n]\r\n"
    )
    block = "a:\r\n\t- x\r\n".replace("\t", "  ")
    assert changed(block, "x", added=("y",), how=Layout("\r\n", 2)) == "a:\r\n  - x\r\n  - y\r\n"


def test_an_alias_in_a_list_is_kept_or_replaced() -> None:
    text = "a:\n  - &n x\n  - *n\n"
    assert changed(text, "x", "x") == text
    assert changed(text, "x", "y") == "a:\n  - &n x\n  - y\n"
    assert changed(text, "x", "x", added=("z",)) == "a:\n  - &n x\n  - *n\n  - z\n"


@pytest.mark.parametrize(
    ("text", "kept", "new"),
    [
        ("a: !!seq\n  - x\n", (None,), ()),
        ("a: !!seq &n\n  - x\n", (None,), ()),
        ("a:\n  -\n    x\n", ("x",), ("y",)),
        ("a:\n  -\n    x\n  - y\n", (None, "y"), ()),
        ("? a\n: - x\n  - y\n", (None, "y"), ()),
    ],
)
def test_a_list_that_is_written_oddly_is_not_edited_by_items(
    text: str, kept: tuple[str | None, ...], new: tuple[str, ...]
) -> None:
    with pytest.raises(CannotEditError):
        changed(text, *kept, added=new)


def test_without_its_key_a_list_is_not_emptied() -> None:
    with pytest.raises(CannotEditError, match="no place"):
        changed("a:\n  - x\n", None, keyed=False)


@pytest.mark.parametrize("text", ["a: [x, y]\n", "a:\n- x\n- y\n"])
def test_every_item_is_told_whether_it_stays(text: str) -> None:
    with pytest.raises(ValueError, match="zip"):
        changed(text, "x")
