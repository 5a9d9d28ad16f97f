"""The dashboard over a fake engine; `f12` writes what Textual itself would paint of the whole
screen, `f11` lends the terminal to an editor."""

from __future__ import annotations

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from textual._compositor import LayoutUpdate
from textual._context import visible_screen_stack
from textual.binding import Binding
from textual.strip import Strip

from modelcar_tui.tui.app import DashboardApp
from modelcar_tui.tui.editor import edit_text
from modelcar_tui.tui.run import run_dashboard
from pilot import support as s

RECORD = Path(sys.argv[3])


def record(app: DashboardApp) -> None:
    """The compositor's whole render, in one move so that no half of it is read."""
    compositor = app.screen._compositor
    visible_screen_stack.set(app._background_screens)
    pieces: list[list[Strip]] = [[strip] for strip in compositor.render_strips()]
    words = LayoutUpdate(list(pieces), compositor.size.region).render_segments(app.console)
    new = RECORD.with_suffix(".new")
    new.write_bytes(words.encode())
    new.replace(RECORD)


def main() -> int:
    """`painted_app.py decided|qa LOG RECORD`."""
    mode, log = sys.argv[1:3]
    lines = [f"[QA] line {at} of a log 漢字 ✓ {'x' * (at * 7 % 90)}" for at in range(400)]
    Path(log).write_text("\n".join(lines) + "\n", encoding="utf-8")
    keys = [Binding(key, action, priority=True) for key, action in (("f12", "record"), ("f11", "lend"))]
    DashboardApp.BINDINGS = [*DashboardApp.BINDINGS, *keys]
    DashboardApp.action_record = record  # type: ignore[attr-defined]
    DashboardApp.action_lend = lambda app: edit_text(app, "text")  # type: ignore[attr-defined]
    DashboardApp._merged_bindings = DashboardApp._merge_bindings()
    engine = s.FakeEngine(s.in_qa(log, len(lines)) if mode == "qa" else s.decided())
    return run_dashboard(
        engine,
        initial=None,
        mouse=False,
        ascii=False,
        theme=os.environ.get("PAINTED_THEME"),
        low_bandwidth=False,
    )


if __name__ == "__main__":
    sys.exit(main())
