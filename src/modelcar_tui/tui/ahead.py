"""The first rows on the terminal while Textual is still being loaded, which takes longer than all of ours.

They are those of the first screen, in the terminal's own colours; Textual's first frame is painted over them.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from modelcar_tui.core.ends import ENDS
from modelcar_tui.core.terminal import STDERR, Terminal, own_size
from modelcar_tui.supervisor import RunState
from modelcar_tui.tui import glyphs
from modelcar_tui.tui.face import Face
from modelcar_tui.tui.faces.front import front_rows, with_board
from modelcar_tui.tui.rows import fit

BEGIN = "\x1b[?1049h\x1b[?25l\x1b[H\x1b[2J"
"""The alternate screen, no cursor, from the upper left."""
PATIENCE_S = 0.2
"""What a terminal that takes nothing may cost."""


@contextmanager
def painted_ahead(
    state: RunState,
    *,
    ascii: bool,  # noqa: A002
    replay: bool,
) -> Iterator[None]:
    """Paint at once; where the block ends by an error before Textual has the terminal, it is given back.

    Args:
        state: what is known of the run.
        ascii: whether nothing beyond ASCII is drawn.
        replay: whether a recording is shown.
    """
    try:
        with suppress(OSError):
            _paint(state, ascii=ascii, replay=replay)
        yield
    except BaseException:
        if ENDS.terminal is not None and ENDS.terminal.painted:
            ENDS.terminal.give_back()
        raise


def _paint(state: RunState, *, ascii: bool, replay: bool) -> None:  # noqa: A002
    size = own_size()
    if size is None:
        return
    face = Face(
        state=with_board(state),
        glyphs=glyphs.ASCII if ascii else glyphs.UNICODE,
        replay=replay,
    )
    terminal = ENDS.terminal = Terminal(STDERR)
    terminal.painted = True
    until = time.monotonic() + PATIENCE_S
    terminal.write(ahead(face, *size).encode("utf-8", "backslashreplace"), lambda: time.monotonic() < until)


def ahead(face: Face, columns: int, rows: int) -> str:
    """What is sent for a terminal of that size."""
    texts = (
        "".join(text for text, _ in fit(line, columns, face.glyphs.ellipsis).spans).rstrip()
        for line in front_rows(face, columns, rows - 1)
    )
    return BEGIN + "\r\n".join(glyphs.to_ascii(text) if face.glyphs.ascii else text for text in texts)
