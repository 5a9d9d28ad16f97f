"""What hardware profiles mean for the models of a manifest, and how a model is served with one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from modelcar_tui.cluster.limit_types import NamespaceLimits
from modelcar_tui.cluster.serving_types import HardwareProfile, ProfileKind, Profiles
from modelcar_tui.cluster.types import Check, State

QUEUE_CODE = "profile-queue"
PROFILE_NAME, PROFILE_NAMESPACE = (
    "opendatahub.io/hardware-profile-name",
    "opendatahub.io/hardware-profile-namespace",
)
"""Annotations by which an InferenceService names its profile."""


def count_checks(
    wanted: Sequence[tuple[str, int]], offered: Iterable[str], profiles: Profiles | None
) -> tuple[Check, ...]:
    """Models that ask for more, or fewer, of a resource than any profile allows. The dashboard refuses that
    in its form; neither the API server nor the webhook does.

    Args:
        wanted: name and GPUs of each model.
        offered: resources of the usable nodes' units.
        profiles: None where they were not read.
    """
    checks = []
    for resource in sorted(set(offered)):
        bounds = [one for profile in (profiles.found if profiles else ()) if (one := profile.offer(resource))]
        outside = [
            (name, count) for name, count in wanted if bounds and not any(one.allows(count) for one in bounds)
        ]
        if not outside:
            continue
        name, count = outside[0]
        more = f" (and {len(outside) - 1} more)" if len(outside) > 1 else ""
        top = max(inf if one.most is None else one.most for one in bounds)
        bound = f"no hardware profile allows {f'more than {top}' if count > top else count} {resource}"
        what = f"{bound}, {name}{more} asks for {count}: the dashboard would not deploy it so, the API does"
        fix = "raise maxCount of a profile that offers it, or deploy without the dashboard"
        checks.append(Check(code="profile-count", state=State.WARNING, what=what, fix=fix))
    return tuple(checks)


def queue_checks(profiles: Profiles | None, limits: NamespaceLimits | None) -> tuple[Check, ...]:
    """Profiles whose queue is not there in the namespace: what is served with one waits for ever."""
    if profiles is None or limits is None or limits.managed is not True or "queues" in limits.unknown:
        return ()
    there = {queue.name for queue in limits.queues}
    lost = [profile for profile in profiles.found if profile.queue and profile.queue not in there]
    return tuple(
        Check(
            code=QUEUE_CODE,
            state=State.WARNING,
            what=f"{profile.title} names the queue {profile.queue}, which is not there in {limits.namespace}",
            fix=f"serve with another profile, or make the queue: oc get localqueues -n {limits.namespace}",
        )
        for profile in lost[:3]
    )


APPLIED_TO = ("InferenceService", "LLMInferenceService")
"""Kinds whose profile the webhook applies (odh-model-controller, internal/webhook/serving)."""


def naming_profile(profile: HardwareProfile, kind: str = "") -> str:
    """What to do so that a model is served with a profile.

    Args:
        profile: that helps.
        kind: of the object that serves; empty for what the QA suite makes.
    """
    if kind:
        if profile.kind is ProfileKind.HARDWARE and kind in APPLIED_TO:
            return f"annotate it: {PROFILE_NAME}: {profile.name}, {PROFILE_NAMESPACE}: {profile.namespace}"
        return f"give the pod what {profile.title} has: its tolerations, its node selector"
    if profile.kind is ProfileKind.HARDWARE:
        return (
            f"oc annotate inferenceservice NAME {PROFILE_NAME}={profile.name} "
            f"{PROFILE_NAMESPACE}={profile.namespace} "
            "(the QA suite's has no such annotation)"
        )
    return (
        f"choose {profile.title} in the dashboard, or give the ServingRuntime its tolerations (the QA suite "
        "does neither)"
    )
