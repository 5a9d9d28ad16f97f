"""Bodies of answers as objects, odd parts left out; refusals as errors."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from modelcar_tui.core.decode import decoder
from modelcar_tui.core.secrets import quoted
from modelcar_tui.kube import objects
from modelcar_tui.kube.errors import Cause, ClusterError, answered, no_list, not_kubernetes

T = TypeVar("T", bound=msgspec.Struct)
_LONGEST_WORDS = 2000
_MOST_CAUSES = 100
Object = dict[str, Any]
"""Any object, or list, as the server gives it."""


class ListOf(msgspec.Struct, Generic[T], frozen=True):
    """A page of a list."""

    metadata: objects.ListMeta = objects.ListMeta()
    items: list[T] | None = None
    unfit: bool = False
    """Its continue token is no text, so that nobody can go on."""


class _Status(msgspec.Struct, frozen=True):
    message: str = ""
    reason: str = ""
    details: Any = None
    metadata: objects.ListMeta = objects.ListMeta()


def decode(kind: type[T], body: bytes, server: str) -> T:
    """A body as `kind`, odd parts left out.

    Raises:
        ClusterError: it is no JSON.
    """
    try:
        return decoder(kind).decode(body)
    except msgspec.ValidationError:
        return objects.salvage(kind, _any(body, server))
    except (msgspec.DecodeError, RecursionError):
        raise not_kubernetes(server, body) from None


def decode_any(body: bytes, server: str) -> Object:
    """A body as it is.

    Raises:
        ClusterError: it is no JSON object.
    """
    found = _any(body, server)
    if not isinstance(found, dict):
        raise not_kubernetes(server, body)
    return found


def _any(body: bytes, server: str) -> Any:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        raise not_kubernetes(server, body) from None


def decode_list(kind: type[T], body: bytes, server: str) -> ListOf[T]:
    """A page; where a part has a wrong type, object by object.

    Raises:
        ClusterError: it is no JSON, or no list.
    """
    try:
        return decoder(ListOf[kind]).decode(body)  # type: ignore[valid-type]
    except msgspec.ValidationError:
        raw = decode_any(body, server)
        items, meta = raw.get("items"), raw.get("metadata")
        if not isinstance(items, list | None):
            raise no_list(server) from None
        token = meta.get("continue") if isinstance(meta, dict) else None
        return ListOf(
            metadata=objects.salvage(objects.ListMeta, meta),
            items=[objects.salvage(kind, one) for one in items or () if isinstance(one, dict)],
            unfit=not isinstance(token, str | None),
        )
    except (msgspec.DecodeError, RecursionError):
        raise not_kubernetes(server, body) from None


def refused(status: int, body: bytes, server: str) -> ClusterError:
    """The error for an answer with a bad status."""
    try:
        told = decoder(_Status).decode(body)
    except (msgspec.MsgspecError, RecursionError):
        told = _Status(message=quoted(body))
    error = answered(status, told.message, server, token=told.metadata.continue_ or "")
    error.message = quoted(told.message, limit=_LONGEST_WORDS)
    error.causes = _causes(told.details)
    return error


def _causes(details: Any) -> tuple[Cause, ...]:
    found = details.get("causes") if isinstance(details, dict) else None
    return tuple(
        Cause(quoted(str(one.get("field", ""))), quoted(str(one.get("message", ""))))
        for one in (found if isinstance(found, list) else ())[:_MOST_CAUSES]
        if isinstance(one, dict)
    )
