"""Every glyph of the screen, with its ASCII twin of the same width."""

from __future__ import annotations

import msgspec

from modelcar_tui.supervisor.events import Status
from modelcar_tui.verdict import Verdict


class Glyphs(msgspec.Struct, frozen=True):
    """One set of glyphs; each is exactly one cell wide."""

    waiting: str = "○"
    running: str = "●"
    done: str = "✓"
    warning: str = "▲"
    failed: str = "✗"
    skipped: str = "–"
    unknown: str = "?"
    ellipsis: str = "…"
    dot: str = "·"
    arrow: str = "→"
    down: str = "↓"
    cursor: str = "▌"
    bar_full: str = "█"
    bar_empty: str = "░"
    bar_unknown: str = "╌"
    frame: str = "╭╮╰╯─│"
    """Corners from the upper left in reading order, then horizontal and vertical."""
    rule: str = "─"
    column: str = "│"
    land: str = "◆"
    folded: str = "▸"
    unfolded: str = "▾"

    def status(self, status: Status) -> str:
        """The glyph of a step's or specialist's status."""
        return str(getattr(self, status.value))

    def verdict(self, verdict: Verdict | None) -> str:
        """The glyph of a verdict."""
        if verdict is None:
            return self.waiting
        return {Verdict.GO: self.done, Verdict.NO_GO: self.failed, Verdict.UNKNOWN: self.unknown}[verdict]

    @property
    def ascii(self) -> bool:
        """Whether this is the ASCII set."""
        return self.ellipsis.isascii()


UNICODE = Glyphs()
ASCII = Glyphs(
    waiting=".",
    running=">",
    done="+",
    warning="!",
    failed="x",
    skipped="-",
    ellipsis="~",
    dot="-",
    arrow=">",
    down="v",
    cursor=">",
    bar_full="#",
    bar_empty=".",
    bar_unknown="?",
    frame="++++-|",
    rule="-",
    column="|",
    land="*",
    folded=">",
    unfolded="v",
)

_TWINS = str.maketrans(
    {
        "…": "~",
        "·": "-",
        "×": "x",
        "→": ">",
        "←": "<",
        "–": "-",
        "—": "-",
        "≥": ">",
        "≤": "<",
        "≈": "~",
        "✓": "+",
        "✗": "x",
        "▲": "!",
        "●": ">",
        "○": ".",
        "█": "#",
        "░": ".",
        "◆": "*",
        "•": "*",
        "“": '"',
        "”": '"',
        "‘": "'",
        "’": "'",
        "\N{REPLACEMENT CHARACTER}": "?",
        "│": "|",
        "─": "-",
        "↑": "^",
        "↓": "v",
    }
)


def to_ascii(text: str) -> str:
    """`text` with our own signs as ASCII of the same width; letters of other scripts stay."""
    return text if text.isascii() else text.translate(_TWINS)
