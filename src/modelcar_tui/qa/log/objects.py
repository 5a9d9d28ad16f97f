"""Objects that the suite's log says it made and did not delete."""

from __future__ import annotations

import re

MAX_OBJECTS = 200
SLACK_S = 120.0
"""How far the clocks of the cluster and of this machine may differ where an object's age says whose it is."""


def follow(match: re.Match[str] | None, created: dict[str, None]) -> None:
    """Take one line's `Create KIND NAME` or `Delete KIND NAME` into account."""
    if match is None:
        return
    name = f"{match['kind']}/{match['name']}"
    if match[0].startswith("Delet"):
        created.pop(name, None)
        if match["kind"] == "Namespace":
            # What was in it goes with it.
            created.clear()
    elif len(created) < MAX_OBJECTS:
        created[name] = None
