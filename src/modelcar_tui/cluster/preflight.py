"""Whether the cluster could serve a model-car at all: KServe's switch, operators' health, rights, quotas,
queues.

Every check may come out as "unknown" with its reason; none fails the run. Names of settings: KServe,
config/configmap/inferenceservice.yaml.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

import msgspec

from modelcar_tui.cluster.access import Right, may
from modelcar_tui.cluster.limit_checks import limit_checks
from modelcar_tui.cluster.limit_types import NamespaceLimits
from modelcar_tui.cluster.operators import read_operators
from modelcar_tui.cluster.pull import find_pull_secrets
from modelcar_tui.cluster.quotas import EVERYTHING, read_limits
from modelcar_tui.cluster.runtimes import CANDIDATES, applications_namespace
from modelcar_tui.cluster.types import Check, PullSecrets, State, Versions
from modelcar_tui.core.contain import hit, not_known, stopped
from modelcar_tui.core.text import clean
from modelcar_tui.kube.client import Client
from modelcar_tui.kube.errors import ClusterError

_SWITCH = "model-car-switch"
QUESTION_S = 60.0
R = TypeVar("R")
_FIRST_MINOR = 13
"""OpenShift 4.N is built on Kubernetes 1.(N + 13)."""


class _ConfigMap(msgspec.Struct, frozen=True):
    data: dict[str, str] | None = None


class _Desired(msgspec.Struct, frozen=True):
    version: str = ""


class _VersionStatus(msgspec.Struct, frozen=True):
    desired: _Desired = _Desired()


class _ClusterVersion(msgspec.Struct, frozen=True):
    status: _VersionStatus = _VersionStatus()


class _Group(msgspec.Struct, frozen=True):
    name: str = ""


class _Groups(msgspec.Struct, frozen=True):
    groups: list[_Group] | None = None


async def check_serving(
    client: Client, namespace: str, kubernetes: str = "", wanted: Collection[str] = ()
) -> tuple[tuple[Check, ...], Versions, PullSecrets | None, NamespaceLimits | None]:
    """The checks of the cluster, what runs on it, which registries its pods can log in to, and the limits of
    the namespace.

    Args:
        client: of the cluster.
        namespace: where models are to be served.
        kubernetes: the server's version, for OpenShift's when that may not be read.
        wanted: accelerator resources that the cluster's nodes offer.
    """
    groups = await _groups(client)
    if groups is not None and "serving.kserve.io" not in groups:
        fix = "install OpenShift AI with its KServe component"
        none = Check(code="kserve", state=State.BLOCKED, what="the cluster has no KServe", fix=fix)
        return (none,), Versions(), None, None
    nothing: tuple[tuple[Check, ...], Versions] = (), Versions()
    unread = NamespaceLimits(namespace=clean(namespace), unknown=EVERYTHING)
    asked = _Questions()
    found = await asyncio.gather(
        asked.one("KServe's model-car switch", _switch(client), None),
        asked.one("the DataScienceCluster", read_operators(client), nothing),
        asked.one("OpenShift's version", _openshift(client, kubernetes, groups), (None, False)),
        asked.one("our rights", _may_serve(client, namespace), None),
        asked.one("the namespace's limits", read_limits(client, namespace, groups), unread),
        asked.one(
            "the pull secrets",
            find_pull_secrets(client, namespace, openshift=groups is None or "config.openshift.io" in groups),
            None,
        ),
    )
    switch, (operators, versions), (openshift, inferred), rights, limits, pull = found
    versions = msgspec.structs.replace(versions, openshift=openshift, inferred=inferred)
    own = tuple(check for check in (switch, *operators, rights) if check is not None)
    return (*own, *limit_checks(limits, wanted), *asked.unanswered), versions, pull, limits


class _Questions:
    """Questions to the cluster of which each fails alone, and has a time limit of its own."""

    def __init__(self) -> None:
        self.unanswered: list[Check] = []

    async def one(self, what: str, question: Coroutine[Any, Any, R], default: R) -> R:
        """Its answer, or the default with a check that says why there is none."""
        limit = asyncio.timeout(QUESTION_S)
        try:
            async with limit:
                return await question
        except BaseException as error:  # noqa: BLE001 - the end of the run is raised again
            why = stopped("the question", QUESTION_S) if hit(limit, error) else not_known(error)
        self.unanswered.append(
            Check(code="unanswered", state=State.UNKNOWN, what=f"{what}: {why.what}", fix=why.fix)
        )
        return default


async def _groups(client: Client) -> frozenset[str] | None:
    """API groups that the server has; None when it does not tell. A 403 on an object would not tell
    either."""
    try:
        found = await client.get("/apis", _Groups)
    except ClusterError:
        return None
    return frozenset(group.name for group in found.groups or ()) or None


async def _switch(client: Client) -> Check:
    """`enableModelcar` of KServe's storage initializer."""
    refused = None
    home = await _quietly_home(client)
    for place in dict.fromkeys(filter(None, (home, *CANDIDATES, "kserve"))):
        try:
            found = await client.get(
                f"/api/v1/namespaces/{place}/configmaps/inferenceservice-config", _ConfigMap
            )
        except ClusterError as error:
            refused = refused or error
            continue
        return _read_switch((found.data or {}).get("storageInitializer", ""), place)
    why = refused.problem.what if refused is not None else "there is no ConfigMap inferenceservice-config"
    fix = f"oc get configmap inferenceservice-config -n {home or CANDIDATES[0]} -o yaml"
    return Check(
        code=_SWITCH, state=State.UNKNOWN, what=f"KServe's model-car switch can't be read: {why}", fix=fix
    )


