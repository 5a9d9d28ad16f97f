"""Kubernetes kinds that serve vLLM: a reader each, and where they say their arguments and GPUs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.manifest.kinds.editing import object_tasks, reads_as
    from modelcar_tui.manifest.kinds.editing_line import LineEditor
    from modelcar_tui.manifest.kinds.lines import is_serve_line
    from modelcar_tui.manifest.kinds.objects import is_kubernetes
    from modelcar_tui.manifest.kinds.places import CountPlace, ListPart, Place, TextPart
    from modelcar_tui.manifest.kinds.reading import places_of, read_objects
    from modelcar_tui.manifest.kinds.serve_line import read_serve_line

__all__ = [
    "CountPlace",
    "LineEditor",
    "ListPart",
    "Place",
    "TextPart",
    "is_kubernetes",
    "is_serve_line",
    "object_tasks",
    "places_of",
    "read_objects",
    "read_serve_line",
    "reads_as",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "editing": "object_tasks reads_as",
            "editing_line": "LineEditor",
            "lines": "is_serve_line",
            "objects": "is_kubernetes",
            "places": "CountPlace ListPart Place TextPart",
            "reading": "places_of read_objects",
            "serve_line": "read_serve_line",
        },
    )
