"""Acting as somebody else: the kubeconfig's `as` entries as the headers that client-go sends.

Source: transport/round_trippers.go and tools/clientcmd/validation.go of client-go.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import ascii_letters, digits
from typing import Any

_KEYS = ("as", "as-uid", "as-groups", "as-user-extra")
_IN_A_NAME = frozenset(f"!#$&'*+-.^_`|~{digits}{ascii_letters}".encode())
"""Bytes that the name of a header may hold."""


def acting(user: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a kubeconfig's user that ask for it, as they stand there."""
    return {key: user[key] for key in _KEYS if user.get(key)}


def acting_fault(user: Mapping[str, Any]) -> str:
    """Why kubectl would refuse them, as a predicate; empty where it takes them."""
    entries = acting(user)
    if entries and "as" not in entries:
        return f"asks for {', '.join(entries)} without a user in `as`"
    if not isinstance(entries.get("as-groups") or [], list):
        return "has as-groups that are no list"
    extra = entries.get("as-user-extra") or {}
    if not isinstance(extra, dict) or not all(isinstance(values, list) for values in extra.values()):
        return "has an as-user-extra that is no mapping of lists"
    return ""


def headers(user: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What is sent for them; a group and an extra value a header each."""
    return tuple(_headers(user))


def _headers(user: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if not user.get("as"):
        return
    yield "Impersonate-User", str(user["as"])
    if user.get("as-uid"):
        yield "Impersonate-Uid", str(user["as-uid"])
    for group in user.get("as-groups") or ():
        yield "Impersonate-Group", str(group)
    for key, values in (user.get("as-user-extra") or {}).items():
        for value in values:
            yield f"Impersonate-Extra-{_escaped(str(key))}", str(value)


def _escaped(key: str) -> str:
    """A key as a header's name can hold it: other bytes, and the percent sign, as %XX."""
    data = key.encode(errors="replace")
    return "".join(chr(byte) if byte in _IN_A_NAME else f"%{byte:02X}" for byte in data)
