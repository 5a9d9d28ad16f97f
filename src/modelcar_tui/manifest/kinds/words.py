"""Arguments that are words of a text, such as a shell script: the edits of its value that change them."""

from __future__ import annotations

import re
import shlex

from modelcar_tui.manifest.edits import CannotEditError, Edit
from modelcar_tui.manifest.kinds.places import TextPart

_BLANKS = re.compile(r"[ \t]*")
_FLAG = re.compile(r"--?[A-Za-z][\w.-]*=")
_BETWEEN = re.compile(r"(?:[ \t]|\\?\r?\n)*\Z")
_LINE_ENDS = re.compile(r"\Z|\\?\r?\n|\\\Z|(?=#)")


def word_edits(
    part: TextPart, words: tuple[str, ...], kept: tuple[str | None, ...], added: tuple[str, ...]
) -> tuple[Edit, ...]:
    """Edits at offsets of the text's value: `kept` is the new text of each word, None where it goes.

    A word that goes takes its blanks along, and its line with the continuation where it stood there alone.
    What is added gets a line of its own where the script writes its arguments so.

    Raises:
        CannotEditError: no shell splits the words, and one holds a blank.
    """
    value = part.node.value
    edits: list[Edit] = []
    gone: list[tuple[int, int]] = []
    for span, old, new in _by_span(part, words, kept):
        if new == old:
            continue
        if new:
            edits.append(Edit(*span, " ".join(_spelled(word, part) for word in new)))
        elif gone and _BETWEEN.fullmatch(value, gone[-1][1], span[0]):
            gone[-1] = (gone[-1][0], span[1])
        else:
            gone.append(span)
    for span in gone:
        edit, floor = _removal(value, *span), max([end for _, end in part.spans if end <= span[0]], default=0)
        edits.append(edit._replace(start=max(edit.start, floor)))
    if added:
        edits.append(Edit(part.end, part.end, _addition(part, added)))
    return tuple(sorted(edits, key=lambda edit: edit[:2]))


def _by_span(
    part: TextPart, words: tuple[str, ...], kept: tuple[str | None, ...]
) -> list[tuple[tuple[int, int], list[str], list[str]]]:
    """Each span with its words before and after: a variable (`$EXTRA`) may stand for several."""
    found: list[tuple[tuple[int, int], list[str], list[str]]] = []
    for span, old, new in zip(part.spans, words, kept, strict=True):
        if not found or found[-1][0] != span:
            found.append((span, [], []))
        found[-1][1].append(old)
        found[-1][2].extend([new] if new is not None else [])
    return found


def quoted(word: str) -> str:
    """A word as a shell has to read it; of a flag only the value is quoted."""
    flag = _FLAG.match(word)
    if flag is None or flag.end() == len(word):
        return shlex.quote(word)
    return flag.group() + shlex.quote(word[flag.end() :])


def _spelled(word: str, part: TextPart) -> str:
    if part.shell:
        return quoted(word)
    if word.split() != [word]:
        raise CannotEditError("a blank in a word")
    return word


def _removal(value: str, start: int, end: int) -> Edit:
    before = len(value[:start].rstrip(" \t"))
    behind = _end_of(_BLANKS, value, end)
    if before and value[before - 1] != "\n":
        return Edit(before, end, "")
    closing = _LINE_ENDS.match(value, behind)
    if closing is None:
        return Edit(start, behind, "")
    if not before:
        return Edit(start, _end_of(_BLANKS, value, closing.end()), "")
    return Edit(_line_above(value, before), end, "")


def _line_above(value: str, at: int) -> int:
    """From behind a line break back to the last word before it, without its continuation and its blanks."""
    while at and value[at - 1] == "\n":
        at = len(value[: at - 1].removesuffix("\r").removesuffix("\\").rstrip(" \t"))
    return at


def _addition(part: TextPart, added: tuple[str, ...]) -> str:
    value = part.node.value
    gap = _gap(part)
    words = [_spelled(word, part) for word in added]
    first = gap if value[: part.end] and not value[: part.end].endswith((" ", "\t", "\n")) else ""
    return first + gap.join(words)


def _gap(part: TextPart) -> str:
    """What parts an argument from the one before it where each has a line of its own; else a blank."""
    value = part.node.value
    for start, _ in reversed(part.spans):
        text = value[:start].rstrip(" \t")
        if text.endswith("\n"):
            return value[_line_above(value, len(text)) : start]
    return " "


def _end_of(pattern: re.Pattern[str], value: str, at: int) -> int:
    found = pattern.match(value, at)
    return found.end() if found else at
