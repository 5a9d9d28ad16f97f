"""Secrets that a process was handed through a pipe after its start.

They stand in `os.environ`, where each part of the product looks for them, but neither in `/proc/PID/environ`
nor in the environment of a program that this process starts.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress

from modelcar_tui.core.secrets import VARIABLES, teach

_MOST = 1 << 23
"""Bytes: each of a secret may take six, written as `\\u0001`."""
_handed: set[str] = set()


def take_handed(descriptor: int) -> None:
    """Read a JSON object of `VARIABLES` to the end of the pipe, close it, and put the values in place.

    What is no such object is dropped: no word of it may be repeated.
    """
    with suppress(OSError, ValueError), os.fdopen(descriptor, "rb") as pipe:
        told = json.loads(pipe.read(_MOST))
        given = told if isinstance(told, dict) else {}
        found = {name: given[name] for name in VARIABLES if isinstance(given.get(name), str)}
        teach(*found.values())
        os.environ.update(found)
        _handed.update(found)


def for_children(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment, by default our own, without what was handed to this process alone."""
    source = os.environ if environ is None else environ
    return {name: value for name, value in source.items() if name not in _handed}
