"""The one gate of every text on its way into a report: that of `core.shown`.

What a run writes down was cleaned when it came in. A journal that somebody sent was not, nor was the name of
a file: a report of it hides nothing either, and tells nothing that has the shape of a secret.
"""

from __future__ import annotations

import msgspec

from modelcar_tui.core.shown import masked_values, seen_json, shown, shown_lines

__all__ = ["indented", "masked_values", "on_one_line", "seen_json", "shown", "shown_lines"]


def indented(value: object) -> str:
    """A value as JSON on lines of its own, to be read by people too."""
    return msgspec.json.format(on_one_line(value), indent=2)


def on_one_line(value: object) -> str:
    """A value as JSON; half a character, such as names that are no UTF-8 have, as its escape."""
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:
        import json

        return json.dumps(msgspec.to_builtins(value), separators=(",", ":"))
