"""Whether OpenShift AI's operator says that KServe serves: the judgement of the DataScienceCluster, v1 or v2.

What is asked for decides first (`kserve.managementState`: only Managed is run, and an empty state is read as
Removed; opendatahub-operator, internal/controller/components/components.go). Then KServe's own condition and
odh-model-controller's, whose webhooks every InferenceService has to pass. Then the whole: `Ready` and the
phase. Components that are not wanted, or not KServe, never stop serving.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from modelcar_tui.cluster.operator_status import (
    READY,
    Condition,
    Release,
    named,
    spoken_for,
    stale,
    worst,
)
from modelcar_tui.cluster.types import Check, State
from modelcar_tui.core.text import clean

CODE = "data-science-cluster"
_MANAGED = "Managed"
_KSERVE = "KserveReady"
_SERVING = (
    (_KSERVE, "KServe", "kserve"),
    ("ModelControllerReady", "odh-model-controller", "modelcontroller"),
)
"""Condition, name, and the label by which the operator finds the deployments that it speaks of."""
_DOWN = re.compile(r"\b0/\d+ deployments ready|deployment for \S+ is not ready")
"""No deployment is up: OpenShift AI's action_deployments_available.go, and kserve.go of 2.16."""
_WORST_FIRST = (State.BLOCKED, State.WARNING, State.UNKNOWN, State.OK)


class Wanted(msgspec.Struct, frozen=True, rename="camel"):
    management_state: str = ""


class WantedComponents(msgspec.Struct, frozen=True):
    kserve: Wanted | None = None


class Spec(msgspec.Struct, frozen=True):
    components: WantedComponents = WantedComponents()


class Installed(msgspec.Struct, frozen=True):
    releases: list[Release] | None = None


class InstalledComponents(msgspec.Struct, frozen=True):
    kserve: Installed | None = None


class Status(msgspec.Struct, frozen=True, rename="camel"):
    phase: str = ""
    observed_generation: int = 0
    release: Release = Release()
    conditions: list[Condition] | None = None
    components: InstalledComponents = InstalledComponents()


class Metadata(msgspec.Struct, frozen=True, rename="camel"):
    name: str = ""
    generation: int = 0
    deletion_timestamp: str | None = None


class DataScienceCluster(msgspec.Struct, frozen=True):
    """datasciencecluster.opendatahub.io v1 and v2: they differ in components that serving does not need."""

    metadata: Metadata = Metadata()
    spec: Spec = Spec()
    status: Status = Status()

    @property
    def name(self) -> str:
        """As a command takes it."""
        return clean(self.metadata.name, limit=63) or "default-dsc"


def judged(clusters: Sequence[DataScienceCluster]) -> Check:
    """Whether KServe serves, as far as the operator says it.

    More than one DataScienceCluster is a fault of its own: the operator refuses to act on any, or (2.16)
    takes whichever comes first.
    """
    if not clusters:
        fix = "create one in the OpenShift AI operator"
        return _check(State.BLOCKED, "there is no DataScienceCluster", fix)
    checks = [_judged(one) for one in clusters]
    if len(checks) == 1:
        return checks[0]
    first = min(checks, key=lambda check: _WORST_FIRST.index(check.state))
    all_blocked = all(check.state is State.BLOCKED for check in checks)
    names = ", ".join(one.name for one in clusters[:3])
    what = f"there are {len(clusters)} DataScienceClusters ({names}) where the operator acts on one only"
    if first.state is not State.OK:
        what += f"; {first.what}"
    state = State.BLOCKED if all_blocked else State.WARNING
    return _check(state, what, "keep the one that is meant: oc get datasciencecluster")


def _judged(one: DataScienceCluster) -> Check:
    look = f"oc describe datasciencecluster {one.name}"
    if one.metadata.deletion_timestamp:
        what = f"the DataScienceCluster {one.name} is being deleted, and KServe with it"
        return _check(State.BLOCKED, what, f"wait until it is gone, then create one anew: {look}")
    if (unwanted := _unwanted(one)) is not None:
        return unwanted
    status = one.status
    if not status.phase and not status.conditions:
        what = "the operator has not told the state of the DataScienceCluster yet"
        return _check(State.UNKNOWN, what, look)
    told = _serving(one) or _whole(one)
    old = stale(status.conditions, status.observed_generation, one.metadata.generation)
    if not old:
        return told or _check(State.OK, "the DataScienceCluster is ready")
    if told is None:
        what = "the DataScienceCluster was ready, but the operator has not acted on its last change yet"
        return _check(State.WARNING, what, look)
    return _check(State.UNKNOWN, f"{told.what} (said before the last change of it)", told.fix)


def _unwanted(one: DataScienceCluster) -> Check | None:
    """What the management state alone says."""
    state = (one.spec.components.kserve or Wanted()).management_state
    if state == _MANAGED:
        return None
    patch = '{"spec":{"components":{"kserve":{"managementState":"Managed"}}}}'
    fix = f"oc patch datasciencecluster {one.name} --type merge -p '{patch}'"
    if state == "Removed":
        return _check(State.BLOCKED, "the KServe component is removed", fix)
    if not state:
        what = "the KServe component has no managementState, which the operator reads as Removed"
        return _check(State.BLOCKED, what, fix)
    what = (
        f"the KServe component is {clean(state, limit=40)}: the operator does not run it, nor tell its state"
    )
    return _check(State.WARNING, what, fix)


def _serving(one: DataScienceCluster) -> Check | None:
    """What the conditions of KServe and of its webhooks say; None where nothing is wrong."""
    for kind, component, label in _SERVING:
        told = named(one.status.conditions, kind)
        if told is None or told.status == "True":
            continue
        if not told.counts and component != "KServe":
            continue
        return _failing(one, told, component, label)
    return None


def _failing(one: DataScienceCluster, told: Condition, component: str, label: str) -> Check:
    fix = f"oc describe datasciencecluster {one.name}"
    if told.status == "Unknown":
        return _check(
            State.UNKNOWN, f"the operator does not know whether {component} is ready: {told.says}", fix
        )
    if not told.counts:
        what = f"the operator has not acted on {component}'s managementState yet: {told.says}"
        return _check(State.WARNING, what, fix)
    if told.type[:1].isupper():
        fix = f"oc get deployments -A -l platform.opendatahub.io/part-of={label}"
    if told.reason == "Deleting":
        return _check(State.BLOCKED, f"{component} is being deleted: {told.says}", fix)
    if _DOWN.search(told.message):
        return _check(State.BLOCKED, f"{component} is not running: {told.says}", fix)
    return _check(State.WARNING, f"{component} is not ready: {told.says}", fix)


def _whole(one: DataScienceCluster) -> Check | None:
    """What the whole says; None where nothing is wrong."""
    status = one.status
    look = f"oc describe datasciencecluster {one.name}"
    serves = named(status.conditions, _KSERVE)
    bad = worst(status.conditions, status.phase)
    if bad is None:
        if serves is None and not spoken_for(status.conditions, status.phase):
            what = "the DataScienceCluster does not tell whether it is ready"
            return _check(State.UNKNOWN, what, look)
        return None
    what = f"the DataScienceCluster is not ready: {bad.says}"
    if serves is not None:
        return _check(State.WARNING, f"{what}; KServe itself is ready", look)
    unknown = bad.type == READY and bad.status == "Unknown"
    return _check(State.UNKNOWN if unknown else State.WARNING, what, look)


def _check(state: State, what: str, fix: str = "") -> Check:
    return Check(code=CODE, state=state, what=what, fix=fix)
