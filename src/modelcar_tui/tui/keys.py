"""The table of keys as the screens bind it, and the operator's own keys in place of the defaults.

A screen binds the default keys of what it has; when it is made, it takes the operator's instead. What is told
of a key asks `own_keys.shown`.
"""

from __future__ import annotations

import unicodedata
from dataclasses import replace

from textual.binding import Binding, BindingsMap, BindingType

from modelcar_tui.core.keymap import ACT_OF, ACTS, STAY
from modelcar_tui.tui.own_keys import moved

_RENAMED = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}
_PRINTED = {"PgDn": "pagedown", "PgUp": "pageup", "Enter": "enter", "Esc": "escape"}


def textual_name(key: str) -> str:
    """Textual's name of a key as it is printed: `question_mark` of `?`, `f5` of `F5`."""
    if len(key) > 1:
        return _PRINTED.get(key, key.lower())
    if key.isalnum():
        return key
    name = unicodedata.name(key).lower().replace("-", "_").replace(" ", "_")
    return _RENAMED.get(name, name)


NAMES = {textual_name(key): name for key, name in ACT_OF.items()}
"""What a default key does, by Textual's name of the key; a digit stands for all of them."""
KEYS = {key: ACTS[name].meaning for key, name in NAMES.items()}
"""The meanings by Textual's names of the default keys."""
_STAY = frozenset(map(textual_name, STAY))


def bind(keys: str, action: str, *, show: bool = True, priority: bool = False) -> list[BindingType]:
    """Bindings of the default `keys` (with commas between), each with the words of the table.

    Raises:
        KeyError: a key that is not in the table.
    """
    return [
        Binding(key, action, ACTS[name].meaning, show=show, priority=priority, id=name)
        for key in keys.split(",")
        for name in (NAMES["1" if key.isdecimal() else key],)
    ]


def moved_bindings(bindings: BindingsMap) -> BindingsMap:
    """The bindings of a screen with the operator's keys; what is not of the table gives way to them."""
    if not moved():
        return bindings
    out: dict[str, list[Binding]] = {}
    for key, one in bindings:
        for new in _keys_in_place(key, one.id):
            if all(other.action != one.action for other in out.get(new, ())):
                out.setdefault(new, []).append(replace(one, key=new))
    for key in {textual_name(own) for keys in moved().values() for own in keys} & out.keys():
        out[key] = [one for one in out[key] if one.id is not None] or out[key]
    return BindingsMap.from_keys(out)


def sweeps(bindings: BindingsMap, key: str) -> bool:
    """Whether a key does a sweeping act on the screen with these bindings."""
    return any(one.id in ACTS and ACTS[one.id].sweeping for one in bindings.key_to_bindings.get(key, ()))


def _keys_in_place(key: str, name: str | None) -> tuple[str, ...]:
    """The operator's keys in place of one that a screen binds, which keeps its place where it stays."""
    if name is None or name not in moved():
        return (key,)
    return (*map(textual_name, moved()[name]), *([key] if key in _STAY else []))


def pretty(key: str) -> str:
    """A key by Textual's name as it is printed on the keyboard."""
    return _PRETTY.get(key) or (key.upper() if key[:1] == "f" and key[1:].isdecimal() else key)


_PRETTY = {textual_name(sign): sign for sign in map(chr, range(33, 127)) if not sign.isalnum()} | {
    name: key for key, name in _PRINTED.items()
}
