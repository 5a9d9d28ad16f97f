"""A namespace of the suite's at one moment, model by model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from modelcar_tui.kube.jobs import is_ready
from modelcar_tui.qa.watch_causes import cause_of
from modelcar_tui.qa.watch_models import Car, model_behind, service_name
from modelcar_tui.qa.watch_pods import (
    Sighting,
    Trouble,
    images_of,
    is_counted,
    object_of,
    refusals,
    sightings,
)

Item = Mapping[str, Any]


class View(NamedTuple):
    """One model's objects."""

    object: str
    model: str
    pods: list[Item]
    """Newest first; see `is_counted`."""
    sighting: Sighting | None
    """What is wrong; None where it serves, or is only on its way."""


def views(
    pods: Sequence[Item],
    events: Sequence[Item],
    cars: Sequence[Car],
    ends: Mapping[str, str],
    born: dict[str, str],
) -> list[View]:
    """What pods and events make of each model.

    Args:
        pods: of the namespace.
        events: of the namespace.
        cars: the manifest's models.
        ends: the telling line of the log of a pod's container that ended, by the pod's uid.
        born: when the newest pod of each object was made, by the cluster's clock; kept up to date here. A
            refusal from before it is over, though the pod has gone since.
    """
    groups: dict[str, list[Item]] = {}
    for pod in sorted(pods, key=_made, reverse=True):
        name = object_of(pod)
        born[name] = max(born.get(name, ""), _made(pod))
        if name and is_counted(pod):
            groups.setdefault(name, []).append(pod)
    found = []
    for name, group in groups.items():
        images = frozenset().union(*(images_of(pod) for pod in group))
        found.append(View(name, model_behind(name, images, cars), group, _worst(group, events, ends)))
    for name in dict.fromkeys(service_name(car.name) for car in cars):
        since = [event for event in events if name not in born or _last_told(event) > born[name]]
        if name not in groups and (refused := list(refusals(name, since))):
            found.append(View(name, model_behind(name, (), cars), [], _best(refused)))
    return found


def _worst(group: Sequence[Item], events: Sequence[Item], ends: Mapping[str, str]) -> Sighting | None:
    if any(is_ready(pod) for pod in group):
        return None
    for pod in group:
        if told := [_with_end(one, ends.get(uid_of(pod), "")) for one in sightings(pod, events)]:
            return _best(told)
    return None


def _with_end(sighting: Sighting, end: str) -> Sighting:
    """An exit status says little; what the log says before it, all."""
    return sighting._replace(message=end) if end and sighting.trouble is Trouble.CRASH else sighting


def _best(told: Sequence[Sighting]) -> Sighting:
    return min(told, key=lambda one: cause_of(one)[0])


def uid_of(pod: Item) -> str:
    """A pod's uid."""
    return str(pod["metadata"].get("uid") or pod["metadata"].get("name") or "")


def _made(pod: Item) -> str:
    return str(pod["metadata"].get("creationTimestamp") or "")


def _last_told(event: Item) -> str:
    return str(event.get("lastTimestamp") or event.get("eventTime") or "")
