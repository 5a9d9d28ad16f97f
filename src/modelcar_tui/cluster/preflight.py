"""Whether the cluster could serve a model-car at all: KServe's switch, operators' health, rights, quotas,
queues.

Every check may come out as "unknown" with its reason; none fails the run. Names of settings: KServe,
config/configmap/inferenceservice.yaml.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any, TypeVar

import msgspec

from modelcar_tui.cluster.access import may
from modelcar_tui.cluster.kserve_config import Around, kserve_checks, kserve_of, read_settings
from modelcar_tui.cluster.limit_checks import limit_checks
from modelcar_tui.cluster.limit_types import NamespaceLimits
from modelcar_tui.cluster.llm_services import llm_checks, read_llm_services
from modelcar_tui.cluster.operators import read_operators
from modelcar_tui.cluster.pull import find_pull_secrets
from modelcar_tui.cluster.quotas import EVERYTHING, read_limits
from modelcar_tui.cluster.rights import Right
from modelcar_tui.cluster.serving_types import KServe, LlmServices
from modelcar_tui.cluster.types import Check, PullSecrets, State, Versions
from modelcar_tui.core.contain import hit, not_known, stopped
from modelcar_tui.core.text import clean
from modelcar_tui.kube import Client, ClusterError, minor_version
from modelcar_tui.manifest import Scheduling

QUESTION_S = 60.0
R = TypeVar("R")
_FIRST_MINOR = 13
"""OpenShift 4.N is built on Kubernetes 1.(N + 13)."""


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


class Serving(msgspec.Struct, frozen=True, kw_only=True):
    """What there is around a model that is to be served."""

    checks: tuple[Check, ...] = ()
    versions: Versions = Versions()
    pull: PullSecrets | None = None
    limits: NamespaceLimits | None = None
    kserve: KServe | None = None
    llm_services: LlmServices | None = None


async def check_serving(
    client: Client,
    namespace: str,
    kubernetes: str = "",
    wanted: Collection[str] = (),
    scheduling: Scheduling | None = None,
) -> Serving:
    """The checks of the cluster, what runs on it, which registries its pods can log in to, the limits of
    the namespace, and KServe's settings.

    Args:
        client: of the cluster.
        namespace: where models are to be served.
        kubernetes: the server's version, for OpenShift's when that may not be read.
        wanted: accelerator resources that the cluster's nodes offer.
        scheduling: what the runtime's pods ask of their node.
    """
    groups = await api_groups(client)
    if groups is not None and "serving.kserve.io" not in groups:
        fix = "install OpenShift AI with its KServe component"
        none = Check(code="kserve", state=State.BLOCKED, what="the cluster has no KServe", fix=fix)
        return Serving(checks=(none,))
    nothing: tuple[tuple[Check, ...], Versions] = (), Versions()
    unread = NamespaceLimits(namespace=clean(namespace), unknown=EVERYTHING)
    asked = _Questions()
    found = await asyncio.gather(
        asyncio.gather(
            asked.one("KServe's settings", read_settings(client), None),
            asked.one("the LLMInferenceServices", read_llm_services(client, namespace), None),
        ),
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
    (settings, services), (operators, versions), (openshift, inferred), rights, limits, pull = found
    versions = msgspec.structs.replace(versions, openshift=openshift, inferred=inferred)
    around = Around(
        release=versions.kserve,
        kubernetes=kubernetes,
        groups=groups,
        scheduling=scheduling or Scheduling(),
    )
    kserve = () if settings is None else kserve_checks(settings, around)
    own = tuple(check for check in (*kserve, *operators, rights) if check is not None)
    return Serving(
        checks=(*own, *limit_checks(limits, wanted), *llm_checks(services, wanted), *asked.unanswered),
        versions=versions,
        pull=pull,
        limits=limits,
        kserve=None if settings is None else kserve_of(settings),
        llm_services=services,
    )


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


async def api_groups(client: Client) -> frozenset[str] | None:
    """API groups that the server has; None when it does not tell. A 403 on an object would not tell
    either."""
    try:
        found = await client.get("/apis", _Groups)
    except ClusterError:
        return None
    return frozenset(group.name for group in found.groups or ()) or None


async def _openshift(
    client: Client, kubernetes: str, groups: frozenset[str] | None
) -> tuple[str | None, bool]:
    """OpenShift's version, and whether it was derived from Kubernetes'."""
    if groups is not None and "config.openshift.io" not in groups:
        return None, False
    try:
        found = await client.get("/apis/config.openshift.io/v1/clusterversions/version", _ClusterVersion)
    except ClusterError:
        release = minor_version(kubernetes)
        if groups is None or release is None or release <= _FIRST_MINOR:
            return None, False
        return f"4.{release - _FIRST_MINOR}", True
    return clean(found.status.desired.version, limit=40) or None, False


async def _may_serve(client: Client, namespace: str) -> Check:
    right = Right("inferenceservices", "serving.kserve.io", namespace, verb="create")
    try:
        allowed = await may(client, right)
    except ClusterError:
        allowed = None
    create = f"create InferenceServices in {clean(namespace)}"
    state, what = {
        True: (State.OK, f"we may {create}"),
        False: (State.WARNING, f"we may not {create}"),
        None: (State.UNKNOWN, f"whether we may {create} is unknown"),
    }[allowed]
    return Check(code="rights", state=state, what=what, fix="" if allowed else right.command)
