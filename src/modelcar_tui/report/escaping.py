"""Text from outside in a Markdown document: it stays text, on one line, whatever it holds.

Held for CommonMark with what GitHub and GitLab add: tables, strikethrough, formulas, bare addresses, names
after an at sign, numbers of issues, smileys.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from modelcar_tui.report.shown import shown

_ACTIVE = re.compile(r"[\\`*\[\]<|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])|(?<!\w)[#!](?=[\w\[])")
_CALLED = re.compile(
    r":/(?=/)|(?i:(?<=mailto):|(?<=xmpp):|(?<=www)\.)"  # a bare address
    r"|(?<!\w)@(?=\w)|@(?=[\w-]+\.\w)"  # a person who would be called, an e-mail address
    r"|[#!](?=\d)|(?i:\bGH)-(?=\d)"  # an issue, a merge request
    r"|(?<!\w)(?:[%^]|&amp;)(?=[\w\"])"  # a milestone, an alert, an epic
    r"|:(?=(?:(?!\d+:)[a-z0-9_+-]+|100|1234):)"  # a smiley by its name
)
"""After what GitHub or GitLab would make a link or a picture. They look at the text that is left once signs
are no markup any more, so a backslash stops only some of them; no name goes on behind a comment."""
_LEADING = re.compile(r"^(?=[#=>]|[+-](?:\s|$)|-+\s*$)|^\d+(?=[.)](?:\s|$))")
"""What would begin a heading, a list or a rule at the start of a line or a list's item."""
CUT = "<!---->"
"""A comment: it is not shown."""


def escaped(text: object) -> str:
    """`text` for a paragraph, a list's item or a cell of a table.

    What the eye does not see is told as its code point, line ends too. A name without odd signs stays as it
    is, so that it can be looked for: `QA_OK`, `--max-model-len=8192`.
    """
    told = shown(text).strip().replace("&", "&amp;")
    told = _ACTIVE.sub(lambda hit: f"\\{hit[0]}", told)
    told = _CALLED.sub(lambda hit: f"{hit[0]}{CUT}", told)
    return _LEADING.sub(lambda hit: f"{hit[0]}\\", told)


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
    return fence(kind, "\n".join(map(shown, lines)))


def fence(kind: str, body: str) -> Iterator[str]:
    """A code block whose fence is longer than any run of backticks inside."""
    ticks = "```"
    while ticks in body:
        ticks += "`"
    yield f"{ticks}{kind}"
    yield body
    yield ticks
