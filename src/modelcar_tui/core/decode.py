"""JSON and plain data into types: the one way by which msgspec is asked to decode a type.

msgspec learns a type when it first meets it, and keeps what it learnt on the type before it is complete. A
second thread that decodes the same type in that moment reads the half of it, and the process dies of SIGSEGV.
So types are learnt here, one thread at a time, and used by any.
"""

from __future__ import annotations

import threading
from typing import Any, TypeVar, cast

import msgspec

T = TypeVar("T")

_LEARNING = threading.RLock()
_LEARNT: dict[Any, msgspec.json.Decoder[Any]] = {}


def decoder(kind: type[T]) -> msgspec.json.Decoder[T]:
    """What decodes JSON as `kind`, made once a process; `kind` may be a union or a generic alias."""
    known = _LEARNT.get(kind)
    if known is None:
        with _LEARNING:
            known = _LEARNT.setdefault(kind, msgspec.json.Decoder(kind))
    return cast("msgspec.json.Decoder[T]", known)


def decode(data: bytes | bytearray | memoryview | str, kind: type[T]) -> T:
    """JSON text as `kind`.

    Raises:
        msgspec.DecodeError: it is no JSON.
        msgspec.ValidationError: it is not of that type.
    """
    return decoder(kind).decode(data)


def convert(value: Any, kind: type[T]) -> T:
    """Plain data (dicts, lists, strings, numbers) as `kind`.

    Raises:
        msgspec.ValidationError: it is not of that type.
    """
    decoder(kind)
    return msgspec.convert(value, kind)
