"""What comes from outside as it may be shown: a name of a file, a value of an option, a text of a document.

One owner for every output that is no widget. A name without odd signs stays as it is, so that it can be
looked for and typed; in another one nothing hides, and nothing of it is a line, a colour or a command.
"""

from __future__ import annotations

from typing import Any

from modelcar_tui.core.masking import masked_by_shape
from modelcar_tui.core.text import has_hidden, masked_seen, reveal


def shown(text: object) -> str:
    """A text on one line: what the eye does not see as its code point, shapes of secrets masked."""
    return reveal(str(text))


def shown_lines(text: str) -> str:
    """The same of a text of several lines."""
    return "\n".join(map(shown, text.split("\n")))


def seen_json(text: str) -> str:
    """JSON of the same values, in which nothing is invisible: such a character is written as its escape.

    Outside of its strings JSON has no such character. In a terminal one could begin a command.
    """
    import json  # no part of the first frame

    return "\n".join(
        "".join(json.dumps(char)[1:-1] if has_hidden(char) else char for char in line)
        if has_hidden(line)
        else line
        for line in text.split("\n")
    )


def masked_values(value: Any) -> Any:
    """A document of plain values, each of its texts as it is but for the shapes of secrets."""
    if isinstance(value, str):
        return "\n".join(map(masked_seen, masked_by_shape(value).split("\n")))
    if isinstance(value, dict):
        return {masked_values(key): masked_values(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [masked_values(one) for one in value]
    return value
