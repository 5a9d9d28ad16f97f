"""The dashboard in a browser: our own server on loopback, each run on a pseudo-terminal of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.web.files import lacking
    from modelcar_tui.web.listening import ADDRESS, PORT
    from modelcar_tui.web.offer import Offer
    from modelcar_tui.web.server import Page

__all__ = ["ADDRESS", "PORT", "Offer", "Page", "lacking"]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "files": "lacking",
            "listening": "ADDRESS PORT",
            "offer": "Offer",
            "server": "Page",
        },
    )
