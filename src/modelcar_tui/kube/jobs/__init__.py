"""Jobs and their pods, whoever made them: what they say of themselves, and their logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelcar_tui.core.door import door

if TYPE_CHECKING:
    from modelcar_tui.kube.jobs.log import Cursor, follow_log
    from modelcar_tui.kube.jobs.pod import (
        CREATE,
        PULL,
        Container,
        containers_of,
        is_ready,
        mapping,
        mappings,
    )
    from modelcar_tui.kube.jobs.state import (
        QUEUE_LABEL,
        ended,
        failed,
        has_run,
        named,
        selector,
        started,
        why_no_pod,
    )

__all__ = [
    "CREATE",
    "PULL",
    "QUEUE_LABEL",
    "Container",
    "Cursor",
    "containers_of",
    "ended",
    "failed",
    "follow_log",
    "has_run",
    "is_ready",
    "mapping",
    "mappings",
    "named",
    "selector",
    "started",
    "why_no_pod",
]

if not TYPE_CHECKING:
    __getattr__ = door(
        __name__,
        {
            "log": "Cursor follow_log",
            "pod": "CREATE PULL Container containers_of is_ready mapping mappings",
            "state": "QUEUE_LABEL ended failed has_run named selector started why_no_pod",
        },
    )
