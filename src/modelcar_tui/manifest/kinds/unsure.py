"""Words of a script that only its shell knows, in the form that says so of an argument: `$(NAME)`."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modelcar_tui.manifest.kinds.places import ListPart, Place, TextPart

_ANY = "SUBSTITUTION"
"""What a command's output is called, which has no name."""
_VARIABLE = re.compile(
    r"\$\((?P<kept>[A-Za-z_][\w.-]*)\)|\$\{(?P<braced>\w+)[^}]*\}|\$(?P<bare>[A-Za-z_]\w*)"
)
_COMMAND = re.compile(r"`[^`]*`|\$\([^()]*[^\w.()-][^()]*\)")


def told_words(place: Place) -> tuple[str, ...]:
    """The arguments of a place, with `$(NAME)` where a shell puts something in that nobody knows: whoever
    reads arguments takes that for a value that is not known. A list's items are what vLLM gets, dollars and
    all."""
    shell = [split for part in place.parts for split in _split(part)]
    if len(shell) != len(place.words):
        return place.words
    return tuple(_told(word) if split else word for word, split in zip(place.words, shell, strict=True))


def _split(part: ListPart | TextPart) -> Iterator[bool]:
    """Whether a shell has made the words of a part, one for each."""
    if isinstance(part, TextPart):
        yield from (part.shell for _ in part.spans)
    else:
        yield from (part.split for _ in part.items)


def _told(word: str) -> str:
    text = _COMMAND.sub(f"$({_ANY})", word)
    return _VARIABLE.sub(lambda match: f"$({match['kept'] or match['braced'] or match['bare']})", text)
