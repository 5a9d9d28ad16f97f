"""The one gate of every text on its way into a report: that of `core.shown`.

What a run writes down was cleaned when it came in. A journal that somebody sent was not, nor was the name of
a file: a report of it hides nothing either, and tells nothing that has the shape of a secret.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.core.shown import masked_values, seen_json, shown, shown_lines

__all__ = ["indented", "masked_values", "seen_json", "shown", "shown_lines"]


def indented(value: object) -> str:
    """A value as JSON on lines of its own, to be read by people too."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
