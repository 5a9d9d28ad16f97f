"""A pod as the API server tells it: its containers, and the kubelet's words for what keeps one from running.

Objects come from a server, so any part may be missing or of another kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

PULL = frozenset(
    (
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
        "SignatureValidationFailed",
    )
)
"""Reasons of a container whose image can't be had."""
CREATE = frozenset(
    (
        "CreateContainerError",
        "CreateContainerConfigError",
        "RunContainerError",
        "StartError",
        "ContainerCannotRun",
    )
)
"""Reasons of a container that can't be made, or ended before its program ran."""


class Container(NamedTuple):
    """A container as the kubelet knows it."""

    name: str
    state: str
    """`waiting`, `running` or `terminated`."""
    told: Mapping[str, Any]
    """That state's own fields."""
    last: Mapping[str, Any]
    """How it ended the last time."""
    restarts: int
    ready: bool


def containers_of(pod: Mapping[str, Any]) -> list[Container]:
    """Its containers, init containers first."""
    status = mapping(pod, "status")
    found = []
    for one in (*mappings(status, "initContainerStatuses"), *mappings(status, "containerStatuses")):
        state, told = next(
            ((k, v) for k, v in mapping(one, "state").items() if isinstance(v, dict)), ("", {})
        )
        restarts = one.get("restartCount")
        found.append(
            Container(
                name=str(one.get("name") or ""),
                state=state,
                told=told,
                last=mapping(mapping(one, "lastState"), "terminated"),
                restarts=restarts if isinstance(restarts, int) else 0,
                ready=bool(one.get("ready")),
            )
        )
    return found


def is_ready(pod: Mapping[str, Any]) -> bool:
    """Whether it serves."""
    return any(
        condition.get("type") == "Ready" and condition.get("status") == "True"
        for condition in mappings(mapping(pod, "status"), "conditions")
    )


def mapping(value: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    """A field that should be an object; empty where it is none."""
    found = value.get(key)
    return found if isinstance(found, dict) else {}


def mappings(value: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """A field that should be a list of objects; what is none is left out."""
    found = value.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
