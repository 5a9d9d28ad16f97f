"""Taints of a node: what tolerates them, and the hardware profile that would."""

from __future__ import annotations

from modelcar_tui.cluster.fit_types import TAINT, Fit, PodShape, maybe
from modelcar_tui.cluster.profile_checks import naming_profile
from modelcar_tui.cluster.serving_types import HardwareProfile, ProfileKind
from modelcar_tui.cluster.types import GpuNode, Pool
from modelcar_tui.hardware import asked_resource
from modelcar_tui.manifest import Toleration


def tolerated(taint: str, tolerations: tuple[Toleration, ...]) -> bool:
    """Whether a pod puts up with a taint, written `key[=value]:effect`."""
    text, _, effect = taint.rpartition(":")
    key, _, value = text.partition("=")
    return any(
        (not one.key or one.key == key)
        and (not one.effect or one.effect == effect)
        and (one.operator == "Exists" or (bool(one.key) and one.value == value))
        for one in tolerations
    )


def untolerated(pod: PodShape, node: GpuNode) -> list[str]:
    """The taints that keep the pod away as its runtime makes it."""
    return [taint for taint in node.taints if not tolerated(taint, pod.scheduling.tolerations)]


def tainted(pod: PodShape, node: GpuNode, pool: Pool) -> Fit | None:
    """None where the pod puts up with every taint; else what would make it do so."""
    left = untolerated(pod, node)
    if not left:
        return None
    shown = ", ".join(left[:3]) + (f" and {len(left) - 3} more" if len(left) > 3 else "")
    told = f"is tainted ({shown}): the pod needs the toleration"
    give = "give the toleration by a hardware profile, in the InferenceService or in the ServingRuntime"
    profile = helping(pod, node, pool)
    if pod.kind:
        return _of_file(told, shown, pod, profile)
    if profile is not None:
        why = f"{told}, which {profile.title} gives; the QA suite names no profile"
        condition = f"if it is served with {profile.title}, which tolerates {shown}"
        return maybe(TAINT, why, condition, naming_profile(profile))
    condition = f"if its pod tolerates {shown}"
    if pod.profiles is None or pod.profiles.unknown:
        why = f"{told}, by a hardware profile or in the InferenceService; the QA suite gives none"
        return maybe(TAINT, why, condition, give)
    resource = asked_resource(pool.resource)
    why = f"{told}; no hardware profile that offers {resource} here gives it, nor does the QA suite"
    return maybe(TAINT, why, condition, give)


def _of_file(told: str, shown: str, pod: PodShape, profile: HardwareProfile | None) -> Fit:
    """The same of an object that says itself what its pod puts up with."""
    condition = f"if its pod tolerates {shown}"
    if profile is None:
        return maybe(
            TAINT, f"{told}, and the file gives none", condition, f"add the toleration to the {pod.kind}"
        )
    why = f"{told}, which {profile.title} has; the file gives none"
    return maybe(TAINT, why, condition, naming_profile(profile, pod.kind))


def helping(pod: PodShape, node: GpuNode, pool: Pool) -> HardwareProfile | None:
    """The profile with which a pod gets onto a tainted node.

    It offers the units, its selector takes the node, and its tolerations alone do, as they replace the
    runtime's (kserve's MergePodSpec: a list without a merge key is replaced). Those that the dashboard offers
    for so many units come first, and of those the ones that an annotation names.
    """
    resource = asked_resource(pool.resource)
    found = [
        profile
        for profile in (pod.profiles.found if pod.profiles else ())
        if profile.offer(resource) is not None
        and all(node.stated or node.labels.get(key) == value for key, value in profile.selector)
        and all(tolerated(taint, profile.tolerations) for taint in node.taints)
    ]
    return min(found, key=lambda one: _unlikely(one, resource, pod.units), default=None)


def _unlikely(profile: HardwareProfile, resource: str, units: int) -> tuple[bool, bool]:
    offer = profile.offer(resource)
    return offer is None or not offer.allows(units), profile.kind is not ProfileKind.HARDWARE
