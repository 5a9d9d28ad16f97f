"""`$(NAME)` in a container's arguments, which Kubernetes replaces by the container's environment.

Its rules (kubernetes third_party/forked/golang/expansion): `$$` is one dollar sign, so that `$$(NAME)` is the
text `$(NAME)`; a name that the container does not define is left alone, as is anything else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_TOKEN = re.compile(r"\$(?:\$|\((?P<name>[A-Za-z_.-][A-Za-z0-9_.-]*)\))")


def references(text: str) -> tuple[str, ...]:
    """The variables that Kubernetes would look for, in their order."""
    return tuple(match["name"] for match in _TOKEN.finditer(text) if match["name"]) if "$(" in text else ()


def expanded(text: str, known: Mapping[str, str]) -> str:
    """The text as the container gets it, where all of its variables are known; else as it is."""
    names = references(text)
    if not names or any(name not in known for name in names):
        return text
    return _TOKEN.sub(lambda match: known[match["name"]] if match["name"] else "$", text)
