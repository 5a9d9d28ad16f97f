"""The words that the script of KServe's configurations makes of a user's own arguments.

It runs `eval "vllm serve ... ${VLLM_ADDITIONAL_ARGS} $@"`: a shell splits the variable and every item of
`args` once more, so that quotes in them go, and what stands behind a line's end is another command.
"""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass

from modelcar_tui.core.errors import Problem
from modelcar_tui.manifest.kinds.llm_names import Names, hidden, shown
from modelcar_tui.manifest.kinds.llm_presets import ADDITIONAL_ARGS
from modelcar_tui.manifest.kinds.places import ListPart, Path, TextPart
from modelcar_tui.manifest.kinds.programs import NEUTRAL
from modelcar_tui.manifest.kinds.shell import OPAQUE, VARIABLE, Piece, ShellSyntaxError, Word, commands
from modelcar_tui.manifest.limits import shorten
from modelcar_tui.manifest.masking import masked_arguments
from modelcar_tui.manifest.spans import STR, Node, Scalar, Sequence, deref
from modelcar_tui.manifest.telling import Told
from modelcar_tui.manifest.variables import expanded, references


@dataclass(frozen=True, slots=True)
class Variables:
    """The container's environment as far as a file tells it."""

    known: Table[str, str]
    named: frozenset[str]
    """Those whose value stands elsewhere: in a Secret, in a field of the pod."""
    names: Names


@dataclass(frozen=True, slots=True)
class Words:
    """Arguments as vLLM gets them, in clear, and where they stand."""

    words: tuple[str, ...] = ()
    parts: tuple[ListPart | TextPart, ...] = ()
    open: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class _Split:
    words: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    end: int
    unknown: str = ""
    lost: bool = False


def words_of_variable(node: Scalar, path: Path, variables: Variables, told: Told) -> Words:
    """Those of VLLM_ADDITIONAL_ARGS; `path` is that of its value."""
    split = _split(node.value, variables)
    if split.lost:
        what = (
            f"a line's end in {ADDITIONAL_ARGS} ends vLLM's command: what stands behind it is not passed on"
        )
        told.warn(
            node, what, "write `>-` instead of `|`, or a backslash at the end of each line", "llm-arguments"
        )
    part = TextPart(path, node, split.spans, split.end)
    return Words(split.words, (part,), _unknown(split, node, told))


def words_of_items(items: Sequence, path: Path, variables: Variables, told: Told) -> Words:
    """Those of `args`: items of a list, or words of an item that a shell takes apart."""
    words: list[str] = []
    parts: list[ListPart | TextPart] = []
    opened: list[Problem] = []
    run: list[int] = []
    for index, item in enumerate(items.items):
        node = deref(item)
        if not isinstance(node, Scalar):
            opened.append(
                told.problem(item, "an argument is no text", "write it as one text", "llm-arguments")
            )
            continue
        split = _split(node.value, variables)
        words += split.words
        opened += _unknown(split, node, told)
        if split.words == (node.value,):
            run.append(index)
            continue
        _broken(node, split, told)
        if run:
            parts.append(ListPart(path, items, tuple(run), split=True))
            run = []
        if split.words:
            parts.append(TextPart((*path, index), node, split.spans, split.end))
    parts.append(ListPart(path, items, tuple(run), split=True))
    return Words(tuple(words), tuple(parts), tuple(opened))


def _broken(node: Scalar, split: _Split, told: Told) -> None:
    """Say where JSON loses its quotes to the shell."""
    if node.tag == STR and '"' in node.value and not any('"' in word for word in split.words):
        what = "the shell that adds this argument to vLLM's command takes its quotes away"
        told.warn(node, what, "put single quotes around it, inside the text", "llm-arguments")


def _unknown(split: _Split, node: Node, told: Told) -> tuple[Problem, ...]:
    if not split.unknown:
        return ()
    fix = "write it out: only a shell, or the cluster, could work it out"
    return (
        told.problem(
            node, f"vLLM's arguments are not known here: {shorten(split.unknown, 80)}", fix, "llm-arguments"
        ),
    )


def _split(text: str, variables: Variables) -> _Split:
    masked, actions = hidden(text)
    try:
        found = commands(masked)
    except ShellSyntaxError as fault:
        return _Split((), (), len(text.rstrip()), unknown=fault.what)
    if not found:
        return _Split((), (), len(text))
    first, rest = found[0], found[1:]
    words, unknown, flag = list[str](), "", ""
    for word in first.words:
        value, written = _value(word, variables), text[word.start : word.end]
        told = written if value is None else variables.names.filled(shown(value, actions))
        flag = told.partition("=")[0] if told.startswith("-") else flag
        if flag.replace("_", "-") not in NEUTRAL:
            unknown = unknown or (_of(flag) if value is None else variables.names.unfilled(told))
        words.append(told)
    if rest and "\n" not in text[first.words[-1].end : rest[0].words[0].start]:
        unknown = unknown or "what a shell's operators in it do"
    spans = tuple((word.start, word.end) for word in first.words)
    return _Split(tuple(words), spans, spans[-1][1], unknown, lost=bool(rest))


def _of(flag: str) -> str:
    """What is not known, without a value, which may be a secret."""
    return f"the value of {masked_arguments((flag,))[0]}" if flag else "its first word"


def _value(word: Word, variables: Variables) -> str | None:
    """What a word becomes; None where only a shell could tell."""
    if word.items is not None:
        return None
    found = [_piece(piece, variables) for piece in word.pieces]
    return None if any(one is None for one in found) else "".join(one for one in found if one is not None)


def _piece(piece: Piece, variables: Variables) -> str | None:
    if piece.kind == VARIABLE:
        value = variables.known.get(piece.name) or piece.default
        if value is not None:
            return value if piece.quoted or len(value.split()) == 1 else None
        return f"$({piece.name})" if piece.name in variables.named else None
    if piece.kind == OPAQUE:
        names = references(piece.text)
        if len(names) != 1 or piece.text != f"$({names[0]})":
            return None
        if names[0] in variables.named:
            return piece.text
        value = expanded(piece.text, variables.known)
        return value if value != piece.text and len(value.split()) == 1 else None
    return piece.text
