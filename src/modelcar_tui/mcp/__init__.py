"""`agent mcp`: what the product knows, for programs that speak the Model Context Protocol. Nothing writes.

`docs/mcp.md` says what each tool answers and how a host is configured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.mcp.asking import Asking
    from modelcar_tui.mcp.serving import serve

__all__ = ["Asking", "serve"]

if not TYPE_CHECKING:
    __getattr__ = door(__name__, {"asking": "Asking", "serving": "serve"})