def _read_switch(text: str, namespace: str) -> Check:
    try:
        settings: Any = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        settings = None
    fix = f"set enableModelcar to true: oc edit configmap inferenceservice-config -n {namespace}"
    if not isinstance(settings, dict):
        what = f"inferenceservice-config in {namespace} has no readable storageInitializer"
        return Check(code=_SWITCH, state=State.UNKNOWN, what=what, fix=fix)
    value = settings.get("enableOciModelSupport", settings.get("enableModelcar"))
    if value is None:
        what = f"inferenceservice-config in {namespace} does not say whether model-cars are on"
        return Check(code=_SWITCH, state=State.WARNING, what=what, fix=fix)
    if value is True or value == "true":
        return Check(code=_SWITCH, state=State.OK, what="KServe serves oci:// images as model-cars")
    what = (
        "KServe's model-car switch is off: the storage initializer would be given the oci:// address and fail"
    )
    return Check(code=_SWITCH, state=State.BLOCKED, what=what, fix=fix)


async def _openshift(
    client: Client, kubernetes: str, groups: frozenset[str] | None
) -> tuple[str | None, bool]:
    """OpenShift's version, and whether it was derived from Kubernetes'."""
    if groups is not None and "config.openshift.io" not in groups:
        return None, False
    try:
        found = await client.get("/apis/config.openshift.io/v1/clusterversions/version", _ClusterVersion)
    except ClusterError:
        match = re.match(r"v?1\.(\d{1,3})", kubernetes)
        known = match is not None and groups is not None and int(match[1]) > _FIRST_MINOR
        return (f"4.{int(match[1]) - _FIRST_MINOR}", True) if match and known else (None, False)
    return clean(found.status.desired.version, limit=40) or None, False


async def _may_serve(client: Client, namespace: str) -> Check:
    right = Right("inferenceservices", "serving.kserve.io", namespace, verb="create")
    try:
        allowed = await may(client, right)
    except ClusterError:
        allowed = None
    if allowed:
        return Check(
            code="rights", state=State.OK, what=f"we may create InferenceServices in {clean(namespace)}"
        )
    what = f"we may not create InferenceServices in {clean(namespace)}"
    if allowed is None:
        what = f"whether we may create InferenceServices in {clean(namespace)} is unknown"
    return Check(
        code="rights", state=State.UNKNOWN if allowed is None else State.WARNING, what=what, fix=right.command
    )


async def _quietly_home(client: Client) -> str:
    try:
        return await applications_namespace(client)
    except ClusterError:
        return ""
