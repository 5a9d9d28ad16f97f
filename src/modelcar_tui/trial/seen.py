"""What a pod of a try says of itself: pure functions of the API's objects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from modelcar_tui.core.stamps import seconds
from modelcar_tui.kube.jobs import mapping, mappings, named, started

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


class Seen(NamedTuple):
    """vLLM's container as it was last seen."""

    node: str = ""
    began: float = 0.0
    """By the node's clock, seconds since 1970; 0 before."""
    ended: float = 0.0
    healthy: bool = False
    """Its startup probe has passed."""
    over: bool = False
    exit_status: int | None = None
    reason: str = ""
    """Why it ended: `Error`, `OOMKilled`."""
    digest: str = ""
    """Of the image that ran."""


def seen(pod: Mapping[str, Any], container: str) -> Seen:
    """That container's state."""
    node = str(mapping(pod, "spec").get("nodeName") or "")
    raw = [
        one for one in mappings(mapping(pod, "status"), "containerStatuses") if one.get("name") == container
    ]
    found = named(pod, container)
    if not found or not raw:
        return Seen(node=node)
    one = found[0]
    began, ended = started(pod, container)
    code = one.told.get("exitCode")
    digest = _DIGEST.search(str(raw[0].get("imageID") or ""))
    return Seen(
        node=node,
        began=began,
        ended=ended,
        # Without a startup probe a kubelet says so at once; our pod has one.
        healthy=one.state == "running" and raw[0].get("started") is True,
        over=one.state == "terminated",
        exit_status=code if isinstance(code, int) else None,
        reason=str(one.told.get("reason") or ""),
        digest=digest[0] if digest else "",
    )


def is_leaving(pod: Mapping[str, Any]) -> bool:
    """Whether it is being deleted, or was given up."""
    status = mapping(pod, "status")
    return bool(mapping(pod, "metadata").get("deletionTimestamp")) or (
        status.get("phase") == "Failed" and bool(status.get("reason"))
    )


def probe_that_killed(events: Iterable[Mapping[str, Any]], container: str) -> str:
    """`startup` or `liveness`, where a pod's events say that the kubelet ended the container for it."""
    for event in sorted(events, key=lambda one: seconds(str(one.get("lastTimestamp") or "")), reverse=True):
        told = str(event.get("message") or "")
        if event.get("reason") == "Killing" and f"ontainer {container} failed " in told:
            for kind in ("startup", "liveness"):
                if f"failed {kind} probe" in told:
                    return kind
    return ""
