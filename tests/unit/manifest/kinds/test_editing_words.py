"""Words of a text in any style of YAML: what is meant changes, and no other byte."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelcar_tui.manifest.edits import CannotEditError, splice
from modelcar_tui.manifest.kinds.places import TextPart
from modelcar_tui.manifest.kinds.words import word_edits
from modelcar_tui.manifest.scalars import edit_scalar
from modelcar_tui.manifest.spans import ManifestSyntaxError, Mapping, Scalar, Sequence, compose

SCRIPT = """\
exec vllm serve /mnt/models \\
  --port 8080 \\
  --max-model-len=4096 --dtype auto \\
  --enforce-eager  # slow
echo done
"""


def text_part(value: str, *words: str, shell: bool = True) -> TextPart:
    """A part over some words of a value, in their order."""
    spans, at = [], 0
    for word in words:
        start = value.index(word, at)
        at = start + len(word)
        spans.append((start, at))
    return TextPart((), Scalar(0, len(value), 1, 1, value=value), tuple(spans), at, shell)


def changed(value: str, words: dict[str, str | None], *added: str, shell: bool = True) -> str:
    """A value with some words changed."""
    part = text_part(value, *words, shell=shell)
    edits = word_edits(part, tuple(words), tuple(words.values()), added)
    return splice(value, list(edits))


@pytest.mark.parametrize(
    ("words", "added", "gone", "new"),
    [
        ({"--dtype": "--dtype=half", "auto": None}, (), " --dtype auto ", " --dtype=half "),
        ({"--dtype": None, "auto": None}, (), " --dtype auto \\", " \\"),
        ({"--port": None, "8080": None}, (), "  --port 8080 \\\n", ""),
        ({"--max-model-len=4096": None}, (), "--max-model-len=4096 ", ""),
        ({"--enforce-eager": None}, (), " \\\n  --enforce-eager", ""),
        (
            {"--port": None, "8080": None, "--max-model-len=4096": None},
            (),
            "--port 8080 \\\n  --max-model-len=4096 ",
            "",
        ),
        ({"8080": "80 80"}, (), "8080", "'80 80'"),
        ({"--dtype": "--x={\"a\": 'b'}"}, (), "--dtype", """--x='{"a": '"'"'b'"'"'}'"""),
        ({"--enforce-eager": "--enforce-eager"}, ("--a=1", "--b"), "eager", "eager \\\n  --a=1 \\\n  --b"),
        ({"--enforce-eager": None}, ("--a=1",), "--enforce-eager", "--a=1"),
    ],
)
def test_a_script(words: dict[str, str | None], added: tuple[str, ...], gone: str, new: str) -> None:
    assert changed(SCRIPT, words, *added) == SCRIPT.replace(gone, new, 1)


def test_one_line_and_lists_of_an_array() -> None:
    assert changed("vllm serve m --a 1", {"--a": "--a", "1": "1"}, "--b") == "vllm serve m --a 1 --b"
    assert changed("--a 1", {"--a": None, "1": None}) == ""
    assert changed("--a --b", {"--a": None, "--b": "--b"}) == "--b"
    assert changed("", {}, "--b", "--c") == "--b --c"
    array = "A=(\n  --a\n  --b\n)\nvllm serve m ${A[@]}"
    assert changed(array, {"--a": None, "--b": "--b"}, "--c") == array.replace("  --a\n", "").replace(
        "--b", "--b\n  --c"
    )


def test_words_of_one_variable_go_and_come_together() -> None:
    part = text_part("vllm serve m $MORE --c", "$MORE", "--c")
    part = TextPart((), part.node, (part.spans[0], *part.spans), part.end)
    edits = word_edits(part, ("--a", "--b", "--c"), ("--a", "--b=2", "--c"), ())
    assert splice(part.node.value, list(edits)) == "vllm serve m --a --b=2 --c"


def test_what_only_blanks_part_holds_no_blank() -> None:
    assert changed("--a=1", {"--a=1": "--a={'x':1}"}, shell=False) == "--a={'x':1}"
    with pytest.raises(CannotEditError):
        changed("--a=1", {"--a=1": "--a=x y"}, shell=False)


STYLES = (
    "key: |\n  {lines}\nnext: 1\n",
    "key: |2-\n    {lines}\nnext: 1\n",
    "key: >-\n  {lines}\nnext: 1\n",
    "key: {lines}\nnext: 1\n",
    'key: "{lines}"\nnext: 1\n',
    "key: '{lines}'\nnext: 1\n",
    "key: &a\n  {lines}\nnext: 1\n",
    '[&a "{lines}", b]\n',
    "- - >+\n    {lines}\n\n\n- b\n",
)
LINES = st.lists(
    st.lists(
        st.sampled_from(["a", "--b=1", "'x", "''", "é", "\\", "\\\\", '\\"', "$(X)"]), min_size=1, max_size=4
    ),
    min_size=1,
    max_size=4,
)


def scalar_of(text: str) -> Scalar:
    """The text that a document is about."""
    node = compose(text).root
    node = node.pairs[0][1] if isinstance(node, Mapping) else node
    while isinstance(node, Sequence):
        node = node.items[0]
    if not isinstance(node, Scalar):
        raise CannotEditError("no text any more")
    return node


@settings(max_examples=400, deadline=None)
@given(
    style=st.sampled_from(STYLES),
    lines=LINES,
    joint=st.sampled_from(["\n  ", "\n    ", " \\\n  ", "\n\n  ", " \n  "]),
    eol=st.sampled_from(["\n", "\r\n"]),
    data=st.data(),
)
def test_any_style(style: str, lines: list[list[str]], joint: str, eol: str, data: st.DataObject) -> None:
    """The value becomes the one that was meant, and what stands around the text stays."""
    text = style.replace("{lines}", joint.join(" ".join(line) for line in lines)).replace("\n", eol)
    try:
        node = scalar_of(text)
    except ManifestSyntaxError:
        assume(False)
    words = tuple(word for word in re.finditer(r"\S+", node.value) if word[0] != "\\")
    assume(words)
    part = TextPart((), node, tuple(word.span() for word in words), words[-1].end())
    new = st.sampled_from([None, "--new", "--x={'a': 1}"])
    kept = [data.draw(st.just(word[0]) | new) if at else word[0] for at, word in enumerate(words)]
    added = tuple(data.draw(st.lists(st.sampled_from(["--y", '--z="']), max_size=2)))
    edits = word_edits(part, tuple(word[0] for word in words), tuple(kept), added)
    try:
        result = splice(text, edit_scalar(text, node, edits, eol))
        after = scalar_of(result)
    except (CannotEditError, ManifestSyntaxError):
        assert node.style not in ("|", '"'), "these two can spell every value"
        return
    assert after.value == splice(node.value, list(edits))
    assert result.startswith(text[: node.start])
    assert result.endswith(text[node.end :])
