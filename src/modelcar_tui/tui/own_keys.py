"""The operator's own keys, as they are printed in place of the defaults."""

from __future__ import annotations

from modelcar_tui.core.keymap import ACT_OF, STAY, Keymap, keys_of

_moved: dict[str, tuple[str, ...]] = {}
"""Those of the app that was made last in this process."""


def use(keys: Keymap) -> None:
    """Take these keys for the screens to come; empty takes the defaults."""
    _moved.clear()
    _moved.update(keys)


def moved() -> Keymap:
    """The keys that the operator has changed, by the names of `core.keymap.ACTS`."""
    return _moved


def shown(key: str) -> str:
    """The operator's key for what a default key does, both as they are printed; others as they are."""
    name = ACT_OF.get(key)
    if name is None or key in STAY or name not in _moved:
        return key
    return keys_of(name, _moved)[0]


def shown_keys(keys: str) -> str:
    """`shown` of each of several keys, with spaces between."""
    return " ".join(map(shown, keys.split(" ")))
