"""What a placement adds to an object of the operator's own: only what nothing there says."""

from __future__ import annotations

from typing import Any

from modelcar_tui.cluster import PROFILE_NAME, PROFILE_NAMESPACE, PodShape
from modelcar_tui.kserve.render_draft import Draft, Path
from modelcar_tui.kserve.render_input import Data, inside
from modelcar_tui.kserve.render_place import Place, tolerating
from modelcar_tui.kserve.render_pod import (
    QUEUE,
    SHM,
    SHM_PATH,
    cpu_text,
    memory_text,
    most_memory,
    queue_of,
    shared_memory,
)
from modelcar_tui.kserve.render_request import Request

_MISSING = "nothing says it, neither the file nor its runtime"


def complete_metadata(draft: Draft, request: Request) -> None:
    """The queue and the hardware profile that get the pod onto its node, where none is named."""
    place, server = request.place, request.server
    if place is None or server is None:
        return
    if not server.queue and (queue := queue_of(place)):
        why = "the namespace is Kueue's: what names no queue is never admitted"
        draft.put(("metadata", "labels", QUEUE), queue, why)
    profile = place.profile
    if profile is not None and not server.profile:
        why = f"its tolerations get the pod onto {place.node}, which is tainted: {', '.join(place.taints)}"
        draft.put(("metadata", "annotations", PROFILE_NAME), profile.name, why)
        draft.put(("metadata", "annotations", PROFILE_NAMESPACE), profile.namespace)


def complete_pod(draft: Draft, at: Path, pod: Data, request: Request) -> None:
    """Tolerations, node selector, scheduler and pull secrets.

    Args:
        draft: it is put into.
        at: the pod's specification.
        pod: what is said of it, the runtime's included.
        request: with its place.
    """
    place = request.place
    if place is not None:
        _tolerate(draft, at, pod, request, place)
        if not pod.get("nodeSelector") and not pod.get("affinity"):
            why = f"it runs on {place.card} only, and other cards are asked for by the same name"
            draft.put((*at, "nodeSelector"), dict(place.selector), why)
        if not pod.get("schedulerName"):
            draft.put((*at, "schedulerName"), place.scheduler)
    there = [one for one in pod.get("imagePullSecrets") or () if isinstance(one, dict)]
    names = [one.get("name") for one in there]
    more = [{"name": name} for name in request.pull_secrets if name not in names]
    if more:
        draft.put((*at, "imagePullSecrets"), [*there, *more])
        draft.comments[*at, "imagePullSecrets", len(there)] = "named on the command line"


def _tolerate(draft: Draft, at: Path, pod: Data, request: Request, place: Place) -> None:
    """The taints of the node that was chosen, which nothing tolerates; a list replaces the runtime's."""
    if place.profile is not None or not place.taints:
        return
    there = [one for one in pod.get("tolerations") or () if isinstance(one, dict)]
    if not there and request.runtime is not None:
        there = [toleration_row(*row) for row in request.runtime_tolerations]
    draft.put((*at, "tolerations"), [*there, *(toleration_row(*tolerating(one)) for one in place.taints)])
    why = f"{place.node} is tainted, and nothing of the file gets the pod past that"
    draft.comments[*at, "tolerations", len(there)] = why


def toleration_row(key: str, operator: str, value: str, effect: str) -> dict[str, str]:
    """A toleration as a pod has it."""
    row = {"key": key, "operator": operator, "value": value, "effect": effect}
    return {name: text for name, text in row.items() if text}


def complete_amounts(draft: Draft, at: Path, container: Data, request: Request) -> None:
    """CPUs and memory of a container at a path, where neither the file nor its runtime says them."""
    if not request.amounts_known:
        return
    suite = PodShape()
    asked = {
        key: value
        for part in ("limits", "requests")
        for key, value in inside(container, "resources", part).items()
    }
    whole = (*at, "resources")
    if request.cpu_milli is None and "cpu" not in asked:
        why = f"{_MISSING}: as the QA suite's pods have it"
        draft.put((*whole, "requests", "cpu"), cpu_text(suite.cpu_milli), why)
    if request.memory_mib is None and "memory" not in asked:
        why = f"{_MISSING}: as the QA suite's pods have it"
        draft.put((*whole, "requests", "memory"), memory_text(suite.memory_mib), why)
        most, told = most_memory(request, suite.memory_mib)
        draft.put((*whole, "limits", "memory"), memory_text(most), f"{_MISSING}: {told}")


def complete_shared_memory(draft: Draft, at: Path, pod_at: Path, pod: Data, request: Request) -> None:
    """`/dev/shm` in memory, where the container has none; volumes and mounts that are there stay."""
    server = request.server
    if server is not None and server.shm_mib is not None:
        return
    taken = {one.get("name") for one in pod.get("volumes") or () if isinstance(one, dict)}
    name = next(one for one in (SHM, *(f"{SHM}-{number}" for number in range(2, 999))) if one not in taken)
    size, why = shared_memory(request)
    volume = {"name": name, "emptyDir": {"medium": "Memory", "sizeLimit": memory_text(size)}}
    _append(draft, (*at, "volumeMounts"), {"name": name, "mountPath": SHM_PATH}, f"{SHM_PATH}: {why}")
    _append(draft, (*pod_at, "volumes"), volume, f"{SHM_PATH}; it counts as the container's memory")


def _append(draft: Draft, at: Path, value: Any, why: str) -> None:
    """One more item of a list of the object."""
    found: Any = draft.object
    for key in at:
        found = found[key] if isinstance(key, int) else found.get(key, {})
    there = found if isinstance(found, list) else []
    draft.put(at, [*there, value])
    draft.comments[*at, len(there)] = why
