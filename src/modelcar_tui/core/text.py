"""Text from outside is hostile, and may hold a secret: neutralise it once, at the edge.

Textual passes escape sequences in a widget's text through to the terminal, so a log line or a node
label could write the clipboard, clear the screen or hide an approval. `clean` is called on every
string that enters; the dashboard filters once more at the compositor.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import Path

from modelcar_tui.core.hints import may_hold_secret
from modelcar_tui.core.masking import masked_by_shape

_SEQUENCE = re.compile(
    r"""
      \x1b\[ [0-?]* [ -/]* [@-~]?                      # CSI
    | \x9b   [0-?]* [ -/]* [@-~]?                      # CSI, 8 bit
    | (?:\x1b[\]P^_X] | [\x9d\x90\x9e\x9f\x98])        # OSC, DCS, PM, APC, SOS ...
      [^\x07\x1b\x9c]* (?:\x07 | \x1b\\ | \x9c | $)?   # ... to their end, or to the end of the text
    | \x1b [ -/]* [0-~]?                               # two-byte escapes
    """,
    re.VERBOSE,
)
_INVISIBLE = frozenset(
    (
        *range(0x200B, 0x2010),
        *range(0x2028, 0x202F),
        *range(0x2060, 0x2070),
        *range(0xFFF9, 0xFFFC),
        *range(0xE0000, 0xE0080),
        *range(0x115F, 0x1161),
        *(0x00AD, 0x034F, 0x061C, 0x17B4, 0x17B5, 0x180E, 0x3164, 0xFEFF, 0xFFA0),
    )
)
_SELECTORS = (
    frozenset([*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0), *range(0x180B, 0x1810)]) - _INVISIBLE
)
"""Variation selectors: without width, usual behind emoji in logs, so `clean` drops them without a mark."""
_LONGEST_SHAPE = 4096
_GAP = "\x1b"
"""Where nothing is shown: it stands for a whole sequence, of which no sign is left."""
_GAPS = re.compile("[\x1b\ufffd]+")
_GLUED = re.compile(r"\x1b(?<=\w\x1b)\x1b*\w|\ufffd")
"""A gap within what would be one word without it, or a hidden sign, which parts any two words."""
_MOST_GAPS = 32
_EATS = re.compile(r"\x1b\[?[A-JL-Za-ln-z]")
"""A sequence that ends with a letter, which may be the first one of a token."""
_WRITTEN = re.compile(
    r"\\(?:x1b|u001b|033|e)\[[0-9;?]*[A-Za-z]?|\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|[nrtabfv])"
)
"""A sequence, or a sign, as Python and JSON write it out: its last letter is no part of what follows."""
_EATEN = re.compile(r"\x1b\[?(?=\*secret)")
REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str, *, limit: int = 4000) -> str:
    """One line of `text` with no control character, escape sequence, bidi or zero-width character, and no
    secret that its shape gives away.

    Whole sequences are dropped, a carriage return keeps what follows it (as a terminal would show it),
    tabs become blanks, variation selectors go, other such characters and unassigned ones (whose width nobody
    knows) become U+FFFD. Longer texts are cut to `limit` characters with an ellipsis. Call it on whole lines:
    a sequence cut in two by a read is not recognised.
    """
    # A secret that the limit would cut in two keeps its shape until it is masked.
    text = _cut(text, limit + _LONGEST_SHAPE)
    if text.isascii() and text.isprintable() and "\\" not in text:
        return _cut(masked_by_shape(text), limit)
    if "\x1b" in text and _EATS.search(text):
        masked = masked_by_shape(text)
        text = _EATEN.sub("", masked) if _EATEN.search(masked) else text
    shown = _neutral(text)
    if may_hold_secret(shown if shown.isascii() and "\\" not in shown else _bare(shown)):
        plain = masked_by_shape(shown)
        marked = _marked(text)
        told = _without_gaps(marked, plain) if "\\" in text or _GLUED.search(marked) else None
        shown = plain if told is None else told
    return _cut(shown, limit)


def masked_seen(text: str) -> str:
    """`text` with a mask for each secret that its shape gives away to the eye, and nothing else changed.

    A token may have signs within that nobody sees, or an escape sequence before it: then the line is told
    without its sequences and hidden signs, for only so it has the shape. Call it on one line.
    """
    if text.isprintable() and text.isascii() and "\\" not in text:
        return masked_by_shape(text)
    plain = masked_by_shape(text)
    told = _without_gaps(_marked(text, whole=True), _neutral(plain, whole=True))
    return plain if told is None else told


def _neutral(text: str, *, gap: str = "", whole: bool = False) -> str:
    """`text` as `clean` shows it, with `gap` where a sequence or a variation selector stood.

    `whole`: what a carriage return would overwrite, too.
    """
    if text.isprintable():
        return text if text.isascii() else _replace(text, gap)
    text = _SEQUENCE.sub(gap, text.expandtabs(4)).rstrip("\r\n")
    if text.isascii() and (text.replace(gap, "") if gap else text).isprintable():
        return text
    if "\r" in text and not whole:
        text = text.rpartition("\r")[2]
    return _replace(text, gap)


def _marked(text: str, *, whole: bool = False) -> str:
    """`_neutral` with a gap, which stands for a sign that is written out, too."""
    marked = _neutral(text, gap=_GAP, whole=whole)
    return _WRITTEN.sub(_GAP, marked) if "\\" in marked else marked


def _bare(shown: str) -> str:
    """What is left of a text without the signs that stand for hidden ones."""
    text = _GAPS.sub("", shown) if REPLACEMENT in shown else shown
    return _WRITTEN.sub("", text) if "\\" in text else text


def _without_gaps(marked: str, plain: str) -> str | None:
    """The text without any sign that stands for a hidden one, masked; None where `plain`, which has such
    signs, has every mask already."""
    pieces = _GAPS.split(marked)
    whole = "".join(pieces)
    if len(pieces) == 1 or not may_hold_secret(whole):
        return None
    found = ""
    for piece in reversed(pieces if len(pieces) <= _MOST_GAPS else [whole]):
        # A token may begin behind any gap, and end before any: each is the edge of a text once.
        longer = masked_by_shape(piece + found)
        found = longer if longer != piece + found else masked_by_shape(piece) + found
    return None if found == _bare(plain) else found


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def clean_block(text: str, *, limit: int = 20_000) -> str:
    """`clean` for a text of several lines; line ends are kept as `\\n`."""
    block = "\n".join(clean(line) for line in text[: limit + _LONGEST_SHAPE].splitlines())
    return masked_by_shape(block)[:limit]  # some shapes have several lines


def reveal(text: str) -> str:
    """`text` as a name from outside may be shown: every invisible, control or bidi character as its code
    point, such as `<U+202E>`, and a mask for each secret that its shape gives away to the eye.

    For the approval screen, where nothing may hide, and for all that is told without `clean`.
    """
    text = masked_seen(text)
    if text.isascii() and text.isprintable():
        return text
    return "".join(f"<U+{ord(char):04X}>" if _hidden(char) else char for char in text)


def has_hidden(text: str) -> bool:
    """Whether `reveal` would show something that the eye does not see."""
    return not (text.isascii() and text.isprintable()) and any(map(_hidden, text))


def _hidden(char: str) -> bool:
    return (
        ord(char) in _INVISIBLE
        or ord(char) in _SELECTORS
        or unicodedata.category(char) in ("Cc", "Cf", "Cn", "Cs", "Co", "Zl", "Zp")
    )


def _replace(text: str, gap: str) -> str:
    """Hidden signs as U+FFFD; `gap` for itself and for a selector."""
    if not gap:
        return "".join(REPLACEMENT if _hidden(char) else char for char in text if ord(char) not in _SELECTORS)
    return "".join(
        gap if char == gap or ord(char) in _SELECTORS else REPLACEMENT if _hidden(char) else char
        for char in text
    )


def homely(text: str) -> str:
    """`text` with the paths in the operator's home as they type them: `~/.kube/config`."""
    home = str(Path.home())
    return text.replace(f"{home}/", "~/") if len(home) > 1 else text
