"""What pods and events say of why a model does not start: pure functions of the API's objects.

A pod is named by the label that KServe gives it, with the InferenceService's name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from modelcar_tui.core.stamps import seconds
from modelcar_tui.kube.jobs import CREATE, PULL, Container, containers_of, mapping, mappings

LABEL = "serving.kserve.io/inferenceservice"
SERVER = "kserve-container"
_MOUNT = frozenset(("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox"))
_OOM = "OOMKilled"


class Trouble(StrEnum):
    """In what a model is stuck, most telling first."""

    IMAGE = "image"
    CREATE = "create"
    OOM = "oom"
    CRASH = "crash"
    EVICTED = "evicted"
    MOUNT = "mount"
    NODE = "node"
    REFUSED = "refused"
    """Its pod is not made at all."""


class Sighting(NamedTuple):
    """One thing that is wrong, in the cluster's own words."""

    trouble: Trouble
    message: str
    container: str = ""
    restarts: int = 0


def object_of(pod: Mapping[str, Any]) -> str:
    """The InferenceService that a pod belongs to; empty where it is none of a model."""
    return str(mapping(mapping(pod, "metadata"), "labels").get(LABEL) or "")


def images_of(pod: Mapping[str, Any]) -> set[str]:
    """All images of a pod."""
    spec = mapping(pod, "spec")
    every = [*mappings(spec, "initContainers"), *mappings(spec, "containers")]
    return {str(container.get("image") or "") for container in every} - {""}


def is_counted(pod: Mapping[str, Any]) -> bool:
    """Whether its state tells of its model: one that is being deleted does where it had ended badly before
    that, and not of the deletion."""
    meta = mapping(pod, "metadata")
    gone = seconds(str(meta.get("deletionTimestamp") or ""))
    if not gone:
        return True
    grace = meta.get("deletionGracePeriodSeconds")
    asked = gone - (grace if isinstance(grace, int) else 0)
    ends = [one for each in containers_of(pod) for one in (each.told, each.last) if one.get("exitCode")]
    return any(0 < seconds(str(one.get("finishedAt") or "")) < asked for one in ends)


def sightings(pod: Mapping[str, Any], events: Iterable[Mapping[str, Any]]) -> Iterator[Sighting]:
    """What is wrong with a pod that is not ready; nothing where it is only on its way.

    Args:
        events: of its namespace. An event outlives what it tells of, so it only says more of what the pod's
            own state shows.
    """
    status, own = mapping(pod, "status"), [event for event in events if _about(event) == _name(pod)]
    if status.get("reason") == "Evicted":
        yield Sighting(Trouble.EVICTED, str(status.get("message") or "Evicted"))
        return
    if status.get("phase") == "Failed" and status.get("reason"):
        # The kubelet refused it after the scheduler had chosen the node: no healthy device, no room left.
        yield Sighting(Trouble.NODE, f"{status.get('reason')}: {status.get('message') or ''}")
        return
    begun = False
    for container in containers_of(pod):
        begun = begun or container.state in ("running", "terminated")
        found = of_container(container)
        if found is None:
            continue
        yield found
        if found.trouble is Trouble.IMAGE:
            yield from _failed_pulls(container, own)
    yield from _unscheduled(status)
    if not begun:
        yield from (
            Sighting(Trouble.MOUNT, _message(event)) for event in own if event.get("reason") in _MOUNT
        )


def _failed_pulls(container: Container, own: Iterable[Mapping[str, Any]]) -> Iterator[Sighting]:
    """What the registry said, which only the pod's events tell."""
    for event in own:
        if "ull image" in _message(event) and event.get("reason") == "Failed":
            yield Sighting(Trouble.IMAGE, _message(event), container.name)


def _unscheduled(status: Mapping[str, Any]) -> Iterator[Sighting]:
    """Why the scheduler finds no node."""
    for condition in mappings(status, "conditions"):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            yield Sighting(Trouble.NODE, f"{condition.get('reason')}: {condition.get('message') or ''}")


def refusals(name: str, events: Iterable[Mapping[str, Any]]) -> Iterator[Sighting]:
    """Why an InferenceService has no pod: what its ReplicaSet, its Deployment or KServe was refused."""
    for event in events:
        kind = str(mapping(event, "involvedObject").get("kind") or "")
        about = _about(event)
        of_pods = (
            kind != "Pod" and event.get("reason") == "FailedCreate" and about.startswith(f"{name}-predictor")
        )
        if of_pods or (kind == "InferenceService" and about == name):
            yield Sighting(Trouble.REFUSED, _message(event))


def of_container(container: Container) -> Sighting | None:
    """What is wrong with one container; None where it runs, or is only on its way."""
    told, last = container.told, container.last
    reason = str(told.get("reason") or "")
    message = f"{reason}: {told.get('message') or ''}".rstrip(": ")
    named = container.name, container.restarts
    if reason in PULL:
        return Sighting(Trouble.IMAGE, message, *named)
    if reason in CREATE or last.get("reason") in CREATE:
        ended = f"{last.get('reason')}: {last.get('message') or ''}"
        return Sighting(Trouble.CREATE, message if reason in CREATE else ended, *named)
    if _OOM in (reason, last.get("reason")):
        return Sighting(Trouble.OOM, _OOM, *named)
    if container.state == "terminated" and told.get("exitCode"):
        return Sighting(Trouble.CRASH, _exit(told), *named)
    if last.get("exitCode") and not container.ready:
        return Sighting(Trouble.CRASH, _exit(last), *named)
    if reason == "CrashLoopBackOff":
        return Sighting(Trouble.CRASH, message, *named)
    return None


def _exit(ended: Mapping[str, Any]) -> str:
    told = f"exit {ended.get('exitCode')}"
    said = str(ended.get("message") or "").strip()
    return f"{told}: {said}" if said else told


def _message(event: Mapping[str, Any]) -> str:
    return str(event.get("message") or event.get("reason") or "")


def _about(event: Mapping[str, Any]) -> str:
    return str(mapping(event, "involvedObject").get("name") or "")


def _name(pod: Mapping[str, Any]) -> str:
    return str(mapping(pod, "metadata").get("name") or "")
