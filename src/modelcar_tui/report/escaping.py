"""Text from outside in a Markdown document: it stays text, on one line, whatever it holds.

Held for CommonMark with what GitHub and GitLab add: tables, strikethrough, formulas, bare addresses, names
after an at sign.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from modelcar_tui.core.text import reveal

_ACTIVE = re.compile(r"[\\`*\[\]<|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<!\w)[#!](?=[\w\[])")
_ADDRESS = re.compile(r":(?=//)|(?<=mailto):|(?<=xmpp):|(?<=www)\.", re.IGNORECASE)
"""Where a bare address is cut: a reader sees all of it, no library makes a link of it."""
_MENTION = re.compile(r"(?<!\w)@(?=\w)|@(?=[\w-]+\.\w)")
"""A person who would be called, or an e-mail address."""
_LEADING = re.compile(r"^(?=[#=>]|[+-](?:\s|$)|-+\s*$)|^\d+(?=[.)](?:\s|$))")
"""What would begin a heading, a list or a rule at the start of a line or a list's item."""
CUT = "<!---->"
"""A comment: it is not shown, and no name follows its at sign."""


def escaped(text: object) -> str:
    """`text` for a paragraph, a list's item or a cell of a table.

    What the eye does not see is told as its code point, line ends too. A name without odd signs stays as it
    is, so that it can be looked for: `QA_OK`, `--max-model-len=8192`.
    """
    shown = reveal(str(text)).strip().replace("&", "&amp;")
    shown = _ACTIVE.sub(lambda hit: f"\\{hit[0]}", shown)
    shown = _ADDRESS.sub(lambda hit: f"\\{hit[0]}", shown)
    shown = _MENTION.sub(f"@{CUT}", shown)
    return _LEADING.sub(lambda hit: f"{hit[0]}\\", shown)


def table(titles: tuple[str, ...], rows: list[tuple[object, ...]]) -> Iterator[str]:
    """A table and an empty line; nothing where there are no rows. `titles` are ours, cells are escaped."""
    if not rows:
        return
    yield f"| {' | '.join(titles)} |"
    yield f"|{' --- |' * len(titles)}"
    for row in rows:
        yield f"| {' | '.join(escaped(cell) for cell in row)} |"
    yield ""


def block(kind: str, lines: Iterable[str]) -> Iterator[str]:
    """A code block of lines from outside: what the eye does not see is told."""
    return fence(kind, "\n".join(reveal(line) for line in lines))


def fence(kind: str, body: str) -> Iterator[str]:
    """A code block whose fence is longer than any run of backticks inside."""
    ticks = "```"
    while ticks in body:
        ticks += "`"
    yield f"{ticks}{kind}"
    yield body
    yield ticks
