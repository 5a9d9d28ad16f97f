"""Times as Kubernetes and podman write them."""

from __future__ import annotations

from datetime import datetime


def seconds(stamp: str) -> float:
    """An RFC 3339 time with up to nanoseconds as seconds since 1970; 0 where it is none."""
    head, dot, tail = stamp.partition(".")
    if dot:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        stamp = f"{head}.{tail[:digits][:6].ljust(6, '0')}{tail[digits:]}"
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except (ValueError, OverflowError):
        return 0.0
