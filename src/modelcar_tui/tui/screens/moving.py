"""Movement keys in the long panels: the dashboard's, the screen of all GPUs, the whole log."""

from __future__ import annotations

from modelcar_tui.tui.widgets.gpus import GpuTable
from modelcar_tui.tui.widgets.log import LogView
from modelcar_tui.tui.widgets.models import ModelTable


def move_in(panel: LogView | GpuTable | ModelTable, how: str) -> None:
    """One movement key in a long panel."""
    match how:
        case "down" | "up":
            panel.move(1 if how == "down" else -1)
        case "pagedown" | "pageup":
            panel.move(panel.page() if how == "pagedown" else -panel.page())
        case "home":
            panel.home()
        case "end":
            panel.end()
        case "left" | "right" if isinstance(panel, LogView):
            panel.sideways(8 if how == "right" else -8)
