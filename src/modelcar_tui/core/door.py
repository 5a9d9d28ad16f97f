"""A room's door: the names that others may ask of it, each read from its file when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def door(room: str, names: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` (PEP 562) of a room's `__init__`, so that importing the room reads nothing.

    Args:
        room: the package's `__name__`.
        names: for each of its modules the public names in it, with blanks between them.
    """
    places = {name: module for module, told in names.items() for name in told.split()}

    def find(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        # Not kept: what a test puts in the name's place is found here, too.
        return getattr(import_module(f"{room}.{places[name]}"), name)

    return find
