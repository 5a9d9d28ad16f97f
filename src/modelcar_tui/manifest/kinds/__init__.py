"""Kubernetes kinds that serve vLLM: a reader each, and where they say their arguments and GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.manifest.kinds.lines import is_serve_line
    from modelcar_tui.manifest.kinds.objects import is_kubernetes
    from modelcar_tui.manifest.kinds.places import CountPlace, ListPart, Place, TextPart
    from modelcar_tui.manifest.kinds.reading import places_of, read_objects
    from modelcar_tui.manifest.kinds.serve_line import read_serve_line

__all__ = [
    "CountPlace",
    "ListPart",
    "Place",
    "TextPart",
    "is_kubernetes",
    "is_serve_line",
    "places_of",
    "read_objects",
    "read_serve_line",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "lines": "is_serve_line",
            "objects": "is_kubernetes",
            "places": "CountPlace ListPart Place TextPart",
            "reading": "places_of read_objects",
            "serve_line": "read_serve_line",
        },
    )
