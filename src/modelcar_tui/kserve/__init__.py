"""KServe's objects: a serving request rendered as one, and whether an API server would take it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.kserve.render_all import KINDS, Rendered, rendered
    from modelcar_tui.kserve.render_release import release_of
    from modelcar_tui.kserve.render_request import Request, requests_of
    from modelcar_tui.kserve.schemas import KSERVE_RELEASES, Source, kept_release, served, source_of
    from modelcar_tui.kserve.trial import dry_run
    from modelcar_tui.kserve.validity import validate

__all__ = [
    "KINDS",
    "KSERVE_RELEASES",
    "Rendered",
    "Request",
    "Source",
    "dry_run",
    "kept_release",
    "release_of",
    "rendered",
    "requests_of",
    "served",
    "source_of",
    "validate",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "render_all": "KINDS Rendered rendered",
            "render_release": "release_of",
            "render_request": "Request requests_of",
            "schemas": "KSERVE_RELEASES Source kept_release served source_of",
            "trial": "dry_run",
            "validity": "validate",
        },
    )
