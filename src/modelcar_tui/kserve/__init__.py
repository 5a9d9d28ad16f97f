"""Objects of KServe: a serving request rendered as what an API server takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.kserve.render_all import KINDS, Rendered, rendered
    from modelcar_tui.kserve.render_release import release_of
    from modelcar_tui.kserve.render_request import Request, requests_of

__all__ = [
    "KINDS",
    "Rendered",
    "Request",
    "release_of",
    "rendered",
    "requests_of",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "render_all": "KINDS Rendered rendered",
            "render_release": "release_of",
            "render_request": "Request requests_of",
        },
    )
